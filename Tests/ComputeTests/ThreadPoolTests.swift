import Compute
import Foundation
import Synchronization
import Testing

@Suite("Thread pool") struct ThreadPoolTests {
  /// What a task leaves: a number that depends on the task, the run, and what the task left before.
  private static func mix(_ last: UInt64, _ task: Int, _ run: Int) -> UInt64 {
    (last ^ UInt64(task + 1)) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(run)
  }

  /// Slots that many threads write, each its own.
  private final class Slots: @unchecked Sendable {
    let values: UnsafeMutablePointer<UInt64>
    let count: Int

    init(count: Int) {
      self.count = count
      values = .allocate(capacity: count)
      values.initialize(repeating: 0, count: count)
    }

    deinit { values.deallocate() }
  }

  @Test("runs every task of every run exactly once before it returns, on 1 to 8 threads", arguments: 1...8)
  func manySmallRuns(threads: Int) {
    let pool = ThreadPool(threadCount: threads)
    #expect(pool.threadCount == threads)
    let slots = Slots(count: 16)
    var expected = [UInt64](repeating: 0, count: 16)
    for run in 0..<4_000 {
      // 0 and 1 tasks, fewer than threads, as many and more, in turn.
      let tasks = run % 17
      // What the caller writes between runs is seen by the tasks, without atomics of theirs.
      let key = run &* 3
      pool.run(tasks) { task, _ in slots.values[task] = Self.mix(slots.values[task], task, key) }
      for task in 0..<tasks { expected[task] = Self.mix(expected[task], task, key) }
      // Read at once: a task that is still under way would show.
      for task in 0..<16 where slots.values[task] != expected[task] {
        Issue.record("run \(run), task \(task): \(slots.values[task]), not \(expected[task])")
        return
      }
    }
  }

  @Test("sleeps and wakes: runs far apart, and tasks longer than any wait, are as exact", arguments: [2, 3, 8])
  func pauses(threads: Int) {
    let pool = ThreadPool(threadCount: threads)
    let done = Slots(count: 8)
    for run in 1...30 {
      // Longer than a thread looks for work before it sleeps.
      usleep(2_000)
      pool.run(8) { task, _ in
        // One task is late, so that the caller sleeps too.
        if task == run % 8 { usleep(3_000) }
        done.values[task] += 1
      }
      for task in 0..<8 { #expect(done.values[task] == UInt64(run)) }
    }
  }

  @Test("never runs two tasks on one worker at a time, nor on a worker that it hasn't got", arguments: [2, 5])
  func workers(threads: Int) {
    let pool = ThreadPool(threadCount: threads)
    let busy = Slots(count: threads)
    let faults = Atomic<Int>(0)
    for _ in 0..<2_000 {
      pool.run(12) { _, worker in
        guard worker >= 0, worker < threads else {
          faults.add(1, ordering: .relaxed)
          return
        }
        // Plain memory: two at a time would lose a change, or meet the other's.
        busy.values[worker] += 1
        if busy.values[worker] != 1 { faults.add(1, ordering: .relaxed) }
        busy.values[worker] -= 1
      }
    }
    #expect(faults.load(ordering: .relaxed) == 0)
    for worker in 0..<threads { #expect(busy.values[worker] == 0) }
  }

  @Test("tasks run side by side: two that wait for each other both end") func sideBySide() {
    let pool = ThreadPool(threadCount: 2)
    for _ in 0..<50 {
      let arrived = Atomic<Int>(0)
      pool.run(2) { _, _ in
        arrived.add(1, ordering: .sequentiallyConsistent)
        while arrived.load(ordering: .sequentiallyConsistent) < 2 { usleep(10) }
      }
      #expect(arrived.load(ordering: .relaxed) == 2)
    }
  }

  @Test("pools start and stop within tasks of another, and unused ones stop at once") func nestedPools() {
    let outer = ThreadPool(threadCount: 3)
    let sums = Slots(count: 6)
    for round in 0..<40 {
      outer.run(6) { task, _ in
        let inner = ThreadPool(threadCount: 1 + (task + round) % 4)
        let parts = Slots(count: 10)
        for _ in 0..<5 { inner.run(10) { part, _ in parts.values[part] += UInt64(part) } }
        sums.values[task] += (0..<10).reduce(0) { $0 + parts.values[$1] }
      }
      _ = ThreadPool(threadCount: 1 + round % 8)
    }
    // 5 runs · (0 + 1 + … + 9) in each of 40 rounds.
    for task in 0..<6 { #expect(sums.values[task] == 40 * 5 * 45) }
  }

  @Test("several pools at a time on more threads than processors are as exact") func crowd() {
    let outer = ThreadPool(threadCount: 4)
    let results = Slots(count: 4)
    outer.run(4) { task, _ in
      let pool = ThreadPool(threadCount: 4)
      let parts = Slots(count: 7)
      for run in 0..<1_500 { pool.run(7) { part, _ in parts.values[part] = Self.mix(parts.values[part], part, run) } }
      results.values[task] = (0..<7).reduce(0) { $0 ^ parts.values[$1] }
    }
    let expected = (0..<7).reduce(UInt64(0)) { sum, part in
      sum ^ (0..<1_500).reduce(UInt64(0)) { Self.mix($0, part, $1) }
    }
    for task in 0..<4 { #expect(results.values[task] == expected) }
  }

  @Test("a caller that waits for a long task sleeps: it takes no processor time") func waitingIsCheap() {
    let pool = ThreadPool(threadCount: 2)
    let hasCome = Atomic<Bool>(false)
    let start = Self.processorSeconds()
    pool.run(2) { _, worker in
      if worker == 0 {
        while !hasCome.load(ordering: .acquiring) { usleep(100) }
      } else {
        hasCome.store(true, ordering: .releasing)
        usleep(500_000)
      }
    }
    // It looks for less than a millisecond, and would have been at it for half a second.
    #expect(Self.processorSeconds() - start < 0.1)
  }

  /// Of the calling thread.
  private static func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
