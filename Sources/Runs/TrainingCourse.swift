import Formats

/// Sums over an unfinished epoch. A checkpoint in the middle of one carries them, so that its row comes out the same.
package protocol EpochSums: TableRecord {
  /// Wall time so far.
  var seconds: Double { get set }
}

/// How far a training run is: what every checkpoint says, whatever is trained.
package struct TrainingCourse<Record: TableRecord, Sums: EpochSums> {
  /// Epochs finished.
  package var epoch = 0
  /// Weight steps taken in the epoch that is not.
  package var step = 0
  package var tally = Sums()
  /// One row a finished epoch.
  package var records: [Record] = []

  package init() {}

  private static var tallyPrefix: String { "tally." }

  /// Place and sums that a checkpoint holds; without rows, which stand in metrics.csv.
  ///
  /// - Parameters:
  ///   - place: the checkpoint, for messages.
  ///   - epochs: of the whole run.
  /// - Throws: `InputError` where an entry is absent, no number, or outside of the run.
  package init(from metadata: [String: String], of place: String, epochs: Int, stepsPerEpoch: Int) throws {
    (epoch, step) = try CheckpointMetadata.position(
      in: metadata, from: place, epochs: epochs, stepsPerEpoch: stepsPerEpoch)
    tally = try Sums.table.record(in: metadata, prefix: Self.tallyPrefix, from: place)
  }

  /// What a checkpoint says of it.
  package func metadata(stepsPerEpoch: Int) -> [String: String] {
    [
      "epoch": "\(epoch)", "step": "\(step)", "weight_steps": "\(epoch * stepsPerEpoch + step)",
      "steps_per_epoch": "\(stepsPerEpoch)",
    ].merging(Sums.table.metadata(of: tally, prefix: Self.tallyPrefix)) { first, _ in first }
      .merging(HistoryCheck.metadata([(.metrics, records.map(Record.table.check))])) { first, _ in first }
  }

  /// Counts a finished epoch.
  mutating func close(with record: Record) {
    records.append(record)
    (epoch, step, tally) = (epoch + 1, 0, Sums())
  }

  /// Forgets every epoch after one, and the sums of an unfinished one.
  mutating func goBack(to epoch: Int) {
    records.removeSubrange(epoch...)
    (self.epoch, step, tally) = (epoch, 0, Sums())
  }
}
