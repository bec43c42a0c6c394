import Formats
import Foundation

/// A range of values, how it maps to lengths, and its label.
public struct Axis: Sendable {
  public enum Scale: Equatable, Sendable {
    case linear, logarithmic
    /// Linear up to `threshold` on both sides of 0 and logarithmic beyond: the first decade beyond is as long as the way
    /// from 0 to the threshold.
    case symmetric(threshold: Double)

    /// Whether a value has a place on it.
    func shows(_ value: Double) -> Bool { value.isFinite && (self != .logarithmic || value > 0) }
  }

  public var label: Label
  /// Ends of the axis; the lower one first.
  public let low: Double
  public let high: Double
  public let scale: Scale

  /// - Throws: `InputError` when the ends aren't finite, ascending and, on a logarithmic axis, above 0.
  public init(label: Label, low: Double, high: Double, scale: Scale = .linear) throws {
    guard low.isFinite, high.isFinite, low < high, scale != .logarithmic || low > 0 else {
      throw InputError.undrawable(
        "axis \(label.plain)", found: "\(low) to \(high)",
        wanted: scale == .logarithmic ? "finite, ascending ends above 0" : "finite, ascending ends")
    }
    if case .symmetric(let threshold) = scale, !(threshold > 0 && threshold.isFinite) {
      throw InputError.undrawable(
        "axis \(label.plain)", found: "a threshold of \(threshold)", wanted: "a finite one above 0")
    }
    self.label = label
    self.low = low
    self.high = high
    self.scale = scale
  }

  /// An axis over `least`…`most` with `air` of its length added at each end; a single value gets room around it.
  static func around(_ least: Double, _ most: Double, label: Label, scale: Scale, air: Double) throws -> Axis {
    switch scale {
    case .linear:
      let span = most / 2 - least / 2
      let resolved = span > 1e-12 * max(abs(least), abs(most))
      let margin = resolved ? 2 * span * air : max(abs(least) * 0.05, least == 0 ? 1 : 0)
      return try Axis(
        label: label, low: max(least - margin, -.greatestFiniteMagnitude), high: min(most + margin, .greatestFiniteMagnitude)
      )
    case .logarithmic:
      let factor = most > least ? exp(log(most / least) * air) : 2
      return try Axis(
        label: label, low: max(least / factor, .leastNormalMagnitude), high: min(most * factor, .greatestFiniteMagnitude),
        scale: .logarithmic)
    case .symmetric(let threshold):
      let (low, high) = (symmetric(least, threshold), symmetric(most, threshold))
      let margin = high > low ? (high - low) * air : 0.5
      return try Axis(
        label: label, low: unsymmetric(low - margin, threshold), high: unsymmetric(high + margin, threshold), scale: scale)
    }
  }

  private static func symmetric(_ value: Double, _ threshold: Double) -> Double {
    let size = abs(value) / threshold
    return size <= 1 ? value / threshold : (value < 0 ? -1 : 1) * (1 + log10(size))
  }

  private static func unsymmetric(_ place: Double, _ threshold: Double) -> Double {
    let size = abs(place)
    return size <= 1
      ? place * threshold : (place < 0 ? -1 : 1) * min(pow(10, size - 1) * threshold, .greatestFiniteMagnitude)
  }

  /// Where `value` lies: 0 at the lower end, 1 at the upper; NaN for what a logarithmic axis can't show.
  public func fraction(_ value: Double) -> Double {
    switch scale {
    case .linear: (value / 2 - low / 2) / (high / 2 - low / 2)
    case .logarithmic: value > 0 ? log(value / low) / log(high / low) : .nan
    case .symmetric(let threshold):
      (Self.symmetric(value, threshold) - Self.symmetric(low, threshold))
        / (Self.symmetric(high, threshold) - Self.symmetric(low, threshold))
    }
  }

  /// The value at a place: the inverse of `fraction`.
  func value(at fraction: Double) -> Double {
    switch scale {
    case .linear: low * (1 - fraction) + high * fraction
    case .logarithmic: low * exp(log(high / low) * fraction)
    case .symmetric(let threshold):
      Self.unsymmetric(
        Self.symmetric(low, threshold) * (1 - fraction) + Self.symmetric(high, threshold) * fraction, threshold)
    }
  }

  public func ticks(target: Int = 5) -> Ticks {
    switch scale {
    case .linear: Ticks.linear(low, high, target: target)
    case .logarithmic: Ticks.logarithmic(low, high, target: target)
    case .symmetric(let threshold): Ticks.symmetric(low, high, threshold: threshold, target: target)
    }
  }

  /// The most ticks up to `target` whose labels keep a distance from one another along `length` points.
  ///
  /// - Parameter whole: at whole numbers only, on a linear axis.
  func ticks(along length: Double, size: Double, target: Int, ruler: Ruler, whole: Bool = false) -> Ticks {
    var ticks = ticks(target: target)
    for fewer in stride(from: target, through: 1, by: -1) {
      ticks = whole && scale == .linear ? Ticks.whole(low, high, target: fewer) : self.ticks(target: fewer)
      let spans = zip(ticks.values, ticks.labels).map { value, label in
        (centre: fraction(value) * length, half: ruler.width(label, size: size) / 2)
      }
      let apart = zip(spans, spans.dropFirst()).allSatisfy { $1.centre - $1.half - ($0.centre + $0.half) >= size * 0.5 }
      if apart { return ticks }
    }
    return ticks
  }
}
