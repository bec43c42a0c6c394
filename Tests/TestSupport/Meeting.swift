import Compute
import Foundation

/// Where the ranks of a team wait for each other once, so that each of them is sure to have had a piece of the work: rank 0 before
/// its first pass, the others before their first answer, or failure, goes out.
public final class Meeting: @unchecked Sendable {
  private let condition = NSCondition()
  private var present: Set<Int> = []
  private let size: Int
  private let deadline = Date().addingTimeInterval(20)

  public init(of size: Int) { self.size = size }

  /// Returns when all ranks are there; each goes through unhindered afterwards.
  public func attend(_ rank: Int) {
    condition.lock()
    defer { condition.unlock() }
    present.insert(rank)
    condition.broadcast()
    while present.count < size, condition.wait(until: deadline) {}
  }

  /// Whether all have come.
  public var isComplete: Bool {
    condition.lock()
    defer { condition.unlock() }
    return present.count == size
  }

  /// The team of a rank that serves, which attends with its second message: the first says that it has arrived.
  package func member(_ team: any Team) -> any Team { Attending(team, self) }

  private final class Attending: Team, @unchecked Sendable {
    private let inner: any Team
    private let meeting: Meeting
    private let lock = NSLock()
    private var sent = 0

    init(_ inner: any Team, _ meeting: Meeting) { (self.inner, self.meeting) = (inner, meeting) }

    var rank: Int { inner.rank }
    var size: Int { inner.size }
    var host: String { inner.host }

    func send(_ message: [UInt8], to rank: Int) throws {
      let isFirst = lock.withLock {
        sent += 1
        return sent == 1
      }
      if !isFirst { meeting.attend(self.rank) }
      try inner.send(message, to: rank)
    }

    func receive() throws -> TeamMessage? { try inner.receive() }
    func abort(status: Int32) -> Never { inner.abort(status: status) }
    func leave() { inner.leave() }
  }
}
