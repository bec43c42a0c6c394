import Compute
import Formats

/// A random part of an image, resized to the side of a batch (Szegedy et al., *Going deeper with convolutions*, 2015, §6),
/// with torchvision's way of choosing (`RandomResizedCrop`).
public struct ResizedCrop: Equatable, Sendable {
  /// Share of the image's area.
  public var areas: ClosedRange<Double>
  /// Width over height, log-uniform from 1/value to value.
  public var stretch: Double

  public init(areas: ClosedRange<Double>, stretch: Double) {
    self.areas = areas
    self.stretch = stretch
  }

  /// What ImageNet is trained with: 8 % to all of the area, 3:4 to 4:3.
  public static let imageNet = ResizedCrop(areas: 0.08...1, stretch: 4.0 / 3)

  /// - Throws: `InputError` where the ranges make no sense.
  func check() throws {
    guard areas.lowerBound > 0, areas.upperBound <= 1, stretch >= 1, stretch <= 16 else {
      throw InputError(
        "out of range", at: "resized crop", found: "areas \(areas), stretch \(stretch)",
        wanted: "areas within 0 to 1, stretch 1 to 16")
    }
  }

  package struct Part: Equatable, Sendable {
    package var row: Int
    package var column: Int
    package var height: Int
    package var width: Int

    package init(row: Int, column: Int, height: Int, width: Int) {
      self.row = row
      self.column = column
      self.height = height
      self.width = width
    }
  }

  /// Ten tries for a part that lies within the image; then the largest central one of an allowed shape.
  package func draw(width: Int, height: Int, from stream: inout RandomStream) -> Part {
    for _ in 0..<10 {
      let share = areas.lowerBound + (areas.upperBound - areas.lowerBound) * stream.uniform()
      let ratio = Self.power(stretch, 2 * stream.uniform() - 1)
      let area = Double(width * height) * share
      let part = (
        width: Int((area * ratio).squareRoot().rounded(.toNearestOrEven)),
        height: Int((area / ratio).squareRoot().rounded(.toNearestOrEven))
      )
      if part.width > 0, part.width <= width, part.height > 0, part.height <= height {
        return Part(
          row: stream.integer(below: height - part.height + 1), column: stream.integer(below: width - part.width + 1),
          height: part.height, width: part.width)
      }
    }
    var (partWidth, partHeight) = (width, height)
    let ratio = Double(width) / Double(height)
    if ratio < 1 / stretch {
      partHeight = min(height, Int((Double(width) * stretch).rounded(.toNearestOrEven)))
    } else if ratio > stretch {
      partWidth = min(width, Int((Double(height) * stretch).rounded(.toNearestOrEven)))
    }
    return Part(
      row: (height - partHeight) / 2, column: (width - partWidth) / 2, height: partHeight, width: partWidth)
  }

  /// base^exponent for an exponent in −1…1, from operations that IEEE 754 rounds exactly, so that the bits don't depend on a
  /// system's mathematics library: square roots down to a base whose power a short series gives.
  private static func power(_ base: Double, _ exponent: Double) -> Double {
    var root = base
    for _ in 0..<10 { root = root.squareRoot() }
    // (1 + x)^e by its binomial series; x is below 0.003, so eight terms leave nothing out.
    let x = root - 1
    var (term, sum) = (1.0, 1.0)
    for index in 1...8 {
      term *= (exponent - Double(index - 1)) / Double(index) * x
      sum += term
    }
    for _ in 0..<10 { sum *= sum }
    return sum
  }
}
