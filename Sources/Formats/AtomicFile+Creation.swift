import Foundation

extension AtomicFile {
  /// Makes a file where there is none, whole or not at all: of several processes that do so at once, on one machine or on
  /// several, exactly one makes it.
  ///
  /// A finished file gets its name by `link`, which fails where the name is taken; on file systems without links the name is
  /// made exclusively and the content follows.
  ///
  /// - Returns: whether this call made it.
  /// - Throws: `InputError` where the folder is absent or cannot be written, or the disk is full.
  package static func create(_ text: String, at path: String) throws -> Bool {
    guard let descriptor = try create(at: path, content: { _ in text }) else { return false }
    close(descriptor)
    return true
  }

  /// The same, and the file stays open.
  ///
  /// - Parameter content: called with the open file before it has its name.
  /// - Returns: the descriptor, open to read and write; nil where the name is taken.
  static func create(at path: String, content: (Int32) -> String) throws -> Int32? {
    let (folder, name) = split(path)
    guard access(path, F_OK) != 0 else { return nil }
    let (descriptor, temporary) = try openTemporary(folder: folder, name: name, path: path)
    var kept = false
    defer {
      if !kept { close(descriptor) }
      unlink(temporary)
    }
    try Array(content(descriptor).utf8).withUnsafeBytes { try writeAll($0, to: descriptor, path: path) }
    guard fsync(descriptor) == 0 else { throw failure(path, "cannot be brought to disk") }
    if link(temporary, path) != 0 {
      let reason = errno
      // Over NFS the answer to a link that was made can be lost, and the second try finds the name taken by this very file.
      if reason != EEXIST || !isSame(descriptor, path) {
        guard [EPERM, ENOTSUP, EOPNOTSUPP, ENOSYS, EMLINK].contains(reason) else {
          if reason == EEXIST { return nil }
          throw InputError("cannot be made", at: .file(path), found: String(cString: strerror(reason)))
        }
        return try createDirectly(at: path, content: content)
      }
    }
    kept = true
    try synchronise(folder: folder, path: path)
    return descriptor
  }

  private static func createDirectly(at path: String, content: (Int32) -> String) throws -> Int32? {
    let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      if errno == EEXIST { return nil }
      throw failure(path, "cannot be made")
    }
    try Array(content(descriptor).utf8).withUnsafeBytes { try writeAll($0, to: descriptor, path: path) }
    guard fsync(descriptor) == 0 else { throw failure(path, "cannot be brought to disk") }
    return descriptor
  }

  private static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
    var (own, present) = (stat(), stat())
    return fstat(descriptor, &own) == 0 && stat(path, &present) == 0 && own.st_ino == present.st_ino
      && own.st_dev == present.st_dev
  }
}
