import Formats
import Runs
import Search

/// Rows of a retraining's metrics.csv held against a checkpoint.
extension RetrainingRecord {
  /// What a checkpoint carries of the row.
  var check: String { HistoryCheck.of(row, columns: Self.columns) }

  /// - Throws: `InputError` with file and row where rows are not those that the checkpoint was written after.
  static func check(
    _ records: [RetrainingRecord], against metadata: [String: String], of checkpoint: String, in files: SearchRunFolder
  ) throws {
    try HistoryCheck.require(records.map(\.check), .metrics, in: metadata, of: checkpoint, at: files.metricsPath)
  }
}

extension SearchRunFolder {
  /// Holds metrics.csv of a retraining against the newest checkpoint, as `checkHistory` does that of a search.
  ///
  /// - Throws: `InputError` that names the file and the row; `InputError` where a file cannot be read.
  public func checkRetrainingHistory() throws {
    // Before the table, which is written before it.
    let carriers = checkpoints().reversed().compactMap { checkpoint in
      (try? TensorFile.metadata(readingFrom: checkpoint.path)).map { (path: checkpoint.path, metadata: $0) }
    }
    let records = try RetrainingRecord.read(from: metricsPath)
    guard let carrier = HistoryCheck.carrier(of: records.count, among: carriers) else { return }
    try RetrainingRecord.check(records, against: carrier.metadata, of: carrier.path, in: self)
  }
}

extension MetricsColumn {
  /// Checks a table of a search or of a retraining, whichever it is.
  ///
  /// - Throws: `InputError` naming row and column.
  public static func check(_ table: CSVTable) throws {
    try check(table, as: table.columns.contains("auxiliary_loss") ? RetrainingRecord.metrics : EpochRecord.metrics)
  }
}
