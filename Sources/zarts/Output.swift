import Compute
import Foundation
import Synchronization

/// Writes a line to standard output. Takes the place of the standard library's function in the whole program, which would
/// not tell that nobody can read the line; the same signature, or that one would still be there.
func print(_ items: Any..., separator: String = " ", terminator: String = "\n") {
  Output.write(items.map { "\($0)" }.joined(separator: separator) + terminator)
}

/// Standard output, and whether all of it has arrived.
enum Output {
  private static let failure = Mutex<Int32?>(nil)

  static func write(_ text: String) {
    // One process speaks for a job.
    guard RunningProgram.isLeader else { return }
    guard let reason = StandardStream.output.write(text) else { return }
    failure.withLock { $0 = $0 ?? reason }
  }

  /// The exit status of a process that would end with another one. Where a result could not be printed, says so and makes
  /// 0 a failure.
  static func status(_ status: Int32 = 0) -> Int32 {
    guard let reason = failure.withLock({ $0 }) else { return status }
    // Whoever reads no further, as `head` does, has what it wants. Most such processes end by the signal itself.
    if reason == EPIPE { return status == 0 ? 128 + SIGPIPE : status }
    complain(
      "standard output: cannot be written: found \(String(cString: strerror(reason))), wanted all of the text written")
    return status == 0 ? 1 : status
  }
}
