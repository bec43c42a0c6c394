import Compute
import Datasets
import Formats
import Foundation
import Logging
import Problems
import Runs

/// The runs of a plan in a folder, side by side where asked for: each warm-up once, and every run from there on.
///
/// Runs that have come to their end are kept, others go on from where they are. What stops one run does not stop the
/// others. No file but for `seconds` and logs depends on the number of jobs, threads and ranks.
public struct ComparisonRun<Problem: BilevelProblem>: Sendable {
  public let plan: ComparisonPlan
  public let files: ComparisonFolder
  /// Runs at a time in a process.
  public let jobs: Int
  private let makeProblem: @Sendable (SearchConfiguration) throws -> Problem
  private let makeCrew: (@Sendable (SearchConfiguration, Problem) throws -> CandidateCrew<Problem>?)?
  private let stop: StopRequest
  private let warmups: [Warmup]
  private let data: [String: ComparisonFolder.KnownData]
  private let lock: FileLock

  /// A warm-up that runs share.
  private struct Warmup {
    let configuration: SearchConfiguration
    let files: SearchRunFolder
    /// Epochs that the longest of its runs needs.
    var epochs: Int
    /// Numbers of its runs in the plan.
    var runs: [Int]
    let name: String
  }

  /// Writes compare.yaml.
  ///
  /// - Parameters:
  ///   - plan: its budget not yet resolved.
  ///   - jobs: 1 or more.
  ///   - makeCrew: who evaluates the candidates of a run, of its settings with a job's threads and its problem, with the same
  ///     bits; nil for the problem itself, one after the other.
  ///   - makeProblem: makes the problem that settings describe, for a thread of its own.
  /// - Throws: `InputError` where the folder holds a comparison or a run of other settings, or a budget is too small, and
  ///   where the folder cannot be written or another process works in it; what `makeProblem` throws.
  public init(
    of plan: ComparisonPlan, in folder: OutputFolder, jobs: Int = 1, stop: StopRequest = StopRequest(),
    makeCrew: (@Sendable (SearchConfiguration, Problem) throws -> CandidateCrew<Problem>?)? = nil,
    makeProblem: @escaping @Sendable (SearchConfiguration) throws -> Problem
  ) throws {
    files = ComparisonFolder(folder)
    self.jobs = max(1, jobs)
    self.stop = stop
    self.makeCrew = makeCrew
    self.makeProblem = makeProblem
    lock = try FileLock(path: folder.file("log.txt"))
    let begun = FileManager.default.fileExists(atPath: files.planPath) ? try files.plan() : nil
    let plan = begun.map { plan.goingOn(from: $0) } ?? plan
    let resolved = try plan.resolved { try makeProblem($0).stepsPerEpoch }
    self.plan = resolved
    if let begun { try Self.requireGrown(from: begun, to: plan, files.planPath) }
    for run in resolved.runs { try Self.requireSame(run.configuration, in: files.run(run)) }
    warmups = Self.warmups(of: resolved, in: files)
    data = files.knownData(of: resolved)
    try AtomicFile.write(plan.yaml, to: files.planPath)
  }

  /// A comparison may grow by methods, their variants, seeds and spaces, since the runs that are there stay what they are.
  private static func requireGrown(from old: ComparisonPlan, to new: ComparisonPlan, _ path: String) throws {
    func check<Value: Equatable>(_ key: String, _ old: [Value], _ new: [Value]) throws {
      guard old.allSatisfy(new.contains) else {
        throw InputError(
          "the comparison in this folder has others", at: .setting(key, in: path), found: "\(old)",
          wanted: "these among \(new), or another folder")
      }
    }
    try check("methods", old.methods, new.methods)
    try check("seeds", old.seeds, new.seeds)
    try check("spaces", old.spaces, new.spaces)
    for method in old.methods {
      let names = [old, new].map { $0.variants[method]?.map(\.name) ?? [] }
      guard names[0].isEmpty == names[1].isEmpty, names[0].allSatisfy(names[1].contains) else {
        throw InputError(
          "the comparison in this folder has others", at: .setting("variants", being: method.rawValue, in: path),
          found: "\(names[0])",
          wanted: names[1].isEmpty ? "none, or another folder" : "these among \(names[1]), or another folder")
      }
    }
    // Where data are may change; that they are the same their checksums tell, where runs go on.
    guard old.datasets.map(DatasetSpecification.kind) == new.datasets.map(DatasetSpecification.kind) else {
      throw InputError(
        "the comparison in this folder is of other data", at: .setting("datasets", in: path), found: "\(old.datasets)",
        wanted: "as many as the \(new.datasets) given, in their order and of their kinds and options, or another folder")
    }
    guard old.budget == new.budget else {
      throw InputError(
        "the comparison in this folder is another", at: .setting("budget", in: path), found: "\(old.budget)",
        wanted: "\(new.budget), or another folder")
    }
  }

