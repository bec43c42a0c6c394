import Formats

/// Verdicts on all runs of a log, and what became of them.
public struct LogReport: Sendable {
  public let log: SearchLog
  public let diagnoses: [LoggedDiagnosis]
  public let outcomes: LogOutcomes?
  public let separations: [LogSeparation]

  /// - Parameters:
  ///   - warmup: epochs at the beginning of each run in which α did not move.
  ///   - outcomes: of its runs.
  /// - Throws: `InputError` for thresholds out of range.
  public init(
    of log: SearchLog, warmup: Int = 0, thresholds: CollapseThresholds = CollapseThresholds(), outcomes: LogOutcomes? = nil
  ) throws {
    self.log = log
    self.outcomes = outcomes
    let diagnoses = try log.runs.map {
      try LoggedDiagnosis(of: $0, space: log.space, warmup: warmup, thresholds: thresholds)
    }
    self.diagnoses = diagnoses
    separations = try outcomes.map { try LogSeparation.all(of: diagnoses, against: $0) } ?? []
  }

  /// Columns and rows of log-diagnosis.csv: a row a run, its outcome last.
  public var table: CSVTable {
    let columns = LoggedDiagnosis.columns + (outcomes.map { [$0.column] } ?? [])
    return CSVTable(columns: columns, rows: rows.map { $0.map(\.plain) })
  }

  private var rows: [[CSVField]] {
    diagnoses.map { diagnosis in
      diagnosis.fields
        + (outcomes.map { [$0.value(of: diagnosis.run.name).map(CSVField.real) ?? .text("")] } ?? [])
    }
  }

  /// Columns and rows of log-separation.csv: a row a criterion.
  public var separationTable: CSVTable {
    CSVTable(
      columns: LogSeparation.columns,
      rows: separations.map { separation in (outcomes.map { separation.fields($0) } ?? []).map(\.plain) })
  }

  /// Writes log-diagnosis.csv, log-epochs.csv, log-diagnosis.txt and, with outcomes, log-separation.csv.
  ///
  /// - Throws: `InputError` where a file cannot be written, or one of that name is of something else.
  public func write(to folder: OutputFolder) throws {
    let lock = try folder.lock()
    defer { withExtendedLifetime(lock) {} }
    try Self.requireOwn(folder)
    try CSVWriter.write(columns: table.columns, rows: rows, to: folder.file("log-diagnosis.csv"))
    try CSVWriter.write(
      columns: LoggedDiagnosis.epochColumns, rows: diagnoses.flatMap(\.epochRows), to: folder.file("log-epochs.csv"))
    try AtomicFile.write(
      diagnoses.map { $0.text + "\n" }.joined(separator: "\n"), to: folder.file("log-diagnosis.txt"))
    guard let outcomes else { return }
    try CSVWriter.write(
      columns: LogSeparation.columns, rows: separations.map { $0.fields(outcomes) }, to: folder.file("log-separation.csv"))
  }

  /// Files of an earlier diagnosis of logs are replaced, others of their names are not.
  ///
  /// - Throws: `InputError` where one is not of such a diagnosis.
  public static func requireOwn(_ folder: OutputFolder) throws {
    let kind = "a file of zarts diagnose --log"
    for (name, columns) in [
      ("log-diagnosis.csv", LoggedDiagnosis.columns), ("log-epochs.csv", LoggedDiagnosis.epochColumns),
      ("log-separation.csv", LogSeparation.columns),
    ] {
      try OutputFile.table(kind) { $0.starts(with: columns.prefix(4)) }.require(folder.file(name))
    }
    try OutputFile.text(kind) { text in
      ["COLLAPSED since epoch", "not collapsed"].contains { text.hasPrefix($0) }
    }.require(folder.file("log-diagnosis.txt"))
  }
}

extension CSVField {
  /// The cell without the quotes that a file would need.
  fileprivate var plain: String {
    if case .text(let text) = self { return text }
    return encoded
  }
}
