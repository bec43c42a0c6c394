import Compute
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("Pieces that wait for one another") struct CrewSourceTests {
  /// Pieces of which number i waits for number i - width; which have been begun and finished, in order.
  private struct Chains {
    let count: Int
    let width: Int
    var begun: [Int] = []
    var finished: Set<Int> = []
    /// Pieces that were begun before the one that they wait for had been finished.
    var early: [Int] = []

    mutating func next() -> Crew.NextPiece {
      guard begun.count < count else { return .nothing }
      let ready = (0..<count).first { !begun.contains($0) && ($0 < width || finished.contains($0 - width)) }
      guard let ready else { return .later }
      begun.append(ready)
      if ready >= width, !finished.contains(ready - width) { early.append(ready) }
      return .piece(ready)
    }
  }

  private static func serve(_ team: any Team, workers: Int) throws {
    try CrewServer(team: team, workers: workers).serve { request, _ in
      usleep(500)
      return request.map { $0 &* 3 }
    }
  }

  private static var courier: Crew.Courier<[UInt8]> {
    Crew.Courier(request: { [UInt8($0)] }, result: { _, answer in answer })
  }

  @Test(
    "each is done once, after the piece that it waits for, on any number of ranks and workers",
    arguments: [1, 2, 3], [1, 2, 3])
  func order(ranks: Int, workers: Int) throws {
    for width in [1, 4] {
      var (chains, results) = (Chains(count: 16, width: width), [Int: UInt8]())
      let pieces = try ThreadTeam(size: ranks).run { team in
        let crew = Crew(team: team, workers: workers)
        try crew.run(
          next: { chains.next() },
          make: { index, _ in
            usleep(500)
            return [UInt8(index) &* 3]
          }, courier: Self.courier,
          finished: { index, result in
            chains.finished.insert(index)
            results[index] = result.first
          })
        return crew.account.ranks.map(\.pieces)
      } server: {
        try Self.serve($0, workers: workers)
      }
      #expect(chains.begun.sorted() == Array(0..<16) && chains.early.isEmpty)
      #expect(results == Dictionary(uniqueKeysWithValues: (0..<16).map { ($0, UInt8($0) * 3) }))
      #expect(pieces.count == ranks && pieces.reduce(0, +) == 16)
    }
  }

  @Test("a source that has nothing ends at once, and with it nothing of the ranks is lost")
  func nothing() throws {
    try ThreadTeam(size: 3).run { team in
      let crew = Crew(team: team, workers: 2)
      try crew.run(
        next: { .nothing }, make: { _, _ in [UInt8]() }, courier: Self.courier,
        finished: { index, _ in Issue.record("piece \(index) was done") })
      var sum = 0
      try crew.run(20, make: { index, _ in [UInt8(index) * 3] }, courier: Self.courier) { _, result in
        sum += Int(result.first ?? 0)
      }
      #expect(sum == 3 * 190)
    } server: {
      try Self.serve($0, workers: 1)
    }
  }

  @Test("a piece that fails, here or elsewhere, ends the run, also of workers that wait for it", arguments: [1, 2])
  func failure(ranks: Int) throws {
    var begun = 0
    let problem = message {
      try ThreadTeam(size: ranks).run { team in
        try Crew(team: team, workers: 3).run(
          next: {
            begun += 1
            return begun == 1 ? .piece(0) : .later
          }, make: { _, _ -> [UInt8] in throw TestFailure("no luck") }, courier: Self.courier,
          finished: { index, _ in Issue.record("piece \(index) has a result") })
      } server: { team in
        try CrewServer(team: team, workers: 1).serve { _, _ in throw TestFailure("no luck") }
      }
    }
    #expect(problem == "no luck" || problem == "rank 1 on thread-1: no luck", "\(problem ?? "no error")")
  }

  /// A number that several threads see.
  private final class Flag: Sendable {
    let value = Atomic<Int32>(0)
    var signal: Int32? {
      let number = value.load(ordering: .relaxed)
      return number == 0 ? nil : number
    }
    func set(_ number: Int32) { value.store(number, ordering: .relaxed) }
    /// Waits for it; false after a minute.
    func appears() -> Bool {
      for _ in 0..<60_000 {
        if signal != nil { return true }
        usleep(1_000)
      }
      return false
    }
  }

  @Test("a stop of rank 0 reaches a piece that another rank is at, where the crew tells of it")
  func stopThere() throws {
    let (stop, there, isAtWork) = (Flag(), Flag(), Flag())
    var begun = 0
    var results: [[UInt8]] = []
    try ThreadTeam(size: 2).run { team in
      try Crew(team: team, workers: 1, signal: { stop.signal }).run(
        next: {
          guard stop.signal == nil, begun < 2 else { return .nothing }
          begun += 1
          return .piece(begun - 1)
        },
        make: { _, _ in
          // Whichever piece this is, the other goes to the other rank.
          let isReady = isAtWork.appears()
          stop.set(10)
          return isReady ? [1] : []
        }, courier: Self.courier, finished: { results.append($1) })
    } server: { team in
      try CrewServer(team: team, workers: 1, requestStop: { there.set($0) }).serve { _, _ in
        isAtWork.set(1)
        return there.appears() ? [2] : []
      }
    }
    #expect(there.signal == 10)
    #expect(results.sorted { $0.count == $1.count ? $0[0] < $1[0] : $0.count < $1.count } == [[1], [2]])
  }

  @Test("rank 0 hears of a stop before it has an answer that came of it")
  func stopBeforeAnswer() throws {
    for _ in 0..<20 {
      let (stop, there) = (Flag(), Flag())
      var isKnown: [Bool] = []
      try ThreadTeam(size: 2).run { team in
        var begun = 0
        try Crew(team: team, workers: 1, requestStop: { stop.set($0) }).run(
          next: {
            guard begun < 2 else { return .nothing }
            begun += 1
            return .piece(begun - 1)
          }, make: { _, _ in there.appears() ? [] : [9] }, courier: Self.courier,
          finished: { _, result in if result == [7] { isKnown.append(stop.signal == 12) } })
      } server: { team in
        try CrewServer(team: team, workers: 1, signal: { there.signal }).serve { _, _ in
          there.set(12)
          return [7]
        }
      }
      #expect(!isKnown.isEmpty && isKnown.allSatisfy { $0 })
    }
  }

  @Test("what a server says of a piece arrives in order and before the piece's result")
  func reports() throws {
    var heard: [[UInt8]] = []
    var before: [Int: Int] = [:]
    let courier = Crew.Courier<[UInt8]>(
      request: { [UInt8($0)] },
      result: { index, answer in
        before[index] = heard.count { $0.first == UInt8(index) }
        return answer
      }, report: { heard.append($0) })
    var here: Set<Int> = []
    let isAtWork = Flag()
    try ThreadTeam(size: 2).run { team in
      try Crew(team: team, workers: 1).run(
        30,
        make: { _, _ in isAtWork.appears() ? [] : [0] }, courier: courier,
        finished: { if $1.isEmpty { here.insert($0) } })
    } server: { team in
      let server = CrewServer(team: team, workers: 2)
      try server.serve { request, _ in
        isAtWork.set(1)
        for part in 0..<3 { server.report(request + [UInt8(part)]) }
        return request
      }
    }
    let there = (0..<30).filter { !here.contains($0) }
    #expect(!there.isEmpty && before == Dictionary(uniqueKeysWithValues: there.map { ($0, 3) }))
    for index in there { #expect(heard.filter { $0[0] == UInt8(index) }.map { $0[1] } == [0, 1, 2]) }
  }

  @Test("every byte that passes is counted")
  func account() throws {
    let isAtWork = Flag()
    let (account, elsewhere) = try ThreadTeam(size: 2).run { team in
      let crew = Crew(team: team, workers: 1)
      try crew.prepare([UInt8](repeating: 1, count: 100))
      var elsewhere = 0
      try crew.run(
        40,
        make: { _, _ in isAtWork.appears() ? [] : [0] },
        courier: Crew.Courier<[UInt8]>(request: { [UInt8($0)] }, result: { _, answer in answer }),
        finished: { if !$1.isEmpty { elsewhere += 1 } })
      return (crew.account, elsewhere)
    } server: { team in
      try CrewServer(team: team, workers: 1).serve { _, _ in
        isAtWork.set(1)
        return [UInt8](repeating: 2, count: 50)
      }
    }
    #expect(account.ranks.map(\.pieces) == [40 - elsewhere, elsewhere] && elsewhere > 0)
    // Words of eight bytes: kind and length of the context; kind, worker, index and length of a request and an answer.
    #expect(account.traffic.messagesSent == 1 + elsewhere)
    #expect(account.traffic.bytesSent == 2 * 8 + 100 + elsewhere * (4 * 8 + 1))
    // Kind, workers, length and name of the host; the peak of memory, where it has grown, is kind and bytes.
    let peaks = account.traffic.messagesReceived - 1 - elsewhere
    #expect((1...elsewhere).contains(peaks))
    #expect(account.traffic.bytesReceived == 3 * 8 + "thread-1".utf8.count + elsewhere * (4 * 8 + 50) + peaks * 2 * 8)
    #expect(account.ranks.allSatisfy { ($0.peakBytes ?? 0) > 1 << 20 })
    #expect(account.wallSeconds > 0 && account.leaderSeconds <= account.wallSeconds)
    #expect(account.row.split(separator: ",", omittingEmptySubsequences: false).count == 9)
  }
}
