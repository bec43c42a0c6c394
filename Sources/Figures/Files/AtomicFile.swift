import Foundation

/// Files that are there whole or not at all.
enum AtomicFile {
  /// Writes `bytes` under a temporary name beside `path`, syncs and renames.
  ///
  /// - Throws: `FigureError.unwritable`; the temporary file is removed and an older file at `path` is untouched.
  static func write(_ bytes: [UInt8], to path: String) throws {
    var temporary = ""
    var descriptor: Int32 = -1
    for attempt in 0..<100 {
      temporary = "\(path).tmp-\(getpid())-\(attempt)"
      // Not mkstemp: its files are for the owner alone, and these follow the umask.
      descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 || errno != EEXIST { break }
    }
    guard descriptor >= 0 else { throw failure(path, errno) }
    do {
      try fill(descriptor, bytes, path)
    } catch {
      close(descriptor)
      unlink(temporary)
      throw error
    }
    guard close(descriptor) == 0, rename(temporary, path) == 0 else {
      let code = errno
      unlink(temporary)
      throw failure(path, code)
    }
    syncFolder(of: path)
  }

  private static func fill(_ descriptor: Int32, _ bytes: [UInt8], _ path: String) throws {
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure(path, count == 0 ? EIO : errno) }
      done += count
    }
    guard fsync(descriptor) == 0 else { throw failure(path, errno) }
  }

  /// Makes the rename last through a power cut; a file system that cannot sync folders is no reason to fail.
  private static func syncFolder(of path: String) {
    let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let descriptor = open(folder, O_RDONLY)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  private static func failure(_ path: String, _ code: Int32) -> FigureError {
    .unwritable(path: path, reason: String(cString: strerror(code)))
  }
}
