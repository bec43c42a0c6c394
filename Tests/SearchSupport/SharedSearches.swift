import Compute
import Foundation
import Problems
import Runs
import Search
import Synchronization
import TestSupport

/// What the servers of a search have sent beside their arrivals: answers, failures and signals.
package final class ServerActivity: Sendable {
  private let count = Atomic<Int>(0)

  package init() {}

  package var messages: Int { count.load(ordering: .acquiring) }

  fileprivate func add() { count.add(1, ordering: .releasing) }

  /// Waits until a server has done something, so that a test is never one of rank 0 alone; a server that does nothing within
  /// 20 seconds fails the test's expectation, and hangs nothing.
  package func wait() { Self.wait { self.messages > 0 } }

  /// Waits until something holds, 20 seconds at most.
  package static func wait(until holds: () -> Bool) {
    let end = Date() + 20
    while !holds(), Date() < end { usleep(200) }
  }
}

/// A rank whose messages are counted, but for the first.
private final class WatchedTeam: Team {
  private let base: any Team
  private let activity: ServerActivity
  private let sent = Atomic<Int>(0)

  init(_ base: any Team, _ activity: ServerActivity) { (self.base, self.activity) = (base, activity) }

  var rank: Int { base.rank }
  var size: Int { base.size }
  var host: String { base.host }
  func send(_ message: [UInt8], to rank: Int) throws {
    try base.send(message, to: rank)
    if sent.add(1, ordering: .relaxed).oldValue > 0 { activity.add() }
  }
  func receive() throws -> TeamMessage? { try base.receive() }
  func abort(status: Int32) -> Never { base.abort(status: status) }
  func leave() { base.leave() }
}

/// Groups and ranks that candidates are evaluated on.
package struct Crowd: Sendable, CustomStringConvertible {
  package var groups: Int
  package var ranks: Int

  package init(groups: Int, ranks: Int) { (self.groups, self.ranks) = (groups, ranks) }

  package var description: String { "\(groups) groups on each of \(ranks) ranks" }

  /// One to three of each.
  package static let all = (1...3).flatMap { ranks in (1...3).map { Crowd(groups: $0, ranks: ranks) } }

  /// Runs something on rank 0 that gives candidates away, while the others serve it.
  ///
  /// - Parameters:
  ///   - configuration: of all ranks.
  ///   - activity: of the servers; rank 0's copies of the problem wait for it.
  ///   - signal: that a server reports.
  ///   - serverProblem: a copy of the problem of some settings on another rank.
  ///   - requestStop: told of a server's signal.
  ///   - body: gets what makes a crew of settings, a problem and its copies on rank 0.
  package func run<Problem: BilevelProblem & SendableMetatype, Result>(
    _ configuration: SearchConfiguration, activity: ServerActivity = ServerActivity(),
    signal: @escaping @Sendable () -> Int32? = { nil }, requestStop: @escaping @Sendable (Int32) -> Void = { _ in },
    serverProblem: @escaping @Sendable (SearchConfiguration) throws -> Problem,
    body: (_ makeCrew: @escaping (SearchConfiguration, Problem, [Problem]) throws -> CandidateCrew<Problem>) throws -> Result
  ) throws -> Result {
    try ThreadTeam(size: ranks).run { team in
      let crew = Crew(team: team, workers: groups, requestStop: requestStop)
      defer { try? crew.dismiss() }
      return try body { settings, problem, copies in
        try CandidateCrew(of: problem, groups: copies, crew: crew, team: team, search: configuration, settings: settings)
      }
    } server: { [groups] team in
      let server = CandidateServer<Problem>(
        team: WatchedTeam(team, activity), search: configuration, workers: groups
      ) { settings in try (0..<groups).map { _ in try serverProblem(settings) } }
      try server.serve(signal: signal)
    }
  }
}
