import Formats
import Runs

/// The files of a retraining.
public struct RetrainingFolder: RunFolder, Equatable {
  public let folder: OutputFolder

  public init(_ folder: OutputFolder) { self.folder = folder }

  /// The settings of the run.
  ///
  /// - Throws: `InputError` where they cannot be read.
  package func configuration() throws -> RetrainingConfiguration {
    let text = try String(decoding: FileBytes.read(configurationPath), as: UTF8.self)
    return try RetrainingConfiguration(yaml: text, from: configurationPath)
  }

  /// - Throws: as `RetrainingRecord.read`.
  public func metrics() throws -> [RetrainingRecord] { try RetrainingRecord.read(from: metricsPath) }

  /// Holds metrics.csv against the newest checkpoint.
  ///
  /// - Throws: `InputError` that names the file and the row, and where a file cannot be read.
  public func checkHistory() throws {
    // Before the table, which is written before it.
    let carriers = checkpointMetadata()
    let records = try metrics()
    guard let carrier = HistoryCheck.carrier(of: records.count, among: carriers) else { return }
    try check(records, against: carrier.metadata, of: carrier.path)
  }

  /// - Throws: `InputError` with file and row where rows are not those that the checkpoint was written after.
  func check(_ records: [RetrainingRecord], against metadata: [String: String], of checkpoint: String) throws {
    try HistoryCheck.require(
      records.map(RetrainingRecord.table.check), .metrics, in: metadata, of: checkpoint, at: metricsPath)
  }
}
