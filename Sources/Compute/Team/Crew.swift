import Foundation

/// Hands pieces of work to the workers of this process and to those of the other ranks, which serve it (`CrewServer`).
///
/// Exists on rank 0. Which worker takes a piece is left to chance; a piece must have the same result wherever it is done. A
/// worker that is free gets the next piece at once, so none idles while pieces are left. Workers of other ranks are sent pieces
/// ahead while plenty are left, since an answer and the next piece pass between processes that compute, and take some ticks of
/// the system's clock.
package final class Crew: @unchecked Sendable {
  private let team: CountedTeam
  private let pool: ThreadPool
  private let clock = NSLock()
  private var workSeconds = 0.0
  private var ownPieces = 0
  private let requestStop: @Sendable (Int32) -> Void
  private let signal: @Sendable () -> Int32?
  private var hasToldOfStop = false
  /// Workers of the other ranks that have arrived.
  private var remote: [RemoteWorker] = []
  private var isDismissed = false
  private var hosts: [Int: String] = [:]
  /// Of other ranks, by their number.
  private var peaks: [Int: Int] = [:]
  private var pieces: [Int: Int] = [:]
  private var wallSeconds = 0.0
  /// Of each rank that has arrived: where its workers begin in `remote`, and how many they are.
  private var places: [Int: Range<Int>] = [:]

  private struct RemoteWorker {
    let rank: Int
    let worker: Int
    /// Pieces that it was sent and that have not come back.
    var held = 0
  }

  /// Seconds of work that a worker of another rank has before it: longer than a message and its answer are on their way between
  /// processes that compute.
  private static let secondsAhead = 0.02
  /// Most pieces that a worker has before it, besides the one that it is at.
  private static let mostAhead = 16

  /// How a piece travels to another rank and its result back.
  package struct Courier<Result> {
    /// What `CrewServer` is to answer for a piece.
    package var request: (_ index: Int) throws -> [UInt8]
    /// A piece's result, read from the answer.
    package var result: (_ index: Int, _ answer: [UInt8]) throws -> Result
    /// Takes what a server says of a piece while it is at work (`CrewServer.report`), before that piece's result.
    package var report: (_ report: [UInt8]) throws -> Void

    package init(
      request: @escaping (_ index: Int) throws -> [UInt8],
      result: @escaping (_ index: Int, _ answer: [UInt8]) throws -> Result,
      report: @escaping (_ report: [UInt8]) throws -> Void = { _ in }
    ) {
      (self.request, self.result, self.report) = (request, result, report)
    }
  }

  /// What the workers of this process do before their first pieces, while those of other ranks are at theirs.
  package struct Opening {
    /// Called once for each worker that comes before everything is done, from several threads at a time.
    package var work: (_ worker: Int) throws -> Void
    /// Told when all of them are done, never beside `finished`; not where the run has failed by then.
    package var done: () throws -> Void

    package init(work: @escaping (_ worker: Int) throws -> Void, done: @escaping () throws -> Void) {
      (self.work, self.done) = (work, done)
    }
  }

  /// What a source of pieces has for a worker that is free.
  package enum NextPiece: Equatable, Sendable {
    case piece(Int)
    /// Nothing before a piece that is under way has been finished. A worker of this process asks again then, and now and
    /// then besides.
    case later
    /// Nothing any more.
    case nothing
  }

  /// - Parameters:
  ///   - workers: pieces at a time in this process.
  ///   - requestStop: told of a signal that asked another rank to stop.
  ///   - signal: that asked this process to stop, nil while none has. Servers are told of it during a run; for pieces that take
  ///     so long that they stop in between. Where others are awaited, leave it out.
  package init(
    team: any Team = SoloTeam(), workers: Int, requestStop: @escaping @Sendable (Int32) -> Void = { _ in },
    signal: @escaping @Sendable () -> Int32? = { nil }
  ) {
    precondition(team.rank == 0, "rank 0 leads")
    self.team = CountedTeam(team)
    self.requestStop = requestStop
    self.signal = signal
    pool = ThreadPool(threadCount: max(1, workers))
  }

  deinit {
    try? dismiss()
    account.writeWhereAsked()
  }

  /// Workers of this process.
  package var workers: Int { pool.threadCount }

  /// Processes that share the work, this one included.
  package var ranks: Int { team.size }

  /// Workers of all ranks together; a rank that has not arrived yet counts as many as this process has. Not during a run.
  ///
  /// - Throws: `TeamError`.
  package func expectedWorkers() throws -> Int {
    while let message = try team.receive() { try note(message, CrewMessage(message.bytes)) }
    return (1..<max(1, team.size)).reduce(workers) { $0 + (places[$1]?.count ?? workers) }
  }

  /// Takes notice of what a rank says of itself.
  private func note(_ message: TeamMessage, _ content: CrewMessage) throws {
    switch content {
    case .arrival(let workers, let host):
      guard workers > 0, places[message.sender] == nil else { throw unasked(message.sender) }
      hosts[message.sender] = host
      places[message.sender] = remote.count..<remote.count + workers
      remote += (0..<workers).map { RemoteWorker(rank: message.sender, worker: $0) }
    case .stop(let signal): requestStop(signal)
    case .peak(let bytes): peaks[message.sender] = bytes
    case .answer, .failure, .returned, .report, .request, .recall, .context, .dismissal: throw unasked(message.sender)
    }
  }

  private func unasked(_ rank: Int) -> TeamError {
    TeamError(rank: rank, host: hosts[rank], problem: "sent what it was not asked for")
  }

  /// A worker of another rank has given a piece back, done or not.
  private func noteReturn(from rank: Int, _ worker: Int) throws {
    guard let workers = places[rank], (0..<workers.count).contains(worker) else { throw unasked(rank) }
    let place = workers.lowerBound + worker
    guard remote[place].held > 0 else { throw unasked(rank) }
    remote[place].held -= 1
  }

  /// Pieces that a worker of another rank may have before it, by what a piece has taken here since a moment; none before one is
  /// done.
  private func ahead(since start: (seconds: Double, pieces: Int)) -> Int {
    let (seconds, pieces) = clock.withLock { (workSeconds - start.seconds, ownPieces - start.pieces) }
    guard pieces > 0, seconds > 0 else { return 0 }
    return 1 + Int(min(Double(Self.mostAhead - 1), Self.secondsAhead * Double(pieces) / seconds))
  }

  /// Seconds that all pieces together have taken in this process.
  package var seconds: Double { clock.withLock { workSeconds } }

  /// What working together has cost so far. Not to be asked during a run.
  package var account: CrewAccount {
    let here = clock.withLock { (pieces: ownPieces, seconds: workSeconds) }
    return CrewAccount(
      traffic: team.traffic, wallSeconds: wallSeconds, leaderSeconds: here.seconds,
      ranks: (0..<max(1, team.size)).map { rank in
        CrewAccount.Rank(
          pieces: rank == 0 ? here.pieces : pieces[rank] ?? 0,
          peakBytes: rank == 0 ? PeakMemory.bytes() : peaks[rank])
      })
  }

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
  ///   - isStopRequested: asked before each piece is begun or sent, one thread at a time. Pieces that were sent ahead and that no
  ///     worker has begun are given back then, not done.
  ///   - make: does a piece here; called from several threads at a time, each a worker of its own.
  ///   - courier: how others do it; nil where no other rank can.
  ///   - opening: what workers of this process do first; nil for nothing.
  ///   - finished: told of each piece, one at a time.
  /// - Throws: `CancellationError` when a stop was requested, when the pieces that workers are at are finished; the first error of
  ///   a piece, of `finished` or of the team (`TeamError`), likewise.
  package func run<Result>(
    _ count: Int, isStopRequested: () -> Bool = { false }, make: (_ index: Int, _ worker: Int) throws -> Result,
    courier: Courier<Result>? = nil, opening: Opening? = nil, finished: (_ index: Int, Result) throws -> Void
  ) throws {
    var begun = 0
    let start = clock.withLock { (seconds: workSeconds, pieces: ownPieces) }
    try run(
      source: { held in
        guard begun < count else { return .nothing }
        // The last pieces are for who is free first.
        if held > 0, held > ahead(since: start) || (count - begun) / held <= workers + remote.count { return .later }
        if isStopRequested() { throw CancellationError() }
        begun += 1
        return .piece(begun - 1)
      }, make: make, courier: count > 0 ? courier : nil, opening: opening, finished: finished)
  }

  /// The same for pieces that wait for one another: does all that a source has, until it has nothing any more.
  ///
  /// - Parameters:
  ///   - next: the piece that is to be begun now; called by one thread at a time, and never beside `finished`, so that both may
  ///     use the same state. It may answer `later` only while a piece is under way. What it throws ends the run when the
  ///     pieces begun are finished.
  /// - Throws: the first error of `next`, of a piece, of `finished` or of the team.
  package func run<Result>(
    next source: () throws -> NextPiece, make: (_ index: Int, _ worker: Int) throws -> Result,
    courier: Courier<Result>? = nil, finished: (_ index: Int, Result) throws -> Void
  ) throws {
    try run(source: { held in held > 0 ? .later : try source() }, make: make, courier: courier, finished: finished)
  }

  /// - Parameter source: the next piece for a worker that has so many.
  private func run<Result>(
    source: (_ held: Int) throws -> NextPiece, make: (_ index: Int, _ worker: Int) throws -> Result,
    courier: Courier<Result>?, opening: Opening? = nil, finished: (_ index: Int, Result) throws -> Void
  ) throws {
    let start = Date()
    defer { wallSeconds += Date().timeIntervalSince(start) }
    let course = Course()
    func next(_ held: Int) -> NextPiece { course.next { try source(held) } }
    func hand(_ index: Int, _ result: Result) { course.end { try finished(index, result) } }

    var (opened, comings) = (Set<Int>(), 0)
    func open(_ worker: Int, _ opening: Opening) {
      do {
        // A worker comes again in place of one that the system has not let come.
        if course.isUnderWay, course.take({ opened.insert(worker).inserted }) == true { try opening.work(worker) }
        course.take {
          comings += 1
          if comings == pool.threadCount { try opening.done() }
        }
      } catch {
        course.fail(error)
      }
    }
    func workHere(_ worker: Int) {
      if let opening { open(worker, opening) }
      while let index = course.awaitNext({ try source(0) }) {
        let start = Date()
        do {
          let result = try make(index, worker)
          hand(index, result)
        } catch {
          course.end { throw error }
        }
        let seconds = Date().timeIntervalSince(start)
        clock.withLock {
          workSeconds += seconds
          ownPieces += 1
        }
      }
    }

    guard team.size > 1, let courier else {
      pool.run(pool.threadCount) { _, worker in workHere(worker) }
      return try course.finish()
    }
    withoutActuallyEscaping(next) { next in
      withoutActuallyEscaping(hand) { hand in
        let service = Service(crew: self, course: course, next: next) { index, answer in
          do { hand(index, try courier.result(index, answer)) } catch { course.end { throw error } }
        } report: {
          try courier.report($0)
        } request: {
          try courier.request($0)
        }
        let thread = PoolThread.start(named: "crew") { service.work() }
        pool.run(pool.threadCount) { _, worker in workHere(worker) }
        // Where no thread could be started, this one serves the others when its own pieces are done.
        if let thread { thread.join() } else { service.work() }
      }
    }
    try course.finish()
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

  /// Asks for the pieces that were sent ahead.
  private func recall() throws {
    for rank in Set(remote.lazy.filter { $0.held > 1 }.map(\.rank)) { try send(.recall, to: rank) }
  }

  /// Tells the servers, once, that this process was asked to stop.
  private func tellOfStop() throws {
    guard !hasToldOfStop, let number = signal() else { return }
    hasToldOfStop = true
    for rank in 1..<max(1, team.size) { try send(.stop(signal: number), to: rank) }
  }

  /// How far a run is; shared by all threads that work on it.
  private final class Course {
    private let condition = NSCondition()
    private var underWay = 0
    private var isAtEnd = false
    private var failure: (any Error)?

    func next(_ source: () throws -> NextPiece) -> NextPiece { condition.withLock { ask(source) } }

    /// The next piece once there is one; nil where there is nothing any more.
    func awaitNext(_ source: () throws -> NextPiece) -> Int? {
      condition.lock()
      defer { condition.unlock() }
      while true {
        switch ask(source) {
        case .piece(let index): return index
        case .nothing: return nil
        // A signal, upon which a source may have nothing any more, wakes no thread that waits here.
        case .later: _ = condition.wait(until: Date(timeIntervalSinceNow: 0.2))
        }
      }
    }

    private func ask(_ source: () throws -> NextPiece) -> NextPiece {
      guard failure == nil, !isAtEnd else { return .nothing }
      do {
        let answer = try source()
        switch answer {
        case .piece: underWay += 1
        case .later: precondition(underWay > 0, "a source that waits for a piece, with none under way")
        case .nothing: isAtEnd = true
        }
        return answer
      } catch {
        fail(with: error)
        return .nothing
      }
    }

    var hasFailed: Bool { condition.withLock { failure != nil } }

    /// Whether there is anything to begin or to wait for.
    var isUnderWay: Bool { condition.withLock { failure == nil && (!isAtEnd || underWay > 0) } }

    /// Whether nothing will be begun any more.
    var isOver: Bool { condition.withLock { failure != nil || isAtEnd } }

    /// A piece has ended; what `body` throws is the run's failure.
    func end(_ body: () throws -> Void) {
      condition.withLock {
        underWay -= 1
        do { try body() } catch { fail(with: error) }
        condition.broadcast()
      }
    }

    /// Does something beside no other call of the run's closures but pieces, unless the run has failed; what it throws is the run's
    /// failure.
    @discardableResult
    func take<Value>(_ body: () throws -> Value) -> Value? {
      condition.withLock {
        guard failure == nil else { return nil }
        do { return try body() } catch {
          fail(with: error)
          return nil
        }
      }
    }

    func fail(_ error: any Error) { condition.withLock { fail(with: error) } }

    private func fail(with error: any Error) {
      failure = failure ?? error
      condition.broadcast()
    }

    func finish() throws { if let failure { throw failure } }
  }

  /// The thread that serves other ranks during a run.
  private struct Service: @unchecked Sendable {
    let crew: Crew
    let course: Course
    let next: (_ held: Int) -> NextPiece
    let take: (_ index: Int, _ answer: [UInt8]) -> Void
    let report: (_ report: [UInt8]) throws -> Void
    let request: (_ index: Int) throws -> [UInt8]

    func work() {
      var pending = 0
      var hasRecalled = false
      var pace = PollingPace()
      while true {
        while let place = crew.remote.indices.min(by: { crew.remote[$0].held < crew.remote[$1].held }),
          case .piece(let index) = next(crew.remote[place].held)
        {
          let worker = crew.remote[place]
          do {
            try crew.send(.request(worker: worker.worker, index: index, try request(index)), to: worker.rank)
            crew.remote[place].held += 1
            pending += 1
          } catch {
            course.end { throw error }
          }
        }
        if pending == 0, course.isOver { return }
        do {
          try crew.tellOfStop()
          if !hasRecalled, course.hasFailed {
            hasRecalled = true
            try crew.recall()
          }
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

    /// - Returns: whether a piece is back.
    private func read(_ message: TeamMessage) throws -> Bool {
      let content = try CrewMessage(message.bytes)
      switch content {
      case .answer(let worker, let index, let bytes):
        try crew.noteReturn(from: message.sender, worker)
        crew.pieces[message.sender, default: 0] += 1
        take(index, bytes)
        return true
      case .returned(let worker, _):
        try crew.noteReturn(from: message.sender, worker)
        course.end {}
        return true
      case .failure(let worker, _, let problem):
        try crew.noteReturn(from: message.sender, worker)
        course.end { throw TeamError(rank: message.sender, host: crew.hosts[message.sender], problem: problem) }
        return true
      case .report(let bytes):
        try report(bytes)
        return false
      case .arrival, .stop, .peak, .request, .recall, .context, .dismissal:
        try crew.note(message, content)
        return false
      }
    }
  }
}

/// Waits between two looks for messages: short at first, since an answer to a small piece comes soon, then long enough to
/// leave the processor to those who compute: looks every 4 ms took nearly a hundredth of it. Not longer than the work that is sent
/// ahead of pieces that take milliseconds (`Crew.secondsAhead`).
struct PollingPace {
  private static let shortest: UInt32 = 20
  private static let longest: UInt32 = 16_000
  private var microseconds = shortest

  mutating func reset() { microseconds = Self.shortest }

  mutating func wait() {
    usleep(microseconds)
    microseconds = min(Self.longest, microseconds + microseconds / 4 + 1)
  }
}
