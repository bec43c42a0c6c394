import Foundation

/// Round positions on an axis and what is written beside them.
public struct Ticks: Equatable, Sendable {
  /// Ascending; the decimal numbers that the labels say, correctly rounded.
  public var values: [Double]
  public var labels: [Label]
  /// Short marks between the labelled ones; on logarithmic axes only.
  public var minor: [Double] = []
  /// What all labels leave out, as "×10^{5}" or "×10^{−9} + 2.3"; nil when they say it all.
  public var annotation: Label?

  /// Ticks at multiples of 1, 2, 2.5 or 5 times a power of ten inside `low`…`high`, as near to `target` many as
  /// there are. A range too narrow for double precision, or a single value, gets one tick.
  public static func linear(_ low: Double, _ high: Double, target: Int = 5) -> Ticks {
    let (low, high) = (min(low, high), max(low, high))
    let largest = max(abs(low), abs(high))
    guard low.isFinite, high.isFinite else { return Ticks(values: [], labels: []) }
    guard (high - low).isFinite, high - low > 1e-11 * largest, high - low > 1e-290 else {
      return Ticks(values: [(low / 2 + high / 2)], labels: [Label(Numeral.short(low / 2 + high / 2, digits: 6))])
    }
    let grid = Grid.best(low, high, target: max(1, target))
    return grid.ticks()
  }

  /// Ticks at powers of ten inside `low`…`high`, both above 0, thinned to about `target`; with less than two
  /// powers inside, at 1, 2 and 5 times a power, or as on a linear axis.
  public static func logarithmic(_ low: Double, _ high: Double, target: Int = 5) -> Ticks {
    guard low > 0, high > low, high.isFinite else { return linear(low, high, target: target) }
    let first = Int(floor(log10(low)))
    let last = Int(ceil(log10(high)))
    func inside(_ mantissas: [Int]) -> [(mantissa: Int, exponent: Int)] {
      (first...last).flatMap { exponent in
        mantissas.map { ($0, exponent) }.filter { mantissa, exponent in
          let value = Grid.decimal(Int64(mantissa), exponent)
          return value >= low * (1 - 1e-12) && value <= high * (1 + 1e-12)
        }
      }
    }
    func values(_ list: [(mantissa: Int, exponent: Int)]) -> [Double] {
      list.map { Grid.decimal(Int64($0.mantissa), $0.exponent) }
    }
    var chosen = inside([1])
    if chosen.count < 2 { chosen = inside([1, 2, 5]) }
    if chosen.count < 2 { return linear(low, high, target: target) }
    let stride = max(1, Int((Double(chosen.count) / Double(max(1, target))).rounded(.up)))
    if chosen.allSatisfy({ $0.mantissa == 1 }) { chosen = chosen.filter { $0.exponent.isMultiple(of: stride) } }
    let plain = chosen.allSatisfy { (-3...3).contains($0.exponent) }
    let labels = chosen.map { tick -> Label in
      if plain { return Label(Numeral.fixed(Grid.decimal(Int64(tick.mantissa), tick.exponent), decimals: -tick.exponent)) }
      let power = "10^{\(tick.exponent < 0 ? "\u{2212}" : "")\(abs(tick.exponent))}"
      return Label(tick.mantissa == 1 ? power : "\(tick.mantissa)×\(power)")
    }
    let major = values(chosen)
    let minor = last - first > 12 ? [] : values(inside(Array(1...9))).filter { !major.contains($0) }
    return Ticks(values: major, labels: labels, minor: minor)
  }

  /// Ticks at 0 and at powers of ten of both signs from `threshold` on, thinned to about `target`; where there are fewer
  /// than two, as on a linear axis.
  static func symmetric(_ low: Double, _ high: Double, threshold: Double, target: Int = 5) -> Ticks {
    let largest = max(abs(low), abs(high))
    guard largest > threshold, largest.isFinite else { return linear(low, high, target: target) }
    let (first, last) = (Int(ceil(log10(threshold) - 1e-9)), Int(floor(log10(largest) + 1e-9)))
    guard first <= last else { return linear(low, high, target: target) }
    let signs = (low < 0 ? 1 : 0) + (high > 0 ? 1 : 0)
    let stride = max(1, Int((Double((last - first + 1) * signs + 1) / Double(max(1, target))).rounded(.up)))
    let exponents = (first...last).filter { (last - $0).isMultiple(of: stride) }
    let isPlain = exponents.allSatisfy { (-3...3).contains($0) }
    func power(_ exponent: Int) -> String {
      isPlain
        ? Numeral.fixed(Grid.decimal(1, exponent), decimals: -exponent)
        : "10^{\(exponent < 0 ? "\u{2212}" : "")\(abs(exponent))}"
    }
    let all: [(Double, Label)] =
      exponents.reversed().map { (-Grid.decimal(1, $0), Label("\u{2212}" + power($0))) } + [(0, Label("0"))]
      + exponents.map { (Grid.decimal(1, $0), Label(power($0))) }
    let inside = all.filter { $0.0 >= low && $0.0 <= high }
    guard inside.count > 1 else { return linear(low, high, target: target) }
    return Ticks(values: inside.map(\.0), labels: inside.map(\.1))
  }

