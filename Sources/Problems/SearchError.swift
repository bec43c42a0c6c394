/// What stops a search.
public enum SearchError: Error, Equatable, CustomStringConvertible {
  /// A setting or a file that cannot be used: what is wrong, where, what stood there, what would be right.
  case invalid(String, at: String, found: String, wanted: String)
  /// Numbers left the finite range: what, at which step of which method, and the norms around it.
  case diverged(String)
  /// A signal asked the run to stop; everything up to that step is in the checkpoint.
  case interrupted(signal: Int32, epoch: Int, step: Int, checkpoint: String)

  public var description: String {
    switch self {
    case .invalid(let problem, let place, let found, let wanted):
      "\(place): \(problem): found \(found), wanted \(wanted)"
    case .diverged(let account): account
    case .interrupted(let signal, let epoch, let step, let checkpoint):
      "stopped by signal \(signal) in epoch \(epoch) before step \(step) (both from 0); the state is in \(checkpoint)"
    }
  }
}

extension SearchError {
  /// Puts the name of a file before the places of what is wrong with its settings.
  package static func naming(_ file: String, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch SearchError.invalid(let problem, let place, let found, let wanted) {
      throw SearchError.invalid(problem, at: "\(file): \(place)", found: found, wanted: wanted)
    }
  }
}
