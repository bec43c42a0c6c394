import CZlib

/// Reads gzip files (RFC 1952) of any number of members.
public enum Gzip {
  /// The decompressed content.
  ///
  /// - Parameter limit: Most bytes that may come out, so that a damaged file cannot fill the memory.
  /// - Throws: `InputError` when the file is absent, not gzip, truncated or corrupt, or larger than the limit.
  public static func read(_ path: String, limit: Int = 1 << 31) throws -> [UInt8] {
    let compressed = try FileBytes.read(path)
    guard compressed.starts(with: [0x1F, 0x8B]) else {
      throw InputError(
        "not a gzip file", at: .file(path), found: "the first bytes \(Array(compressed.prefix(2)))", wanted: "[31, 139]")
    }
    var input = compressed
    var output: [UInt8] = []
    // The last four bytes hold the size of the last member: right for nearly every file, and only a hint here.
    let hint = compressed.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    output.reserveCapacity(min(hint, limit, compressed.count * 1032))
    var stream = z_stream()
    guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw InputError("zlib cannot be started", at: .file(path))
    }
    defer { inflateEnd(&stream) }
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    try input.withUnsafeMutableBufferPointer { source in
      var consumed = 0
      while true {
        let offered = min(source.count - consumed, 1 << 30)
        stream.next_in = source.baseAddress! + consumed
        stream.avail_in = UInt32(offered)
        let (status, produced) = chunk.withUnsafeMutableBufferPointer { target in
          stream.next_out = target.baseAddress!
          stream.avail_out = UInt32(target.count)
          let status = inflate(&stream, Z_NO_FLUSH)
          return (status, target.count - Int(stream.avail_out))
        }
        consumed += offered - Int(stream.avail_in)
        output += chunk[..<produced]
        guard output.count <= limit else {
          throw InputError("decompresses to more than can be right", at: .file(path), found: "more than \(limit) bytes")
        }
        switch status {
        case Z_STREAM_END:
          if consumed == source.count { return }
          // Another member follows.
          inflateReset(&stream)
        case Z_OK where produced > 0 || consumed < source.count: continue
        case Z_OK, Z_BUF_ERROR:
          throw InputError(
            "the gzip data is truncated", at: .file(path), found: "its end after \(output.count) decompressed bytes")
        default:
          throw InputError(
            "the gzip data is corrupt", at: .file(path, "byte \(consumed)"),
            found: stream.msg.map { String(cString: $0) } ?? "zlib error \(status)")
        }
      }
    }
    return output
  }
}
