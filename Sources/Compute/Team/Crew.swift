import Foundation

/// Hands pieces of work to the workers of this process and to those of the other ranks, which serve it (`CrewServer`).
///
/// Exists on rank 0. Which worker takes a piece is left to chance; a piece must have the same result wherever it is done. A
/// worker that is free gets the next piece at once, so none idles while pieces are left.
package final class Crew: @unchecked Sendable {
  private let team: any Team
  private let pool: ThreadPool
  private let clock = NSLock()
  private var workSeconds = 0.0
  private let requestStop: @Sendable (Int32) -> Void
  /// Workers of other ranks that wait for a piece; of them `known` have said that they are there.
  private var idle: [RemoteWorker] = []
  private var isDismissed = false
  private var hosts: [Int: String] = [:]
  /// Workers of the ranks that have arrived.
  private var remoteWorkers: [Int: Int] = [:]

  private struct RemoteWorker {
    let rank: Int
    let worker: Int
  }

  /// How a piece travels to another rank and its result back.
  package struct Courier<Result> {
    /// What `CrewServer` is to answer for a piece.
    package var request: (_ index: Int) throws -> [UInt8]
    /// A piece's result, read from the answer.
    package var result: (_ index: Int, _ answer: [UInt8]) throws -> Result

    package init(
      request: @escaping (_ index: Int) throws -> [UInt8],
      result: @escaping (_ index: Int, _ answer: [UInt8]) throws -> Result
    ) {
      (self.request, self.result) = (request, result)
    }
  }

  /// - Parameters:
  ///   - workers: pieces at a time in this process.
  ///   - requestStop: told of a signal that asked another rank to stop.
  package init(team: any Team = SoloTeam(), workers: Int, requestStop: @escaping @Sendable (Int32) -> Void = { _ in }) {
    precondition(team.rank == 0, "rank 0 leads")
    self.team = team
    self.requestStop = requestStop
    pool = ThreadPool(threadCount: max(1, workers))
  }

  deinit { try? dismiss() }

  /// Workers of this process.
  package var workers: Int { pool.threadCount }

  /// Processes that share the work, this one included.
  package var ranks: Int { team.size }

  /// Workers of all ranks together; a rank that has not arrived yet counts as many as this process has. Not during a run.
  ///
  /// - Throws: `TeamError`.
  package func expectedWorkers() throws -> Int {
    while let message = try team.receive() { try note(message, CrewMessage(message.bytes)) }
    return (1..<max(1, team.size)).reduce(workers) { $0 + (remoteWorkers[$1] ?? workers) }
  }

  /// Takes notice of what a rank says of itself.
  private func note(_ message: TeamMessage, _ content: CrewMessage) throws {
    switch content {
    case .arrival(let workers, let host):
      hosts[message.sender] = host
      remoteWorkers[message.sender] = workers
      idle += (0..<workers).map { RemoteWorker(rank: message.sender, worker: $0) }
    case .stop(let signal): requestStop(signal)
    case .answer, .failure, .request, .context, .dismissal:
      throw TeamError(rank: message.sender, host: hosts[message.sender], problem: "sent what it was not asked for")
    }
  }

  /// Seconds that all pieces together have taken in this process.
  package var seconds: Double { clock.withLock { workSeconds } }

  /// Gives every server something to answer the requests that follow with, as the weights of an update. It is sent after all
  /// that was asked before, and read before all that is asked after.
  ///
  /// - Throws: `TeamError`.
  package func prepare(_ context: [UInt8]) throws {
    for rank in 1..<max(1, team.size) { try send(.context(context), to: rank) }
  }

  /// Does all pieces and hands their results over one at a time, in the order in which they are finished.
  ///
  /// - Parameters:
  ///   - isStopRequested: asked before each piece is begun or sent, one thread at a time.
  ///   - make: does a piece here; called from several threads at a time, each a worker of its own.
  ///   - courier: how others do it; nil where no other rank can.
  ///   - finished: told of each piece, one at a time.
  /// - Throws: `CancellationError` when a stop was requested, when the pieces begun are finished; the first error of a piece,
  ///   of `finished` or of the team (`TeamError`), likewise.
  package func run<Result>(
    _ count: Int, isStopRequested: () -> Bool = { false }, make: (_ index: Int, _ worker: Int) throws -> Result,
    courier: Courier<Result>? = nil, finished: (_ index: Int, Result) throws -> Void
  ) throws {
    let course = Course(count: count)
    func next() -> Int? { course.next(unless: isStopRequested) }
    func hand(_ index: Int, _ result: Result) { course.hand { try finished(index, result) } }

    func workHere(_ worker: Int) {
      while let index = next() {
        let start = Date()
        do { hand(index, try make(index, worker)) } catch { course.fail(error) }
        let seconds = Date().timeIntervalSince(start)
        clock.withLock { workSeconds += seconds }
      }
    }

    guard team.size > 1, let courier, count > 0 else {
      pool.run(pool.threadCount) { _, worker in workHere(worker) }
      return try course.end()
    }
    withoutActuallyEscaping(next) { next in
      withoutActuallyEscaping(hand) { hand in
        let service = Service(crew: self, course: course, next: next) { index, answer in
          do { hand(index, try courier.result(index, answer)) } catch { course.fail(error) }
        } request: {
          try courier.request($0)
        }
        let thread = PoolThread.start(named: "crew") { service.work() }
        pool.run(pool.threadCount) { _, worker in workHere(worker) }
        // Where no thread could be started, this one serves the others when its own pieces are done.
        if let thread { thread.join() } else { service.work() }
      }
    }
    try course.end()
  }

  /// Tells the servers that nothing follows. Called again it does nothing.
  ///
  /// - Throws: `TeamError`.
  package func dismiss() throws {
    guard !isDismissed else { return }
    isDismissed = true
    for rank in 1..<max(1, team.size) { try send(.dismissal, to: rank) }
  }

  private func send(_ message: CrewMessage, to rank: Int) throws { try team.send(message.bytes, to: rank) }

  /// How far a run is; shared by all threads that work on it.
  private final class Course {
    private let lock = NSLock()
    private let count: Int
    private var begun = 0
    private var failure: (any Error)?

    init(count: Int) { self.count = count }

    func next(unless isStopRequested: () -> Bool) -> Int? {
      lock.withLock {
        guard failure == nil, begun < count else { return nil }
        if isStopRequested() {
          failure = CancellationError()
          return nil
        }
        begun += 1
        return begun - 1
      }
    }

    var isOver: Bool { lock.withLock { failure != nil || begun == count } }

    func hand(_ take: () throws -> Void) {
      lock.withLock {
        do { try take() } catch { failure = failure ?? error }
      }
    }

    func fail(_ error: any Error) { lock.withLock { failure = failure ?? error } }

    func end() throws { if let failure { throw failure } }
  }

  /// The thread that serves other ranks during a run.
  private struct Service: @unchecked Sendable {
    let crew: Crew
    let course: Course
    let next: () -> Int?
    let take: (_ index: Int, _ answer: [UInt8]) -> Void
    let request: (_ index: Int) throws -> [UInt8]

    func work() {
      var pending = 0
      var pace = PollingPace()
      while true {
        while let worker = crew.idle.last, let index = next() {
          crew.idle.removeLast()
          do {
            try crew.send(.request(worker: worker.worker, index: index, try request(index)), to: worker.rank)
            pending += 1
          } catch {
            course.fail(error)
          }
        }
        if pending == 0, course.isOver { return }
        do {
          guard let message = try crew.team.receive() else {
            pace.wait()
            continue
          }
          pace.reset()
          if try read(message) { pending -= 1 }
        } catch {
          // Nothing can be heard any more, so nothing is waited for.
          return course.fail(error)
        }
      }
    }

    /// - Returns: whether it answers a request.
    private func read(_ message: TeamMessage) throws -> Bool {
      let content = try CrewMessage(message.bytes)
      switch content {
      case .answer(let worker, let index, let bytes):
        crew.idle.append(RemoteWorker(rank: message.sender, worker: worker))
        take(index, bytes)
        return true
      case .failure(let worker, _, let problem):
        crew.idle.append(RemoteWorker(rank: message.sender, worker: worker))
        course.fail(TeamError(rank: message.sender, host: crew.hosts[message.sender], problem: problem))
        return true
      case .arrival, .stop, .request, .context, .dismissal:
        try crew.note(message, content)
        return false
      }
    }
  }
}

/// Waits between two looks for messages: short at first, since an answer to a small piece comes soon, then long enough to
/// leave the processor to those who compute.
struct PollingPace {
  private static let shortest: UInt32 = 20
  private static let longest: UInt32 = 1_000
  private var microseconds = shortest

  mutating func reset() { microseconds = Self.shortest }

  mutating func wait() {
    usleep(microseconds)
    microseconds = min(Self.longest, microseconds + microseconds / 4 + 1)
  }
}
