import Formats
import Foundation

/// What was found at the points of a walk, each on disk before its evaluator goes on, so that a walk that was stopped or
/// killed goes on where it was and ends with the same bytes. Not for concurrent use.
public final class PointJournal<Key: Hashable> {
  private let table: PointTable<Key>
  private let writer: CSVWriter?
  private var known: [Key: [Objective: ObjectiveSample]] = [:]

  /// - Parameters:
  ///   - path: a CSV file, continued where it is there, one of an earlier version too; nil for none.
  ///   - objectives: those that may be there; nil for any.
  /// - Throws: `InputError` where the file is of another walk or cannot be written.
  public init(_ table: PointTable<Key>, path: String? = nil, objectives: [Objective]? = nil) throws {
    self.table = table
    guard let path else {
      writer = nil
      return
    }
    try Self.complete(path, table)
    // Opening drops a row that was cut short, so the table is read after it.
    writer = try CSVWriter(continuing: path, columns: table.columns)
    for (key, objective, sample) in try table.read(CSVTable(readingFrom: path), objectives) {
      known[key, default: [:]][objective] = sample
    }
  }

  /// Gives a journal of an earlier version the columns that it lacks.
  private static func complete(_ path: String, _ table: PointTable<Key>) throws {
    guard table.earlierColumns != table.columns, FileManager.default.fileExists(atPath: path),
      String(decoding: try FileBytes.read(path), as: UTF8.self).hasPrefix(table.earlierColumns.joined(separator: ",") + "\n")
    else { return }
    try CSVWriter(continuing: path, columns: table.earlierColumns).synchronise()
    let earlier = try CSVTable(readingFrom: path)
    let places = table.columns.map { earlier.columns.firstIndex(of: $0) }
    try CSVWriter.write(
      columns: table.columns, rows: earlier.rows.map { row in places.map { .text($0.map { row[$0] } ?? "") } }, to: path)
  }

  /// Whether a point is there with all of these objectives.
  public func holds(_ key: Key, _ objectives: [Objective]) -> Bool {
    guard let samples = known[key] else { return false }
    return objectives.allSatisfy { samples[$0] != nil }
  }

  /// Of these points, how many are there with all that is wanted.
  public func count(_ points: [WalkPoint<Key>]) -> Int { points.count { holds($0.key, $0.objectives) } }

  /// Samples of a point, in the order of the objectives; nil where one is absent.
  public func samples(_ key: Key, _ objectives: [Objective]) -> [ObjectiveSample]? {
    guard holds(key, objectives), let samples = known[key] else { return nil }
    return objectives.compactMap { samples[$0] }
  }

  /// One objective at all of some points; empty where one is absent.
  func samples(of objective: Objective, at keys: some Sequence<Key>) -> [ObjectiveSample] {
    let samples = keys.map { known[$0]?[objective] }
    return samples.contains { $0 == nil } ? [] : samples.compactMap { $0 }
  }

  /// One loss; NaN where it was not evaluated.
  public func loss(_ key: Key, _ objective: Objective) -> Double { known[key]?[objective]?.loss ?? .nan }

  /// The mean loss over all validation batches but one, which are of one size; NaN where they are not known apart.
  ///
  /// - Parameter batch: nil for the loss on all of them.
  package func loss(_ key: Key, _ objective: Objective, without batch: Int?) -> Double {
    guard let batch else { return loss(key, objective) }
    guard let losses = known[key]?[objective]?.batchLosses, losses.count > 1, losses.indices.contains(batch) else {
      return .nan
    }
    return losses.indices.reduce(0) { $1 == batch ? $0 : $0 + losses[$1] } / Double(losses.count - 1)
  }

  /// Keeps what was found and brings it to disk.
  ///
  /// - Throws: `InputError` where the file cannot be written.
  public func add(_ key: Key, _ objectives: [Objective], _ samples: [ObjectiveSample]) throws {
    try writer?.append(rows: zip(objectives, samples).map { table.row(key, $0, $1) })
    try writer?.synchronise()
    for (objective, sample) in zip(objectives, samples) { known[key, default: [:]][objective] = table.kept(sample) }
  }
}
