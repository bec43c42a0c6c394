import CArchive
import Formats
import Foundation

/// Reads files out of archives (tar, gzipped or not, zip and whatever else libarchive knows) into memory.
enum Archive {
  /// A file within an archive.
  struct Entry {
    /// The name without folders.
    var name: String
    var bytes: [UInt8]
  }

  /// Most bytes that the wanted files may have together, so that a damaged archive cannot fill the memory.
  static let mostBytes = 1 << 30

  /// The files whose names (without folders) are wanted. The archive is read to its end, so damage anywhere shows.
  ///
  /// - Throws: `InputError` where the archive is absent, no archive, truncated, corrupt, or holds a wanted name twice.
  static func read(_ path: String, wanting isWanted: (String) -> Bool) throws -> [Entry] {
    guard let archive = archive_read_new() else { throw InputError("libarchive cannot be started", at: .file(path)) }
    defer { archive_read_free(archive) }
    archive_read_support_filter_all(archive)
    archive_read_support_format_all(archive)
    guard try isGzipped(path) else {
      guard archive_read_open_filename(archive, path, 1 << 18) == ARCHIVE_OK else {
        throw failure(archive, path, "cannot be opened as an archive")
      }
      return try entries(archive, path: path, wanting: isWanted)
    }
    // libarchive does not look at the checksum of gzip; zlib does.
    let unpacked = try Gzip.read(path, limit: mostBytes + mostBytes / 2)
    return try unpacked.withUnsafeBytes { bytes in
      guard archive_read_open_memory(archive, bytes.baseAddress, bytes.count) == ARCHIVE_OK else {
        throw failure(archive, path, "cannot be opened as an archive")
      }
      return try entries(archive, path: path, wanting: isWanted)
    }
  }

  private static func isGzipped(_ path: String) throws -> Bool {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw InputError("cannot be opened for reading", at: .file(path))
    }
    defer { try? file.close() }
    return try file.read(upToCount: 2) == Data([0x1F, 0x8B])
  }

  private static func entries(
    _ archive: OpaquePointer, path: String, wanting isWanted: (String) -> Bool
  ) throws -> [Entry] {
    var entries: [Entry] = []
    var total = 0
    while true {
      var header: OpaquePointer?
      let status = archive_read_next_header(archive, &header)
      if status == ARCHIVE_EOF { return entries }
      guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let header else {
        throw failure(archive, path, "the archive is damaged")
      }
      guard let text = archive_entry_pathname(header) else { continue }
      let name = String(cString: text).split(separator: "/").last.map(String.init) ?? ""
      guard archive_entry_filetype(header) == S_IFREG, isWanted(name) else { continue }
      guard !entries.contains(where: { $0.name == name }) else {
        throw InputError("the archive holds \(name) twice", at: .file(path))
      }
      let bytes = try content(archive, path: path, name: name, hint: archive_entry_size(header), limit: mostBytes - total)
      total += bytes.count
      entries.append(Entry(name: name, bytes: bytes))
    }
  }

  private static func content(
    _ archive: OpaquePointer, path: String, name: String, hint: Int64, limit: Int
  ) throws -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(max(0, min(hint, 1 << 28))))
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let got = archive_read_data(archive, &chunk, chunk.count)
      guard got >= 0 else { throw failure(archive, "\(path), \(name)", "the archive is damaged") }
      if got == 0 { return bytes }
      guard bytes.count + got <= limit else {
        throw InputError("unpacks to more than can be right", at: .file(path, name), found: "over \(limit) bytes")
      }
      bytes += chunk[..<got]
    }
  }

  private static func failure(_ archive: OpaquePointer, _ source: String, _ problem: String) -> InputError {
    InputError(problem, at: .file(source), found: archive_error_string(archive).map { String(cString: $0) })
  }
}
