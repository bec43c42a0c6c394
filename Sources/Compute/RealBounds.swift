/// The numbers that a value from outside may be.
public struct RealBounds: Equatable, Sendable {
  private let range: ClosedRange<Double>
  private let excludesLower: Bool
  private let excludesUpper: Bool
  private let allowsNaN: Bool
  /// What would be right, in words.
  public let wanted: String

  /// - Parameters:
  ///   - range: may end in an infinity, which it then contains.
  ///   - excludesLower: whether its lower end is not one of the numbers, and likewise its upper one.
  package init(
    _ range: ClosedRange<Double>, _ wanted: String, excludesLower: Bool = false, excludesUpper: Bool = false,
    allowsNaN: Bool = false
  ) {
    self.range = range
    self.wanted = wanted
    self.excludesLower = excludesLower
    self.excludesUpper = excludesUpper
    self.allowsNaN = allowsNaN
  }

  public func contains(_ value: Double) -> Bool {
    if value.isNaN { return allowsNaN }
    return range.contains(value) && !(excludesLower && value == range.lowerBound)
      && !(excludesUpper && value == range.upperBound)
  }

  /// The same numbers in other words.
  package func worded(_ wanted: String) -> RealBounds {
    RealBounds(range, wanted, excludesLower: excludesLower, excludesUpper: excludesUpper, allowsNaN: allowsNaN)
  }

  private static let largest = Double.greatestFiniteMagnitude

  /// Every number, NaN and infinities among them: a loss where training diverged, or what goes with another value.
  public static let any = RealBounds(-Double.infinity...Double.infinity, "a number", allowsNaN: true)
  public static let finite = RealBounds(-largest...largest, "a finite number")
  public static let notNegative = RealBounds(0...largest, "a finite number, 0 or more")
  public static let positive = RealBounds(0...largest, "a finite number above 0", excludesLower: true)
  /// A part of a whole.
  public static let fraction = RealBounds(0...1, "0 to 1")
}
