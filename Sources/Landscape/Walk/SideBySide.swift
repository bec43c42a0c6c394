import Compute
import Foundation

/// Work that is done side by side and handed over one piece at a time, in the order in which it is finished.
package struct SideBySide {
  private let pool: ThreadPool
  private let clock = EngineClock()

  /// - Parameter workers: pieces at a time.
  package init(workers: Int) { pool = ThreadPool(threadCount: max(1, workers)) }

  /// - Parameters:
  ///   - isStopRequested: asked before each piece.
  ///   - make: does a piece; called from several threads at a time, each a worker of its own.
  ///   - finished: told of each piece, one at a time.
  /// - Throws: `CancellationError` when a stop was requested, when the pieces begun are finished; the first error of `make`
  ///   and `finished`.
  package func run<Result>(
    _ count: Int, isStopRequested: () -> Bool, make: (_ index: Int, _ worker: Int) throws -> Result,
    finished: (_ index: Int, Result) throws -> Void
  ) throws {
    let lock = NSLock()
    var failure: (any Error)?
    pool.run(count) { index, worker in
      let mayBegin = lock.withLock {
        if failure == nil, isStopRequested() { failure = CancellationError() }
        return failure == nil
      }
      guard mayBegin else { return }
      let start = EngineClock.now()
      defer { lock.withLock { clock.add(EngineClock.now() - start) } }
      do {
        let result = try make(index, worker)
        try lock.withLock { try finished(index, result) }
      } catch {
        lock.withLock { failure = failure ?? error }
      }
    }
    if let failure { throw failure }
  }

  /// Seconds that all pieces together have taken.
  package var seconds: Double { clock.seconds }
}
