import Foundation

/// Counts what passes through a team.
final class CountedTeam: Team, @unchecked Sendable {
  private let base: any Team
  private let lock = NSLock()
  private var counts = CrewAccount.Traffic()

  init(_ base: any Team) { self.base = base }

  var traffic: CrewAccount.Traffic { lock.withLock { counts } }

  var rank: Int { base.rank }
  var size: Int { base.size }
  var host: String { base.host }

  func send(_ message: [UInt8], to rank: Int) throws {
    try base.send(message, to: rank)
    lock.withLock {
      counts.messagesSent += 1
      counts.bytesSent += message.count
    }
  }

  func receive() throws -> TeamMessage? {
    guard let message = try base.receive() else { return nil }
    lock.withLock {
      counts.messagesReceived += 1
      counts.bytesReceived += message.bytes.count
    }
    return message
  }

  func abort(status: Int32) -> Never { base.abort(status: status) }
  func leave() { base.leave() }
}
