/// What keeps a run from being watched: what was wrong, where, what was found, what would be right.
public struct WatchError: Error, Equatable, Sendable, CustomStringConvertible {
  public var place: String
  public var problem: String
  public var found: String
  public var wanted: String

  public init(_ problem: String, at place: String, found: String, wanted: String) {
    self.place = place
    self.problem = problem
    self.found = found
    self.wanted = wanted
  }

  public var description: String { "\(place): \(problem): found \(found), wanted \(wanted)" }
}
