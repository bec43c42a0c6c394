import Foundation
import Runs

/// Jobs that wait for others, handed out to threads in their order.
final class ComparisonQueue: @unchecked Sendable {
  enum Task: Equatable, Sendable {
    /// A warm-up, by its number.
    case warmup(Int)
    /// A run of the plan, by its number.
    case run(Int)
  }

  private struct Entry {
    let task: Task
    /// The warm-up that it needs.
    let needed: Int?
  }

  private let condition = NSCondition()
  private var waiting: [Entry]
  private var finishedWarmups: Set<Int> = []
  private let stop: StopRequest

  /// - Parameter tasks: each with the number of the warm-up that it needs, which comes before it.
  init(_ tasks: [(task: Task, needed: Int?)], stop: StopRequest) {
    waiting = tasks.map { Entry(task: $0.task, needed: $0.needed) }
    self.stop = stop
  }

  /// Works all tasks off on so many threads, and returns when they are done.
  ///
  /// - Parameter body: called on any of the threads, on several at once; what its calls share must be behind locks.
  func work(threads: Int, _ body: @escaping (Task) -> Void) {
    let job = Job(body: body)
    let group = DispatchGroup()
    for _ in 0..<threads {
      group.enter()
      let thread = Thread {
        while let task = self.next() { job.body(task) }
        group.leave()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    group.wait()
  }

  private struct Job: @unchecked Sendable {
    let body: (Task) -> Void
  }

  /// The next task that can start, once there is one; nil where none is left or a stop is requested.
  func next() -> Task? {
    condition.lock()
    defer { condition.unlock() }
    while !waiting.isEmpty, !stop.isRequested {
      let ready = waiting.firstIndex { entry in entry.needed.map(finishedWarmups.contains) ?? true }
      if let ready { return waiting.remove(at: ready).task }
      // A signal wakes no thread that waits here.
      _ = condition.wait(until: Date(timeIntervalSinceNow: 0.2))
    }
    return nil
  }

  /// A warm-up has ended, well or not.
  func finish(warmup: Int) {
    condition.lock()
    defer { condition.unlock() }
    finishedWarmups.insert(warmup)
    condition.broadcast()
  }
}
