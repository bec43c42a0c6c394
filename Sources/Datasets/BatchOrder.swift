import Compute
import Foundation

/// The order in which one half of a split is visited in each pass: a pure function of (seed, epoch, pass), remembered
/// for the passes in use.
final class BatchOrder: @unchecked Sendable {
  private struct Pass: Hashable {
    var epoch: Int
    var pass: Int
  }

  private let seed: UInt64
  private let purpose: RandomStream.Purpose
  private let members: [Int]
  private let lock = NSLock()
  private var remembered: [(pass: Pass, order: [Int])] = []

  init(seed: UInt64, purpose: RandomStream.Purpose, members: [Int]) {
    self.seed = seed
    self.purpose = purpose
    self.members = members
  }

  /// The members in the order of one pass.
  func order(epoch: Int, pass: Int) -> [Int] {
    let wanted = Pass(epoch: epoch, pass: pass)
    lock.lock()
    defer { lock.unlock() }
    if let known = remembered.first(where: { $0.pass == wanted }) { return known.order }
    var stream = RandomStream(seed: seed, purpose: purpose, epoch: epoch, step: pass)
    let order = stream.permutation(members.count).map { members[$0] }
    // Inner training looks at most one epoch ahead, so few are ever in use.
    if remembered.count == 4 { remembered.removeFirst() }
    remembered.append((wanted, order))
    return order
  }
}
