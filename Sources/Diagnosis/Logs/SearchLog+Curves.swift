import Cells
import Formats
import Search

extension SearchLog {
  /// Runs of the log for learning curves, epochs counted from 1.
  ///
  /// - Parameters:
  ///   - patterns: names of runs, or beginnings of names with a `*` after them; all runs where there is none.
  ///   - name: of their line; that of the file where nil.
  ///   - isRunning: whether validation in the log is with running statistics of batch norm, which metrics.csv has in columns of
  ///     their own.
  /// - Throws: `InputError` for a pattern that no run has.
  public func curves(of patterns: [String] = [], named name: String? = nil, isRunning: Bool) throws -> LoggedSearches {
    for pattern in patterns where !runs.contains(where: { Self.matches($0.name, pattern) }) {
      let known = runs.prefix(3).map(\.name).joined(separator: ", ") + (runs.count > 3 ? ", … (\(runs.count) runs)" : "")
      throw InputError("no such run", at: .file(path, "column run"), found: pattern, wanted: known)
    }
    let chosen = runs.filter { run in patterns.isEmpty || patterns.contains { Self.matches(run.name, $0) } }
    return LoggedSearches(
      name: name ?? AtomicFile.split(path).name, runs: chosen.map { $0.curves(isRunning: isRunning) })
  }

  private static func matches(_ name: String, _ pattern: String) -> Bool {
    pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
  }
}

extension SearchLog.Run {
  fileprivate func curves(isRunning: Bool) -> LoggedSearches.Run {
    func real(_ value: (SearchLog.Epoch) -> Double?) -> [Double?] { epochs.map(value) }
    let statistics = isRunning ? "_running" : ""
    // Logs count from 0 or 1.
    let first = epochs.first?.epoch ?? 1
    return LoggedSearches.Run(
      name: name, epochs: epochs.map { $0.epoch + 1 - first },
      values: [
        "learning_rate": real(\.learningRate), "training_loss": real(\.trainingLoss),
        "training_accuracy": real(\.trainingAccuracy), "validation_loss\(statistics)": real(\.validationLoss),
        "validation_accuracy\(statistics)": real(\.validationAccuracy), "dominant_eigenvalue": real(\.eigenvalue),
        "skip_connections": real { Double($0.genotype.skipConnectionCount) },
        "skip_connections_reduce": real { $0.genotype.reduceSkipConnectionCount.map(Double.init) },
      ])
  }
}
