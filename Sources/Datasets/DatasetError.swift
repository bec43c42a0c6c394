/// What was wrong with a dataset or with what was asked of it: where, what was found, and what would be right.
public struct DatasetError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file, folder or flag concerned.
  public var source: String
  public var problem: String
  public var found: String?
  public var expected: String?

  public init(source: String, problem: String, found: String? = nil, expected: String? = nil) {
    self.source = source
    self.problem = problem
    self.found = found
    self.expected = expected
  }

  public var description: String {
    let details = [found.map { "found \($0)" }, expected.map { "expected \($0)" }].compactMap { $0 }
    return "\(source): \(problem)" + (details.isEmpty ? "" : ": " + details.joined(separator: ", "))
  }
}
