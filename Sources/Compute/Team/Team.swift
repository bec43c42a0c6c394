import Foundation

/// Processes that compute one thing together, each a *rank*: one alone, or those of an MPI job.
///
/// Messages arrive whole, once, and from each rank in the order in which it sent them. What they mean is the business of
/// `Crew` and `CrewServer`, through which all work is shared.
package protocol Team: AnyObject, Sendable {
  /// From 0; rank 0 leads, and it alone writes files.
  var rank: Int { get }
  /// How many ranks there are, at least 1.
  var size: Int { get }
  /// Name of the machine that this rank runs on, for messages.
  var host: String { get }
  /// Hands a message over; returns when `message` may be changed, not when it has arrived. May be called from several
  /// threads at a time, and while others receive.
  ///
  /// - Throws: `TeamError` where the other rank can't be reached.
  func send(_ message: [UInt8], to rank: Int) throws
  /// The next message that has arrived, from whichever rank; nil where none has. Called from one thread at a time.
  ///
  /// - Throws: `TeamError` where messages can't be received any more.
  func receive() throws -> TeamMessage?
  /// Ends every rank. A rank that can't go on calls it, since the others would wait for it; what it has written before, the
  /// launcher passes on.
  func abort(status: Int32) -> Never
  /// Whether rank 0 leaves, or has left, within so many seconds: whatever this rank has to say, nobody waits for it. What
  /// arrives meanwhile is dropped. Not for rank 0.
  func leaderHasLeft(within seconds: Double) -> Bool
  /// The last call of every rank that ends well. Rank 0 waits for all others to leave, they wait for rank 0.
  func leave()
}

extension Team {
  package func leaderHasLeft(within seconds: Double) -> Bool { false }
}

/// What a rank has sent to this one.
package struct TeamMessage: Equatable, Sendable {
  package var sender: Int
  package var bytes: [UInt8]

  package init(sender: Int, bytes: [UInt8]) { (self.sender, self.bytes) = (sender, bytes) }
}

/// What went wrong on another rank, or on the way to it.
package struct TeamError: Error, Equatable, CustomStringConvertible {
  package var rank: Int
  package var host: String?
  package var problem: String

  package init(rank: Int, host: String?, problem: String) {
    (self.rank, self.host, self.problem) = (rank, host, problem)
  }

  package var description: String { "rank \(rank)\(host.map { " on \($0)" } ?? ""): \(problem)" }
}

/// One process alone.
package final class SoloTeam: Team {
  package let rank = 0
  package let size = 1
  package var host: String { HostName.current }

  package init() {}

  package func send(_ message: [UInt8], to rank: Int) throws {
    throw TeamError(rank: rank, host: nil, problem: "no such rank: this process is alone")
  }

  package func receive() throws -> TeamMessage? { nil }
  package func abort(status: Int32) -> Never { exit(status) }
  package func leave() {}
}