  /// Ticks at whole numbers inside `low`…`high`, as near to `target` many as there are; as on any axis where none is.
  static func whole(_ low: Double, _ high: Double, target: Int) -> Ticks {
    for fewer in stride(from: target, through: 1, by: -1) {
      let ticks = linear(low, high, target: fewer)
      if !ticks.values.isEmpty, ticks.values.allSatisfy({ $0 == $0.rounded() }) { return ticks }
    }
    let (first, last) = (ceil(low), floor(high))
    guard first <= last, last - first < 1000 else { return linear(low, high, target: target) }
    let values = Array(stride(from: first, through: last, by: 1))
    return Ticks(values: values, labels: values.map { Label(Numeral.fixed($0, decimals: 0)) })
  }

  /// `label` with what the tick labels leave out.
  func annotating(_ label: Label) -> Label {
    guard let annotation else { return label }
    return label.isEmpty ? annotation : label + " (" + annotation + ")"
  }

  /// Multiples `first`…`last` of `mantissa` × 10^`exponent`: whole numbers, so that no tick drifts by rounding.
  private struct Grid {
    var mantissa: Int64
    var exponent: Int
    var first: Int64
    var last: Int64

    static func best(_ low: Double, _ high: Double, target: Int) -> Grid {
      let rough = Int(floor(log10((high - low) / Double(target))))
      var best = Grid(mantissa: 1, exponent: rough, first: 0, last: 0)
      var bestScore = Double.infinity
      for exponent in (rough - 1)...(rough + 1) {
        // 2.5 is less simple than the others: it must win by more than half a tick.
        for (mantissa, power, penalty) in [(1, exponent, 0), (2, exponent, 0), (25, exponent - 1, 0.6), (5, exponent, 0)] {
          let step = decimal(Int64(mantissa), power)
          guard step > 0, step.isFinite else { continue }
          let (start, end) = (ceil(low / step - 1e-9), floor(high / step + 1e-9))
          guard abs(start) < 1e15, abs(end) < 1e15 else { continue }
          let count = end - start + 1
          let score = abs(count - Double(target)) + penalty + (count < 2 ? 10 : 0)
          if score <= bestScore {
            bestScore = score
            best = Grid(mantissa: Int64(mantissa), exponent: power, first: Int64(start), last: Int64(end))
          }
        }
      }
      return best
    }

    /// The double nearest to `digits` × 10^`power`.
    static func decimal(_ digits: Int64, _ power: Int) -> Double {
      switch power {
      // Both factors are exact here, so one rounding is left.
      case 0...22: Double(digits) * pow(10, Double(power))
      case -22..<0: Double(digits) / pow(10, Double(-power))
      default: Double("\(digits)e\(power)") ?? 0
      }
    }

    func ticks() -> Ticks {
      guard first <= last else { return Ticks(values: [], labels: []) }
      let digits = (first...last).map { $0 * mantissa }
      let values = digits.map { Grid.decimal($0, exponent) }
      let magnitude = Grid.magnitude(values)
      if magnitude - Grid.lastPlace(digits, exponent) >= 6 {
        // Long numbers that differ at the end: say the beginning once.
        let rest = digits.map { $0 - digits[0] }
        let start = Numeral.short(abs(values[0]), digits: 15)
        let (labels, power) = Grid.labels(rest, exponent)
        let annotation = [power, "\(digits[0] < 0 ? "\u{2212}" : "+") \(start)"].compactMap { $0 }.joined(separator: " ")
        return Ticks(values: values, labels: labels, annotation: Label(annotation))
      }
      let (labels, power) = Grid.labels(digits, exponent)
      return Ticks(values: values, labels: labels, annotation: power.map { Label($0) })
    }

    /// Decimal exponent of the first digit of the largest value.
    private static func magnitude(_ values: [Double]) -> Int {
      let largest = values.map(abs).max() ?? 0
      return largest > 0 ? Int(floor(log10(largest) + 1e-12)) : 0
    }

    /// Decimal exponent of the last digit that isn't 0 in any of the numbers.
    private static func lastPlace(_ digits: [Int64], _ exponent: Int) -> Int {
      digits.filter { $0 != 0 }.map { number in
        var (number, power) = (number, exponent)
        while number.isMultiple(of: 10) {
          number /= 10
          power += 1
        }
        return power
      }.min() ?? 0
    }

    /// The numbers with one count of decimals, and the power of ten that very large or small ones share.
    private static func labels(_ digits: [Int64], _ exponent: Int) -> (labels: [Label], power: String?) {
      let magnitude = magnitude(digits.map { decimal($0, exponent) })
      let shared = magnitude >= 5 || magnitude < -3 ? magnitude : 0
      let decimals = max(0, shared - lastPlace(digits, exponent))
      let labels = digits.map { Label(Numeral.fixed(decimal($0, exponent - shared), decimals: decimals)) }
      return (labels, shared == 0 ? nil : "×10^{\(shared < 0 ? "\u{2212}" : "")\(abs(shared))}")
    }
  }
}
