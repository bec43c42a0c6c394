import Formats

/// A record of which one table says what its numbers are called, and so how it is written and read.
package protocol TableRecord: Sendable {
  /// What a record is before any of its columns is read.
  init()

  static var table: RecordTable<Self> { get }
}

/// The columns of a kind of records: what writes, checks and reads their metrics.csv, and their entries in the metadata of a
/// checkpoint.
public struct RecordTable<Record: Sendable>: Sendable {
  public let columns: [RecordColumn<Record>]

  package init(_ columns: [RecordColumn<Record>]) { self.columns = columns }

  public var names: [String] { columns.map(\.name) }

  /// The cells of a record.
  package func row(of record: Record) -> [CSVField] { columns.map { $0.number(record) ?? .text("") } }

  /// What a checkpoint carries of a row; see `HistoryCheck`. What no two runs share does not count.
  package func check(of record: Record) -> String {
    let counting = columns.filter(\.isReproduced)
    return HistoryCheck.of(counting.map { $0.number(record) ?? .text("") }, columns: counting.map(\.name))
  }

  /// What TensorBoard is told of a record.
  package func events(of record: Record) -> [TrainingEvent.Value] { columns.compactMap { $0.scalar(of: record) } }

  /// Writes a table, whole or not at all.
  ///
  /// - Throws: `InputError` where the file cannot be written.
  package func write(_ records: [Record], to path: String) throws {
    try CSVWriter.write(columns: names, rows: records.map(row), to: path)
  }

  /// Checks every cell of the columns that a table has, and that its epochs count 1, 2, 3, ….
  ///
  /// - Throws: `InputError` naming file, row and column.
  package func check(_ table: CSVTable) throws {
    for column in columns where table.columns.contains(column.name) { _ = try column.numbers(of: table) }
  }

  /// The cells of a table, for readers of single columns. Columns may be absent, and there may be others.
  ///
  /// - Throws: `InputError` where the file cannot be read; as `check`.
  package func checkedCells(of path: String) throws -> CSVTable {
    let table = try CSVTable(readingFrom: path)
    try check(table)
    return table
  }
}

extension RecordTable where Record: TableRecord {
  /// The records of a table.
  ///
  /// - Throws: `InputError` where the file or a column is absent, a cell does not hold what its column does, or the epochs
  ///   don't count 1, 2, 3, ….
  package func read(from path: String) throws -> [Record] {
    // A cell that cannot be says more than a column that is not there.
    let table = try checkedCells(of: path)
    var records = table.rows.map { _ in Record() }
    for column in columns where !column.isNew || table.columns.contains(column.name) {
      for (row, number) in try column.numbers(of: table).enumerated() { column.put(number, &records[row]) }
    }
    return records
  }

  /// The numbers of a record as text that reads back to the same bits.
  ///
  /// - Parameter prefix: stands before the names.
  package func metadata(of record: Record, prefix: String) -> [String: String] {
    var result: [String: String] = [:]
    for column in columns { result[prefix + column.name] = column.number(record)?.encoded }
    return result
  }

  /// Reads what `metadata` wrote.
  ///
  /// - Parameter place: the file, for messages.
  /// - Throws: `InputError` where an entry is absent or not what its column holds.
  package func record(in metadata: [String: String], prefix: String, from place: String) throws -> Record {
    var record = Record()
    for column in columns {
      let key = prefix + column.name
      if metadata[key] == nil, column.isNew || column.isOptional { continue }
      column.put(try CheckpointMetadata.value(key, in: metadata, from: place, column.number(in:)), &record)
    }
    return record
  }
}
