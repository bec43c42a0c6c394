import Foundation
import Runs

/// The progress of runs that go on side by side, as one line and one time left.
final class ComparisonProgress: @unchecked Sendable {
  private struct Job {
    let share: Double
    /// Where it began: a run that goes on begins with a part of its work done.
    var first: Double?
    var fraction = 0.0
  }

  private let lock = NSLock()
  private let reporter: ProgressReporter
  private var jobs: [String: Job]
  private let total: Double
  private var finished = 0

  /// - Parameter shares: work of each job in any unit.
  init(_ reporter: ProgressReporter, shares: [(name: String, work: Double)]) {
    self.reporter = reporter
    jobs = Dictionary(shares.map { ($0.name, Job(share: $0.work)) }) { first, _ in first }
    total = shares.reduce(0) { $0 + $1.work }
  }

  /// What a job reports to.
  ///
  /// - Parameter end: the part of the units of its reports that the job is going to do.
  func reporter(of name: String, end: Double = 1) -> ProgressReporter {
    ProgressReporter(
      to: .init(
        report: { [self] done, units, text in
          report(name, Self.fraction(done, units, end: end), text)
        },
        note: { [self] line in note("\(name)  \(line)") }))
  }

  /// How much of a job is done, whose reports count to more than its end.
  static func fraction(_ done: Double, _ units: Double, end: Double) -> Double {
    units > 0 ? min(1, done / (units * end)) : 1
  }

  func report(_ name: String, _ fraction: Double, _ text: String) {
    lock.lock()
    defer { lock.unlock() }
    guard var job = jobs[name] else { return }
    let first = job.first ?? fraction
    job.first = first
    job.fraction = first < 1 ? max(job.fraction, (fraction - first) / (1 - first)) : 1
    jobs[name] = job
    let done = jobs.values.reduce(0) { $0 + $1.share * $1.fraction }
    reporter.report(done: done, of: total, "\(finished) of \(jobs.count) done  \(name)  \(text)")
  }

  func note(_ line: String) {
    lock.lock()
    defer { lock.unlock() }
    reporter.note(line)
  }

  func finish(_ name: String) {
    lock.lock()
    defer { lock.unlock() }
    finished += 1
    jobs[name]?.fraction = 1
  }

  func clear() {
    lock.lock()
    defer { lock.unlock() }
    reporter.clear()
  }
}
