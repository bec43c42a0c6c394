import Foundation

extension RetrainingRecord {
  /// What an epoch was measured on beside the training images.
  public struct Reported: Equatable, Sendable {
    /// `test`, or `validation` for held-out training images.
    public let split: String
    public let loss: Double
    public let accuracy: Double
    public let top5: Double?

    package init(split: String, loss: Double, accuracy: Double, top5: Double? = nil) {
      (self.split, self.loss, self.accuracy, self.top5) = (split, loss, accuracy, top5)
    }
  }

  /// nil where the epoch was not tested.
  public var reported: Reported? {
    if let loss = testLoss, let accuracy = testAccuracy {
      return Reported(split: "test", loss: loss, accuracy: accuracy, top5: testTop5)
    }
    guard let loss = validationLoss, let accuracy = validationAccuracy else { return nil }
    return Reported(split: "validation", loss: loss, accuracy: accuracy, top5: validationTop5)
  }
}

/// What a retraining reports: the last tested epoch, as the scripts of DARTS do, and the best, as that of ZARTS does, which is
/// chosen by what it reports and so is above what the network would reach on other images.
public struct RetrainingOutcome: Equatable, Sendable {
  public struct Entry: Equatable, Sendable {
    /// Counted from 1.
    public let epoch: Int
    public let reported: RetrainingRecord.Reported
  }

  public let last: Entry
  /// Of the highest accuracy; the first of equal ones.
  public let best: Entry

  /// nil where no epoch was tested.
  public init?(of records: [RetrainingRecord]) {
    let entries = records.compactMap { record in record.reported.map { Entry(epoch: record.epoch, reported: $0) } }
    guard let first = entries.first, let last = entries.last else { return nil }
    self.last = last
    best = entries.reduce(first) { $1.reported.accuracy > $0.reported.accuracy ? $1 : $0 }
  }

  /// Both in a line: "test accuracy 95.00 % in the last epoch (600), 95.10 % in the best (571)".
  public var text: String {
    func percents(_ entry: Entry) -> String {
      String(format: "%.2f %%", 100 * entry.reported.accuracy)
        + (entry.reported.top5.map { String(format: " (top-5 %.2f %%)", 100 * $0) } ?? "")
    }
    return "\(last.reported.split) accuracy \(percents(last)) in the last epoch (\(last.epoch)), "
      + "\(percents(best)) in the best (\(best.epoch))"
  }
}

extension RetrainingRun {
  /// Of the epochs so far; nil where none was tested.
  public var outcome: RetrainingOutcome? { RetrainingOutcome(of: training.course.records) }
}
