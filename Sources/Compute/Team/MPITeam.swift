import Foundation

/// The ranks of an MPI job.
///
/// A message is a header of fixed size from anyone, then the bytes in parts from the sender that the header names: so nobody
/// asks MPI who sent what, and how much. MPI keeps the order of what one rank sends another under one tag; all of a message is
/// handed to MPI at once.
///
/// One lock is around every call. What is sent is copied and on its way when `send` returns; it is tidied up in later calls.
/// So two ranks that send to each other never wait for each other.
package final class MPITeam: Team, @unchecked Sendable {
  package let rank: Int
  package let size: Int
  package let host: String
  /// For messages: the library's name for itself.
  package var library: String { mpi.version }

  private let mpi: MPILibrary
  private let lock = NSLock()
  private var underWay: [Parcel] = []
  private var bytesUnderWay = 0
  private var hasLeaderLeft = false
  private var farewells = 0
  private var hasLeft = false

  private static let headerTag: Int32 = 1
  private static let bodyTag: Int32 = 2
  /// Bytes that MPI takes at once: it counts in `int`.
  private static let part = 1 << 30
  /// Bytes that may be under way before `send` waits for some to arrive.
  private static let room = 1 << 28
  /// Bytes that MPI hands over at once.
  private static let small = 4_096
  /// Bytes a second, at which a message is slow.
  private static let slowest = 2e8
  /// Seconds in which a launcher passes on what its processes have written.
  private static let launcherDelay = 1.0

  /// Starts MPI.
  ///
  /// - Throws: `LaunchError` where it can't be started.
  init(_ mpi: MPILibrary) throws {
    try mpi.start()
    self.mpi = mpi
    (rank, size, host) = (try mpi.rank(), try mpi.size(), mpi.host())
  }

  package func send(_ message: [UInt8], to rank: Int) throws { try send(message, .message, to: rank) }

  package func receive() throws -> TeamMessage? {
    try lock.withLock {
      try calling {
        while let header = try nextHeader() {
          let bytes = try body(of: header)
          switch header.kind {
          case .message: return TeamMessage(sender: header.sender, bytes: bytes)
          case .farewell: noteFarewell(of: header.sender)
          }
        }
        // Who leads has gone: nothing follows, however often one asks.
        return hasLeaderLeft ? TeamMessage(sender: 0, bytes: CrewMessage.dismissal.bytes) : nil
      }
    }
  }

  package func abort(status: Int32) -> Never {
    // A thread may be in a call that doesn't end, on account of which this one is made.
    let isAlone = lock.lock(before: Date(timeIntervalSinceNow: 1))
    // MPICH's launcher may end the job before it has read the words that say why.
    Thread.sleep(forTimeInterval: Self.launcherDelay)
    mpi.abort(status: status)
    if isAlone { lock.unlock() }
    exit(status)
  }

  package func leaderHasLeft(within seconds: Double) -> Bool {
    let end = Date(timeIntervalSinceNow: seconds)
    var pace = PollingPace()
    while true {
      do { _ = try receive() } catch { return false }
      if lock.withLock({ hasLeaderLeft }) { return true }
      if Date() >= end { return false }
      pace.wait()
    }
  }

  /// Rank 0 tells all others that it leaves, they answer when they do: then nothing is under way, as MPI demands at its end.
  package func leave() {
    guard !lock.withLock({ hasLeft }) else { return }
    do {
      if rank == 0 {
        for other in 1..<max(1, size) { try send([], .farewell, to: other) }
        try wait { farewells == size - 1 }
      } else {
        try wait { hasLeaderLeft }
        try send([], .farewell, to: 0)
      }
      try wait { underWay.isEmpty }
    } catch {
      StandardStream.error.write("rank \(rank) on \(host): \(error)\n")
      abort(status: 1)
    }
    lock.withLock {
      hasLeft = true
      mpi.end()
    }
  }

  /// Reads what comes, and drops it, until `isOver`.
  private func wait(_ isOver: () -> Bool) throws {
    var pace = PollingPace()
    while true {
      let hasMessage = try receive() != nil
      if lock.withLock(isOver) { return }
      if hasMessage { pace.reset() }
      pace.wait()
    }
  }

  private func noteFarewell(of sender: Int) {
    if sender == 0 { hasLeaderLeft = true } else { farewells += 1 }
  }

  // MARK: Framing

  private enum Kind: Int {
    case message, farewell
  }

  private struct Header {
    var sender: Int
    var kind: Kind
    var count: Int

    static let size = 24
  }

  private func send(_ message: [UInt8], _ kind: Kind, to rank: Int) throws {
    guard (0..<size).contains(rank), rank != self.rank else {
      throw TeamError(rank: rank, host: nil, problem: "no such rank: there are \(size), and this one is \(self.rank)")
    }
    try lock.withLock {
      try calling {
        var header = MessageWriter()
        for value in [self.rank, kind.rawValue, message.count] { header.write(value) }
        let parcel = Parcel(header.bytes, message)
        parcel.requests.append(try mpi.send(parcel[0..<Header.size], to: rank, tag: Self.headerTag))
        for start in stride(from: Header.size, to: parcel.count, by: Self.part) {
          let part = parcel[start..<min(start + Self.part, parcel.count)]
          parcel.requests.append(try mpi.send(part, to: rank, tag: Self.bodyTag))
        }
        underWay.append(parcel)
        bytesUnderWay += parcel.count
      }
    }
    try helpAlong(message.count)
  }

  /// Calls MPI while a large message is under way, since most libraries move messages in calls alone: as long as it takes to
  /// where the other rank listens, and then only while too much is under way.
  private func helpAlong(_ count: Int) throws {
    let start = Date()
    let patience = count > Self.small ? 1e-3 + Double(count) / Self.slowest : 0
    var pace = PollingPace()
    while true {
      let left = try lock.withLock {
        try calling { try tidy() }
        return bytesUnderWay
      }
      if left == 0 { return }
      if Date().timeIntervalSince(start) < patience {
        sched_yield()
      } else if left > Self.room {
        pace.wait()
      } else {
        return
      }
    }
  }

  private func nextHeader() throws -> Header? {
    try tidy()
    guard try mpi.hasMessage(tag: Self.headerTag) else { return nil }
    var bytes = [UInt8](repeating: 0, count: Header.size)
    try bytes.withUnsafeMutableBytes { try mpi.receive($0, from: nil, tag: Self.headerTag) }
    var reader = MessageReader(bytes)
    let (sender, kind, count) = (try reader.int(), Kind(rawValue: try reader.int()), try reader.int())
    guard (0..<size).contains(sender), let kind, count >= 0 else { throw TruncatedMessage() }
    return Header(sender: sender, kind: kind, count: count)
  }

  private func body(of header: Header) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: header.count) { memory, initialised in
      for start in stride(from: 0, to: header.count, by: Self.part) {
        let part = UnsafeMutableBufferPointer(rebasing: memory[start..<min(start + Self.part, header.count)])
        try mpi.receive(UnsafeMutableRawBufferPointer(part), from: header.sender, tag: Self.bodyTag)
      }
      initialised = header.count
    }
  }

  /// Lets go of what has been sent. MPI moves what is under way whenever it is called.
  private func tidy() throws {
    guard !underWay.isEmpty else { return }
    try underWay.removeAll { parcel in
      guard try parcel.isSent(mpi) else { return false }
      bytesUnderWay -= parcel.count
      return true
    }
  }

  /// What fails in MPI, or in what it brings, is an error of this team.
  private func calling<Result>(_ body: () throws -> Result) throws -> Result {
    guard !hasLeft else { throw TeamError(rank: rank, host: host, problem: "has left, and neither sends nor receives") }
    do { return try body() } catch let error as TeamError { throw error } catch {
      throw TeamError(rank: rank, host: host, problem: "\(error)")
    }
  }

  /// A message on its way, in memory that stays where it is.
  private final class Parcel {
    private let memory: UnsafeMutableRawBufferPointer
    var requests: [MPILibrary.Handle] = []
    var count: Int { memory.count }

    init(_ header: [UInt8], _ body: [UInt8]) {
      memory = .allocate(byteCount: header.count + body.count, alignment: 16)
      memory.copyBytes(from: header)
      UnsafeMutableRawBufferPointer(rebasing: memory[header.count...]).copyBytes(from: body)
    }

    deinit { memory.deallocate() }

    subscript(range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[range]) }

    func isSent(_ mpi: MPILibrary) throws -> Bool {
      while var request = requests.last {
        guard try mpi.isDone(&request) else { return false }
        requests.removeLast()
      }
      return true
    }
  }
}
