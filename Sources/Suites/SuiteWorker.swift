import Compute
import Datasets
import Formats
import Foundation
import Logging
import Problems
import Runs
import Search

/// A process, or one of several, that works off the jobs of a suite: it claims what can begin, runs it to its end, writes the
/// record and the tables, and looks for more, until nothing is left that could be done.
///
/// What a job computes follows from the plan alone, so who does it, and how often it was interrupted, changes no bit of it.
public struct SuiteWorker<Problem: BilevelProblem> {
  public let plan: SuitePlan
  public let files: SuiteFolder
  /// Threads of this process; no result depends on them.
  let threads: Int
  let makeProblem: (SearchConfiguration) throws -> Problem
  let makeCrew: ((SearchConfiguration, Problem) throws -> CandidateCrew<Problem>?)?
  let load: (String) throws -> ImageDataset
  let stop: StopRequest
  private let terms: Claim.Terms
  private let pause: Double
  private let progress: () -> ProgressReporter
  private let logger: Logger

  /// - Parameters:
  ///   - plan: of the folder, with data named by paths that lead to them from here.
  ///   - threads: 0 for what the plan says.
  ///   - terms: of claims, the same in all processes.
  ///   - pause: seconds from one look for work to the next where there is none yet, at first.
  ///   - makeProblem: makes the problem that settings describe.
  ///   - makeCrew: who evaluates the candidates of a search, of its settings with this process's threads and its problem; nil
  ///     for the problem itself.
  ///   - load: loads what a dataset's name leads to.
  /// - Throws: `InputError` where the folder cannot be written.
  public init(
    of plan: SuitePlan, in files: SuiteFolder, threads: Int = 0, terms: Claim.Terms = Claim.Terms(), pause: Double = 2,
    progress: @escaping () -> ProgressReporter = { .silent }, stop: StopRequest = StopRequest(),
    makeProblem: @escaping (SearchConfiguration) throws -> Problem,
    makeCrew: ((SearchConfiguration, Problem) throws -> CandidateCrew<Problem>?)? = nil,
    load: @escaping (String) throws -> ImageDataset
  ) throws {
    self.plan = plan
    self.files = files
    self.threads = threads
    self.terms = terms
    self.pause = pause
    self.progress = progress
    self.stop = stop
    self.makeProblem = makeProblem
    self.makeCrew = makeCrew
    self.load = load
    try files.prepare()
    let holder = Claim.Holder.present()
    let handler = try RunLogHandler(
      path: files.folder.subfolder("logs").file("\(holder.host.replacing("/", with: "-"))-\(holder.process).txt"))
    logger = Logger(label: "suite") { _ in handler }
  }

  /// Works until every job has ended or cannot begin, or a stop is requested.
  ///
  /// - Returns: where all jobs are then.
  /// - Throws: `InputError` where records, claims or tables cannot be read or written. What fails a job is in its record.
  public func work() throws -> SuiteState {
    logger.info("command: \(Provenance.commandLine)")
    try SuiteTables(of: plan, in: files).write()
    var waits = 0
    while !stop.isRequested {
      let state = try SuiteState(of: plan, in: files, terms: terms)
      if state.isOver { break }
      if try state.entries.contains(where: { try workOn($0, state) }) {
        waits = 0
        continue
      }
      if waits == 0 {
        logger.info("waits: \(state.count(.running)) jobs are running elsewhere")
        progress().note("nothing to begin; \(state.count(.running)) jobs are running in other processes")
      }
      sleep(waits)
      waits += 1
    }
    logger.info("ends\(stop.signal.map { " after signal \($0)" } ?? "")")
    try SuiteTables(of: plan, in: files).write()
    return try SuiteState(of: plan, in: files, terms: terms)
  }

  /// Longer from look to look, up to eight times: each reads the records of all jobs, from a file system that many share.
  private func sleep(_ looks: Int) {
    let end = ProgressReporter.monotonicSeconds() + pause * min(8, pow(1.2, Double(looks)))
    while !stop.isRequested, ProgressReporter.monotonicSeconds() < end {
      Thread.sleep(forTimeInterval: min(0.1, pause))
    }
  }

  /// - Returns: whether the job has ended by this process, or was found ended.
  private func workOn(_ entry: SuiteState.Entry, _ state: SuiteState) throws -> Bool {
    guard [.ready, .interrupted].contains(entry.status), !stop.isRequested else { return false }
    let note = "threads \(threadCount(of: entry.job))"
    let jobStop = StopRequest(following: stop)
    guard
      let claim = try Claim.take(
        entry.job.key, in: files.claimsPath, note: note, terms: terms, onLoss: { jobStop.request() })
    else { return false }
    defer { claim.release() }
    // Another may have ended it since it was looked for.
    if try files.record(of: entry.job) != nil { return true }
    let over = state.entries.count { $0.status.isOver }
    let reporter = progress()
    defer { reporter.clear() }
    reporter.note("\(over) of \(plan.jobs.count) jobs over; \(entry.job.kind.rawValue) \(entry.job.path)")
    logger.info("\(entry.job.kind.rawValue) \(entry.job.path)")
    guard var record = outcome(of: entry.job, reporter, jobStop, claim) else { return false }
    let holder = Claim.Holder.present()
    (record.host, record.process, record.ended) = (holder.host, Int(holder.process), Date().formatted(.iso8601))
    record.threads = threadCount(of: entry.job)
    logger.info("\(entry.job.path): \(record.status.rawValue)\(record.reason.isEmpty ? "" : ", \(record.reason)")")
    if record.status != .finished { reporter.note("\(entry.job.path) \(record.status.rawValue): \(record.reason)") }
    try record.write(to: files.recordPath(of: entry.job))
    try SuiteTables(of: plan, in: files).write()
    return true
  }

  /// What came of a job; nil where it has not ended and may go on, here or elsewhere.
  private func outcome(
    of job: SuiteJob, _ reporter: ProgressReporter, _ stop: StopRequest, _ claim: Claim
  ) -> SuiteRecord? {
    func record(_ status: SuiteRecord.Status, _ reason: String) -> SuiteRecord {
      var result = SuiteRecord(job: job.key, status: status)
      result.reason = reason.replacing("\n", with: " ")
      return result
    }
    do {
      let result = try result(of: job, reporter, stop)
      // Whoever has taken over writes it.
      guard !claim.isLost else { throw CancellationError() }
      return result
    } catch let error as Divergence {
      return record(.diverged, String(error.account.prefix { $0 != "\n" }))
    } catch is Interruption {
      logger.info("\(job.path): interrupted, with a checkpoint")
    } catch is CancellationError {
      logger.info("\(job.path): \(claim.isLost ? "taken over by another process" : "interrupted")")
    } catch let error as InputError where error.problem == FileLock.isHeld {
      logger.warning("\(job.path): \(error)")
    } catch {
      return claim.isLost ? nil : record(.failed, "\(error)")
    }
    return nil
  }

  func threadCount(of job: SuiteJob) -> Int {
    let planned = plan.searches.runs[job.run ?? job.cell.map { plan.cells[$0].runs[0] } ?? 0].configuration.threads
    let given = threads > 0 ? threads : planned
    return given > 0 ? given : AvailableProcessors.count
  }
}
