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
/// others. No file but for `seconds` depends on the number of jobs and threads.
public struct ComparisonRun<Problem: BilevelProblem>: Sendable {
  public let plan: ComparisonPlan
  public let files: ComparisonFolder
  /// Runs at a time.
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

  /// A comparison may grow by methods, seeds and spaces, since the runs that are there stay what they are.
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
    let handler = try RunLogHandler(path: files.folder.file("log.txt"))
    let logger = Logger(label: "compare") { _ in handler }
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
    let progress = ComparisonProgress(reporter, shares: shares)
    let results = ComparisonResults(plan: plan, files: files)
    let queue = ComparisonQueue(tasks, stop: stop)
    logger.info("\(open.count) of \(plan.runs.count) runs and \(needed.count) warm-ups to do, \(jobs) at a time")
    try results.write()
    queue.work(threads: min(jobs, max(1, tasks.count))) { execute($0, queue, results, progress, logger) }
    progress.clear()
    logger.info("ends\(stop.signal.map { " after signal \($0)" } ?? "")")
    return try results.write(isLast: true)
  }

  private func execute(
    _ task: ComparisonQueue.Task, _ queue: ComparisonQueue, _ results: ComparisonResults, _ progress: ComparisonProgress,
    _ logger: Logger
  ) {
    switch task {
    case .warmup(let number):
      let warmup = warmups[number]
      logger.info("\(warmup.name): \(warmup.epochs) epochs for \(warmup.runs.count) runs")
      if let failure = failure(of: { try self.advance(warmup, progress) }) {
        let reason = "warm-up: \(failure.reason)"
        logger.error("\(warmup.files.folder.path): \(reason)")
        for run in warmup.runs { results.add(.init(status: failure.status, reason: reason), to: run) }
      }
      progress.finish(warmup.name)
      queue.finish(warmup: number)
    case .run(let index):
      let run = plan.runs[index]
      // Its warm-up has failed.
      guard results.failure(of: index) == nil else { return progress.finish(run.name) }
      let failure = failure { try self.search(index, progress) }
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

  /// What kept a job from its end; nil where nothing did.
  private func failure(of job: () throws -> Void) -> ComparisonRow.Failure? {
    do {
      try job()
      return nil
    } catch let error as Divergence {
      return .init(status: .diverged, reason: String(error.account.prefix { $0 != "\n" }))
    } catch let error as Interruption {
      return .init(
        status: .unfinished,
        reason: "stopped by signal \(error.signal) in epoch \(error.epoch), step \(error.step) (from 0)")
    } catch is CancellationError {
      return .init(status: .unfinished, reason: "stopped by signal \(stop.signal ?? SIGTERM)")
    } catch {
      return .init(status: .failed, reason: Self.line("\(error)"))
    }
  }

  private static func line(_ text: String) -> String { text.replacing("\n", with: " ") }

  private func advance(_ warmup: Warmup, _ progress: ComparisonProgress) throws {
    if FileManager.default.fileExists(atPath: warmup.files.checkpointPath(epoch: warmup.epochs)) { return }
    let reporter = progress.reporter(
      of: warmup.name, end: Double(warmup.epochs) / Double(max(1, warmup.configuration.epochs)))
    let problem = try makeSameProblem(warmup.configuration)
    let run: SearchRun<Problem>
    if warmup.files.isStarted {
      run = try SearchRun(
        continuing: problem, folder: warmup.files.folder, space: warmup.configuration.space,
        adjusting: { $0.dataset = warmup.configuration.dataset }, progress: reporter, stop: stop)
    } else {
      try Self.clear(warmup.files)
      run = try SearchRun(
        starting: problem, configuration: warmup.configuration, folder: .create(at: warmup.files.folder.path),
        space: warmup.configuration.space, progress: reporter, stop: stop)
    }
    try run.advance(to: warmup.epochs)
  }

  private func search(_ index: Int, _ progress: ComparisonProgress) throws {
    let (run, configuration) = (plan.runs[index], plan.runs[index].configuration)
    let folder = files.run(run)
    let reporter = progress.reporter(of: run.name)
    let problem = try makeSameProblem(configuration)
    let crew = try makeCrew?(shared(configuration), problem) ?? nil
    let search: SearchRun<Problem>
    if folder.isStarted {
      search = try SearchRun(
        continuing: problem, folder: folder.folder, space: configuration.space,
        adjusting: { $0.dataset = configuration.dataset }, crew: crew, progress: reporter, stop: stop)
    } else {
      try Self.clear(folder)
      let output = try OutputFolder.create(at: folder.folder.path)
      if configuration.warmup > 0 {
        search = try SearchRun(
          forking: files.warmup(of: run), starting: problem, configuration: configuration, folder: output,
          space: configuration.space, crew: crew, progress: reporter, stop: stop)
      } else {
        search = try SearchRun(
          starting: problem, configuration: configuration, folder: output, space: configuration.space, crew: crew,
          progress: reporter, stop: stop)
      }
    }
    try search.run()
  }

  /// The problem of a run or warm-up, on the data of the runs that are there already.
  private func makeSameProblem(_ configuration: SearchConfiguration) throws -> Problem {
    let problem = try makeProblem(shared(configuration))
    guard let earlier = data[configuration.dataset] else { return problem }
    try RunData(dataset: configuration.dataset, checksum: problem.dataChecksum)
      .require(sameAs: earlier.data, from: earlier.path)
    return problem
  }

  /// The settings with this job's part of the threads.
  private func shared(_ configuration: SearchConfiguration) -> SearchConfiguration {
    var result = configuration
    let threads = configuration.threads > 0 ? configuration.threads : AvailableProcessors.count
    result.threads = max(1, threads / jobs)
    return result
  }

  /// Removes what a run left that was killed before its first checkpoint.
  private static func clear(_ run: SearchRunFolder) throws {
    guard FileManager.default.fileExists(atPath: run.folder.path) else { return }
    try FileManager.default.removeItem(atPath: run.folder.path)
  }

  /// Of a run after its warm-up, in epochs of weight steps; for the time left.
  private static func work(_ configuration: SearchConfiguration) -> Double {
    let update = configuration.updatePlan
    let each = 1 + Double(update.weightSteps + update.alphaGradients) / Double(update.interval)
    return Double(configuration.epochs - configuration.warmup) * each
  }
}
