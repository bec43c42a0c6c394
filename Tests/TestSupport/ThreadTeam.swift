import Compute
import Foundation

/// Ranks that are threads of one process, for tests.
public final class ThreadTeam: @unchecked Sendable {
  private let lock = NSLock()
  private var boxes: [[(sender: Int, bytes: [UInt8])]]
  public let size: Int

  public init(size: Int) {
    self.size = size
    boxes = Array(repeating: [], count: size)
  }

  package func member(_ rank: Int) -> any Team { Member(rank: rank, of: self) }

  /// Runs `server` on the ranks but 0, each on a thread of its own, and `leader` on rank 0, here.
  ///
  /// - Throws: what `leader` throws, when all have ended.
  package func run<Result>(
    leader: (any Team) throws -> Result, server: @escaping @Sendable (any Team) throws -> Void
  ) throws -> Result {
    let group = DispatchGroup()
    for rank in 1..<max(1, size) {
      let member = member(rank)
      group.enter()
      let thread = Thread {
        do { try server(member) } catch { FileHandle.standardError.write(Data("rank \(rank): \(error)\n".utf8)) }
        group.leave()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    defer { group.wait() }
    return try leader(member(0))
  }

  private final class Member: Team {
    let rank: Int
    private let office: ThreadTeam
    var size: Int { office.size }
    var host: String { "thread-\(rank)" }

    init(rank: Int, of office: ThreadTeam) { (self.rank, self.office) = (rank, office) }

    func send(_ message: [UInt8], to rank: Int) throws {
      guard (0..<size).contains(rank), rank != self.rank else {
        throw TeamError(rank: rank, host: nil, problem: "no such rank")
      }
      office.lock.withLock { office.boxes[rank].append((self.rank, message)) }
    }

    func receive() throws -> TeamMessage? {
      office.lock.withLock {
        guard !office.boxes[rank].isEmpty else { return nil }
        let first = office.boxes[rank].removeFirst()
        return TeamMessage(sender: first.sender, bytes: first.bytes)
      }
    }

    func abort(status: Int32) -> Never { fatalError("rank \(rank) ends all with status \(status)") }
    func leave() {}
  }
}
