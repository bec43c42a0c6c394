import CZlib

/// Checks zlib streams (RFC 1950).
package enum Zlib {
  /// Decompresses a stream for its checksum alone: what it holds is not kept.
  ///
  /// - Parameters:
  ///   - limit: most bytes that may come out.
  ///   - path, item: how errors call it.
  /// - Returns: how many bytes it holds.
  /// - Throws: `InputError` where it is truncated, corrupt, followed by other bytes, larger than the limit, or where its
  ///   Adler-32 is not that of its content.
  @discardableResult
  package static func verify(_ stream: UnsafeRawBufferPointer, limit: Int, path: String, item: String) throws -> Int {
    func failure(_ problem: String, _ found: String? = nil, _ expected: String? = nil) -> InputError {
      InputError(problem, at: .file(path, item), found: found, wanted: expected)
    }
    var state = z_stream()
    guard inflateInit2_(&state, 15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw failure("zlib cannot be started")
    }
    defer { inflateEnd(&state) }
    var scratch = [UInt8](repeating: 0, count: 1 << 18)
    var (consumed, produced) = (0, 0)
    while true {
      let offered = min(stream.count - consumed, 1 << 30)
      // zlib does not write into its input, though its type says that it might.
      state.next_in = stream.baseAddress.map {
        UnsafeMutablePointer(mutating: ($0 + consumed).assumingMemoryBound(to: UInt8.self))
      }
      state.avail_in = UInt32(offered)
      let (status, count) = scratch.withUnsafeMutableBufferPointer { target in
        state.next_out = target.baseAddress
        state.avail_out = UInt32(target.count)
        return (inflate(&state, Z_NO_FLUSH), target.count - Int(state.avail_out))
      }
      consumed += offered - Int(state.avail_in)
      produced += count
      guard produced <= limit else { throw failure("decompresses to more than can be right", "over \(limit) bytes") }
      switch status {
      case Z_STREAM_END:
        guard consumed == stream.count else {
          throw failure("bytes after the end of the compressed data", "\(stream.count - consumed)", "none")
        }
        return produced
      case Z_OK where count > 0 || consumed < stream.count: continue
      case Z_OK, Z_BUF_ERROR:
        throw failure("the compressed data are truncated", "their end after \(produced) decompressed bytes")
      default:
        throw failure(
          "the compressed data are corrupt", state.msg.map { String(cString: $0) } ?? "zlib error \(status)",
          "a stream with its checksum (Adler-32)")
      }
    }
  }
}
