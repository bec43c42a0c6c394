import Compute
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("What a crew's own workers do first") struct CrewOpeningTests {
  @Test("workers of other ranks are at their pieces while those of this process are not yet") func sideBySide() throws {
    let answered = DispatchSemaphore(value: 0)
    try ThreadTeam(size: 2).run(
      leader: { team in
        var finished: [Int] = []
        var told = 0
        try Crew(team: team, workers: 1).run(
          8, make: { index, _ in index }, courier: CrewWork.courier,
          opening: Crew.Opening(
            work: { _ in
              guard answered.wait(timeout: .now() + 20) == .success else { throw TestFailure("rank 1 waits for rank 0") }
            }, done: { told += 1 })
        ) { index, _ in finished.append(index) }
        #expect(finished.sorted() == Array(0..<8) && told == 1)
      },
      server: { team in
        try CrewServer(team: team, workers: 1).serve { request, _ in
          answered.signal()
          return request
        }
      })
  }

  @Test("each worker opens before its first piece, and when all have, that is told once", arguments: 1...3)
  func once(workers: Int) throws {
    let opened = Mutex<[Int]>([])
    let early = Mutex<[Int]>([])
    let all = DispatchGroup()
    for _ in 0..<workers { all.enter() }
    var (told, results) = (0, 0)
    try Crew(workers: workers).run(
      20,
      make: { _, worker in if !opened.withLock({ $0.contains(worker) }) { early.withLock { $0.append(worker) } } },
      opening: Crew.Opening(
        work: { worker in
          opened.withLock { $0.append(worker) }
          all.leave()
          // Nobody does all pieces before the others come.
          guard all.wait(timeout: .now() + 20) == .success else { throw TestFailure("a worker does not come") }
        },
        done: {
          told += 1
          #expect(opened.withLock { $0.sorted() } == Array(0..<workers))
        })
    ) { _, _ in results += 1 }
    #expect(told == 1 && results == 20 && early.withLock { $0.isEmpty })
  }

  @Test("nothing is told of an opening during which the run has failed") func failedMeanwhile() throws {
    let failed = DispatchSemaphore(value: 0)
    var told = 0
    try ThreadTeam(size: 2).run(
      leader: { team in
        let reason = message {
          try Crew(team: team, workers: 1).run(
            4, make: { index, _ in index }, courier: CrewWork.courier,
            opening: Crew.Opening(
              work: { _ in
                guard failed.wait(timeout: .now() + 20) == .success else { throw TestFailure("rank 1 has no piece") }
              }, done: { told += 1 })
          ) { _, _ in
            failed.signal()
            throw TestFailure("not taken")
          }
        }
        #expect(reason == "not taken" && told == 0)
      },
      server: { team in try CrewServer(team: team, workers: 1).serve { request, _ in request } })
  }

  @Test("what fails at the opening, or where it is told, ends the run with that error", arguments: [true, false])
  func failure(isWork: Bool) throws {
    var done = 0
    let told = message {
      try Crew(workers: 1).run(
        5, make: { index, _ in index },
        opening: Crew.Opening(
          work: { _ in if isWork { throw TestFailure("no opening") } },
          done: { if !isWork { throw TestFailure("no opening") } })
      ) { _, _ in done += 1 }
    }
    #expect(told == "no opening" && done == 0)
  }
}
