import Foundation

/// A CSV file that grows by whole rows: a journal that a killed run can continue.
///
/// Each row is handed to the system before `append` returns, so a killed process loses none; a row that was cut short by
/// a crash of the machine is dropped when the file is opened again.
public final class CSVWriter: @unchecked Sendable {
  public let path: String
  public let columns: [String]
  private let descriptor: Int32
  private let lock = NSLock()

  /// Starts a new file with a header line, replacing one that is there.
  public init(creating path: String, columns: [String]) throws {
    try AtomicFile.write(CSVField.line(columns.map { .text($0) }), to: path)
    self.path = path
    self.columns = columns
    descriptor = try Self.open(path)
  }

  /// Continues a file, or starts it where it is absent.
  ///
  /// - Throws: `InputError` when the file has other columns or cannot be written.
  public convenience init(continuing path: String, columns: [String]) throws {
    guard access(path, F_OK) == 0 else {
      try self.init(creating: path, columns: columns)
      return
    }
    let bytes = try FileBytes.read(path)
    let parsed = try CSVRecords(parsing: bytes, path: path)
    guard parsed.completeRecords > 0 else {
      // Cut short within the header.
      try self.init(creating: path, columns: columns)
      return
    }
    guard parsed.records[0] == columns else {
      throw InputError(
        "other columns", at: .file(path, "header"), found: parsed.records[0].joined(separator: ","),
        wanted: columns.joined(separator: ","))
    }
    if parsed.completeBytes < bytes.count {
      try AtomicFile.write(Array(bytes[..<parsed.completeBytes]), to: path)
    }
    try self.init(opening: path, columns: columns)
  }

  private init(opening path: String, columns: [String]) throws {
    self.path = path
    self.columns = columns
    descriptor = try Self.open(path)
  }

  deinit { close(descriptor) }

  private static func open(_ path: String) throws -> Int32 {
    let descriptor = Foundation.open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw InputError("cannot be continued", at: .file(path), found: FileBytes.systemReason())
    }
    return descriptor
  }

  /// Adds one row.
  ///
  /// - Throws: `InputError` when its width is not that of the header, or the disk is full.
  public func append(_ row: [CSVField]) throws {
    try append(rows: [row])
  }

  /// Adds rows in one piece.
  public func append(rows: [[CSVField]]) throws {
    var text = ""
    for row in rows {
      guard row.count == columns.count else {
        throw InputError(
          "wrong number of cells in a new row", at: .file(path), found: "\(row.count)", wanted: "\(columns.count)")
      }
      text += CSVField.line(row)
    }
    let bytes = Array(text.utf8)
    lock.lock()
    defer { lock.unlock() }
    try bytes.withUnsafeBytes { try AtomicFile.writeAll($0, to: descriptor, path: path) }
  }

  /// Brings every row to disk.
  public func synchronise() throws {
    guard fsync(descriptor) == 0 else {
      throw InputError("cannot be brought to disk", at: .file(path), found: FileBytes.systemReason())
    }
  }

  /// Writes a whole table at once, whole or not at all.
  public static func write(columns: [String], rows: [[CSVField]], to path: String) throws {
    var text = CSVField.line(columns.map { .text($0) })
    for row in rows {
      guard row.count == columns.count else {
        throw InputError(
          "wrong number of cells in a row", at: .file(path), found: "\(row.count)", wanted: "\(columns.count)")
      }
      text += CSVField.line(row)
    }
    try AtomicFile.write(text, to: path)
  }
}
