/// What is wrong with what a landscape was asked for or given.
public struct LandscapeError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The flag, file or key concerned.
  public var item: String
  public var problem: String
  public var found: String?
  public var expected: String?

  public init(item: String, problem: String, found: String? = nil, expected: String? = nil) {
    self.item = item
    self.problem = problem
    self.found = found
    self.expected = expected
  }

  public var description: String {
    var text = "\(item): \(problem)"
    if let found { text += ": found \(found)" }
    if let expected { text += "\(found == nil ? ":" : ",") expected \(expected)" }
    return text
  }
}
