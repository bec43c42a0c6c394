import Compute

/// Something in the input of the `Supernet` room that cannot be used.
public struct SupernetError: Error, Equatable, CustomStringConvertible {
  /// What is wrong.
  public var problem: String
  /// Where: a file, a key, a position in a text.
  public var place: String
  /// What stood there.
  public var found: String
  /// What would be right.
  public var wanted: String

  public init(_ problem: String, at place: String, found: String, wanted: String) {
    self.problem = problem
    self.place = place
    self.found = found
    self.wanted = wanted
  }

  public var description: String { "\(place): \(problem): found \(found), wanted \(wanted)" }
}

extension SupernetError {
  /// - Throws: itself where a count is out of bounds.
  package static func check(_ count: Int, _ bounds: CountBounds, _ place: String) throws {
    guard bounds.contains(count) else {
      throw SupernetError("unsupported size", at: place, found: "\(count)", wanted: bounds.wanted)
    }
  }
}
