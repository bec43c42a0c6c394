import Cells
import Formats
import Foundation
import Problems
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// Comparisons on the closed-form problem with running statistics.
struct ComparisonTests {
  /// A short comparison of methods that share a warm-up of two epochs, but for those that have another.
  private func plan(
    _ methods: [SearchMethod] = SearchMethod.allCases, seeds: [UInt64] = [5], spaces: [SearchSpace] = [.s2],
    budget: ComparisonPlan.Budget = .epochs, more: String = "",
    change: @escaping (inout SearchConfiguration) -> Void = { _ in }
  ) throws -> ComparisonPlan {
    let yaml = """
      datasets: [closed-form]
      settings: {epochs: 4, warmup: 2, inner_steps: 4, learning_rate: 0.1}
      method_settings:
        zarts-mgs: {candidates: 3}
        zarts-rs: {candidates: 3}
        random: {candidates: 3}
      \(more)
      """
    return try ComparisonPlan(
      yaml: yaml, from: "test", lists: .init(methods: methods, seeds: seeds, spaces: spaces, budget: budget),
      overrides: .init(apply: change))
  }

  private static func problem(_ configuration: SearchConfiguration) throws -> ObservedProblem<QuadraticBilevelProblem> {
    let problem = try ObservedProblem(quadratic(space: configuration.space, seed: configuration.seed))
    problem.hasStatistics = true
    return problem
  }

  private func compare(
    _ plan: ComparisonPlan, in path: String, jobs: Int = 1, stop: StopRequest = StopRequest(),
    problem: @escaping @Sendable (SearchConfiguration) throws -> ObservedProblem<QuadraticBilevelProblem> = {
      try ComparisonTests.problem($0)
    }
  ) throws -> [ComparisonRow] {
    try ComparisonRun(of: plan, in: .create(at: path), jobs: jobs, stop: stop, makeProblem: problem).run()
  }

  private func again(_ plan: ComparisonPlan, in path: String, jobs: Int = 1) throws -> [ComparisonRow] {
    try ComparisonRun(of: plan, in: .existing(at: path), jobs: jobs, makeProblem: { try Self.problem($0) }).run()
  }

  private func timeless(_ files: SearchRunFolder) throws -> [EpochRecord] {
    try files.metrics().map { record in
      var record = record
      record.seconds = 0
      return record
    }
  }

  private func expectSame(_ run: SearchRunFolder, _ alone: SearchRunFolder, epochs: Int = 4) throws {
    for epoch in 0...epochs {
      #expect(try bytes(run.checkpointPath(epoch: epoch)) == bytes(alone.checkpointPath(epoch: epoch)), "epoch \(epoch)")
    }
    for path in [\SearchRunFolder.configurationPath, \.alphasPath, \.genotypesPath, \.genotypePath] {
      #expect(try bytes(run[keyPath: path]) == bytes(alone[keyPath: path]), "\(run[keyPath: path])")
    }
    #expect(try timeless(run) == timeless(alone))
  }

  @Test func datasetsOfOneKindHaveWarmUpsOfTheirOwn() throws {
    let folder = try ScratchFolder()
    let plan = try ComparisonPlan(
      yaml: """
        datasets: ["tensors:a.safetensors", "tensors:b.safetensors"]
        settings: {epochs: 3, warmup: 2, inner_steps: 4, learning_rate: 0.1}
        """, from: "test", lists: .init(methods: [.darts1, .darts2], seeds: [5], spaces: [.s2]))
    let rows = try compare(plan, in: folder.file("comparison")) { configuration in
      try ObservedProblem(quadratic(seed: configuration.dataset.hasSuffix("a.safetensors") ? 3 : 4))
    }
    #expect(rows.map(\.status) == [.finished, .finished, .finished, .finished], "\(rows)")
    let files = try ComparisonFolder(existing: folder.file("comparison"))
    let losses = try plan.runs.map { try files.run($0).metrics()[0].trainingLoss }
    #expect(losses[0] == losses[1] && losses[2] == losses[3], "methods on one dataset share a warm-up")
    #expect(losses[0] != losses[2], "datasets do not")
  }

  @Test func runWhoseFolderContradictsItselfFailsByNameAndTheOthersStay() throws {
    let folder = try ScratchFolder()
    let plan = try plan([.darts1, .random])
    _ = try compare(plan, in: folder.file("comparison"))
    let files = try ComparisonFolder(existing: folder.file("comparison")).run(plan.runs[0])
    let lines = try String(contentsOfFile: files.metricsPath, encoding: .utf8).split(separator: "\n")
    try AtomicFile.write((lines[..<2] + lines[3...]).joined(separator: "\n") + "\n", to: files.metricsPath)
    let rows = try again(plan, in: folder.file("comparison"))
    #expect(rows.map(\.status) == [.failed, .finished])
    #expect(try #require(rows[0].error).contains("metrics.csv: row 2, column epoch"))
  }

