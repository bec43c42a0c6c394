import Foundation

/// Serves rank 0 from another rank: answers requests on its workers until it is dismissed.
package struct CrewServer {
  private let team: any Team
  private let workers: Int
  private let signal: @Sendable () -> Int32?
  private let requestStop: @Sendable (Int32) -> Void

  /// - Parameters:
  ///   - workers: requests at a time.
  ///   - signal: that asked this process to stop, nil while none has. Rank 0 is told of it, before any answer that may have
  ///     come of it, and decides; requests at hand are finished in any case.
  ///   - requestStop: told of a signal that asked rank 0 to stop, where its crew tells of it.
  package init(
    team: any Team, workers: Int, signal: @escaping @Sendable () -> Int32? = { nil },
    requestStop: @escaping @Sendable (Int32) -> Void = { _ in }
  ) {
    precondition(team.rank > 0, "rank 0 leads")
    self.team = team
    self.workers = max(1, workers)
    self.signal = signal
    self.requestStop = requestStop
  }

  /// Tells rank 0 something of a piece that is being answered, to be called by the thread that answers it. What can't be sent is
  /// dropped: then `serve` ends.
  package func report(_ report: [UInt8]) { try? team.send(CrewMessage.report(report).bytes, to: 0) }

  /// Returns when rank 0 has dismissed this rank.
  ///
  /// - Parameters:
  ///   - prepare: makes of a context what requests are answered with; called while no request is at hand.
  ///   - answer: a request with the latest context, nil before the first; called from several threads at a time, each a worker of its own. What it throws is
  ///     told to rank 0, and serving goes on.
  /// - Throws: `TeamError` where rank 0 can't be heard any more; what `prepare` throws.
  package func serve<Context>(
    prepare: ([UInt8]) throws -> Context, answer: (_ request: [UInt8], _ context: Context?, _ worker: Int) throws -> [UInt8]
  ) throws {
    let desk = Desk<Context>(workers: workers)
    try team.send(CrewMessage.arrival(workers: workers, host: team.host).bytes, to: 0)
    try withoutActuallyEscaping(answer) { answer in
      let work = Work { worker in
        while let (index, request, context) = desk.take(worker) {
          let message: CrewMessage
          do {
            message = .answer(worker: worker, index: index, try answer(request, context, worker))
          } catch {
            message = .failure(worker: worker, index: index, "\(error)")
          }
          // An answer that can't be sent ends the polling below too.
          tellOfStop(desk)
          if let peak = desk.newPeak() { try? team.send(CrewMessage.peak(peak).bytes, to: 0) }
          try? team.send(message.bytes, to: 0)
        }
      }
      let threads = (0..<workers).compactMap { worker in PoolThread.start(named: "serve-\(worker)") { work.body(worker) } }
      precondition(threads.count == workers, "the system starts no more threads")
      defer {
        desk.close()
        for thread in threads { thread.join() }
      }
      var pace = PollingPace()
      while true {
        tellOfStop(desk)
        guard let message = try team.receive() else {
          pace.wait()
          continue
        }
        pace.reset()
        switch try CrewMessage(message.bytes) {
        case .context(let bytes): desk.context = try prepare(bytes)
        case .request(let worker, let index, let bytes): desk.put(worker, index, bytes)
        case .recall:
          for (worker, index) in desk.clear() {
            try team.send(CrewMessage.returned(worker: worker, index: index).bytes, to: 0)
          }
        case .dismissal: return
        case .stop(let number): requestStop(number)
        case .arrival, .answer, .failure, .returned, .report, .peak:
          throw TeamError(rank: message.sender, host: nil, problem: "sent what servers alone send")
        }
      }
    }
  }

  /// The same where requests say all.
  package func serve(answer: (_ request: [UInt8], _ worker: Int) throws -> [UInt8]) throws {
    try serve(prepare: { $0 }) { request, _, worker in try answer(request, worker) }
  }

  /// Tells rank 0 of a signal that asked this process to stop. Where rank 0 can't be reached nobody is there to stop.
  package static func tellOfStop(signal: Int32, team: any Team) {
    try? team.send(CrewMessage.stop(signal: signal).bytes, to: 0)
  }

  private func tellOfStop<Context>(_ desk: Desk<Context>) {
    guard let number = signal() else { return }
    desk.once { Self.tellOfStop(signal: number, team: team) }
  }

  private struct Work: @unchecked Sendable {
    let body: (_ worker: Int) -> Void
  }

  /// Where requests lie until their workers take them, each worker its own in the order in which they came.
  private final class Desk<Context>: @unchecked Sendable {
    private let condition = NSCondition()
    private var requests: [[(index: Int, bytes: [UInt8])]]
    private var isClosed = false
    private var current: Context?
    private var toldPeak = 0
    private var hasToldOfStop = false

    init(workers: Int) { requests = Array(repeating: [], count: workers) }

    var context: Context? {
      get { condition.withLock { current } }
      set { condition.withLock { current = newValue } }
    }

    /// The most memory that this process has held, where that has grown by a sixteenth since it was last asked for.
    func newPeak() -> Int? {
      let peak = PeakMemory.bytes()
      return condition.withLock {
        guard peak > toldPeak + toldPeak / 16 else { return nil }
        toldPeak = peak
        return peak
      }
    }

    /// Does something the first time it is called; who calls it then returns after that.
    func once(_ body: () throws -> Void) rethrows {
      try condition.withLock {
        guard !hasToldOfStop else { return }
        hasToldOfStop = true
        try body()
      }
    }

    func put(_ worker: Int, _ index: Int, _ bytes: [UInt8]) {
      condition.withLock {
        requests[worker].append((index, bytes))
        condition.broadcast()
      }
    }

    /// Takes away what nobody has taken.
    func clear() -> [(worker: Int, index: Int)] {
      condition.withLock {
        defer { requests = Array(repeating: [], count: requests.count) }
        return requests.enumerated().flatMap { worker, waiting in waiting.map { (worker, $0.index) } }
      }
    }

    /// The worker's next request, once there is one; nil where the desk is closed.
    func take(_ worker: Int) -> (index: Int, bytes: [UInt8], context: Context?)? {
      condition.lock()
      defer { condition.unlock() }
      while requests[worker].isEmpty {
        if isClosed { return nil }
        condition.wait()
      }
      let (index, bytes) = requests[worker].removeFirst()
      return (index, bytes, current)
    }

    func close() {
      condition.withLock {
        isClosed = true
        condition.broadcast()
      }
    }
  }
}
