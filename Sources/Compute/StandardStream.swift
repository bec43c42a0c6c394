import Foundation

/// Standard output and standard error, written at once and without a buffer.
///
/// Foundation's file handles end the process where a write fails; here a failure is an answer.
public enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  /// Writes all of a text.
  ///
  /// - Returns: the system's number of what went wrong; nil where nothing did.
  @discardableResult
  public func write(_ text: String) -> Int32? {
    var text = text
    return text.withUTF8 { bytes in
      guard let start = bytes.baseAddress else { return nil }
      var written = 0
      while written < bytes.count {
        let count = Foundation.write(rawValue, start + written, bytes.count - written)
        if count < 0, errno == EINTR { continue }
        if count < 0, errno == EAGAIN {
          // A terminal or pipe that somebody set to not wait.
          var descriptor = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
          if poll(&descriptor, 1, -1) >= 0 || errno == EINTR { continue }
        }
        guard count > 0 else { return count < 0 ? errno : EIO }
        written += count
      }
      return nil
    }
  }

  /// Opens those of the descriptors 0, 1 and 2 that the process was started without, so that no file of a result gets their
  /// number and with it what is meant for a person. To be called before anything is opened.
  ///
  /// What is written to a standard output that is not there fails; what is written to standard error is dropped.
  public static func openMissing() {
    for (descriptor, mode) in [(Int32(0), O_RDONLY), (1, O_RDONLY), (2, O_WRONLY)] {
      guard fcntl(descriptor, F_GETFD) == -1, errno == EBADF else { continue }
      // The lowest free number is the missing one, as those below are open by now.
      _ = open("/dev/null", mode)
    }
  }
}