  @Test(arguments: SearchMethod.allCases)
  func runAfterASharedWarmupHasTheBytesOfOneByItself(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    // Another method first, and a longer warm-up beside: neither may show.
    let other: SearchMethod = method == .darts1 ? .zartsGLD : .darts1
    // Both on the network of the method.
    let network = SearchConfiguration(method: method, space: .s2, dataset: "closed-form")
    let plan = try plan([other, method], more: "run_settings: {s2/\(other.rawValue): {warmup: 3}}") {
      $0.auxiliarySkip = network.auxiliarySkip
    }
    let rows = try compare(plan, in: folder.file("all"))
    #expect(rows.map(\.status) == [.finished, .finished])
    let files = try ComparisonFolder(existing: folder.file("all"))
    let run = try #require(plan.runs.last)
    #expect(run.configuration.method == method && run.configuration.warmup == 2)
    let alone = try search(Self.problem(run.configuration), run.configuration, in: folder.file("alone"))
    try expectSame(files.run(run), alone)
    let warmups = try FileManager.default.contentsOfDirectory(atPath: folder.file("all/warmups"))
    // Methods that train the weights otherwise by default have another.
    let isShared = files.warmup(of: plan.runs[0]) == files.warmup(of: run)
    let plain: [SearchMethod] = [.darts1, .darts2, .darts1ES, .darts2ES, .zartsRS, .zartsMGS, .zartsGLD, .random]
    #expect(isShared || !plain.contains(method))
    #expect(warmups.count == (isShared ? 1 : 2), "one warm-up serves both: \(warmups)")
    #expect(try files.warmup(of: run).metrics().count == (isShared ? 3 : 2))
  }

  @Test func warmupIsComputedOnceForEachSeedAndSpace() throws {
    let folder = try ScratchFolder()
    let counter = Counter()
    let plan = try plan([.darts1, .darts2, .zartsMGS, .random], seeds: [1, 2], spaces: [.s2, .s3])
    _ = try compare(plan, in: folder.path + "/c") { configuration in
      let problem = try Self.problem(configuration)
      counter.made(problem)
      return problem
    }
    // Training batches of the first two epochs are read by the four warm-ups alone, 12 each.
    #expect(counter.problems.reduce(0) { $0 + $1.trainingPositions.count { $0[0] < 2 } } == 4 * 12)
  }

