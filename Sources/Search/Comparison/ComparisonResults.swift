import Formats
import Foundation

/// What runs that go on side by side have come to, and the tables of it.
final class ComparisonResults: @unchecked Sendable {
  private let lock = NSLock()
  private let plan: ComparisonPlan
  private let files: ComparisonFolder
  private var failures: [Int: ComparisonRow.Failure] = [:]

  init(plan: ComparisonPlan, files: ComparisonFolder) {
    self.plan = plan
    self.files = files
  }

  /// Keeps the first failure of a run of the plan.
  func add(_ failure: ComparisonRow.Failure, to run: Int) {
    lock.lock()
    defer { lock.unlock() }
    failures[run] = failures[run] ?? failure
  }

  func failure(of run: Int) -> ComparisonRow.Failure? {
    lock.lock()
    defer { lock.unlock() }
    return failures[run]
  }

  /// Writes comparison.csv and, where no more is to come, the tables over seeds.
  @discardableResult
  func write(isLast: Bool = false) throws -> [ComparisonRow] {
    lock.lock()
    defer { lock.unlock() }
    let rows = plan.runs.enumerated().map { index, run in
      ComparisonRow(run: run, files: files.run(run), failure: failures[index])
    }
    let table = ComparisonRow.table(of: rows)
    try CSVWriter.write(columns: table.columns, rows: table.rows, to: files.tablePath)
    if isLast { try ComparisonStatistics(of: rows).write(to: files) }
    return rows
  }
}
