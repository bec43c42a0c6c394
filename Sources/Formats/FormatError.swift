/// What was wrong with a file, where in it, what was found there and what would be right.
public struct FormatError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Path of the file or folder.
  public var file: String
  /// The tensor, column, line or byte concerned; nil where it is the file as a whole.
  public var item: String?
  public var problem: String
  public var found: String?
  public var expected: String?

  public init(file: String, item: String? = nil, problem: String, found: String? = nil, expected: String? = nil) {
    self.file = file
    self.item = item
    self.problem = problem
    self.found = found
    self.expected = expected
  }

  public var description: String {
    var text = file
    if let item { text += ": \(item)" }
    text += ": \(problem)"
    switch (found, expected) {
    case (let found?, let expected?): text += ": found \(found), expected \(expected)"
    case (let found?, nil): text += ": found \(found)"
    case (nil, let expected?): text += ": expected \(expected)"
    case (nil, nil): break
    }
    return text
  }
}
