import Foundation
import Synchronization

/// A fixed set of threads that run numbered tasks. Which thread runs a task is left to chance; callers make results
/// independent of it by giving each task its own output.
///
/// The caller of `run` opens a run, works on its tasks beside the threads that come, closes it when none are left to begin, and
/// waits for those that came. A thread that comes later, since others had the processor, is not waited for.
public final class ThreadPool: @unchecked Sendable {
  /// Threads that a pool may have.
  public static let counts = CountBounds(1...1024)

  /// Threads that work on `run`, the caller's included: fewer than asked for where the system starts no more.
  public var threadCount: Int { threads.count + 1 }

  private let runs: PoolRuns
  private var threads: [PoolThread] = []
  private let placement: ThreadPlacement

  /// - Parameters:
  ///   - threadCount: at least 1.
  ///   - isBound: whether each thread, the caller's included, gets a processor of its own where `ThreadPinning` is on.
  public init(threadCount: Int, isBound: Bool = false) {
    precondition(threadCount >= 1, "a pool needs a thread")
    let runs = PoolRuns(hasProcessors: threadCount <= AvailableProcessors.usable)
    let placement = ThreadPlacement(threadCount: threadCount, isBound: isBound)
    self.runs = runs
    self.placement = placement
    for worker in 1..<threadCount {
      // The threads hold what they share, and not the pool: the last reference to it is never one of theirs, so none ends by
      // joining itself.
      let started = PoolThread.start(named: "compute-\(worker)") {
        placement.place(worker: worker)
        runs.serve(worker: worker)
      }
      guard let started else { break }
      threads.append(started)
    }
  }

  deinit {
    runs.stop()
    for thread in threads { thread.join() }
  }

  /// Runs `body(task, worker)` for each task in 0..<count and returns when all are done. `worker` is below `threadCount`
  /// and no two tasks run on one worker at a time, so it can index scratch memory. Not reentrant.
  public func run(_ count: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
    placement.placeCaller()
    if threads.isEmpty || count <= 1 {
      for task in 0..<count { body(task, 0) }
      return
    }
    runs.run(count, body)
  }
}

/// The runs of a pool, as its caller and its threads share them.
///
/// All of it rests on one word, `state`: the number of the latest run, whether it is open, and the threads inside it.
/// 1. Only the caller opens and closes, and it opens only where the run before is closed with nobody inside.
/// 2. A thread enters by one exchange that finds the run open. So nobody enters a closed run, and the count of those inside a
///    closed run only falls.
/// 3. `body`, `taskCount` and `nextTask` are set while nobody is inside, before the run opens (release), and read between entering
///    (acquire) and leaving. What tasks wrote is released by leaving and acquired by the caller, which goes on when it has
///    seen the run closed with nobody inside. Every change of `state` in between is a read-modify-write, which keeps both chains.
/// 4. Who sleeps says so before a last look at `state`, and who changes `state` looks for sleepers after the change, both
///    sequentially consistent: one of them sees the other. The look and the wake-up hold one lock, so none falls between.
private final class PoolRuns: @unchecked Sendable {
  private typealias Body = (_ task: Int, _ worker: Int) -> Void
  private var body: Body?
  private var taskCount = 0
  private let nextTask = Atomic<Int>(0)
  private let state = Atomic<UInt64>(0)
  private let stopping = Atomic<Bool>(false)
  /// Threads that wait for a run, asleep or about to be.
  private let sleepers = Atomic<Int>(0)
  private let opened = NSCondition()
  /// Whether the caller waits for those inside its run, asleep or about to be.
  private let callerSleeps = Atomic<Bool>(false)
  private let emptied = NSCondition()
  private var patience: Patience
  private let hasProcessors: Bool

  init(hasProcessors: Bool) {
    self.hasProcessors = hasProcessors
    patience = Patience(hasProcessors: hasProcessors)
  }

  /// Sends the threads home. Called once, outside of runs.
  func stop() {
    stopping.store(true, ordering: .sequentiallyConsistent)
    opened.lock()
    opened.broadcast()
    opened.unlock()
  }

