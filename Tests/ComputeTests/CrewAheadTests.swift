import Compute
import Foundation
import TestSupport
import Testing

@Suite("Pieces sent ahead") struct CrewAheadTests {
  private static var courier: Crew.Courier<Int> {
    Crew.Courier(request: { [UInt8($0)] }, result: { _, answer in Int(answer.first ?? 0) })
  }

  /// The next message to a rank; nil after twenty seconds.
  private static func next(_ team: any Team) throws -> CrewMessage? {
    for _ in 0..<20_000 {
      if let message = try team.receive() { return try CrewMessage(message.bytes) }
      usleep(1_000)
    }
    return nil
  }

  private static func awaitArrival(_ crew: Crew) throws {
    while crew.account.traffic.messagesReceived == 0 {
      usleep(200)
      _ = try crew.expectedWorkers()
    }
  }

  /// What one worker of another rank was asked while it answered nothing.
  private struct Hoard: Sendable {
    var indices: [Int] = []
    /// Pieces that it had when each came.
    var held: [Int] = []
  }

  /// A rank of one worker that keeps what it is asked until `isOver`, then answers everything at once; signals when it has two.
  private static func hoard(_ team: any Team, hasTwo: DispatchSemaphore, until isOver: () -> Bool) throws -> Hoard {
    try team.send(CrewMessage.arrival(workers: 1, host: team.host).bytes, to: 0)
    var hoard = Hoard()
    var isOpen = false
    while true {
      if !isOpen, isOver() {
        isOpen = true
        for index in hoard.indices {
          try team.send(CrewMessage.answer(worker: 0, index: index, [UInt8(index)]).bytes, to: 0)
        }
      }
      guard let message = try team.receive() else {
        usleep(200)
        continue
      }
      switch try CrewMessage(message.bytes) {
      case .request(_, let index, _) where isOpen:
        try team.send(CrewMessage.answer(worker: 0, index: index, [UInt8(index)]).bytes, to: 0)
      case .request(_, let index, _):
        hoard.held.append(hoard.indices.count)
        hoard.indices.append(index)
        if hoard.indices.count == 2 { hasTwo.signal() }
      case .dismissal: return hoard
      default: break
      }
    }
  }

