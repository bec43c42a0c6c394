/// The whole numbers that a count from outside may be. It stands where the limit comes from, and every flag, setting and file
/// that holds such a count asks it: no arithmetic on a count that passed can overflow.
public struct CountBounds: Equatable, Sendable {
  public let range: ClosedRange<Int>
  /// Of which a count is a multiple.
  public let multiple: Int
  /// Whether a count is odd.
  public let isOdd: Bool
  /// What 0 stands for where it is allowed beside the range.
  public let zero: String?
  /// Why, for people.
  public let reason: String?

  public init(
    _ range: ClosedRange<Int>, multipleOf multiple: Int = 1, isOdd: Bool = false, zero: String? = nil,
    since reason: String? = nil
  ) {
    self.range = range
    self.multiple = max(1, multiple)
    self.isOdd = isOdd
    self.zero = zero
    self.reason = reason
  }

  /// The same with a meaning for 0.
  public func or(zero meaning: String) -> CountBounds {
    CountBounds(range, multipleOf: multiple, isOdd: isOdd, zero: meaning, since: reason)
  }

  public func contains(_ count: Int) -> Bool {
    if zero != nil, count == 0 { return true }
    return range.contains(count) && count.isMultiple(of: multiple) && !(isOdd && count.isMultiple(of: 2))
  }

  /// The count that a number is; nil for one that is not whole (NaN and infinities among them) or out of bounds.
  public func count(_ number: Double) -> Int? { Int(exactly: number).flatMap { contains($0) ? $0 : nil } }

  /// The count that a text is, blanks around it left out; nil for anything else.
  public func count(_ text: some StringProtocol) -> Int? {
    let bare = text.drop { $0 == " " }
    let end = bare.lastIndex { $0 != " " }.map { bare.index(after: $0) } ?? bare.endIndex
    return Int(bare[..<end]).flatMap { contains($0) ? $0 : nil }
  }

  /// What would be right, in words: `1 to 1024, or 0 for one a processor`.
  public var wanted: String {
    var text = "\(range.lowerBound) to \(range.upperBound)"
    if multiple > 1 { text = "a multiple of \(multiple), \(text)" }
    if isOdd { text = "an odd number, \(text)" }
    if let zero { text += ", or 0 for \(zero)" }
    if let reason { text += ", since \(reason)" }
    return text
  }

  /// Whole numbers that a double holds exactly, and so every program that reads a table: cells that no other bounds are for.
  public static let cell = CountBounds(-(1 << 53)...(1 << 53))
}

extension Int {
  /// The product of counts that are not negative; the largest number there is where it overflows.
  public static func saturatingProduct(_ factors: Int...) -> Int {
    factors.reduce(1) { product, factor in
      let (result, overflow) = product.multipliedReportingOverflow(by: factor)
      return overflow ? .max : result
    }
  }
}
