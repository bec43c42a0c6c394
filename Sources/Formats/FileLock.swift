import Foundation

/// Keeps other processes from a file, and so from what it stands for, until it is released or the process ends, however
/// that ends. Only those that ask for the lock too are kept away (flock).
public final class FileLock: Sendable {
  private let descriptor: Int32

  /// Locks a file, which is made where it is absent; its content stays as it is.
  ///
  /// - Throws: `FormatError` where another holder has the lock, and where the file cannot be opened.
  public init(path: String) throws {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw FormatError(
        file: path, problem: "cannot be opened", found: FileBytes.systemReason(), expected: "a file that can be written")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let reason = errno
      close(descriptor)
      throw FormatError(
        file: path, problem: reason == EWOULDBLOCK ? "another process works in this folder" : "cannot be locked",
        found: String(cString: strerror(reason)), expected: "a folder that nothing else writes into; wait or stop the other")
    }
  }

  deinit { close(descriptor) }
}
