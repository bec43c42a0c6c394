import Formats
import Foundation
import TestSupport
import Testing

struct ClaimTests {
  private let folder: ScratchFolder
  private var place: String { folder.path }

  init() throws { folder = try ScratchFolder() }

  /// The claim of a process that is gone: nobody locks its file.
  private func leave(_ generation: Int, system: String, quiet: Double = 0, isLocked: Bool = true) throws {
    let text =
      "host: elsewhere\nsystem: \(system)\nprocess: 4711\nsince: 2026-01-02T03:04:05Z\nlocked: \(isLocked)\nnote: n\n"
    let path = try folder.write(text, to: "job.\(generation)")
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -quiet)], ofItemAtPath: path)
  }

  private func take(_ terms: Claim.Terms = .init()) throws -> Claim? { try Claim.take("job", in: place, terms: terms) }

  @Test("What one has claimed another does not get, until it is released") func oneHolder() throws {
    let first = try #require(try Claim.take("job", in: place, note: "threads 3"))
    #expect(try take() == nil)
    guard case .held(let holder, let quiet) = try Claim.state(of: "job", in: place) else {
      Issue.record("not held")
      return
    }
    #expect(holder.process == getpid() && holder.note == "threads 3" && holder.host == ProcessInfo.processInfo.hostName)
    #expect(quiet < 60)
    #expect(try Claim.take("job2", in: place) != nil, "another name is another claim")
    #expect(try Claim.names(in: place) == ["job", "job2"])
    first.release()
    #expect(try Claim.state(of: "job", in: place) == .free)
    #expect(try take() != nil)
  }

  @Test("A claim ends with its value") func deallocation() throws {
    var claim = try take()
    #expect(claim != nil)
    claim = nil
    #expect(try take() != nil)
  }

  @Test("Of many that claim at once exactly one succeeds, again and again") func race() throws {
    let place = place
    for _ in 0..<20 {
      let (lock, found) = (NSLock(), Found())
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        if let claim = try? Claim.take("job", in: place) { lock.withLock { found.claims.append(claim) } }
      }
      #expect(found.claims.count == 1)
      for claim in found.claims { claim.release() }
    }
    // Only what counts is left.
    #expect(try folder.entries.filter { $0.hasPrefix("job.") } == ["job.20"])
  }

  private final class Found: @unchecked Sendable { var claims: [Claim] = [] }

  @Test("The claim of a process that was killed on this machine is taken over at once") func killedHere() throws {
    try leave(3, system: Claim.Holder.present().system)
    guard case .void(let holder) = try Claim.state(of: "job", in: place) else {
      Issue.record("not void")
      return
    }
    #expect(holder?.process == 4711 && holder?.host == "elsewhere")
    let claim = try #require(try take())
    #expect(try folder.entries.filter { $0.hasPrefix("job.") } == ["job.4"])
    #expect(try take() == nil)
    claim.release()
  }

  @Test("That of another machine is taken over once it has been quiet for too long, and not before")
  func killedElsewhere() throws {
    try leave(1, system: "another kernel", quiet: 100)
    #expect(try take() == nil)
    guard case .held(_, let quiet) = try Claim.state(of: "job", in: place) else {
      Issue.record("not held")
      return
    }
    // The clocks of this machine and of its file system are one here.
    #expect(quiet > 95 && quiet < 160)
    #expect(try take(.init(patience: 90)) != nil)
  }

  @Test("Where the holder could lock nothing, and where a claim was cut short, time alone decides") func withoutLocks()
    throws
  {
    try leave(1, system: Claim.Holder.present().system, quiet: 100, isLocked: false)
    #expect(try take() == nil && take(.init(patience: 90)) != nil)
    _ = try folder.write("host: el", to: "job.7")
    #expect(try take() == nil)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -400)], ofItemAtPath: folder.file("job.7"))
    #expect(try take() != nil)
  }

  @Test("A holder refreshes its claim, and knows when another has taken over") func refreshedAndLost() throws {
    let claim = try #require(try take(.init(beat: 0.02)))
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -1000)], ofItemAtPath: folder.file("job.1"))
    func waits(for condition: () throws -> Bool) rethrows -> Bool {
      for _ in 0..<500 {
        if try condition() { return true }
        usleep(10_000)
      }
      return false
    }
    #expect(
      try waits {
        if case .held(_, let quiet) = try Claim.state(of: "job", in: place) { quiet < 500 } else { false }
      })
    #expect(!claim.isLost)
    try leave(2, system: "another kernel")
    #expect(waits { claim.isLost })
    claim.release()
    #expect(try take() == nil, "giving up what was lost takes nothing from the other")
  }

  @Test("Who asks between two refreshments is told at once that another has taken over") func lostBetweenBeats() throws {
    let claim = try #require(try take(.init(beat: 1000)))
    #expect(!claim.isLost)
    try leave(2, system: "another kernel")
    #expect(claim.isLost)
  }

  @Test("A folder that is not there is named") func noFolder() throws {
    #expect(refusal { try Claim.take("job", in: folder.file("absent")) }?.hasPrefix(folder.file("absent")) == true)
  }

  @Test("A file is made by one of many, whole, and what is there stays") func creation() throws {
    let (path, lock, wins) = (folder.file("plan"), NSLock(), Count())
    DispatchQueue.concurrentPerform(iterations: 8) { index in
      if (try? AtomicFile.create("plan \(index)\n", at: path)) == true { lock.withLock { wins.value += 1 } }
    }
    #expect(wins.value == 1)
    let text = try String(decoding: bytes(path), as: UTF8.self)
    #expect(text.hasPrefix("plan ") && text.count == 7)
    #expect(try !AtomicFile.create("other", at: path) && String(decoding: bytes(path), as: UTF8.self) == text)
    #expect(try folder.entries == ["plan"], "nothing else is left")
  }

  private final class Count: @unchecked Sendable { var value = 0 }
}
