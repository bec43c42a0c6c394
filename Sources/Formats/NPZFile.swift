import CArchive
import Foundation

/// Several arrays in one file, as `numpy.savez` writes it: a zip archive of NPY files, stored without compression
/// (https://numpy.org/doc/stable/reference/generated/numpy.savez.html).
public struct NPZFile: Equatable, Sendable {
  /// Arrays with their names, in the order of the file.
  public var arrays: [(name: String, array: NPYFile)]

  public init(arrays: [(name: String, array: NPYFile)]) { self.arrays = arrays }

  public static func == (left: Self, right: Self) -> Bool {
    left.arrays.map(\.name) == right.arrays.map(\.name) && left.arrays.map(\.array) == right.arrays.map(\.array)
  }

  /// The array of a name; nil where there is none.
  public subscript(name: String) -> NPYFile? { arrays.first { $0.name == name }?.array }

  /// Writes the file, whole or not at all. Its bytes are a function of the arrays alone: entries bear the earliest time
  /// that a zip archive can.
  ///
  /// - Throws: `InputError` for a name that is empty, repeated or not one of plain letters, for values that don't fill
  ///   their shape, and when the file cannot be written.
  public func write(to path: String) throws {
    var seen: Set<String> = []
    for (name, _) in arrays {
      guard !name.isEmpty, name.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") }) else {
        throw InputError("not a name of an array", at: .file(path, "'\(name)'"), wanted: "letters, digits, _")
      }
      guard seen.insert(name).inserted else { throw InputError("two arrays of one name", at: .file(path, name)) }
    }
    let members = try arrays.map { (name: "\($0.name).npy", bytes: try $0.array.encoded(for: "\(path), \($0.name)")) }
    guard let archive = archive_write_new() else { throw InputError("libarchive cannot be started", at: .file(path)) }
    defer { archive_write_free(archive) }
    // A header and a directory entry take less than 512 bytes beside the name.
    let room = members.reduce(1024) { $0 + $1.bytes.count + 2 * $1.name.utf8.count + 512 }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
    defer { buffer.deallocate() }
    var used = 0
    try Self.require(archive_write_set_format_zip(archive), archive, path)
    try Self.require(archive_write_zip_set_compression_store(archive), archive, path)
    try Self.require(archive_write_set_bytes_in_last_block(archive, 1), archive, path)
    try Self.require(archive_write_open_memory(archive, buffer.baseAddress, room, &used), archive, path)
    for member in members { try Self.append(member.name, member.bytes, to: archive, path: path) }
    try Self.require(archive_write_close(archive), archive, path)
    try AtomicFile.write(UnsafeRawBufferPointer(rebasing: buffer[..<used]), to: path)
  }

  private static func append(_ name: String, _ bytes: [UInt8], to archive: OpaquePointer, path: String) throws {
    guard let entry = archive_entry_new() else { throw InputError("libarchive cannot be started", at: .file(path)) }
    defer { archive_entry_free(entry) }
    archive_entry_set_pathname(entry, name)
    archive_entry_set_filetype(entry, UInt32(S_IFREG))
    archive_entry_set_perm(entry, 0o644)
    archive_entry_set_size(entry, Int64(bytes.count))
    try require(archive_write_header(archive, entry), archive, path)
    var written = 0
    try bytes.withUnsafeBytes { raw in
      while written < raw.count {
        let count = archive_write_data(archive, raw.baseAddress! + written, raw.count - written)
        guard count > 0 else { throw failure(archive, path) }
        written += count
      }
    }
  }

  private static func require(_ status: Int32, _ archive: OpaquePointer, _ path: String) throws {
    guard status == ARCHIVE_OK else { throw failure(archive, path) }
  }

  private static func failure(_ archive: OpaquePointer, _ path: String) -> InputError {
    InputError(
      "the archive cannot be written", at: .file(path), found: archive_error_string(archive).map { String(cString: $0) })
  }
}

extension NPZFile {
  /// Reads a file of NPY members, compressed or not.
  ///
  /// - Throws: `InputError` when the file is absent, no zip archive, damaged, or holds a member that is not NPY or of a
  ///   type that `NPYFile` does not read.
  public init(readingFrom path: String) throws {
    let bytes = try FileBytes.read(path)
    guard bytes.starts(with: [0x50, 0x4B]) else {
      throw InputError("not an NPZ file", at: .file(path), wanted: "a zip archive of NPY files")
    }
    var result: [(name: String, array: NPYFile)] = []
    try ZipArchive.read(bytes, path: path, mostBytes: { _ in Self.mostBytes }) { name, content in
      let plain = name.hasSuffix(".npy") ? String(name.dropLast(4)) : name
      result.append((plain, try NPYFile(bytes: content, path: "\(path), \(name)")))
    }
    arrays = result
  }

  /// Most bytes that one array may have, so that a damaged file cannot fill the memory.
  private static let mostBytes = 1 << 32
}
