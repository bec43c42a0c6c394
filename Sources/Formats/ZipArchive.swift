import CArchive

/// Reads zip archives that lie in memory. Checksums of members (CRC-32) are compared.
enum ZipArchive {
  /// The first bytes of one that has a member.
  static let magic: [UInt8] = [0x50, 0x4B, 3, 4]

  /// Every member with its whole name, in the order in which they lie in the archive.
  ///
  /// - Parameters:
  ///   - path: what the archive is called in messages.
  ///   - mostBytes: most bytes that a member may unpack to, of so many that came before it.
  ///   - visit: is given each member.
  /// - Throws: `InputError` where the archive is truncated, corrupt, encrypted, or unpacks to more.
  static func read(
    _ bytes: [UInt8], path: String, mostBytes: (_ before: Int) -> Int, visit: (String, [UInt8]) throws -> Void
  ) throws {
    guard let archive = archive_read_new() else { throw InputError("libarchive cannot be started", at: .file(path)) }
    defer { archive_read_free(archive) }
    archive_read_support_format_zip_seekable(archive)
    try bytes.withUnsafeBytes { raw in
      guard archive_read_open_memory(archive, raw.baseAddress, raw.count) == ARCHIVE_OK else {
        throw damage(archive, path)
      }
      var total = 0
      while true {
        var entry: OpaquePointer?
        let status = archive_read_next_header(archive, &entry)
        if status == ARCHIVE_EOF { return }
        guard status == ARCHIVE_OK, let entry, let text = archive_entry_pathname(entry) else {
          throw damage(archive, path)
        }
        let name = String(cString: text)
        let content = try content(archive, path: "\(path), \(name)", mostBytes: mostBytes(total))
        total += content.count
        try visit(name, content)
      }
    }
  }

  private static func content(_ archive: OpaquePointer, path: String, mostBytes: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let got = archive_read_data(archive, &chunk, chunk.count)
      guard got >= 0 else { throw damage(archive, path) }
      if got == 0 { return bytes }
      guard bytes.count + got <= mostBytes else {
        throw InputError("unpacks to more than can be right", at: .file(path), found: "over \(mostBytes) bytes")
      }
      bytes += chunk[..<got]
    }
  }

  private static func damage(_ archive: OpaquePointer, _ path: String) -> InputError {
    InputError("the archive is damaged", at: .file(path), found: archive_error_string(archive).map { String(cString: $0) })
  }
}
