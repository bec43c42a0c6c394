import Compute
import Formats
import Foundation
import Problems
import Runs

/// Computes runs and warm-ups of a comparison that rank 0 leads, on another rank. It writes their folders, so all ranks must see
/// the same file system; the tables are written by rank 0.
package struct ComparisonServer<Problem: BilevelProblem>: Sendable {
  private let team: any Team
  private let checksums: [String: String]
  private let patience: Int
  private let worker: ComparisonWorker<Problem>

  /// - Parameters:
  ///   - jobs: at a time, 1 or more; they share the threads of this process.
  ///   - checksums: of the data of each dataset, as this process has read them.
  ///   - patience: seconds in which the files of other ranks become visible here; more than NFS remembers a listing.
  ///   - stop: told of a stop of rank 0, which is told of one here.
  ///   - makeCrew: who evaluates the candidates of a run, as `ComparisonRun` has it.
  ///   - makeProblem: makes the problem that settings describe, for a thread of its own.
  package init(
    team: any Team, jobs: Int = 1, checksums: [String: String] = [:], patience: Int = 90, stop: StopRequest = StopRequest(),
    makeCrew: (@Sendable (SearchConfiguration, Problem) throws -> CandidateCrew<Problem>?)? = nil,
    makeProblem: @escaping @Sendable (SearchConfiguration) throws -> Problem
  ) {
    (self.team, self.checksums, self.patience) = (team, checksums, patience)
    worker = ComparisonWorker(jobs: max(1, jobs), stop: stop, makeProblem: makeProblem, makeCrew: makeCrew)
  }

  /// Returns when rank 0 has nothing more to do.
  ///
  /// - Throws: `TeamError` where rank 0 can't be heard any more.
  package func serve() throws {
    let stop = worker.stop
    let server = CrewServer(
      team: team, workers: worker.jobs, signal: { stop.signal }, requestStop: { stop.request(signal: $0) })
    try server.serve { request, _ in
      let job: ComparisonJob
      do {
        job = try ComparisonJob(request)
        try requireSameData(job)
        try requireShared(job)
      } catch {
        return JobAnswer.refused(rank: team.rank, host: team.host, problem: "\(error)").bytes
      }
      let reporter = ProgressReporter(
        to: .init(
          report: { done, units, text in
            server.report(JobReport.progress(job.name, ComparisonProgress.fraction(done, units, end: job.end), text).bytes)
          },
          note: { line in server.report(JobReport.note("\(job.name)  \(line)").bytes) }),
        interval: JobReport.interval)
      return JobAnswer.ended(worker.work(job, reporter)).bytes
    }
  }

  /// - Throws: `InputError` where this rank reads other data than those that the job is to be computed from. Checked before the
  ///   job begins: a rank with other data would fail run after run.
  private func requireSameData(_ job: ComparisonJob) throws {
    let dataset = job.configuration.dataset
    guard let wanted = job.data, let checksum = checksums[dataset] else { return }
    try RunData(dataset: dataset, checksum: checksum).require(sameAs: wanted.data, from: wanted.path)
  }

  /// Looks for what rank 0 and others have written. A system such as NFS may remember for a while that it was not there; asked
  /// for a listing it looks again.
  ///
  /// - Throws: `InputError` where it does not appear.
  private func requireShared(_ job: ComparisonJob) throws {
    let wanted =
      job.warmup.map { SearchRunFolder(unchecked: $0).checkpointPath(epoch: job.configuration.warmup) } ?? job.plan
    func isThere() -> Bool {
      // A run that goes on needs its warm-up no more, which may have been removed.
      FileManager.default.fileExists(atPath: wanted)
        || job.warmup != nil && SearchRunFolder(unchecked: job.folder).isStarted
    }
    for _ in 0..<patience where !isThere() {
      sleep(1)
      for path in [job.folder, wanted] { Self.lookAgain(path) }
    }
    guard isThere() else {
      throw InputError(
        "the folder of the comparison is not the one that rank 0 writes", at: .file(wanted), found: "no such file",
        wanted: "a file system that all ranks share, and one working folder")
    }
  }

  /// Lists the folders that a path leads through, outermost first.
  private static func lookAgain(_ path: String) {
    var folders: [String] = []
    for _ in 0..<4 { folders.append(((folders.last ?? path) as NSString).deletingLastPathComponent) }
    for folder in folders.reversed() {
      _ = try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)
    }
  }
}

/// What a server says of a job while it is at it.
enum JobReport: Equatable {
  case progress(_ name: String, _ fraction: Double, _ text: String)
  case note(_ line: String)

  /// Seconds between two of a job: with a thousand ranks rank 0 still has little to read.
  static let interval = 1.0

  var bytes: [UInt8] {
    var writer = MessageWriter()
    switch self {
    case .progress(let name, let fraction, let text):
      writer.write(true)
      writer.write(name)
      writer.write(fraction)
      writer.write(text)
    case .note(let line):
      writer.write(false)
      writer.write(line)
    }
    return writer.bytes
  }

  /// - Throws: `TruncatedMessage`.
  init(_ bytes: [UInt8]) throws {
    var reader = MessageReader(bytes)
    self =
      try reader.bool()
      ? .progress(try reader.text(), try reader.double(), try reader.text()) : .note(try reader.text())
  }
}
