import Foundation
import Runs

/// How far a run is and when it should be done.
public struct RunProgress: Equatable, Sendable {
  /// Part that is done, 0 to 1; nil where nothing says so.
  public let fraction: Double?
  /// "epoch 3 of 50".
  public let text: String
  /// "about 12 min 30 s left"; nil where it is not known or nothing is left.
  public let remaining: String?
  public let isFinished: Bool

  /// Of a comparison as a whole; else of the first run that is not finished, or of the last one.
  ///
  /// - Parameters:
  ///   - isWorking: whether a process works in a run's folder.
  ///   - now: the time to which epochs in progress are counted.
  public init(of report: Report, isWorking: (ReportRun) -> Bool, now: Date = Date()) {
    if let comparison = report.comparisons.first, report.comparisons.count == 1,
      let work = ComparisonWork(of: comparison, runs: report.runs, isWorking: isWorking, now: now)
    {
      (fraction, text, remaining, isFinished) = (work.fraction, work.text, work.remaining, work.isFinished)
      return
    }
    guard let run = report.runs.first(where: { !Self.isDone($0) }) ?? report.runs.last else {
      (fraction, text, remaining, isFinished) = (nil, "No run to follow.", nil, true)
      return
    }
    let (finished, wanted) = (run.finishedEpochs, run.wantedEpochs)
    let others = report.runs.count > 1 ? "\(run.label): " : ""
    guard let wanted, wanted > 0 else {
      (fraction, text, remaining, isFinished) = (nil, others + "\(finished) epochs finished", nil, Self.isDone(run))
      return
    }
    let isDone = Self.isDone(run)
    let isLive = !isDone && isWorking(run)
    let pace = Self.pace(of: run)
    let done = Self.epochsDone(run, isLive: isLive, now: now)
    fraction = isDone ? 1 : min(1, done / Double(wanted))
    isFinished = isDone
    if isDone {
      text = others + SummarySection.state(run)
      remaining = nil
    } else if isLive {
      text = others + "epoch \(finished + 1) of \(wanted)"
      remaining = Self.left(of: run, done: done, wanted: wanted, pace: pace)
    } else {
      text = others + SummarySection.state(run) + " No process works on it at present."
      remaining = nil
    }
  }

  /// Finished epochs and, while a process works, the part of the next that its clock says: between two rows nothing else
  /// knows.
  static func epochsDone(_ run: ReportRun, isLive: Bool, now: Date) -> Double {
    guard isLive, let pace = pace(of: run), let last = run.log.lastChange else { return Double(run.finishedEpochs) }
    return Double(run.finishedEpochs) + min(0.99, max(0, now.timeIntervalSince(last)) / max(pace, 1e-3))
  }

  static func isDone(_ run: ReportRun) -> Bool {
    if case .finished = run.log.end { return true }
    return run.wantedEpochs.map { run.finishedEpochs >= $0 } ?? false
  }

  /// Seconds of an epoch, from the last three: those of a warm-up say little of what follows.
  static func pace(of run: ReportRun) -> Double? {
    guard let seconds = try? run.metrics?.doubles("seconds"), !seconds.isEmpty else { return nil }
    let warmup = run.settings["warmup"].flatMap { Int($0) } ?? 0
    let telling = seconds.count > warmup ? Array(seconds.dropFirst(warmup)) : seconds
    let last = telling.suffix(3)
    return last.reduce(0, +) / Double(last.count)
  }

  private static func left(of run: ReportRun, done: Double, wanted: Int, pace: Double?) -> String? {
    guard let pace, pace.isFinite else { return "time left unknown before the first epoch is done" }
    let seconds = max(0, (Double(wanted) - done) * pace)
    let warmup = run.settings["warmup"].flatMap { Int($0) } ?? 0
    let isFirm = run.finishedEpochs > warmup || warmup == 0
    return (isFirm ? "about " : "at least ") + ProgressReporter.duration(seconds) + " left"
  }
}
