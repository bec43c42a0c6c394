/// How values become colours: limits, and whether values beyond them exist.
public struct ColourScale: Sendable {
  public let map: ColourMap
  public let low: Double
  public let high: Double
  /// Values below `low` or above `high` exist and get the end colours.
  public let extendsBelow: Bool
  public let extendsAbove: Bool

  public init(map: ColourMap, low: Double, high: Double, extendsBelow: Bool = false, extendsAbove: Bool = false) {
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

  /// Colour of `value`; nil for NaN.
  public func colour(_ value: Double) -> Colour? { value.isNaN ? nil : map.colour(at: fraction(value)) }

  /// Position of `value` between the limits: 0…1, cut off outside.
  func fraction(_ value: Double) -> Double {
    if value <= low { return 0 }
    if value >= high { return 1 }
    return (value / 2 - low / 2) / (high / 2 - low / 2)
  }

  /// Linear interpolation between the order statistics (definition 7 of Hyndman and Fan, 1996).
  private static func quantile(_ sorted: [Double], _ share: Double) -> Double {
    let position = share * Double(sorted.count - 1)
    let index = Int(position)
    guard index + 1 < sorted.count else { return sorted[index] }
    return sorted[index] + (sorted[index + 1] - sorted[index]) * (position - Double(index))
  }
}
