/// A CSV file (RFC 4180; lines may end in LF or CRLF) with a header line.
public struct CSVTable: Equatable, Sendable {
  /// Where it was read from, for messages.
  public let path: String
  public let columns: [String]
  /// Cells, row by row, each row as wide as the header.
  public let rows: [[String]]

  public init(path: String = "", columns: [String], rows: [[String]]) {
    self.path = path
    self.columns = columns
    self.rows = rows
  }

  /// - Throws: `InputError` when the file is absent, empty, not UTF-8, badly quoted, or has rows of different widths.
  public init(readingFrom path: String) throws {
    let bytes = try FileBytes.read(path)
    let parsed = try CSVRecords(parsing: bytes, path: path)
    if let failure = parsed.lastRecordFailure { throw failure }
    guard let columns = parsed.records.first else {
      throw InputError("an empty CSV file", at: .file(path), wanted: "a header line")
    }
    for (index, row) in parsed.records.enumerated() where row.count != columns.count {
      throw InputError(
        "wrong number of cells", at: .file(path, "row \(index)"), found: "\(row.count)",
        wanted: "\(columns.count) as in the header")
    }
    self.init(path: path, columns: columns, rows: Array(parsed.records.dropFirst()))
  }

  /// The cells of a column.
  ///
  /// - Throws: `InputError` when there is no such column.
  public func column(_ name: String) throws -> [String] {
    guard let index = columns.firstIndex(of: name) else {
      throw InputError("there is no such column", at: .file(path, name), found: columns.joined(separator: ", "))
    }
    return rows.map { $0[index] }
  }
}

/// The records of a CSV text, and how many of them are certainly whole.
struct CSVRecords {
  /// Complete records, and the last one even where it has no line end.
  private(set) var records: [[String]] = []
  /// Bytes up to the end of the last record that ends in a line end.
  private(set) var completeBytes = 0
  /// How many records those bytes hold.
  private(set) var completeRecords = 0
  /// What is wrong with a last record that has no line end: it may have been cut short anywhere.
  private(set) var lastRecordFailure: InputError?

  init(parsing bytes: [UInt8], path: String) throws {
    let quote = UInt8(ascii: "\"")
    var position = 0
    var record: [String] = []
    var cell: [UInt8] = []

    func line() -> String { "row \(records.count)" }
    func finishCell() throws {
      guard let text = String(bytes: cell, encoding: .utf8) else {
        throw InputError("not UTF-8 text", at: .file(path, line()))
      }
      record.append(text)
      cell.removeAll(keepingCapacity: true)
    }
    func finishRecord() throws {
      try finishCell()
      records.append(record)
      record = []
    }

    var isOpen = false
    while position < bytes.count {
      isOpen = true
      if bytes[position] == quote {
        position += 1
        var isClosed = false
        while position < bytes.count {
          if bytes[position] != quote {
            cell.append(bytes[position])
            position += 1
          } else if position + 1 < bytes.count, bytes[position + 1] == quote {
            cell.append(quote)
            position += 2
          } else {
            position += 1
            isClosed = true
            break
          }
        }
        guard isClosed else {
          lastRecordFailure = InputError("a quoted cell has no end", at: .file(path, line()))
          return
        }
      } else {
        while position < bytes.count, ![UInt8(ascii: ","), 0x0A, 0x0D].contains(bytes[position]) {
          guard bytes[position] != quote else {
            throw InputError("a quote inside a cell that is not quoted", at: .file(path, line()))
          }
          cell.append(bytes[position])
          position += 1
        }
      }
      guard position < bytes.count else { break }
      switch bytes[position] {
      case UInt8(ascii: ","):
        try finishCell()
        position += 1
        continue
      case 0x0D where position + 1 < bytes.count && bytes[position + 1] == 0x0A: position += 2
      case 0x0A: position += 1
      case 0x0D where position + 1 == bytes.count:
        lastRecordFailure = InputError("half a line end", at: .file(path, line()))
        return
      default:
        throw InputError(
          "unexpected byte after a cell", at: .file(path, line()), found: "byte \(bytes[position])",
          wanted: "a comma or a line end")
      }
      try finishRecord()
      isOpen = false
      completeBytes = position
      completeRecords = records.count
    }
    if isOpen {
      do { try finishRecord() } catch let failure as InputError { lastRecordFailure = failure }
    }
  }
}
