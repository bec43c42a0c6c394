import Formats
import Foundation

/// Where a run goes back to before it goes on: to the state after an earlier epoch, which it then leaves by another way.
package struct WayBack: Equatable, Sendable {
  /// Epochs finished there.
  package let epoch: Int
  /// Why, for log and terminal.
  package let account: String

  package init(to epoch: Int, because account: String) { (self.epoch, self.account) = (epoch, account) }
}

/// A run that goes back. The checkpoint that it stands at is the last thing to go, so a process may be killed anywhere in
/// here: the run that goes on stands at that checkpoint and goes back once more, with the same outcome, or it stands at the
/// one that it has gone back to.
extension TrainingRun {
  /// Goes back where the task says so: keeps aside what is abandoned, takes up the checkpoint of the earlier epoch and writes
  /// it as it is now, then takes the abandoned checkpoints away, the newest last, and the abandoned rows.
  ///
  /// - Throws: `InputError` where the checkpoint is not there, is damaged or another run's, and where a file cannot be written.
  func goBackIfDue(in task: Task) throws {
    guard course.step == 0, let way = task.wayBack else { return }
    let checkpoint = try soundCheckpoint(of: way.epoch, in: task)
    let aside = try task.keepAside(course.records)
    try task.goBack(to: checkpoint)
    course.goBack(to: way.epoch)
    try writeCheckpoint(of: task)
    let keepsAll = task.housekeeping.keepLast == 0
    try files.abandonCheckpoints(after: way.epoch, movingInto: keepsAll ? aside : nil)
    try writeTables(of: task)
    try restartEvents(of: task)
    logger.info("\(way.account)")
    progress.note("\(task.name)  \(way.account)")
  }

  /// Writes the tables of the finished epochs, metrics.csv first: whatever follows it may be ahead of it for a moment.
  func writeTables(of task: Task) throws {
    try Task.Record.table.write(course.records, to: files.metricsPath)
    try task.writeHistory()
  }

  private func soundCheckpoint(of epoch: Int, in task: Task) throws -> TensorFile {
    let path = files.checkpointPath(epoch: epoch)
    guard FileManager.default.fileExists(atPath: path) else {
      throw InputError(
        "the checkpoint that the run goes back to is not there", at: .file(path), found: "no such file",
        wanted: "the state after epoch \(epoch); put it back, or begin the run again")
    }
    let file = try TensorFile(readingFrom: path)
    try file.verifyChecksum()
    let place = try CheckpointMetadata.position(
      in: file.metadata, from: path, epochs: task.epochs, stepsPerEpoch: task.stepsPerEpoch)
    try files.requirePlace(of: file, epoch: place.epoch, step: place.step)
    try HistoryCheck.require(
      course.records.map(Task.Record.table.check), .metrics, in: file.metadata, of: path, at: files.metricsPath)
    return file
  }
}

extension RunFolder {
  /// Takes away the checkpoints after an epoch, the one that got farthest last, since a run goes on from that.
  ///
  /// - Parameter folder: where they go; nil to remove them.
  /// - Throws: `InputError` where one cannot be taken away.
  func abandonCheckpoints(after epoch: Int, movingInto folder: OutputFolder?) throws {
    let target = try folder?.subfolder("checkpoints")
    for checkpoint in checkpoints() where (checkpoint.epoch, checkpoint.step) > (epoch, 0) {
      let name = URL(fileURLWithPath: checkpoint.path).lastPathComponent
      let result = target.map { rename(checkpoint.path, $0.file(name)) } ?? unlink(checkpoint.path)
      guard result == 0 || errno == ENOENT else {
        throw InputError("cannot be taken away", at: .file(checkpoint.path), found: FileBytes.systemReason())
      }
    }
  }
}
