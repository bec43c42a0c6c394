import Cells
import Compute
import Formats
import Foundation
import Problems
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// Comparisons of the closed-form problem over ranks that are threads.
@Suite("A comparison over ranks") struct ComparisonTeamTests {
  private typealias Observed = ObservedProblem<QuadraticBilevelProblem>
  private typealias Factory = @Sendable (SearchConfiguration) throws -> Observed

  private func plan(_ methods: [SearchMethod], seeds: [UInt64] = [5], warmup: Int = 2) throws -> ComparisonPlan {
    let yaml = """
      datasets: [closed-form]
      settings: {epochs: 4, warmup: \(warmup), inner_steps: 4, learning_rate: 0.1}
      method_settings: {zarts-mgs: {candidates: 3}, zarts-rs: {candidates: 3}}
      """
    return try ComparisonPlan(
      yaml: yaml, from: "test", lists: .init(methods: methods, seeds: seeds, spaces: [.s2], budget: .epochs))
  }

  @Sendable private static func problem(_ configuration: SearchConfiguration) throws -> Observed {
    let problem = try ObservedProblem(quadratic(space: configuration.space, seed: configuration.seed))
    problem.hasStatistics = true
    return problem
  }

  /// Something that one thread waits for and another does.
  private final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    func open() { semaphore.signal() }
    /// Waits until it has been opened, for the first that comes and all after it.
    func pass() throws {
      guard semaphore.wait(timeout: .now() + 60) == .success else { throw TestFailure("nothing came for a minute") }
      semaphore.signal()
    }
  }

  /// - Parameters:
  ///   - leader: makes the problems of rank 0, `server` those of the others.
  ///   - serverStop: of each rank but 0.
  private func compare(
    _ plan: ComparisonPlan, in path: String, ranks: Int, jobs: Int = 1, stop: StopRequest = StopRequest(),
    serverStop: StopRequest? = nil, checksums: [[String: String]] = [[:], [:]],
    leader: @escaping Factory = { try ComparisonTeamTests.problem($0) },
    server: @escaping Factory = { try ComparisonTeamTests.problem($0) }
  ) throws -> (rows: [ComparisonRow], account: CrewAccount) {
    try ThreadTeam(size: ranks).run { team in
      let crew = Crew(team: team, workers: jobs, requestStop: { stop.request(signal: $0) }, signal: { stop.signal })
      let folder = try FileManager.default.fileExists(atPath: path) ? OutputFolder.existing(at: path) : .create(at: path)
      let run = try ComparisonRun(of: plan, in: folder, jobs: jobs, stop: stop, makeProblem: leader)
      return (try run.run(on: crew, checksums: checksums[0]), crew.account)
    } server: { team in
      try ComparisonServer(
        team: team, jobs: jobs, checksums: checksums[1], patience: 1, stop: serverStop ?? StopRequest(), makeProblem: server
      ).serve()
    }
  }

  private func expectSame(_ plan: ComparisonPlan, _ paths: [String]) throws {
    let files = try paths.map { try ComparisonFolder(existing: $0) }
    for run in plan.runs {
      let runs = files.map { $0.run(run) }
      for epoch in 0...4 {
        #expect(
          try bytes(runs[0].checkpointPath(epoch: epoch)) == bytes(runs[1].checkpointPath(epoch: epoch)),
          "\(run.name), epoch \(epoch)")
      }
      for path in [\SearchRunFolder.configurationPath, \.alphasPath, \.genotypesPath, \.genotypePath] {
        #expect(try bytes(runs[0][keyPath: path]) == bytes(runs[1][keyPath: path]), "\(runs[1][keyPath: path])")
      }
    }
    #expect(try bytes(files[0].planPath) == bytes(files[1].planPath))
    #expect(try bytes(files[0].testsPath) == bytes(files[1].testsPath))
    let tables = try files.map { files -> [[String]] in
      let table = try CSVTable(readingFrom: files.tablePath)
      let seconds = try #require(table.columns.firstIndex(of: "seconds"))
      return table.rows.map { row in row.indices.filter { $0 != seconds }.map { row[$0] } }
    }
    #expect(tables[0] == tables[1])
  }

  @Test("has the bytes of one process, for 1, 2 and 3 ranks of one and two jobs", arguments: [1, 2, 3], [1, 2])
  func sameBytes(ranks: Int, jobs: Int) throws {
    let folder = try ScratchFolder()
    let plan = try plan([.darts1, .zartsMGS], seeds: [1, 2])
    _ = try ComparisonRun(of: plan, in: .create(at: folder.file("one")), makeProblem: Self.problem).run()
    let (rows, account) = try compare(plan, in: folder.file("many"), ranks: ranks, jobs: jobs)
    #expect(rows.allSatisfy { $0.status == .finished }, "\(rows.map(\.error))")
    try expectSame(plan, [folder.file("one"), folder.file("many")])
    // Two warm-ups and four runs.
    #expect(account.ranks.count == ranks && account.ranks.map(\.pieces).reduce(0, +) == 6)
  }

  @Test("names the divergence of a run on another rank as that of one here, and the others go on")
  func divergenceElsewhere() throws {
    let folder = try ScratchFolder()
    let plan = try plan([.darts1, .zartsMGS], warmup: 0)
    let served = Gate()
    let (rows, account) = try compare(
      plan, in: folder.file("two"), ranks: 2,
      leader: { configuration in
        try served.pass()
        return try Self.problem(configuration)
      },
      server: { configuration in
        let problem = try Self.problem(configuration)
        problem.interfere = { $0 == 0 ? .nan : nil }
        served.open()
        return problem
      })
    // The first on either rank leaves the second to the other, which may have two of them where rank 0 is slow.
    #expect(account.ranks.count == 2 && account.ranks[1].pieces >= 1)
    let diverged = rows.filter { $0.status == .diverged }.map(\.method)
    #expect(diverged.count == account.ranks[1].pieces)
    #expect(rows.count { $0.status == .finished } == account.ranks[0].pieces)
    let alone = try ComparisonRun(of: plan, in: .create(at: folder.file("one"))) { configuration in
      let problem = try Self.problem(configuration)
      if diverged.contains(configuration.method) { problem.interfere = { $0 == 0 ? .nan : nil } }
      return problem
    }.run()
    #expect(rows.map(\.status) == alone.map(\.status) && rows.map(\.error) == alone.map(\.error))
    #expect(rows.allSatisfy { ($0.error == nil) == ($0.status == .finished) })
    // Tried again, all come to their ends.
    let after = try compare(plan, in: folder.file("two"), ranks: 3).rows
    #expect(after.allSatisfy { $0.status == .finished })
  }

  @Test("names what failed on another rank as it was said there")
  func failureElsewhere() throws {
    let folder = try ScratchFolder()
    let served = Gate()
    let (rows, _) = try compare(
      plan([.darts1, .darts2], warmup: 0), in: folder.file("c"), ranks: 2,
      leader: { configuration in
        try served.pass()
        return try Self.problem(configuration)
      },
      server: { _ in
        served.open()
        throw TestFailure("no such\ndata")
      })
    let failed = rows.filter { $0.status == .failed }
    #expect(!failed.isEmpty && failed.allSatisfy { $0.error == "no such data" })
    #expect(rows.allSatisfy { $0.status == .failed || $0.status == .finished })
  }

  @Test("stopped on rank 0 it stops on every rank with checkpoints, and goes on with any other number", arguments: [1, 3])
  func stopHere(ranks: Int) throws {
    let folder = try ScratchFolder()
    let plan = try plan([.darts1, .zartsMGS], warmup: 0)
    _ = try ComparisonRun(of: plan, in: .create(at: folder.file("whole")), makeProblem: Self.problem).run()
    let (stop, serverStop, served) = (StopRequest(), StopRequest(), Gate())
    let (rows, _) = try compare(
      plan, in: folder.file("broken"), ranks: 2, stop: stop, serverStop: serverStop,
      leader: { configuration in
        try served.pass()
        let problem = try Self.problem(configuration)
        problem.interfere = {
          if $0 == 3 { stop.request(signal: SIGINT) }
          return nil
        }
        return problem
      },
      server: { configuration in
        let problem = try Self.problem(configuration)
        problem.interfere = { number in
          guard number == 2 else { return nil }
          served.open()
          // The stop of rank 0 alone ends this.
          for _ in 0..<60_000 where !serverStop.isRequested { usleep(1_000) }
          return nil
        }
        return problem
      })
    #expect(serverStop.signal == SIGINT)
    #expect(rows.map(\.status) == [.unfinished, .unfinished])
    #expect(rows.allSatisfy { $0.error?.hasPrefix("stopped by signal \(SIGINT)") == true }, "\(rows.map(\.error))")
    let after = try compare(plan, in: folder.file("broken"), ranks: ranks).rows
    #expect(after.allSatisfy { $0.status == .finished })
    try expectSame(plan, [folder.file("whole"), folder.file("broken")])
  }

  @Test("stopped by a signal of another rank it stops, knows the signal, and goes on")
  func stopElsewhere() throws {
    let folder = try ScratchFolder()
    let plan = try plan([.darts1, .zartsMGS, .zartsRS])
    _ = try ComparisonRun(of: plan, in: .create(at: folder.file("whole")), makeProblem: Self.problem).run()
    let (stop, serverStop, served) = (StopRequest(), StopRequest(), Gate())
    let (rows, _) = try compare(
      plan, in: folder.file("broken"), ranks: 2, stop: stop, serverStop: serverStop,
      leader: { configuration in
        // The warm-up may be made anywhere; a run here waits until the other rank has been stopped.
        if configuration.warmup < configuration.epochs { try served.pass() }
        return try Self.problem(configuration)
      },
      server: { configuration in
        let problem = try Self.problem(configuration)
        problem.interfere = {
          guard $0 == 2 else { return nil }
          serverStop.request(signal: SIGUSR1)
          served.open()
          return nil
        }
        return problem
      })
    #expect(stop.signal == SIGUSR1)
    #expect(rows.contains { $0.status != .finished })
    #expect(rows.allSatisfy { [.finished, .unfinished, .waiting].contains($0.status) })
    let after = try compare(plan, in: folder.file("broken"), ranks: 3, jobs: 2).rows
    #expect(after.allSatisfy { $0.status == .finished })
    try expectSame(plan, [folder.file("whole"), folder.file("broken")])
  }

  @Test("a rank that reads other data ends it by name before it has touched a run, and the rest goes on")
  func otherData() throws {
    let folder = try ScratchFolder()
    let plan = try plan([.darts1, .zartsMGS], warmup: 0)
    let stop = StopRequest()
    @Sendable func checked(_ configuration: SearchConfiguration) throws -> Observed {
      let problem = try Self.problem(configuration)
      problem.dataChecksum = "aaaa"
      return problem
    }
    let problem = message {
      _ = try compare(
        plan, in: folder.file("c"), ranks: 2, stop: stop,
        checksums: [["closed-form": "aaaa"], ["closed-form": "bbbb"]],
        leader: { configuration in
          for _ in 0..<60_000 where !stop.isRequested { usleep(1_000) }
          return try checked(configuration)
        },
        server: { _ in throw TestFailure("a problem was made of other data") })
    }
    #expect(problem?.hasPrefix("rank 1 on thread-1: setting dataset: other data") == true, "\(problem ?? "no error")")
    #expect(problem?.contains("bbbb") == true && problem?.contains("aaaa, as in what rank 0 has read") == true)
    let rows = try ComparisonRun(of: plan, in: .existing(at: folder.file("c")), makeProblem: checked).run()
    #expect(rows.allSatisfy { $0.status == .finished })
  }

  @Test("a rank that sees another folder refuses its jobs and says what it misses")
  func otherFolder() throws {
    let folder = try ScratchFolder()
    let configuration = shortConfiguration(.darts1)
    let job = ComparisonJob(
      name: "s2-darts1-5", configuration: configuration, plan: folder.file("nowhere/compare.yaml"),
      folder: folder.file("nowhere/runs/s2-darts1-5"))
    var answers: [JobAnswer] = []
    let refused = Gate()
    try ThreadTeam(size: 2).run { team in
      try Crew(team: team, workers: 1).run(
        2,
        make: { _, _ in
          // The other piece goes to the other rank.
          try refused.pass()
          return JobAnswer.ended(nil)
        },
        courier: Crew.Courier<JobAnswer>(
          request: { _ in job.bytes },
          result: { _, answer in
            refused.open()
            return try JobAnswer(answer)
          }), finished: { answers.append($1) })
    } server: { team in
      try ComparisonServer(team: team, patience: 0, makeProblem: Self.problem).serve()
    }
    let problems = answers.compactMap { answer -> String? in
      if case .refused(1, "thread-1", let problem) = answer { problem } else { nil }
    }
    #expect(answers.count == 2 && !problems.isEmpty)
    #expect(problems.allSatisfy { $0.contains("not the one that rank 0 writes") }, "\(problems)")
    #expect(problems.allSatisfy { $0.contains("nowhere/compare.yaml") })
    #expect(!FileManager.default.fileExists(atPath: folder.file("nowhere")))
  }

  @Test("a job and its answer travel to the last bit, and what is cut short is refused")
  func coding() throws {
    var configuration = shortConfiguration(.zartsMGS)
    configuration.learningRate = 0.1 + 0.2
    configuration.sigma = 1.0 / 3
    configuration.seed = .max
    let known = ComparisonFolder.KnownData(data: .init(dataset: "closed-form", checksum: "0f0f"), path: "a/b")
    let jobs = [
      ComparisonJob(name: "a", configuration: configuration, plan: "c/compare.yaml", folder: "c/runs/a"),
      ComparisonJob(
        name: "é", configuration: configuration, plan: "compare.yaml", folder: "f", warmup: "w", epochs: 3, data: known),
      ComparisonJob(
        name: "b", configuration: configuration, plan: "p", folder: "f", epochs: 0,
        data: .init(data: .init(dataset: "d", checksum: nil), path: "")),
    ]
    for job in jobs {
      #expect(try ComparisonJob(job.bytes) == job)
      for count in [0, 7, job.bytes.count - 1] {
        #expect(throws: (any Error).self) { try ComparisonJob(Array(job.bytes.prefix(count))) }
      }
    }
    let answers: [JobAnswer] = [
      .ended(nil), .ended(.init(status: .diverged, reason: "NaN")), .ended(.init(status: .unfinished, reason: "")),
      .refused(rank: 3, host: "node", problem: "no\nfile"),
    ]
    for answer in answers {
      #expect(try JobAnswer(answer.bytes) == answer)
      #expect(throws: TruncatedMessage.self) { try JobAnswer(Array(answer.bytes.dropLast())) }
    }
  }
}
