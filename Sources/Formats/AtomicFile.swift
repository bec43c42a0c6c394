import Foundation

/// Writes files that are either absent, or the old content, or the whole new content, whatever interrupts the writing:
/// a temporary name in the same folder, fsync, rename, fsync of the folder.
public enum AtomicFile {
  /// Replaces the file at `path` by `bytes`.
  ///
  /// - Throws: `InputError` when the folder is absent or cannot be written, or the disk is full.
  public static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws {
    try write(to: path) { descriptor in
      try writeAll(bytes, to: descriptor, path: path)
    }
  }

  /// Replaces the file at `path` by `bytes`.
  public static func write(_ bytes: [UInt8], to path: String) throws {
    try bytes.withUnsafeBytes { try write($0, to: path) }
  }

  /// Replaces the file at `path` by the UTF-8 bytes of `text`.
  public static func write(_ text: String, to path: String) throws {
    try write(Array(text.utf8), to: path)
  }

  private static func write(to path: String, body: (Int32) throws -> Void) throws {
    let (folder, name) = split(path)
    guard !name.isEmpty, name != ".", name != ".." else {
      throw InputError("does not name a file", at: .file(path))
    }
    let (descriptor, temporary) = try openTemporary(folder: folder, name: name, path: path)
    var isOpen = true
    var isRenamed = false
    defer {
      if isOpen { close(descriptor) }
      if !isRenamed { unlink(temporary) }
    }
    try body(descriptor)
    guard fsync(descriptor) == 0 else { throw failure(path, "cannot be brought to disk") }
    isOpen = false
    guard close(descriptor) == 0 else { throw failure(path, "cannot be closed") }
    guard rename(temporary, path) == 0 else { throw failure(path, "cannot be put in place") }
    isRenamed = true
    try synchronise(folder: folder, path: path)
  }

  /// A new file beside `path`. Names of temporaries that a crash left behind are passed over.
  static func openTemporary(folder: String, name: String, path: String) throws -> (Int32, String) {
    for attempt in 0..<10_000 {
      let temporary = "\(folder)/.\(name).\(getpid()).\(attempt).tmp"
      let descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 { return (descriptor, temporary) }
      guard errno == EEXIST else { throw failure(path, "cannot be written") }
    }
    throw InputError("cannot be written: too many temporary files stand beside it", at: .file(path))
  }

  package static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws {
    var written = 0
    while written < bytes.count {
      let count = Foundation.write(descriptor, bytes.baseAddress! + written, min(bytes.count - written, 1 << 30))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure(path, "cannot be written") }
      written += count
    }
  }

  /// Brings a rename or a new entry of a folder to disk.
  package static func synchronise(folder: String, path: String) throws {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path, "is written, but its folder cannot be opened") }
    defer { close(descriptor) }
    // Some file systems cannot sync a folder and say so with EINVAL; there the rename is as safe as it gets.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(path, "is written, but not yet brought to disk") }
  }

  package static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = path[..<slash]
    return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
  }

  static func failure(_ path: String, _ problem: String) -> InputError {
    InputError(problem, at: .file(path), found: FileBytes.systemReason())
  }
}
