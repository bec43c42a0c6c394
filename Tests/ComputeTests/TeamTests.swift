import Compute
import Foundation
import TestSupport
import Testing

@Suite("Teams") struct TeamTests {
  @Test("messages arrive whole, once and in order, on 1 to 4 ranks that are threads", arguments: 1...4)
  func threads(size: Int) throws {
    let reports = Reports()
    let run: @Sendable (any Team) throws -> Void = { team in
      reports.add(try TeamLaws.exchange(team))
      reports.add(TeamLaws.refusals(team))
    }
    try ThreadTeam(size: size).run(leader: run, server: run)
    #expect(reports.all.count == 2 * size)
    for report in reports.all { #expect(report.isEmpty, "\(report)") }
  }

  @Test("threads of several ranks write to rank 0 at a time", arguments: 1...3) func allToLeader(size: Int) throws {
    let reports = Reports()
    let run: @Sendable (any Team) throws -> Void = { reports.add(try TeamLaws.allToLeader($0)) }
    try ThreadTeam(size: size).run(leader: run, server: run)
    #expect(reports.all.count == size)
    for report in reports.all { #expect(report.isEmpty, "\(report)") }
  }

  @Test("one process alone hears nothing and can reach nobody") func solo() throws {
    let team = SoloTeam()
    #expect(team.rank == 0 && team.size == 1 && !team.host.isEmpty)
    #expect(try team.receive() == nil)
    let report = TeamLaws.refusals(team)
    #expect(report.isEmpty, "\(report)")
    #expect(!team.leaderHasLeft(within: 0))
  }

  private final class Reports: @unchecked Sendable {
    private let lock = NSLock()
    private var reports: [LawReport] = []
    var all: [LawReport] { lock.withLock { reports } }
    func add(_ report: LawReport) { lock.withLock { reports.append(report) } }
  }
}

/// On the ranks of a real MPI job, each of which runs this test: scripts/mpi-test.sh.
@Suite("Team of MPI ranks") struct MPITeamTests {
  private static let environment = ProcessInfo.processInfo.environment

  @Test(
    "keeps the laws of teams, shares pieces out, and ends",
    .enabled(if: TeamStart.launch(environment: environment) != nil, "under mpirun alone"))
  func laws() throws {
    let launch = try #require(TeamStart.launch(environment: Self.environment))
    let team = try TeamStart.team(environment: Self.environment)
    #expect(team.size == launch.size && team.rank == launch.rank)
    for report in [try TeamLaws.exchange(team), TeamLaws.refusals(team), try TeamLaws.allToLeader(team)] {
      #expect(report.isEmpty, "\(report)")
    }
    if team.rank == 0 {
      let crew = Crew(team: team, workers: 2)
      for round in 0..<3 {
        try CrewWork.check(crew, 50, round: round)
      }
    } else {
      try CrewWork.serve(team, workers: 2)
    }
    team.leave()
    #expect(throws: TeamError.self) { _ = try team.receive() }
  }
}