  @Test func eigenvaluesOfTheWarmupAreThoseOfARunByItself() throws {
    let folder = try ScratchFolder()
    let plan = try plan([.darts1, .zartsMGS, .darts1ES], more: "run_settings: {s2/zarts-mgs: {eigenvalue_every: 2}}")
    _ = try compare(plan, in: folder.file("all"))
    let files = try ComparisonFolder(existing: folder.file("all"))
    let rows = try plan.runs.map { try files.run($0).metrics() }
    #expect(
      rows.map { $0.map { $0.dominantEigenvalue != nil } }
        == [[false, false, false, false], [false, true, false, true], [true, true, true, true]])
    for (run, name) in zip(plan.runs, ["a", "b", "c"]) {
      let alone = try search(Self.problem(run.configuration), run.configuration, in: folder.file(name))
      try expectSame(files.run(run), alone)
    }
  }

  @Test func methodsWithoutASharedLengthOfWarmupStillShareItsEpochs() throws {
    let folder = try ScratchFolder()
    let plan = try plan(
      [.darts1, .zartsMGS], more: "run_settings: {s2/darts1: {warmup: 0}, s2/zarts-mgs: {warmup: 1}}")
    _ = try compare(plan, in: folder.file("all"))
    let files = try ComparisonFolder(existing: folder.file("all"))
    for (run, name) in zip(plan.runs, ["a", "b"]) {
      let alone = try search(Self.problem(run.configuration), run.configuration, in: folder.file(name))
      try expectSame(files.run(run), alone)
    }
  }

  @Test func jobsLeaveNoTraceButSeconds() throws {
    let folder = try ScratchFolder()
    let plan = try plan([.darts1, .zartsMGS, .zartsGLD], seeds: [1, 2, 3])
    let rows = try [1, 3].map { try compare(plan, in: folder.file("\($0)"), jobs: $0) }
    let files = try [1, 3].map { try ComparisonFolder(existing: folder.file("\($0)")) }
    for run in plan.runs { try expectSame(files[0].run(run), files[1].run(run)) }
    #expect(try bytes(files[0].testsPath) == bytes(files[1].testsPath))
    #expect(try bytes(files[0].planPath) == bytes(files[1].planPath))
    func table(_ files: ComparisonFolder) throws -> [[String]] {
      let table = try CSVTable(readingFrom: files.tablePath)
      let seconds = try #require(table.columns.firstIndex(of: "seconds"))
      return table.rows.map { row in row.indices.filter { $0 != seconds }.map { row[$0] } }
    }
    #expect(try table(files[0]) == table(files[1]))
    #expect(rows[0].map(\.cost) == rows[1].map(\.cost))
  }

  @Test func testsSayHowTheirIntervalWasFoundAndWhatItIsOver() throws {
    let folder = try ScratchFolder()
    let rows = try compare(plan([.darts1, .zartsGLD], seeds: [1, 2, 3]), in: folder.file("all"))
    let table = try CSVTable(readingFrom: ComparisonFolder(existing: folder.file("all")).testsPath)
    let row = try #require(try table.column("quantity").firstIndex(of: ComparisonQuantity.validationLoss.rawValue))
    let differences = try [1, 2, 3].map { (seed: UInt64) -> Double in
      let losses = try [SearchMethod.zartsGLD, .darts1].map { method in
        try #require(rows.first { $0.method == method && $0.seed == seed }?.result?.record.validationLoss)
      }
      return losses[0] - losses[1]
    }
    let mean: Double = differences.reduce(0, +) / 3
    let squares: Double = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    // t.ppf(0.975, 2) of SciPy times s/√3.
    let reach: Double = 4.302652729911275 * (squares / 6).squareRoot()
    #expect(try table.column("interval")[row] == "student" && table.column("resampled")[row] == "seeds")
    let (lower, upper) = (try table.optionalDoubles("lower")[row], try table.optionalDoubles("upper")[row])
    #expect(abs((lower ?? .nan) - (mean - reach)) < 1e-8 * (1 + reach))
    #expect(abs((upper ?? .nan) - (mean + reach)) < 1e-8 * (1 + reach))
  }

  @Test(arguments: [3, 15, 20, 40, 90])
  func stoppedComparisonEndsAsOneThatNeverWas(losses: Int) throws {
    let folder = try ScratchFolder()
    let plan = try plan([.darts1, .zartsMGS, .zartsRS])
    _ = try compare(plan, in: folder.file("whole"))
    let stop = StopRequest()
    let counter = Counter()
    let rows = try compare(plan, in: folder.file("broken"), stop: stop) { configuration in
      let problem = try Self.problem(configuration)
      problem.interfere = { _ in
        if counter.add(1, for: "losses") == losses { stop.request(signal: SIGINT) }
        return nil
      }
      return problem
    }
    #expect(rows.contains { $0.status != .finished })
    #expect(rows.allSatisfy { $0.status != .failed && $0.status != .diverged })
    let after = try again(plan, in: folder.file("broken"))
    #expect(after.allSatisfy { $0.status == .finished })
    let files = try ["whole", "broken"].map { try ComparisonFolder(existing: folder.file($0)) }
    for run in plan.runs { try expectSame(files[0].run(run), files[1].run(run)) }
    #expect(try bytes(files[0].testsPath) == bytes(files[1].testsPath))
  }

  @Test func forkThatWasKilledHalfwayGoesOn() throws {
    let folder = try ScratchFolder()
    let plan = try plan([.darts1, .zartsMGS])
    _ = try compare(plan, in: folder.file("whole"))
    _ = try compare(plan, in: folder.file("broken"))
    let files = try ["whole", "broken"].map { try ComparisonFolder(existing: folder.file($0)) }
    // What a kill leaves: one run after the first epoch that it took over, the other before its first checkpoint.
    for (index, run) in plan.runs.enumerated() {
      let run = files[1].run(run)
      for epoch in (2 * (1 - index))...4 { try FileManager.default.removeItem(atPath: run.checkpointPath(epoch: epoch)) }
      try FileManager.default.removeItem(atPath: run.genotypePath)
    }
    #expect(try again(plan, in: folder.file("broken")).allSatisfy { $0.status == .finished })
    for run in plan.runs { try expectSame(files[0].run(run), files[1].run(run)) }
  }

  @Test func failureOfOneRunIsNamedAndTheOthersGoOn() throws {
    let folder = try ScratchFolder()
    let plan = try plan([.darts1, .zartsMGS, .darts2])
    let rows = try compare(plan, in: folder.file("c")) { configuration in
      let problem = try Self.problem(configuration)
      // Its first loss is that of the gradient which guides the candidates.
      if configuration.method == .zartsMGS { problem.interfere = { $0 == 0 ? .nan : nil } }
      if configuration.method == .darts2 { throw TestFailure("no such data") }
      return problem
    }
    #expect(rows.map(\.status) == [.finished, .diverged, .failed])
    #expect(rows[0].error == nil && rows[2].error == "no such data")
    #expect(try #require(rows[1].error).contains("zarts-mgs, epoch 2"))
    let table = try CSVTable(readingFrom: folder.file("c/comparison.csv"))
    #expect(try table.column("status") == ["finished", "diverged", "failed"])
    #expect(try table.column("error")[2] == "no such data")
    #expect(try again(plan, in: folder.file("c")).map(\.status) == [.finished, .finished, .finished])
  }

  @Test func failedWarmupFailsItsRunsAlone() throws {
    let folder = try ScratchFolder()
    let plan = try plan([.darts1, .zartsMGS], seeds: [1, 2])
    let rows = try compare(plan, in: folder.file("c")) { configuration in
      let problem = try Self.problem(configuration)
      if configuration.seed == 1, configuration.warmup == 4 { problem.interfere = { $0 == 7 ? .nan : nil } }
      return problem
    }
    #expect(rows.map(\.status) == [.diverged, .diverged, .finished, .finished])
    #expect(try #require(rows[0].error).hasPrefix("warm-up: "))
  }

  @Test func finishedRunsAreKeptAndNewSeedsMethodsAndSpacesJoin() throws {
    let folder = try ScratchFolder()
    let small = try plan([.darts1])
    _ = try compare(small, in: folder.file("c"))
    let files = try ComparisonFolder(existing: folder.file("c"))
    let before = try bytes(files.run(small.runs[0]).metricsPath)
    let large = try plan([.darts1, .zartsGLD], seeds: [5, 6], spaces: [.s2, .s3])
    let rows = try again(large, in: folder.file("c"))
    #expect(rows.count == 8 && rows.allSatisfy { $0.status == .finished })
    #expect(try bytes(files.run(small.runs[0]).metricsPath) == before)
    let error = #expect(throws: InputError.self) { try again(small, in: folder.file("c")) }
    #expect("\(try #require(error))".contains("methods"))
  }

  @Test func otherSettingsThanThoseOfTheFolderAreRefused() throws {
    let folder = try ScratchFolder()
    _ = try compare(plan([.darts1]), in: folder.file("c"))
    let error = #expect(throws: InputError.self) {
      try again(plan([.darts1]) { $0.weightDecay = 0.5 }, in: folder.file("c"))
    }
    #expect("\(try #require(error))".contains("weight_decay"))
    #expect(throws: Never.self) { try again(plan([.darts1]) { $0.threads = 2 }, in: folder.file("c")) }
  }

  @Test func folderOfARunIsOneThatASearchGoesOnWith() throws {
    let folder = try ScratchFolder()
    let plan = try plan([.zartsMGS])
    _ = try compare(plan, in: folder.file("c"))
    let run = try ComparisonFolder(existing: folder.file("c")).run(plan.runs[0])
    let whole = try bytes(run.checkpointPath(epoch: 4))
    for epoch in 3...4 { try FileManager.default.removeItem(atPath: run.checkpointPath(epoch: epoch)) }
    let configuration = try run.configuration()
    #expect(configuration.threads == 0, "the threads of a job are not the run's")
    try SearchRun(continuing: Self.problem(configuration), folder: run.folder, space: .s2).run()
    #expect(try bytes(run.checkpointPath(epoch: 4)) == whole)
    #expect(throws: Never.self) { try LearningCurves(of: [run], columns: ["validation_loss"]) }
  }

  @Test func tensorBoardSeesTheWarmupToo() throws {
    let folder = try ScratchFolder()
    let plan = try plan([.darts1, .zartsMGS]) { $0.tensorboard = true }
    _ = try compare(plan, in: folder.file("c"))
    let files = try ComparisonFolder(existing: folder.file("c"))
    for run in plan.runs {
      #expect(EventFile.names(in: files.run(run).folder).count == 2, "that of the warm-up and its own")
    }
  }
}

/// Counts from several threads, and keeps what they made.
final class Counter: @unchecked Sendable {
  private let lock = NSLock()
  private var counts: [String: Int] = [:]
  private(set) var problems: [ObservedProblem<QuadraticBilevelProblem>] = []

  @discardableResult
  func add(_ number: Int, for key: String) -> Int {
    lock.lock()
    defer { lock.unlock() }
    counts[key, default: 0] += number
    return counts[key] ?? 0
  }

  func made(_ problem: ObservedProblem<QuadraticBilevelProblem>) {
    lock.lock()
    defer { lock.unlock() }
    problems.append(problem)
  }
}
