import Foundation

/// Products that are done, counted from several threads.
final class ProductTally: @unchecked Sendable {
  private let lock = NSLock()
  private let total: Int
  private var done: Int
  private let report: (_ done: Int, _ total: Int) -> Void

  init(total: Int, done: Int, _ report: @escaping (_ done: Int, _ total: Int) -> Void) {
    (self.total, self.done, self.report) = (total, done, report)
    report(done, total)
  }

  func add(_ products: Int) {
    lock.withLock {
      done += products
      report(done, total)
    }
  }

  /// Counts a piece's products as they are made, and what it did not need of the most that it might have when it ends.
  func counting<Result>(_ most: Int, _ piece: (_ counted: () -> Void) throws -> Result) rethrows -> Result {
    var made = 0
    let result = try piece {
      made += 1
      add(1)
    }
    if made < most { add(most - made) }
    return result
  }
}