  /// Called by one thread at a time.
  func run(_ count: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      self.body = body
      taskCount = count
      nextTask.store(0, ordering: .relaxed)
      open(for: count)
      work(body, worker: 0)
      closeAndWait()
      self.body = nil
    }
  }

  private func open(for tasks: Int) {
    let latest = state.load(ordering: .relaxed)
    state.store(State.opened(after: latest), ordering: .sequentiallyConsistent)
    let asleep = sleepers.load(ordering: .sequentiallyConsistent)
    guard asleep > 0 else { return }
    opened.lock()
    // The caller takes a task itself; more threads than there are tasks left would come for nothing.
    if asleep < tasks { opened.broadcast() } else { for _ in 1..<tasks { opened.signal() } }
    opened.unlock()
  }

  private func closeAndWait() {
    let last = state.bitwiseAnd(~State.open, ordering: .sequentiallyConsistent).newValue
    if State.inside(last) == 0 { return }
    if patience.sees({ State.inside(state.load(ordering: .acquiring)) == 0 }) { return }
    callerSleeps.store(true, ordering: .sequentiallyConsistent)
    emptied.lock()
    while State.inside(state.load(ordering: .sequentiallyConsistent)) > 0 { emptied.wait() }
    emptied.unlock()
    callerSleeps.store(false, ordering: .relaxed)
  }

  private func work(_ body: Body, worker: Int) {
    while true {
      let task = nextTask.add(1, ordering: .relaxed).oldValue
      if task >= taskCount { return }
      body(task, worker)
    }
  }

  /// What a thread does until `stop`.
  func serve(worker: Int) {
    var patience = Patience(hasProcessors: hasProcessors)
    var seen: UInt64 = 0
    while let run = waitForRun(after: seen, &patience) {
      seen = run
      guard enter(run) else { continue }
      takePart(worker: worker)
      leave()
    }
  }

  /// The number of a run later than `seen`; nil where the pool goes away.
  private func waitForRun(after seen: UInt64, _ patience: inout Patience) -> UInt64? {
    func isOver() -> Bool {
      State.number(state.load(ordering: .sequentiallyConsistent)) != seen || stopping.load(ordering: .sequentiallyConsistent)
    }
    if !patience.sees(isOver) {
      sleepers.add(1, ordering: .sequentiallyConsistent)
      opened.lock()
      while !isOver() { opened.wait() }
      opened.unlock()
      sleepers.subtract(1, ordering: .sequentiallyConsistent)
    }
    return stopping.load(ordering: .acquiring) ? nil : State.number(state.load(ordering: .acquiring))
  }

  /// Whether the thread is inside the run, which it is not where the run has been closed.
  private func enter(_ run: UInt64) -> Bool {
    var current = state.load(ordering: .relaxed)
    while State.isOpen(current), State.number(current) == run {
      let (exchanged, original) = state.weakCompareExchange(
        expected: current, desired: current + 1, successOrdering: .acquiringAndReleasing, failureOrdering: .relaxed)
      if exchanged { return true }
      current = original
    }
    return false
  }

  /// A function of its own, so that no reference to the body lives on when the thread leaves.
  @inline(never) private func takePart(worker: Int) {
    if let body { work(body, worker: worker) }
  }

  private func leave() {
    let left = state.subtract(1, ordering: .sequentiallyConsistent).newValue
    guard State.inside(left) == 0, !State.isOpen(left), callerSleeps.load(ordering: .sequentiallyConsistent) else { return }
    emptied.lock()
    emptied.signal()
    emptied.unlock()
  }

  /// The word: 52 bits of the run's number, one that says whether it is open, 11 of threads inside.
  private enum State {
    static let open: UInt64 = 1 << 11

    static func inside(_ state: UInt64) -> UInt64 { state & (open - 1) }
    static func isOpen(_ state: UInt64) -> Bool { state & open != 0 }
    static func number(_ state: UInt64) -> UInt64 { state >> 12 }
    static func opened(after state: UInt64) -> UInt64 { (number(state) + 1) << 12 | open }
  }
}
