import Compute
import Foundation

/// What every team must keep. All of its ranks call a law at the same time, and each gets its own report; a law ends when rank 0
/// lets all go on, so that nothing of what follows is met in it.
package enum TeamLaws {
  private static let counts = [0, 1, 7, 4_096, 65_537, 3_000_000, 0, 2]

  /// From every rank to every other, of all sizes, both ways at once: each message whole, once, in the order of its sender.
  package static func exchange(_ team: any Team) throws -> LawReport {
    var report = LawReport()
    for other in 0..<team.size where other != team.rank {
      for (index, count) in counts.enumerated() {
        try team.send(content(count, index, from: team.rank, to: other), to: other)
      }
    }
    var seen = [Int](repeating: 0, count: team.size)
    /// Hears so many messages, of which one from each may be the empty one at the end.
    func hear(_ messages: Int) throws {
      for _ in 0..<messages {
        guard let message = try next(team) else {
          return report.require(false, "rank \(team.rank) waits in vain: \(seen) messages have come")
        }
        guard (0..<team.size).contains(message.sender), seen[message.sender] <= counts.count else {
          return report.require(false, "rank \(team.rank) hears too much of rank \(message.sender)")
        }
        let index = seen[message.sender]
        seen[message.sender] += 1
        let wanted =
          index == counts.count ? [] : content(counts[index], index, from: message.sender, to: team.rank)
        report.require(
          message.bytes == wanted,
          "message \(index) from \(message.sender) to \(team.rank) is another, of \(message.bytes.count) bytes")
      }
    }
    if team.rank == 0 {
      try hear((counts.count + 1) * (team.size - 1))
      try letGo(team)
    } else {
      try hear(counts.count * (team.size - 1))
      try team.send([], to: 0)
      try hear(1)
    }
    report.require(seen[team.rank] == 0, "rank \(team.rank) wrote to itself")
    return report
  }

  /// From several threads of every rank to rank 0: what a thread sends keeps its order, and no message gets into another.
  package static func allToLeader(_ team: any Team, threads: Int = 3, messages: Int = 40) throws -> LawReport {
    var report = LawReport()
    guard team.rank == 0 else {
      let failures = NSLock()
      nonisolated(unsafe) var failed = 0
      DispatchQueue.concurrentPerform(iterations: threads) { thread in
        for index in 0..<messages {
          var writer = MessageWriter()
          writer.write(thread)
          writer.write(index)
          writer.write([UInt8](repeating: UInt8(thread), count: index * index * 11))
          do { try team.send(writer.bytes, to: 0) } catch { failures.withLock { failed += 1 } }
        }
      }
      report.require(failed == 0, "rank \(team.rank) could not send \(failed) messages")
      report.require(try next(team)?.bytes == [], "rank \(team.rank) is not let go")
      return report
    }
    var seen = [[Int]](repeating: [Int](repeating: 0, count: threads), count: team.size)
    for _ in 0..<(team.size - 1) * threads * messages {
      guard let message = try next(team) else {
        report.require(false, "rank 0 waits in vain: \(seen) messages have come")
        return report
      }
      var reader = MessageReader(message.bytes)
      let (thread, index) = (try reader.int(), try reader.int())
      guard (0..<threads).contains(thread) else { throw TruncatedMessage() }
      report.require(seen[message.sender][thread] == index, "\(message.sender).\(thread): \(index) came out of turn")
      seen[message.sender][thread] += 1
      let body = try reader.octets()
      report.require(
        body.count == index * index * 11 && body.allSatisfy { $0 == UInt8(thread) } && reader.isAtEnd,
        "\(message.sender).\(thread): message \(index) is damaged")
    }
    try letGo(team)
    return report
  }

  /// Nothing is sent to a rank that there isn't, nor to oneself.
  package static func refusals(_ team: any Team) -> LawReport {
    var report = LawReport()
    for rank in [-1, team.rank, team.size] {
      do {
        try team.send([1], to: rank)
        report.require(false, "rank \(team.rank) could send to \(rank)")
      } catch {
        report.require((error as? TeamError)?.rank == rank, "sending to \(rank) ends with \(error)")
      }
    }
    return report
  }

  private static func letGo(_ team: any Team) throws {
    for other in 1..<max(1, team.size) { try team.send([], to: other) }
  }

  private static func content(_ count: Int, _ index: Int, from sender: Int, to receiver: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: 31 * sender + 7 * receiver + index), count: count)
    if count > 1 { bytes[count - 1] ^= 0xff }
    return bytes
  }

  /// Nil after twenty seconds without a message.
  private static func next(_ team: any Team) throws -> TeamMessage? {
    let end = Date(timeIntervalSinceNow: 20)
    while Date() < end {
      if let message = try team.receive() { return message }
      usleep(100)
    }
    return nil
  }
}
