import Formats
import Foundation
import Runs

/// A time that a search went back and was regularised more (`AdaptiveRegularisation`): a row of rollbacks.csv. Epochs are
/// rows of metrics.csv, counted from 1.
public struct RollBack: Equatable, Sendable, TableRecord {
  /// The round that ended so, counted from 1.
  public var round = 0
  /// The epoch after which the rule fired; those after `returned` were abandoned.
  public var fired = 0
  /// t, the epoch around which the averaged eigenvalue had grown too much.
  public var sign = 0
  /// t − k, the epoch that the search went back to.
  public var returned = 0
  /// λ̄(t − k) and λ̄(t).
  public var before = Double.nan
  public var after = Double.nan
  /// Weight decay of the round that ended and of the one that began.
  public var weightDecay = Double.nan
  public var raised = Double.nan

  package init() {}

  package static let table = RecordTable<RollBack>([
    .count("round", \.round, RunBounds.interval),
    .count("fired_epoch", \.fired, RunBounds.epochs),
    .count("sign_epoch", \.sign, RunBounds.epochs),
    .count("returned_epoch", \.returned, RunBounds.epochs),
    .real("average_before", \.before, .finite),
    .real("average_after", \.after, .finite),
    .real("weight_decay_before", \.weightDecay, .positive),
    .real("weight_decay_after", \.raised, .positive),
  ])

  /// What happened, in a sentence.
  public var account: String {
    func short(_ value: Double) -> String { String(format: "%.4g", value) }
    return
      "after epoch \(fired) the averaged dominant eigenvalue had gone from \(short(before)) around epoch \(returned) to "
      + "\(short(after)) around epoch \(sign): the search went back to the end of epoch \(returned), and weight decay was "
      + "raised from \(short(weightDecay)) to \(short(raised))"
  }
}

extension RollBack {
  private static func prefix(_ number: Int) -> String { "roll_back.\(number)." }

  /// What a checkpoint says of the returns before it: their number, and each.
  static func metadata(of rollBacks: [RollBack]) -> [String: String] {
    rollBacks.enumerated().reduce(into: ["roll_backs": "\(rollBacks.count)"]) { result, entry in
      result.merge(table.metadata(of: entry.element, prefix: prefix(entry.offset + 1))) { $1 }
    }
  }

  /// Reads what `metadata(of:)` wrote.
  ///
  /// - Throws: `InputError` where an entry is absent or not what it should be.
  static func read(in metadata: [String: String], from place: String) throws -> [RollBack] {
    let count = try CheckpointMetadata.value("roll_backs", in: metadata, from: place) { RunBounds.start.count($0) }
    return try (0..<count).map { try table.record(in: metadata, prefix: prefix($0 + 1), from: place) }
  }
}
