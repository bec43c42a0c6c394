import Cells
import Compute
import Engine
import Formats
import Foundation
import Problems
import Runs
import Search
import SearchSupport
import Synchronization
import TestSupport
import Testing

/// Candidates that are evaluated by groups of threads and by other ranks.
struct CandidateCrewTests {
  private typealias Observed = ObservedProblem<QuadraticBilevelProblem>

  private static let methods: [SearchMethod] = [.zartsRS, .zartsMGS, .zartsGLD, .random]

  /// Enough candidates for every group of every rank to have one while others are at work.
  private static func configuration(_ method: SearchMethod) -> SearchConfiguration {
    var configuration = shortConfiguration(method)
    (configuration.candidates, configuration.radii) = (10, 10)
    return configuration
  }

  /// The copies of a problem on rank 0. Where there are servers, each waits before its first loss until one has answered.
  private static func copies(_ crowd: Crowd, _ activity: ServerActivity) throws -> [Observed] {
    try (0..<crowd.groups).map { _ in
      let copy = Observed(try quadratic())
      copy.interfere = { _ in
        if crowd.ranks > 1 { activity.wait() }
        return nil
      }
      return copy
    }
  }

  /// A whole search on a crowd.
  private func run(
    _ configuration: SearchConfiguration, on crowd: Crowd, in path: String, activity: ServerActivity = ServerActivity()
  ) throws -> SearchRunFolder {
    try crowd.run(configuration, activity: activity) { _ in
      Observed(try quadratic())
    } body: { makeCrew in
      let problem = Observed(try quadratic())
      let crew = try makeCrew(configuration, problem, Self.copies(crowd, activity))
      return try search(problem, configuration, in: path, crew: crew)
    }
  }

  private func timeless(_ files: SearchRunFolder) throws -> [EpochRecord] {
    try files.metrics().map { record in
      var record = record
      record.seconds = 0
      return record
    }
  }