  private static func requireSame(_ configuration: SearchConfiguration, in run: SearchRunFolder) throws {
    guard run.isStarted else { return }
    guard let difference = try run.configuration().difference(from: configuration) else { return }
    throw InputError(
      "a run of other settings", at: .setting(difference.key, in: run.configurationPath), found: difference.own,
      wanted: "\(difference.other), or another folder")
  }

  private static func warmups(of plan: ComparisonPlan, in files: ComparisonFolder) -> [Warmup] {
    var result: [Warmup] = []
    for (index, run) in plan.runs.enumerated() where run.configuration.warmup > 0 {
      let folder = files.warmup(of: run)
      if let place = result.firstIndex(where: { $0.files == folder }) {
        result[place].epochs = max(result[place].epochs, run.configuration.warmup)
        result[place].runs.append(index)
      } else {
        let name = "warm-up \(run.configuration.space.rawValue)-\(run.configuration.seed) (\(result.count + 1))"
        result.append(
          Warmup(
            configuration: run.configuration.sharedWarmup, files: folder, epochs: run.configuration.warmup, runs: [index],
            name: name))
      }
    }
    return result
  }

  /// Runs what is left to run.
  ///
  /// - Returns: a row for each run of the plan.
  /// - Throws: `InputError` where the tables cannot be written. What fails a run is in its row.
  public func run(progress reporter: ProgressReporter = .silent) throws -> [ComparisonRow] {
    // Each run has a warm-up at most.
    try run(on: Crew(workers: min(jobs, max(1, 2 * plan.runs.count))), progress: reporter)
  }

  /// The same beside other ranks, which compute runs and warm-ups as a `ComparisonServer`.
  ///
  /// - Parameters:
  ///   - crew: whose workers here are the jobs of this comparison.
  ///   - checksums: of the data of each dataset, as this process has read them; what other ranks read must have the same.
  /// - Throws: besides, `TeamError` where a rank can't take part, with a stop of all runs before.
  package func run(on crew: Crew, checksums: [String: String] = [:], progress reporter: ProgressReporter = .silent) throws
    -> [ComparisonRow]
  {
    let handler = try RunLogHandler(path: files.folder.file("log.txt"))
    let logger = Logger(label: "compare") { _ in handler }
    let (tasks, shares) = tasksLeft()
    let progress = ComparisonProgress(reporter, shares: shares)
    let results = ComparisonResults(plan: plan, files: files)
    let jobs = tasks.map { job($0.task, checksums) }
    var queue = ComparisonQueue(tasks)
    let runCount = tasks.count { if case .run = $0.task { true } else { false } }
    let todo = "\(runCount) of \(plan.runs.count) runs and \(tasks.count - runCount) warm-ups to do"
    logger.info("\(todo), \(self.jobs) at a time\(crew.ranks > 1 ? " on each of \(crew.ranks) ranks" : "")")
    try results.write()

    func next() -> Crew.NextPiece {
      while !stop.isRequested {
        let answer = queue.next()
        guard case .piece(let index) = answer else { return answer }
        switch tasks[index].task {
        case .warmup(let number):
          let warmup = warmups[number]
          logger.info("\(warmup.name): \(warmup.epochs) epochs for \(warmup.runs.count) runs")
        case .run(let run):
          // Its warm-up has failed.
          guard results.failure(of: run) == nil else {
            progress.finish(plan.runs[run].name)
            continue
          }
        }
        return answer
      }
      return .nothing
    }
    func finish(_ index: Int, _ failure: ComparisonRow.Failure?) {
      if case .warmup(let number) = tasks[index].task { queue.finish(warmup: number) }
      close(tasks[index].task, failure, results, progress, logger)
    }

    let worker = ComparisonWorker(jobs: self.jobs, stop: stop, makeProblem: makeProblem, makeCrew: makeCrew)
    defer { progress.clear() }
    try crew.run(
      next: next,
      make: { index, _ in worker.work(jobs[index], progress.reporter(of: jobs[index].name, end: jobs[index].end)) },
      courier: courier(jobs, progress), finished: finish)
    progress.clear()
    if crew.ranks > 1 { logger.info("\(crew.account.text)") }
    logger.info("ends\(stop.signal.map { " after signal \($0)" } ?? "")")
    return try results.write(isLast: true)
  }

