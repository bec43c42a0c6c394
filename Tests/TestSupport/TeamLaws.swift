import Compute
import Foundation

/// What every team must keep. All of its ranks call a law at the same time, and each gets its own report.
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
    for _ in 0..<counts.count * (team.size - 1) {
      guard let message = try next(team) else {
        report.require(false, "rank \(team.rank) waits in vain: \(seen) messages have come")
        return report
      }
      guard (0..<team.size).contains(message.sender), seen[message.sender] < counts.count else {
        report.require(false, "rank \(team.rank) got a message too many, of \(message.sender)")
        return report
      }
      let index = seen[message.sender]
      seen[message.sender] += 1
      report.require(
        message.bytes == content(counts[index], index, from: message.sender, to: team.rank),
        "message \(index) from \(message.sender) to \(team.rank) is another, of \(message.bytes.count) bytes")
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
