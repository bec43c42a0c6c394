import Compute
import Foundation
import Synchronization
import TestSupport
import Testing

/// Pieces whose result depends on the piece and on the latest context: 1000·round + piece².
enum CrewWork {
  private static func expected(_ count: Int, round: Int) -> [Int: Int] {
    Dictionary(uniqueKeysWithValues: (0..<count).map { ($0, 1000 * round + $0 * $0) })
  }

  static var courier: Crew.Courier<Int> {
    Crew.Courier(
      request: { index in
        var writer = MessageWriter()
        writer.write(index)
        return writer.bytes
      },
      result: { _, answer in
        var reader = MessageReader(answer)
        return try reader.int()
      })
  }

  /// Runs pieces on a crew and expects their results.
  static func check(
    _ crew: Crew, _ count: Int, round: Int, at location: SourceLocation = #_sourceLocation
  ) throws {
    let results = try run(crew, count, round: round)
    #expect(results == expected(count, round: round), sourceLocation: location)
  }

  private static func run(_ crew: Crew, _ count: Int, round: Int) throws -> [Int: Int] {
    var context = MessageWriter()
    context.write(round)
    try crew.prepare(context.bytes)
    var results: [Int: Int] = [:]
    try crew.run(
      count,
      make: { index, worker in
        // Uneven pieces.
        usleep(UInt32(200 * (index % 5)))
        return 1000 * round + index * index
      }, courier: courier
    ) { index, result in
      guard results.updateValue(result, forKey: index) == nil else { throw TestFailure("piece \(index) twice") }
    }
    return results
  }

  static func serve(_ team: any Team, workers: Int) throws {
    try CrewServer(team: team, workers: workers).serve(
      prepare: { context in
        var reader = MessageReader(context)
        return try reader.int()
      },
      answer: { request, round, worker in
        guard let round, (0..<workers).contains(worker) else { throw TestFailure("no context, or worker \(worker)") }
        var reader = MessageReader(request)
        let index = try reader.int()
        var writer = MessageWriter()
        writer.write(1000 * round + index * index)
        return writer.bytes
      })
  }
}

@Suite("Crews") struct CrewTests {
  @Test(
    "all pieces are done once, with the latest context, on any number of ranks and workers", arguments: [1, 2, 3, 4],
    [1, 2, 3])
  func anyNumbers(ranks: Int, workers: Int) throws {
    try ThreadTeam(size: ranks).run(
      leader: { team in
        let crew = Crew(team: team, workers: workers)
        #expect(crew.workers == workers)
        // None, one, fewer than workers, more.
        for (round, count) in [40, 0, 1, 2, 25, 0, 40].enumerated() {
          try CrewWork.check(crew, count, round: round)
        }
      }, server: { try CrewWork.serve($0, workers: workers) })
  }

  @Test("no rank idles while pieces are left: a piece here and one there are done at the same time") func sideBySide() throws
  {
    let there = DispatchSemaphore(value: 0)
    let here = DispatchSemaphore(value: 0)
    try ThreadTeam(size: 2).run(
      leader: { team in
        var done: Set<Int> = []
        try Crew(team: team, workers: 1).run(
          2,
          make: { index, _ in
            here.signal()
            guard there.wait(timeout: .now() + 20) == .success else { throw TestFailure("nobody takes the other piece") }
            return index
          }, courier: CrewWork.courier
        ) { index, _ in done.insert(index) }
        #expect(done == [0, 1])
      },
      server: { team in
        try CrewServer(team: team, workers: 1).serve { request, _ in
          there.signal()
          guard here.wait(timeout: .now() + 20) == .success else { throw TestFailure("rank 0 takes no piece") }
          return request
        }
      })
  }

  @Test("without a courier the pieces are done here") func withoutCourier() throws {
    try ThreadTeam(size: 2).run(
      leader: { team in
        var done: [Int] = []
        try Crew(team: team, workers: 1).run(4, make: { index, _ in index }) { index, result in
          #expect(index == result)
          done.append(index)
        }
        #expect(done == [0, 1, 2, 3])
      }, server: { try $0.ignoreUntilDismissed() })
  }

