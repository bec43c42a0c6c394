import Foundation

/// How values become colours: limits, and whether values beyond them exist.
public struct ColourScale: Sendable {
  public let map: ColourMap
  public let low: Double
  public let high: Double
  /// Values below `low` or above `high` exist and get the end colours.
  public let extendsBelow: Bool
  public let extendsAbove: Bool
  /// Colours go by the logarithm of a value; both limits are above 0 then.
  public let isLogarithmic: Bool

  public init(
    map: ColourMap, low: Double, high: Double, extendsBelow: Bool = false, extendsAbove: Bool = false,
    isLogarithmic: Bool = false
  ) {
    self.isLogarithmic = isLogarithmic && low > 0
    self.map = map
    self.low = low
    self.high = high
    self.extendsBelow = extendsBelow
    self.extendsAbove = extendsAbove
  }

  /// A scale over the bulk of `values`: a few that explode are clipped, so that the rest keeps its contrast.
  ///
  /// Values farther than three times the distance between the first and last decile beyond these deciles are
  /// clipped; infinities always are. Equal values get a scale around them.
  public static func sequential(_ values: [Double], map: ColourMap = .viridis) -> ColourScale {
    let finite = values.filter(\.isFinite).sorted()
    guard let least = finite.first, let most = finite.last else { return ColourScale(map: map, low: 0, high: 1) }
    let (first, last) = (quantile(finite, 0.1), quantile(finite, 0.9))
    let reach = 3 * (last - first)
    var (low, high) = (least, most)
    if reach > 0, reach.isFinite {
      low = finite.first { $0 >= first - reach } ?? least
      high = finite.last { $0 <= last + reach } ?? most
    }
    let below = low > least || values.contains(-.infinity)
    let above = high < most || values.contains(.infinity)
    if !(high - low > 1e-11 * max(abs(low), abs(high))) {
      let margin = low == 0 ? 1 : 0.05 * abs(low)
      (low, high) = (low - margin, high + margin)
    }
    return ColourScale(map: map, low: low, high: high, extendsBelow: below, extendsAbove: above)
  }

  /// A scale with 0 in the middle over the bulk of `values`, by the same rule.
  public static func symmetric(_ values: [Double], map: ColourMap = .blueWhiteRed) -> ColourScale {
    let finite = values.filter(\.isFinite)
    let sizes = finite.map(abs).sorted()
    let last = sizes.isEmpty ? 0 : quantile(sizes, 0.9)
    var bound = sizes.last ?? 0
    if last > 0, (3 * last).isFinite { bound = sizes.last { $0 <= 3 * last } ?? bound }
    if bound == 0 { bound = sizes.last.flatMap { $0 > 0 ? $0 : nil } ?? 1 }
    return ColourScale(
      map: map, low: -bound, high: bound, extendsBelow: values.contains { $0 < -bound },
      extendsAbove: values.contains { $0 > bound })
  }

  /// A scale over every value above 0, in its logarithm; values that have none get the lowest colour.
  public static func logarithmic(_ values: [Double], map: ColourMap = .viridis) -> ColourScale {
    let positive = values.filter { $0.isFinite && $0 > 0 }
    guard var low = positive.min(), var high = positive.max() else { return ColourScale(map: map, low: 0, high: 1) }
    if !(high > low * (1 + 1e-11)) { (low, high) = (low / 1.05, min(high * 1.05, .greatestFiniteMagnitude)) }
    return ColourScale(
      map: map, low: low, high: high, extendsBelow: values.contains { $0 <= 0 },
      extendsAbove: values.contains(.infinity), isLogarithmic: true)
  }

  /// The same limits for `values`, whichever of them lie beyond.
  public static func fixed(_ range: ClosedRange<Double>, _ values: [Double], map: ColourMap, isLogarithmic: Bool = false)
    -> ColourScale
  {
    ColourScale(
      map: map, low: range.lowerBound, high: range.upperBound, extendsBelow: values.contains { $0 < range.lowerBound },
      extendsAbove: values.contains { $0 > range.upperBound }, isLogarithmic: isLogarithmic)
  }

  /// A sentence for the caption where values lie beyond the limits.
  ///
  /// - Parameter what: what is clipped: "Colours of losses".
  func clippingNote(_ values: [Double], of what: String) -> String? {
    guard extendsAbove || extendsBelow else { return nil }
    let values = values.filter { !$0.isNaN }
    var reached: [String] = []
    if extendsBelow, let least = values.min() { reached.append("smallest \(Numeral.short(least))") }
    if extendsAbove, let most = values.max() { reached.append("largest \(Numeral.short(most))") }
    return "\(what) are clipped to \(Numeral.short(low)) … \(Numeral.short(high)) "
      + "(\(reached.joined(separator: ", ")))."
  }

  /// Round values of the scale.
  public func ticks(target: Int) -> Ticks {
    isLogarithmic ? .logarithmic(low, high, target: target) : .linear(low, high, target: target)
  }

  /// Colour of `value`; nil for NaN.
  public func colour(_ value: Double) -> Colour? { value.isNaN ? nil : map.colour(at: fraction(value)) }

  /// Position of `value` between the limits: 0…1, cut off outside.
  func fraction(_ value: Double) -> Double {
    if value <= low { return 0 }
    if value >= high { return 1 }
    return isLogarithmic ? log(value / low) / log(high / low) : (value / 2 - low / 2) / (high / 2 - low / 2)
  }

  /// Linear interpolation between the order statistics (definition 7 of Hyndman and Fan, 1996).
  private static func quantile(_ sorted: [Double], _ share: Double) -> Double {
    let position = share * Double(sorted.count - 1)
    let index = Int(position)
    guard index + 1 < sorted.count else { return sorted[index] }
    return sorted[index] + (sorted[index + 1] - sorted[index]) * (position - Double(index))
  }
}
