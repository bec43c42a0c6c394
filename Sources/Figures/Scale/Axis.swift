import Foundation

/// A range of values, how it maps to lengths, and its label.
public struct Axis: Sendable {
  public enum Scale: Sendable { case linear, logarithmic }

  public var label: Label
  /// Ends of the axis; the lower one first.
  public let low: Double
  public let high: Double
  public let scale: Scale

  /// - Throws: `FigureError.badData` when the ends aren't finite, ascending and, on a logarithmic axis, above 0.
  public init(label: Label, low: Double, high: Double, scale: Scale = .linear) throws {
    guard low.isFinite, high.isFinite, low < high, scale == .linear || low > 0 else {
      throw FigureError.badData(
        field: "axis \(label.plain)", found: "\(low) to \(high)",
        wanted: scale == .linear ? "finite, ascending ends" : "finite, ascending ends above 0")
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
    }
  }

  /// Where `value` lies: 0 at the lower end, 1 at the upper; NaN for what a logarithmic axis can't show.
  public func fraction(_ value: Double) -> Double {
    switch scale {
    case .linear: (value / 2 - low / 2) / (high / 2 - low / 2)
    case .logarithmic: value > 0 ? log(value / low) / log(high / low) : .nan
    }
  }

  public func ticks(target: Int = 5) -> Ticks {
    switch scale {
    case .linear: Ticks.linear(low, high, target: target)
    case .logarithmic: Ticks.logarithmic(low, high, target: target)
    }
  }

  /// The most ticks up to `target` whose labels keep a distance from one another along `length` points.
  func ticks(along length: Double, size: Double, target: Int, ruler: Ruler) -> Ticks {
    var ticks = ticks(target: target)
    for fewer in stride(from: target, through: 1, by: -1) {
      ticks = self.ticks(target: fewer)
      let spans = zip(ticks.values, ticks.labels).map { value, label in
        (centre: fraction(value) * length, half: ruler.width(label, size: size) / 2)
      }
      let apart = zip(spans, spans.dropFirst()).allSatisfy { $1.centre - $1.half - ($0.centre + $0.half) >= size * 0.5 }
      if apart { return ticks }
    }
    return ticks
  }
}
