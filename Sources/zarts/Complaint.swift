import Compute
import Formats
import Synchronization

/// Says on standard error why a command ends without its result.
func complain(_ text: String) { StandardStream.error.write("\(RunningProgram.speaker)zarts: \(text)\n") }

private let remarks = Mutex<Set<String>>([])

/// Says on standard error what a reader of the result should know, once a job.
func remark(_ text: String) {
  guard RunningProgram.isLeader else { return }
  guard remarks.withLock({ $0.insert(text).inserted }) else { return }
  StandardStream.error.write("note: \(text)\n")
}

extension TensorFile {
  /// Says so where the file carries a checksum that its content does not have. It is used all the same: a person may have
  /// edited it on purpose.
  func remarkOnChecksum() {
    do { try verifyChecksum() } catch { remark("\(error); used as it is") }
  }
}
