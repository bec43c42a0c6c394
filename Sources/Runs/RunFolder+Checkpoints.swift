import Compute
import Formats
import Foundation
import Logging

/// A checkpoint and where in the run it was made.
public struct RunCheckpoint: Equatable, Comparable, Sendable {
  public let path: String
  /// Epochs finished, and weight steps taken in the next one.
  public let epoch: Int
  public let step: Int

  public static func < (left: Self, right: Self) -> Bool { (left.epoch, left.step) < (right.epoch, right.step) }

  /// What the name of a file says of it; nil for one that is not named like a checkpoint.
  init?(named name: String, in folder: String) {
    let suffix = ".safetensors"
    guard name.hasPrefix("epoch-"), name.hasSuffix(suffix) else { return nil }
    let fields = name.dropFirst("epoch-".count).dropLast(suffix.count).split(
      separator: "-", omittingEmptySubsequences: false)
    path = "\(folder)/\(name)"
    switch (fields.count, fields.first.flatMap { Int($0) }) {
    case (1, let epoch?): (self.epoch, step) = (epoch, 0)
    case (3, let epoch?):
      guard fields[1] == "step", let step = Int(fields[2]) else { return nil }
      (self.epoch, self.step) = (epoch, step)
    default: return nil
    }
  }
}

/// Finding and judging the checkpoints of a run.
extension RunFolder {
  /// All checkpoints, the one that got farthest last.
  public func checkpoints() -> [RunCheckpoint] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: checkpointsPath)) ?? []
    return names.compactMap { RunCheckpoint(named: $0, in: checkpointsPath) }.sorted()
  }

  /// The checkpoint that got farthest.
  ///
  /// - Throws: `InputError` where there is none.
  public func latestCheckpointPath() throws -> String {
    guard let last = checkpoints().last else {
      throw InputError("no checkpoint", at: .file(checkpointsPath), found: "none", wanted: "epoch-NNN.safetensors")
    }
    return last.path
  }

  /// The checkpoint that got farthest of those that can be read and hold what was written, and what is wrong with the ones
  /// that got farther.
  ///
  /// - Throws: `InputError` where there is none; what is wrong with the last one where all are damaged.
  package func latestSoundCheckpoint() throws -> (file: TensorFile, damaged: [String]) {
    var damaged: [String] = []
    var failure: (any Error)?
    for checkpoint in checkpoints().reversed() {
      do {
        let file = try TensorFile(readingFrom: checkpoint.path)
        try file.verifyChecksum()
        return (file, damaged)
      } catch {
        failure = failure ?? error
        damaged.append("\(error)")
      }
    }
    if let failure { throw failure }
    return (try TensorFile(readingFrom: latestCheckpointPath()), [])
  }

  /// Removes all but the newest checkpoints of epochs, those within finished epochs, and all but the newest within the
  /// present one. What is removed is superseded by a checkpoint that was read back first.
  ///
  /// - Parameters:
  ///   - count: 0 keeps all.
  ///   - needed: epochs whose checkpoints stay besides.
  package func removeCheckpoints(keepingLast count: Int, sparing needed: Set<Int> = [], epoch: Int, logger: Logger) {
    guard count > 0 else { return }
    let all = checkpoints()
    let epochs = all.filter { $0.step == 0 }
    let old =
      epochs.dropLast(count).filter { !needed.contains($0.epoch) } + all.filter { $0.step > 0 && $0.epoch < epoch }
      + all.filter { $0.step > 0 && $0.epoch == epoch }.dropLast(count)
    guard !old.isEmpty, let newest = all.last else { return }
    do {
      try TensorFile(readingFrom: newest.path).verifyChecksum()
    } catch {
      logger.warning("\(error); older checkpoints are kept")
      return
    }
    for checkpoint in old {
      do {
        try FileManager.default.removeItem(atPath: checkpoint.path)
      } catch {
        logger.warning("\(checkpoint.path) cannot be removed: \(error.localizedDescription)")
      }
    }
  }

  /// Says where a run goes on and which damaged checkpoints it passed over, and tidies up after the process that ended.
  package func announceResume(
    from path: String, pastDamage damaged: [String], kernels: KernelSet, logger: Logger, progress: ProgressReporter
  ) {
    for damage in damaged {
      let warning = "\(damage); going on from \(path) instead"
      logger.warning("\(warning)")
      progress.note("warning: \(warning)")
    }
    Provenance.record(in: logger, kernels: kernels)
    logger.info("continues from \(path)")
    removeAbandonedTemporaries()
  }

  /// Removes temporary files that processes left behind which no longer run.
  func removeAbandonedTemporaries() {
    for path in [folder.path, checkpointsPath] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      for name in names where name.hasPrefix(".") && name.hasSuffix(".tmp") {
        // .NAME.PROCESS.NUMBER.tmp
        guard let process = name.split(separator: ".").dropLast(2).last.flatMap({ Int32($0) }), process > 0,
          kill(process, 0) != 0, errno == ESRCH
        else { continue }
        try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
      }
    }
  }
}
