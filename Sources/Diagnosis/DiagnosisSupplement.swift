import Formats

/// What a diagnosis tells beside its verdict: a section of diagnosis.txt and a key of diagnosis.yaml. The verdict does not rest
/// on it.
public struct DiagnosisSupplement: Equatable, Sendable {
  public let title: String
  public let lines: [String]
  /// Of the key and all below it.
  public let yaml: String

  public init(title: String, lines: [String], yaml: String) {
    (self.title, self.lines, self.yaml) = (title, lines, yaml)
  }

  /// As it stands below the account of the verdict.
  public var text: String { "\n\n\(title)\n" + lines.map { "  \($0)" }.joined(separator: "\n") }
}
