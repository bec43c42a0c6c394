import Compute
import Formats

/// What became of logged searches: a number a run, test error after retraining for example, and the group that a run is of.
public struct LogOutcomes: Equatable, Sendable {
  /// What the number is.
  public let column: String
  public let groupColumns: [String]
  /// By run; nil where the table has an empty cell.
  private let values: [String: Double?]
  /// By run.
  private let groups: [String: String]

  /// - Parameters:
  ///   - path: of a CSV file with a column `run` and a row for each run of the log.
  ///   - column: of the numbers.
  ///   - groupColumns: runs alike in all of these are of one group, seeds of one setting for example.
  /// - Throws: `InputError` naming file, row and column of what cannot be used, and for a run of the log without a row.
  public init(readingFrom path: String, column: String, groupColumns: [String], for log: SearchLog) throws {
    let table = try CSVTable(readingFrom: path)
    let (names, numbers) = (try table.column("run"), try table.optionalDoubles(column, .finite))
    let parts = try groupColumns.map { try table.column($0) }
    var (values, groups): ([String: Double?], [String: String]) = ([:], [:])
    for (row, name) in names.enumerated() {
      guard groups[name] == nil else {
        throw table.failure("a run that stands there twice", row: row, column: "run", found: name, expected: "one row a run")
      }
      values.updateValue(numbers[row], forKey: name)
      // JSON, so that no two lists of cells read alike.
      groups[name] = "[" + parts.map { JSONText.quoted($0[row]) }.joined(separator: ",") + "]"
    }
    for run in log.runs where groups[run.name] == nil {
      throw InputError(
        "a run of the log has no row", at: .file(path, "run"), found: "no \(run.name)", wanted: "a row for each run")
    }
    (self.column, self.groupColumns, self.values, self.groups) = (column, groupColumns, values, groups)
  }

  /// Of a run of the log.
  public func value(of run: String) -> Double? { values[run] ?? nil }

  /// Runs of one group have the same name; without columns of groups every run is a group.
  func group(of run: String) -> String { groupColumns.isEmpty ? run : groups[run] ?? run }
}
