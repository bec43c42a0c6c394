/// The numbers that a value from outside may be.
public struct RealBounds: Equatable, Sendable {
  private let range: ClosedRange<Double>
  private let excludesLower: Bool
  private let allowsNotFinite: Bool
  /// What would be right, in words.
  public let wanted: String

  private init(_ range: ClosedRange<Double>, _ wanted: String, excludesLower: Bool = false, allowsNotFinite: Bool = false) {
    self.range = range
    self.wanted = wanted
    self.excludesLower = excludesLower
    self.allowsNotFinite = allowsNotFinite
  }

  public func contains(_ value: Double) -> Bool {
    guard value.isFinite else { return allowsNotFinite }
    return range.contains(value) && !(excludesLower && value == range.lowerBound)
  }

  private static let largest = Double.greatestFiniteMagnitude

  /// Every number, NaN and infinities among them: a loss where training diverged.
  public static let any = RealBounds(-largest...largest, "a number", allowsNotFinite: true)
  public static let finite = RealBounds(-largest...largest, "a finite number")
  public static let notNegative = RealBounds(0...largest, "a finite number, 0 or more")
  public static let positive = RealBounds(0...largest, "a finite number above 0", excludesLower: true)
  /// A part of a whole.
  public static let fraction = RealBounds(0...1, "0 to 1")
}
