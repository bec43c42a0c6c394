import Foundation

/// Keeps other processes from a file, and so from what it stands for, until it is released or the process ends, however
/// that ends. Only those that ask for the lock too are kept away (flock).
public final class FileLock: Sendable {
  private let descriptor: Int32
  /// The problem of an `InputError` where another holder has the lock.
  package static let isHeld = "another process works in this folder"
  /// Removed with the lock; nil for a file that stays.
  private let temporaryPath: String?

  /// Locks a file, which is made where it is absent; its content stays as it is.
  ///
  /// - Parameter isTemporary: whether the file is there for the lock alone, and goes with it.
  /// - Throws: `InputError` where another holder has the lock, and where the file cannot be opened.
  public init(path: String, isTemporary: Bool = false) throws {
    while true {
      let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      guard opened >= 0 else {
        throw InputError(
          "cannot be opened", at: .file(path), found: FileBytes.systemReason(), wanted: "a file that can be written")
      }
      guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
        let reason = errno
        close(opened)
        throw InputError(
          reason == EWOULDBLOCK ? Self.isHeld : "cannot be locked", at: .file(path),
          found: String(cString: strerror(reason)), wanted: "a folder that nothing else writes into; wait or stop the other")
      }
      // The last holder may have removed the file since it was opened: then it is the lock of nothing.
      var (held, present) = (stat(), stat())
      if fstat(opened, &held) == 0, stat(path, &present) == 0, held.st_ino == present.st_ino, held.st_dev == present.st_dev {
        descriptor = opened
        break
      }
      close(opened)
    }
    temporaryPath = isTemporary ? path : nil
  }

  deinit {
    // While it is still locked: whoever has opened it finds another file there, or none.
    if let temporaryPath { unlink(temporaryPath) }
    close(descriptor)
  }
}
