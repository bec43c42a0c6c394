/// Which numbers a setting may be, in words too.
struct NumberBounds: Sendable {
  let wanted: String
  let contains: @Sendable (Double) -> Bool

  /// What it may be goes with another setting.
  static let any = NumberBounds(wanted: "a number") { _ in true }
  static let positive = NumberBounds(wanted: "a number above 0") { $0 > 0 && $0.isFinite }
  /// Infinity is for a limit that nothing reaches.
  static let limit = NumberBounds(wanted: "a number above 0") { $0 > 0 }
  static let notNegative = NumberBounds(wanted: "0 or more") { $0 >= 0 && $0.isFinite }
  static let share = NumberBounds(wanted: "0 to 1") { (0...1).contains($0) }
  static let belowOne = NumberBounds(wanted: "0 or more and below 1") { (0..<1).contains($0) }
  static let ratio = NumberBounds(wanted: "above 0, at most 1") { $0 > 0 && $0 <= 1 }
}
