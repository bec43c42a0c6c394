import Foundation
import Synchronization

/// A fixed set of threads that run numbered tasks. Which thread runs a task is left to chance; callers make results
/// independent of it by giving each task its own output.
public final class ThreadPool: @unchecked Sendable {
  /// Threads that a pool may have.
  public static let counts = CountBounds(1...1024)

  /// Threads that work on `run`, the caller's included: fewer than asked for where the system starts no more.
  public private(set) var threadCount: Int

  private typealias Body = (_ task: Int, _ worker: Int) -> Void
  private var body: Body?
  private var taskCount = 0
  private let nextTask = Atomic<Int>(0)
  private let busyWorkers = Atomic<Int>(0)
  private let generation = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let stopping = Atomic<Bool>(false)
  private let condition = NSCondition()

  /// Rounds of looking for work before a thread sleeps: long enough to bridge the serial part between two phases.
  private static let spinRounds = 20_000

  /// - Parameter threadCount: at least 1.
  public init(threadCount: Int) {
    precondition(threadCount >= 1, "a pool needs a thread")
    self.threadCount = threadCount
    let shared = Unmanaged.passUnretained(self)
    for worker in 1..<threadCount where !Self.start({ ThreadPool.serve(shared, worker: worker) }, named: "compute-\(worker)")
    {
      self.threadCount = worker
      break
    }
    // The threads hold the pool unretained; they must have started before it can go away.
    while busyWorkers.load(ordering: .acquiring) < self.threadCount - 1 { usleep(50) }
    busyWorkers.store(0, ordering: .releasing)
  }

  /// What a new thread runs.
  private final class Work {
    let name: String
    let body: () -> Void

    init(name: String, body: @escaping () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Whether the system started a thread. (Foundation's does not tell.)
  private static func start(_ body: @escaping () -> Void, named name: String) -> Bool {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, 8 << 20)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let work = Unmanaged.passRetained(Work(name: name, body: body))
    #if os(Linux)
    var thread = pthread_t()
    #else
    var thread: pthread_t?
    #endif
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        #if os(Linux)
        guard let argument else { return nil }
        #endif
        let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
        Thread.current.name = work.name
        work.body()
        return nil
      }, work.toOpaque())
    if status != 0 { work.release() }
    return status == 0
  }

  deinit {
    stopping.store(true, ordering: .sequentiallyConsistent)
    busyWorkers.store(threadCount - 1, ordering: .sequentiallyConsistent)
    advanceGeneration()
    while busyWorkers.load(ordering: .acquiring) > 0 { usleep(50) }
  }

  /// Runs `body(task, worker)` for each task in 0..<count and returns when all are done. `worker` is below `threadCount`
  /// and no two tasks run on one worker at a time, so it can index scratch memory. Not reentrant.
  public func run(_ count: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
    if threadCount == 1 || count <= 1 {
      for task in 0..<count { body(task, 0) }
      return
    }
    withoutActuallyEscaping(body) { body in
      self.body = body
      taskCount = count
      nextTask.store(0, ordering: .relaxed)
      busyWorkers.store(threadCount - 1, ordering: .sequentiallyConsistent)
      advanceGeneration()
      work(body, worker: 0)
      var spins = 0
      while busyWorkers.load(ordering: .acquiring) > 0 {
        spins += 1
        if spins > Self.spinRounds { sched_yield() }
      }
      self.body = nil
    }
  }

  private func advanceGeneration() {
    generation.add(1, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
      condition.lock()
      condition.broadcast()
      condition.unlock()
    }
  }

  private func work(_ body: Body, worker: Int) {
    while true {
      let task = nextTask.add(1, ordering: .relaxed).oldValue
      if task >= taskCount { return }
      body(task, worker)
    }
  }

  private static func serve(_ shared: Unmanaged<ThreadPool>, worker: Int) {
    shared._withUnsafeGuaranteedRef { pool in
      pool.busyWorkers.add(1, ordering: .releasing)
      var seen = 0
      while true {
        seen = pool.waitForWork(after: seen)
        if pool.stopping.load(ordering: .acquiring) {
          pool.busyWorkers.subtract(1, ordering: .releasing)
          return
        }
        if let body = pool.body { pool.work(body, worker: worker) }
        pool.busyWorkers.subtract(1, ordering: .releasing)
      }
    }
  }

  private func waitForWork(after seen: Int) -> Int {
    for _ in 0..<Self.spinRounds {
      let current = generation.load(ordering: .acquiring)
      if current != seen { return current }
    }
    sleepers.add(1, ordering: .sequentiallyConsistent)
    condition.lock()
    while generation.load(ordering: .sequentiallyConsistent) == seen { condition.wait() }
    condition.unlock()
    sleepers.subtract(1, ordering: .sequentiallyConsistent)
    return generation.load(ordering: .acquiring)
  }
}