  @Test("a stop ends a run when the pieces that workers are at are finished, wherever they are", arguments: 1...3)
  func stop(ranks: Int) throws {
    try ThreadTeam(size: ranks).run(
      leader: { team in
        let crew = Crew(team: team, workers: 2)
        var begun = 0
        var finished = 0
        #expect(throws: CancellationError.self) {
          try crew.run(
            100,
            isStopRequested: {
              // Asked before each piece, one thread at a time.
              if begun == 10 { return true }
              begun += 1
              return false
            },
            make: { index, _ in
              usleep(500)
              return index
            }, courier: CrewWork.courier
          ) { _, _ in finished += 1 }
        }
        // Those that were sent ahead may come back undone.
        #expect(begun == 10 && (ranks == 1 ? finished == 10 : (1...10).contains(finished)))
        // The crew goes on where the program does.
        try CrewWork.check(crew, 9, round: 2)
      },
      server: { team in
        try CrewServer(team: team, workers: 2).serve(
          prepare: { context in
            var reader = MessageReader(context)
            return try reader.int()
          },
          answer: { request, round, _ in
            var reader = MessageReader(request)
            let index = try reader.int()
            var writer = MessageWriter()
            writer.write(1000 * (round ?? 0) + index * index)
            return writer.bytes
          })
      })
  }

  @Test("a piece that fails here ends the run with its error, and the crew can be used again", arguments: 1...3)
  func failureHere(ranks: Int) throws {
    try ThreadTeam(size: ranks).run(
      leader: { team in
        let crew = Crew(team: team, workers: 2)
        try crew.prepare(MessageWriter.of(0))
        let text = message {
          try crew.run(
            60,
            make: { index, _ in
              usleep(200)
              throw TestFailure("no such thing")
            }, courier: CrewWork.courier
          ) { _, _ in }
        }
        #expect(text == "no such thing")
        try CrewWork.check(crew, 12, round: 1)
      }, server: { try CrewWork.serve($0, workers: 2) })
  }

  @Test("a piece that fails on another rank names the rank, its host and the reason") func failureThere() throws {
    let isAsked = DispatchSemaphore(value: 0)
    try ThreadTeam(size: 2).run(
      leader: { team in
        let crew = Crew(team: team, workers: 1)
        do {
          try crew.run(3, make: { index, _ in Self.after(isAsked, index) }, courier: CrewWork.courier) { _, _ in }
          Issue.record("the run ends as if nothing had failed")
        } catch {
          #expect(error as? TeamError == TeamError(rank: 1, host: "thread-1", problem: "the disk is full"))
          #expect("\(error)" == "rank 1 on thread-1: the disk is full")
        }
      },
      server: { team in
        try CrewServer(team: team, workers: 1).serve { _, _ in
          isAsked.signal()
          throw TestFailure("the disk is full")
        }
      })
  }

  /// The index, when somebody has signalled; others that wait go on as well.
  private static func after(_ semaphore: DispatchSemaphore, _ index: Int) -> Int {
    _ = semaphore.wait(timeout: .now() + 20)
    semaphore.signal()
    return index
  }

  @Test("an error of who takes the results ends the run") func failureOfTaker() throws {
    try ThreadTeam(size: 2).run(
      leader: { team in
        let crew = Crew(team: team, workers: 2)
        try crew.prepare(MessageWriter.of(0))
        var taken = 0
        let text = message {
          try crew.run(50, make: { index, _ in index * index }, courier: CrewWork.courier) { _, _ in
            taken += 1
            if taken == 3 { throw TestFailure("no room") }
          }
        }
        #expect(text == "no room" && taken >= 3)
        try CrewWork.check(crew, 5, round: 4)
      }, server: { try CrewWork.serve($0, workers: 2) })
  }

  @Test("a rank that arrives late takes part from then on, and after the last run it is sent home") func lateArrival() throws
  {
    let isFirstOver = DispatchSemaphore(value: 0)
    try ThreadTeam(size: 2).run(
      leader: { team in
        let crew = Crew(team: team, workers: 1)
        try CrewWork.check(crew, 6, round: 0)
        try CrewWork.check(crew, 6, round: 1)
        isFirstOver.signal()
        try CrewWork.check(crew, 60, round: 2)
        try crew.dismiss()
        try crew.dismiss()
      },
      server: { team in
        isFirstOver.wait()
        try CrewWork.serve(team, workers: 2)
      })
    let isAllOver = DispatchSemaphore(value: 0)
    try ThreadTeam(size: 2).run(
      leader: { team in
        do {
          let crew = Crew(team: team, workers: 1)
          try CrewWork.check(crew, 6, round: 0)
          // Let go without a word, as where an error ends the command.
        }
        isAllOver.signal()
      },
      server: { team in
        isAllOver.wait()
        try CrewWork.serve(team, workers: 2)
      })
  }

  private final class LastSignal: Sendable {
    let number = Atomic<Int32>(0)
  }

  @Test("a signal on another rank is told to rank 0, which stops") func signalThere() throws {
    let signal = LastSignal()
    try ThreadTeam(size: 2).run(
      leader: { team in
        let crew = Crew(team: team, workers: 1) { signal.number.store($0, ordering: .sequentiallyConsistent) }
        let end = Date(timeIntervalSinceNow: 20)
        #expect(throws: CancellationError.self) {
          try crew.run(
            .max, isStopRequested: { signal.number.load(ordering: .sequentiallyConsistent) != 0 || Date() > end },
            make: { index, _ in
              usleep(500)
              return index
            }, courier: CrewWork.courier
          ) { _, _ in }
        }
        #expect(signal.number.load(ordering: .sequentiallyConsistent) == SIGTERM)
      },
      server: { team in
        try CrewServer(team: team, workers: 1, signal: { SIGTERM }).serve { request, _ in
          usleep(500)
          return request
        }
      })
  }

  @Test("an answer that can't be read is an error of rank 0, not a result") func damagedAnswer() throws {
    let isAsked = DispatchSemaphore(value: 0)
    try ThreadTeam(size: 2).run(
      leader: { team in
        let crew = Crew(team: team, workers: 1)
        #expect(throws: TruncatedMessage()) {
          try crew.run(3, make: { index, _ in Self.after(isAsked, index) }, courier: CrewWork.courier) { _, _ in }
        }
      },
      server: { team in
        try CrewServer(team: team, workers: 1).serve { _, _ in
          isAsked.signal()
          return [1, 2, 3]
        }
      })
  }

  @Test("a server refuses what is no message, and what rank 0 doesn't send") func damagedRequest() throws {
    let office = ThreadTeam(size: 2)
    try office.member(0).send([1, 2, 3], to: 1)
    #expect(throws: TruncatedMessage()) {
      try CrewServer(team: office.member(1), workers: 1).serve { request, _ in request }
    }
    // An arrival, as a server says it.
    var arrival = MessageWriter()
    arrival.write(0)
    arrival.write(1)
    arrival.write("elsewhere")
    try office.member(0).send(arrival.bytes, to: 1)
    #expect(throws: TeamError(rank: 0, host: nil, problem: "sent what servers alone send")) {
      try CrewServer(team: office.member(1), workers: 1).serve { request, _ in request }
    }
  }
}

extension MessageWriter {
  fileprivate static func of(_ number: Int) -> [UInt8] {
    var writer = MessageWriter()
    writer.write(number)
    return writer.bytes
  }
}

extension Team {
  /// What a rank does that has nothing to answer.
  fileprivate func ignoreUntilDismissed() throws {
    try CrewServer(team: self, workers: 1).serve { _, _ in throw TestFailure("asked without a courier") }
  }
}