  private func expectSame(_ files: SearchRunFolder, _ other: SearchRunFolder, _ comment: String) throws {
    for epoch in 0...4 {
      #expect(
        try bytes(files.checkpointPath(epoch: epoch)) == bytes(other.checkpointPath(epoch: epoch)), "\(comment), \(epoch)")
    }
    #expect(try bytes(files.alphasPath) == bytes(other.alphasPath), "\(comment)")
    #expect(try timeless(files) == timeless(other), "\(comment)")
    #expect(try bytes(files.genotypePath) == bytes(other.genotypePath), "\(comment)")
  }

  @Test(
    "A search ends with the bits of one that evaluates its candidates one after the other, on any groups and ranks",
    arguments: methods)
  func sameBits(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    let configuration = Self.configuration(method)
    let alone = try search(quadratic(), configuration, in: folder.file("alone"))
    for crowd in Crowd.all {
      let activity = ServerActivity()
      let files = try run(
        configuration, on: crowd, in: folder.file("\(crowd.groups)-\(crowd.ranks)"), activity: activity)
      try expectSame(alone, files, "\(crowd)")
      #expect((activity.messages > 0) == (crowd.ranks > 1), "\(crowd): others take part where there are any")
    }
  }

  @Test("Opposite pairs, candidates with steps of their own and a baseline without training have the same bits too")
  func settingsOfCandidates() throws {
    let folder = try ScratchFolder()
    var pairs = Self.configuration(.zartsRS)
    (pairs.antithetic, pairs.candidateMomentum, pairs.candidateLearningRate) = (true, 0.5, 0.05)
    var untrained = Self.configuration(.zartsGLD)
    untrained.untrainedBaseline = true
    for (index, configuration) in [pairs, untrained].enumerated() {
      let alone = try search(quadratic(), configuration, in: folder.file("alone-\(index)"))
      let files = try run(configuration, on: Crowd(groups: 2, ranks: 2), in: folder.file("crowd-\(index)"))
      try expectSame(alone, files, configuration.method.rawValue)
    }
  }

  @Test("A search goes on with another number of groups and ranks", arguments: methods)
  func resume(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    let configuration = Self.configuration(method)
    let alone = try search(quadratic(), configuration, in: folder.file("alone"))
    let path = folder.file("broken")
    let stop = StopRequest()
    let problem = Observed(try quadratic())
    let copies = try Self.copies(Crowd(groups: 2, ranks: 1), ServerActivity())
    // Within the second epoch whose α moves, or at the end of the first.
    let losses = Atomic<Int>(0)
    for copy in copies {
      copy.interfere = { _ in
        if losses.add(1, ordering: .relaxed).newValue == 8 { stop.request(signal: SIGINT) }
        return nil
      }
    }
    #expect(throws: Interruption.self) {
      try search(problem, configuration, in: path, stop: stop, crew: CandidateCrew(of: problem, groups: copies))
    }
    let crowd = Crowd(groups: 3, ranks: 2)
    let activity = ServerActivity()
    let files = try crowd.run(configuration, activity: activity) { _ in
      Observed(try quadratic())
    } body: { makeCrew in
      let problem = Observed(try quadratic())
      let crew = try makeCrew(configuration, problem, Self.copies(crowd, activity))
      let run = try SearchRun(continuing: problem, folder: .existing(at: path), space: .s2, crew: crew)
      try run.run()
      return run.files
    }
    try expectSame(alone, files, method.rawValue)
  }

  @Test("A stop between candidates leaves α and the optimiser as they were before the update")
  func stop() throws {
    let folder = try ScratchFolder()
    let configuration = Self.configuration(.zartsMGS)
    let stop = StopRequest()
    let problem = Observed(try quadratic())
    let copies = try Self.copies(Crowd(groups: 2, ranks: 1), ServerActivity())
    for copy in copies {
      copy.interfere = { _ in
        stop.request(signal: SIGINT)
        return nil
      }
    }
    let error = #expect(throws: Interruption.self) {
      try search(
        problem, configuration, in: folder.file("run"), stop: stop, crew: CandidateCrew(of: problem, groups: copies))
    }
    let path = folder.file("run/checkpoints/epoch-002.safetensors")
    #expect(error == Interruption(signal: SIGINT, epoch: 2, step: 0, checkpoint: path))
    let evaluations = copies.reduce(0) { $0 + $1.evaluations }
    #expect((1...2).contains(evaluations), "candidates that were begun are finished, and no other is begun")
    #expect(copies.allSatisfy { $0.weightGradients == 4 * $0.evaluations })
    #expect(try SearchCheckpoint(readingFrom: path, for: quadratic()).alphas == quadratic().initialAlphas)
  }

  @Test("A signal that another rank got stops the search as one of its own")
  func signalElsewhere() throws {
    let folder = try ScratchFolder()
    let configuration = Self.configuration(.zartsMGS)
    let (stop, activity, crowd) = (StopRequest(), ServerActivity(), Crowd(groups: 1, ranks: 2))
    let error = #expect(throws: Interruption.self) {
      try crowd.run(configuration, activity: activity, signal: { SIGUSR1 }, requestStop: { stop.request(signal: $0) }) { _ in
        Observed(try quadratic())
      } body: { makeCrew in
        let problem = Observed(try quadratic())
        let copy = Observed(try quadratic())
        copy.interfere = { _ in
          ServerActivity.wait { stop.isRequested }
          return nil
        }
        let crew = try makeCrew(configuration, problem, [copy])
        return try search(problem, configuration, in: folder.file("run"), stop: stop, crew: crew)
      }
    }
    #expect(error?.signal == SIGUSR1 && error?.epoch == 2 && error?.step == 0)
  }

  @Test("Candidates that diverge are the same ones and carry no weight, wherever they are evaluated")
  func divergedCandidates() throws {
    let folder = try ScratchFolder()
    var configuration = Self.configuration(.zartsGLD)
    // The outer candidates are beyond float32, the inner ones are not: 1e40 · 2^−63 ≈ 1e21.
    (configuration.radius, configuration.radii) = (1e40, 64)
    let alone = try search(quadratic(), configuration, in: folder.file("alone"))
    let rows = try alone.metrics()
    #expect(rows[..<2].allSatisfy { $0.divergedCandidates == 0 })
    for row in rows[2...] {
      #expect(row.divergedCandidates > 0 && row.divergedCandidates < 64 * row.alphaUpdates, "some of them")
    }
    for crowd in [Crowd(groups: 3, ranks: 1), Crowd(groups: 2, ranks: 2)] {
      try expectSame(alone, run(configuration, on: crowd, in: folder.file("\(crowd.ranks)")), "\(crowd)")
    }
  }

  @Test("A baseline that is not finite ends the search with the same account on any groups and ranks")
  func divergedBaseline() throws {
    let folder = try ScratchFolder()
    var configuration = Self.configuration(.zartsRS)
    configuration.candidateLearningRate = 3e38
    let alone = try #require(
      #expect(throws: Divergence.self) { try search(quadratic(), configuration, in: folder.file("alone")) })
    #expect(alone.account.contains("the loss of α itself is not finite after 4 inner steps: nan"), "\(alone.account)")
    let first = String(alone.account.prefix { $0 != "\n" })
    for crowd in [Crowd(groups: 2, ranks: 1), Crowd(groups: 2, ranks: 2)] {
      let error = try #require(
        #expect(throws: Divergence.self) {
          try self.run(configuration, on: crowd, in: folder.file("\(crowd.ranks)"))
        })
      #expect(error.account.prefix { $0 != "\n" } == first, "\(crowd)")
    }
  }

  @Test("A server that can't read its data ends the search by name, which then goes on alone", arguments: methods)
  func failingServer(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    let configuration = Self.configuration(method)
    let alone = try search(quadratic(), configuration, in: folder.file("alone"))
    let (activity, crowd, path) = (ServerActivity(), Crowd(groups: 1, ranks: 2), folder.file("run"))
    let damage = InputError("damaged image", at: .file("images/7.png"), found: "nothing", wanted: "an image")
    let error = #expect(throws: TeamError.self) {
      try crowd.run(configuration, activity: activity) { _ in
        let problem = Observed(try quadratic())
        problem.spoilBatch = { _ in throw damage }
        return problem
      } body: { makeCrew in
        let problem = Observed(try quadratic())
        let crew = try makeCrew(configuration, problem, Self.copies(crowd, activity))
        return try search(problem, configuration, in: path, crew: crew)
      }
    }
    #expect(error == TeamError(rank: 1, host: "thread-1", problem: "\(damage)"))
    let run = try SearchRun(continuing: quadratic(), folder: .existing(at: path), space: .s2)
    try run.run()
    try expectSame(alone, run.files, method.rawValue)
  }

  /// What a server throws that was given other settings or data than rank 0.
  private func refusal(
    _ change: @escaping @Sendable (inout SearchConfiguration) -> Void, checksum: String? = "0123abcd"
  ) throws -> InputError? {
    let configuration = Self.configuration(.zartsMGS)
    let caught = Mutex<InputError?>(nil)
    try ThreadTeam(size: 2).run { team in
      let crew = Crew(team: team, workers: 1)
      defer { try? crew.dismiss() }
      let problem = Observed(try quadratic())
      problem.dataChecksum = "0123abcd"
      _ = try CandidateCrew(of: problem, groups: [], crew: crew, team: team, search: configuration, settings: configuration)
    } server: { team in
      var own = configuration
      change(&own)
      do {
        try CandidateServer<Observed>(team: team, search: own, workers: 1) { _ in
          let problem = Observed(try quadratic())
          problem.dataChecksum = checksum
          return [problem]
        }.serve()
      } catch let error as InputError {
        caught.withLock { $0 = error }
      }
    }
    return caught.withLock { $0 }
  }

  @Test("A rank with other settings or data than rank 0 is refused by name; housekeeping may differ")
  func differentRanks() throws {
    #expect(try refusal { ($0.threads, $0.groups, $0.keepLast) = (7, 3, 2) } == nil)
    let seed = try #require(try refusal { $0.seed = 6 })
    #expect("\(seed)".contains("rank 1 on thread-1") && "\(seed)".contains("setting seed") && seed.found == "6", "\(seed)")
    #expect(seed.wanted == "5, as in rank 0")
    let data = try #require(try refusal({ _ in }, checksum: "89abcdef"))
    #expect("\(data)".contains("rank 1 on thread-1") && "\(data)".contains("setting dataset"), "\(data)")
    #expect(data.found?.contains("89abcdef") == true && data.wanted?.contains("0123abcd") == true)
    let engine = try #require(try refusal { $0.engine = .other })
    #expect(engine.found == "other" && "\(engine)".contains("setting engine"), "\(engine)")
  }

  @Test("Servers follow a progressive search from stage to stage", arguments: [SearchMethod.zartsMGS, .zartsGLD])
  func stages(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    var configuration = Self.configuration(method)
    (configuration.space, configuration.maximumSkips) = (.s6, 2)
    configuration.stages = [
      SearchStage(layers: 5, channels: 16, operations: 7, skipDropout: 0, epochs: 3, warmup: 1),
      SearchStage(layers: 6, channels: 8, operations: 4, skipDropout: 0.4, epochs: 2, warmup: 1),
      SearchStage(layers: 7, channels: 16, operations: 2, skipDropout: 0.7, epochs: 2, warmup: 0),
    ]
    @Sendable func problem(_ settings: SearchConfiguration) throws -> QuadraticBilevelProblem {
      var stream = RandomStream(seed: 3, purpose: .alphas)
      var alphas = settings.operations.zeroAlphas(edgeNormalisation: false)
      alphas.flat = stream.normals(alphas.count).map { Float(0.3 * $0) }
      return try .random(seed: 3, weightCount: 4, alphas: alphas, stepsPerEpoch: 6, noise: 0.1)
    }
    let alone = try StagedSearch(
      starting: configuration, folder: .create(at: folder.file("alone")), makeProblem: problem)
    let genotype = try alone.run()
    let (activity, crowd) = (ServerActivity(), Crowd(groups: 2, ranks: 2))
    let layers = Mutex<[Int]>([])
    let shared = try crowd.run(configuration, activity: activity) { settings in
      layers.withLock { if $0.last != settings.layers { $0.append(settings.layers) } }
      return Observed(try problem(settings))
    } body: { makeCrew in
      let search = try StagedSearch(
        starting: configuration, folder: .create(at: folder.file("crowd")),
        makeCrew: { settings, main in
          // Each stage waits for a server of its own.
          let before = activity.messages
          let copies = try (0..<crowd.groups).map { _ in
            let copy = Observed(try problem(settings))
            copy.interfere = { _ in
              ServerActivity.wait { activity.messages > before }
              return nil
            }
            return copy
          }
          return try makeCrew(settings, main, copies)
        }, makeProblem: { Observed(try problem($0)) })
      #expect(try search.run() == genotype)
      return search.files
    }
    #expect(layers.withLock { $0 } == [5, 6, 7])
    for (index, stage) in configuration.stages.enumerated() {
      for epoch in 0...stage.epochs {
        #expect(
          try bytes(alone.files.stage(index).checkpointPath(epoch: epoch))
            == bytes(shared.stage(index).checkpointPath(epoch: epoch)), "stage \(index), epoch \(epoch)")
      }
    }
  }
}

extension EngineKind {
  /// Never made.
  fileprivate static let other = EngineKind("other", summary: "another") {
    try EngineKind.cpu.make($0, batch: $1, threads: $2, kernels: $3)
  }
}