  /// What there is to do, each with the warm-up that it needs, and the work of each by its name.
  private func tasksLeft() -> (
    tasks: [(task: ComparisonQueue.Task, needed: Int?)], shares: [(name: String, work: Double)]
  ) {
    // Runs that have left their warm-up behind need it no more.
    let open = plan.runs.indices.filter { !files.run(plan.runs[$0]).isFinished }
    let needed = warmups.indices.filter { number in
      warmups[number].runs.contains { open.contains($0) && !files.run(plan.runs[$0]).isStarted }
    }
    var tasks: [(task: ComparisonQueue.Task, needed: Int?)] = []
    var shares: [(name: String, work: Double)] = []
    for index in open {
      let run = plan.runs[index]
      let warmup = files.run(run).isStarted ? nil : needed.first { warmups[$0].runs.contains(index) }
      if let warmup, !tasks.contains(where: { $0.task == .warmup(warmup) }) {
        tasks.append((.warmup(warmup), nil))
        shares.append((warmups[warmup].name, Double(warmups[warmup].epochs)))
      }
      tasks.append((.run(index), warmup))
      shares.append((run.name, Self.work(run.configuration)))
    }
    return (tasks, shares)
  }

  private func job(_ task: ComparisonQueue.Task, _ checksums: [String: String]) -> ComparisonJob {
    func known(_ dataset: String) -> ComparisonFolder.KnownData? {
      data[dataset]
        ?? checksums[dataset].map { .init(data: RunData(dataset: dataset, checksum: $0), path: "what rank 0 has read") }
    }
    switch task {
    case .warmup(let number):
      let warmup = warmups[number]
      return ComparisonJob(
        name: warmup.name, configuration: warmup.configuration, plan: files.planPath, folder: warmup.files.folder.path,
        epochs: warmup.epochs, data: known(warmup.configuration.dataset))
    case .run(let index):
      let run = plan.runs[index]
      return ComparisonJob(
        name: run.name, configuration: run.configuration, plan: files.planPath, folder: files.run(run).folder.path,
        warmup: run.configuration.warmup > 0 ? files.warmup(of: run).folder.path : nil,
        data: known(run.configuration.dataset))
    }
  }

  /// How jobs travel. A rank that can't take part would end runs of hours only after they have come to their ends: so all are
  /// asked to stop first.
  private func courier(_ jobs: [ComparisonJob], _ progress: ComparisonProgress) -> Crew.Courier<ComparisonRow.Failure?> {
    Crew.Courier(
      request: { jobs[$0].bytes },
      result: { _, answer in
        switch try JobAnswer(answer) {
        case .ended(let failure): return failure
        case .refused(let rank, let host, let problem):
          stop.request()
          throw TeamError(rank: rank, host: host, problem: problem)
        }
      },
      report: { report in
        switch try JobReport(report) {
        case .progress(let name, let fraction, let text): progress.report(name, fraction, text)
        case .note(let line): progress.note(line)
        }
      })
  }

  /// Keeps what has become of a job.
  private func close(
    _ task: ComparisonQueue.Task, _ failure: ComparisonRow.Failure?, _ results: ComparisonResults,
    _ progress: ComparisonProgress, _ logger: Logger
  ) {
    switch task {
    case .warmup(let number):
      let warmup = warmups[number]
      if let failure {
        let reason = "warm-up: \(failure.reason)"
        logger.error("\(warmup.files.folder.path): \(reason)")
        for run in warmup.runs { results.add(.init(status: failure.status, reason: reason), to: run) }
      }
      progress.finish(warmup.name)
    case .run(let index):
      let run = plan.runs[index]
      if let failure {
        results.add(failure, to: index)
        progress.note("\(run.name) \(failure.status.rawValue): \(failure.reason)")
      }
      logger.info("\(run.name): \(failure.map { "\($0.status.rawValue), \($0.reason)" } ?? "finished")")
      progress.finish(run.name)
    }
    do {
      try results.write()
    } catch {
      // The tables are written again at the end, where an error is one of the comparison.
      logger.warning("\(error)")
    }
  }

  /// Of a run after its warm-up, in epochs of weight steps; for the time left.
  private static func work(_ configuration: SearchConfiguration) -> Double {
    let update = configuration.updatePlan
    let each = configuration.weightStepCost + Double(update.weightSteps + update.alphaGradients) / Double(update.interval)
    return Double(configuration.epochs - configuration.warmup) * each
  }
}
