/// What is wrong with the samples given to a statistic.
public struct StatisticsError: Error, Equatable, Sendable, CustomStringConvertible {
  public var item: String
  public var found: String
  public var expected: String

  public init(item: String, found: String, expected: String) {
    self.item = item
    self.found = found
    self.expected = expected
  }

  public var description: String { "\(item): found \(found), expected \(expected)" }
}
