import Foundation
import Runs

/// How much of a comparison is done, and how long what is left of it should take.
///
/// An epoch of a run takes what its own last epochs took; of one that has not begun, what those of the same method and space
/// took, else what those of all runs took. Runs that go on share what is left among them.
struct ComparisonWork {
  let fraction: Double
  let text: String
  let remaining: String?
  let isFinished: Bool

  /// One row of comparison.csv.
  private struct Entry {
    let kind: String
    let epochs: Double
    let isOver: Bool
    let run: ReportRun?
    let isLive: Bool
  }

  /// nil where comparison.csv does not say which runs there are.
  init?(of comparison: ReportComparison, runs: [ReportRun], isWorking: (ReportRun) -> Bool, now: Date) {
    guard let table = comparison.runs, !table.rows.isEmpty, let status = try? table.column("status"),
      let epochs = try? table.doubles("epochs"), let folder = try? table.column("folder"),
      let method = try? table.column("method"), let space = try? table.column("space")
    else { return nil }
    let entries = table.rows.indices.map { row -> Entry in
      let run = runs.first { $0.path == "\(comparison.path)/\(folder[row])" }
      let isOver = ["finished", "diverged", "failed"].contains(status[row]) || run.map(RunProgress.isDone) == true
      return Entry(
        kind: "\(space[row])/\(method[row])", epochs: epochs[row], isOver: isOver, run: run,
        isLive: !isOver && run.map(isWorking) == true)
    }
    let over = entries.count(where: \.isOver)
    let live = entries.filter(\.isLive)
    isFinished = over == entries.count
    text =
      "\(over) of \(entries.count) runs done"
      + (live.isEmpty
        ? (isFinished ? "." : ". No process works on it at present.")
        : "; " + live.compactMap(\.run).map { "\($0.label), epoch \($0.finishedEpochs + 1)" }.joined(separator: "; "))

    var paces: [String: [Double]] = [:]
    for entry in entries {
      if let pace = entry.run.flatMap(RunProgress.pace), pace.isFinite { paces[entry.kind, default: []].append(pace) }
    }
    func mean(_ values: [Double]) -> Double? { values.isEmpty ? nil : values.reduce(0, +) / Double(values.count) }
    let general = mean(paces.values.flatMap { $0 })
    // Without any pace every epoch counts the same.
    var (whole, left, isFirm) = (0.0, 0.0, true)
    for entry in entries {
      let pace = entry.run.flatMap(RunProgress.pace) ?? paces[entry.kind].flatMap(mean)
      if pace == nil, !entry.isOver { isFirm = false }
      let seconds = pace ?? general ?? 1
      let done = entry.run.map { RunProgress.epochsDone($0, isLive: entry.isLive, now: now) } ?? 0
      whole += entry.epochs * seconds
      if !entry.isOver { left += max(0, entry.epochs - done) * seconds }
    }
    fraction = isFinished ? 1 : whole > 0 ? 1 - left / whole : 0
    if isFinished || live.isEmpty {
      remaining = nil
    } else if general == nil {
      remaining = "time left unknown before the first epoch is done"
    } else {
      let seconds = left / Double(live.count)
      remaining = (isFirm ? "about " : "roughly ") + ProgressReporter.duration(seconds) + " left"
    }
  }
}
