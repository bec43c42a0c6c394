import Compute
import Formats
import Foundation
import Problems
import Runs

/// Computes jobs of a comparison in this process.
struct ComparisonWorker<Problem: BilevelProblem>: Sendable {
  /// Jobs at a time in this process, which share its threads.
  let jobs: Int
  let stop: StopRequest
  let makeProblem: @Sendable (SearchConfiguration) throws -> Problem
  /// Who evaluates the candidates of a run, of its settings with a job's threads and its problem; nil for the problem itself.
  let makeCrew: (@Sendable (SearchConfiguration, Problem) throws -> CandidateCrew<Problem>?)?

  /// Computes a job, or what is left of it, into its folder.
  ///
  /// - Returns: what kept it from its end; nil where nothing did.
  func work(_ job: ComparisonJob, _ reporter: ProgressReporter) -> ComparisonRow.Failure? {
    do {
      if let epochs = job.epochs {
        try advance(job, to: epochs, reporter)
      } else {
        try search(job, reporter)
      }
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
      return .init(status: .failed, reason: "\(error)".replacing("\n", with: " "))
    }
  }

  private func advance(_ warmup: ComparisonJob, to epochs: Int, _ reporter: ProgressReporter) throws {
    let files = SearchRunFolder(unchecked: warmup.folder)
    if FileManager.default.fileExists(atPath: files.checkpointPath(epoch: epochs)) { return }
    let problem = try makeSameProblem(warmup)
    let run: SearchRun<Problem>
    if files.isStarted {
      run = try SearchRun(
        continuing: problem, folder: files.folder, space: warmup.configuration.space,
        adjusting: { $0.dataset = warmup.configuration.dataset }, progress: reporter, stop: stop)
    } else {
      try Self.clear(files)
      run = try SearchRun(
        starting: problem, configuration: warmup.configuration, folder: .create(at: warmup.folder),
        space: warmup.configuration.space, progress: reporter, stop: stop)
    }
    try run.advance(to: epochs)
  }

  private func search(_ job: ComparisonJob, _ reporter: ProgressReporter) throws {
    let (files, configuration) = (SearchRunFolder(unchecked: job.folder), job.configuration)
    let problem = try makeSameProblem(job)
    let crew = try makeCrew?(shared(configuration), problem) ?? nil
    let search: SearchRun<Problem>
    if files.isStarted {
      search = try SearchRun(
        continuing: problem, folder: files.folder, space: configuration.space,
        adjusting: { $0.dataset = configuration.dataset }, crew: crew, progress: reporter, stop: stop)
    } else {
      try Self.clear(files)
      let output = try OutputFolder.create(at: job.folder)
      if let warmup = job.warmup {
        search = try SearchRun(
          forking: SearchRunFolder(unchecked: warmup), starting: problem, configuration: configuration, folder: output,
          space: configuration.space, crew: crew, progress: reporter, stop: stop)
      } else {
        search = try SearchRun(
          starting: problem, configuration: configuration, folder: output, space: configuration.space, crew: crew,
          progress: reporter, stop: stop)
      }
    }
    try search.run()
  }

  /// The problem of a job, on the data that it is to be computed from.
  private func makeSameProblem(_ job: ComparisonJob) throws -> Problem {
    let problem = try makeProblem(shared(job.configuration))
    guard let earlier = job.data else { return problem }
    try RunData(dataset: job.configuration.dataset, checksum: problem.dataChecksum)
      .require(sameAs: earlier.data, from: earlier.path)
    return problem
  }

  /// The settings with this job's part of the threads of this process.
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
}