  private final class Kept: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Hoard?
    var hoard: Hoard? {
      get { lock.withLock { value } }
      set { lock.withLock { value = newValue } }
    }
  }

  @Test("a worker has some hundredths of a second of work before it, and none of the last pieces", arguments: [12, 60])
  func depth(count: Int) throws {
    let (isLate, hasTwo) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let kept = Kept()
    var results: [Int: Int] = [:]
    try ThreadTeam(size: 2).run { team in
      let crew = Crew(team: team, workers: 1)
      // The other rank is there before the first piece.
      try Self.awaitArrival(crew)
      var here = 0
      try crew.run(
        count,
        make: { index, _ in
          usleep(5_000)
          here += 1
          // Long after the first, so that on a busy machine too something has been sent ahead.
          if here == 2 { #expect(hasTwo.wait(timeout: .now() + 20) == .success) }
          if here == count / 2 { isLate.signal() }
          return index
        }, courier: Self.courier, finished: { results[$0] = $1 })
    } server: { team in
      kept.hoard = try Self.hoard(team, hasTwo: hasTwo, until: { isLate.wait(timeout: .now()) == .success })
    }
    #expect(results == Dictionary(uniqueKeysWithValues: (0..<count).map { ($0, $0) }))
    let hoard = try #require(kept.hoard)
    // One before a piece is done here; then a piece takes at least 5 ms, so that four of them are 20 ms.
    #expect((2...6).contains(hoard.indices.count), "\(hoard)")
    for (index, held) in zip(hoard.indices, hoard.held) where held > 0 {
      #expect((count - index) / held > 2, "piece \(index) of \(count) for a worker with \(held)")
    }
  }

  @Test("after a stop a server gives back what no worker has begun, and the run ends without it") func recall() throws {
    let (hasTwo, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let kept = Kept()
    var finished: Set<Int> = []
    try ThreadTeam(size: 2).run { team in
      let crew = Crew(team: team, workers: 1)
      try Self.awaitArrival(crew)
      var (isStopped, here) = (false, 0)
      #expect(throws: CancellationError.self) {
        try crew.run(
          200,
          isStopRequested: {
            isStopped = isStopped || hasTwo.wait(timeout: .now()) == .success
            return isStopped
          },
          make: { index, _ in
            here += 1
            if here == 2 { #expect(mayGoOn.wait(timeout: .now() + 20) == .success) }
            return index
          }, courier: Self.courier, finished: { index, _ in finished.insert(index) })
      }
      finished.insert(-1)
      try crew.run(4, make: { index, _ in index }, courier: Self.courier) { index, _ in finished.insert(1_000 + index) }
    } server: { team in
      try team.send(CrewMessage.arrival(workers: 1, host: team.host).bytes, to: 0)
      var waiting: [Int] = []
      var isRecalled = false
      while let message = try Self.next(team) {
        switch message {
        case .request(_, let index, _) where isRecalled:
          try team.send(CrewMessage.answer(worker: 0, index: index, [1]).bytes, to: 0)
        case .request(_, let index, _):
          waiting.append(index)
          if waiting.count == 2 {
            hasTwo.signal()
            mayGoOn.signal()
          }
        case .recall:
          #expect(waiting.count >= 2 && !isRecalled)
          isRecalled = true
          for index in waiting.dropFirst() { try team.send(CrewMessage.returned(worker: 0, index: index).bytes, to: 0) }
          kept.hoard = Hoard(indices: waiting)
          try team.send(CrewMessage.answer(worker: 0, index: waiting[0], [1]).bytes, to: 0)
        case .dismissal: return
        default: Issue.record("not expected: \(message)")
        }
      }
    }
    let sent = try #require(kept.hoard).indices
    #expect(finished.contains(sent[0]) && finished.isDisjoint(with: sent.dropFirst()))
    #expect(finished.contains(-1) && finished.isSuperset(of: [1_000, 1_001, 1_002, 1_003]))
  }

  @Test("a server gives back what it has not begun, in order, and finishes what it is at") func recallOfServer() throws {
    let office = ThreadTeam(size: 2)
    let (leader, isAtWork, mayEnd) = (office.member(0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let hasEnded = DispatchSemaphore(value: 0)
    let server = office.member(1)
    let thread = Thread {
      try? CrewServer(team: server, workers: 2).serve { request, worker in
        if worker == 0 {
          isAtWork.signal()
          mayEnd.wait()
        }
        return request
      }
      hasEnded.signal()
    }
    thread.start()
    #expect(try Self.next(leader) == .arrival(workers: 2, host: "thread-1"))
    for index in 0..<4 { try leader.send(CrewMessage.request(worker: 0, index: index, [UInt8(index)]).bytes, to: 1) }
    isAtWork.wait()
    try leader.send(CrewMessage.recall.bytes, to: 1)
    for index in 1..<4 { #expect(try Self.next(leader) == .returned(worker: 0, index: index)) }
    // The worker takes what is asked afterwards.
    try leader.send(CrewMessage.request(worker: 0, index: 9, [9]).bytes, to: 1)
    for _ in 0..<2 { mayEnd.signal() }
    var answers: [CrewMessage] = []
    while answers.count < 2, let message = try Self.next(leader) {
      if case .peak = message { continue }
      answers.append(message)
    }
    #expect(answers == [.answer(worker: 0, index: 0, [0]), .answer(worker: 0, index: 9, [9])])
    try leader.send(CrewMessage.dismissal.bytes, to: 1)
    #expect(hasEnded.wait(timeout: .now() + 20) == .success)
  }

  @Test("a piece that nobody was asked for is refused when it comes back") func returnedTwice() throws {
    let isAsked = DispatchSemaphore(value: 0)
    let problem = message {
      try ThreadTeam(size: 2).run { team in
        let crew = Crew(team: team, workers: 1)
        try Self.awaitArrival(crew)
        try crew.run(
          2,
          make: { index, _ in
            _ = isAsked.wait(timeout: .now() + 20)
            isAsked.signal()
            return index
          }, courier: Self.courier, finished: { _, _ in })
      } server: { team in
        try team.send(CrewMessage.arrival(workers: 1, host: team.host).bytes, to: 0)
        guard case .request(_, let index, _) = try Self.next(team) else { throw TestFailure("asked for nothing") }
        isAsked.signal()
        try team.send(CrewMessage.returned(worker: 3, index: index).bytes, to: 0)
      }
    }
    #expect(problem == "rank 1 on thread-1: sent what it was not asked for")
  }
}
