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
    try SearchJob(warmup.configuration, in: SearchRunFolder(unchecked: warmup.folder)).advance(
      to: epochs, on: makeSameProblem(warmup), progress: reporter, stop: stop)
  }

  private func search(_ job: ComparisonJob, _ reporter: ProgressReporter) throws {
    let problem = try makeSameProblem(job)
    try SearchJob(job.configuration, in: SearchRunFolder(unchecked: job.folder)).run(
      on: problem, after: job.warmup.map { SearchRunFolder(unchecked: $0) },
      crew: makeCrew?(shared(job.configuration), problem) ?? nil, progress: reporter, stop: stop)
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
}
