import Foundation
import Synchronization

/// Whether the threads that compute are bound to processors, one each: on machines whose memory is nearer to some processors than
/// to others, a thread then stays near what it has touched first. No result depends on it.
///
/// It is the process that is bound or not, so it is asked for once, before anything computes.
public enum ThreadPinning {
  /// Nothing where no threads are bound.
  private static let uses = Mutex<ProcessorUses?>(nil)

  /// Binds the pools that compute, from now on.
  ///
  /// - Returns: false where the system binds no threads.
  public static func turnOn() -> Bool {
    let mask = AvailableProcessors.mask
    guard AffinityMask(mask).applyToThisThread() else { return false }
    uses.withLock { $0 = $0 ?? ProcessorUses(count: mask.count) }
    return true
  }

  static var isOn: Bool { uses.withLock { $0 != nil } }

  /// Places for the threads of a pool; none where no threads are bound.
  static func take(_ count: Int) -> [Int] { uses.withLock { $0?.take(count) ?? [] } }

  static func giveBack(_ places: [Int]) { uses.withLock { $0?.giveBack(places) } }
}

/// How many threads are bound to each processor of a mask.
package struct ProcessorUses: Equatable {
  /// By place in the mask.
  package private(set) var users: [Int]

  /// - Parameter count: processors, at least 1.
  package init(count: Int) { users = Array(repeating: 0, count: count) }

  /// The processors for so many threads, as places in the mask: of those that are used least the first, one after the other. So
  /// pools get neighbours, and share processors only where there are too few.
  package mutating func take(_ count: Int) -> [Int] {
    (0..<count).map { _ in
      let place = users.indices.min { users[$0] < users[$1] } ?? 0
      users[place] += 1
      return place
    }
  }

  package mutating func giveBack(_ places: [Int]) {
    for place in places { users[place] -= 1 }
  }
}

/// Where the threads of one pool may run.
final class ThreadPlacement: @unchecked Sendable {
  /// Places in the mask, by worker; empty for a pool that is not bound.
  private let places: [Int]
  /// Whether threads that others start from bound ones must be set free again.
  private let isFree: Bool
  /// The caller that is bound already.
  private var caller: pthread_t?

  /// - Parameter isBound: whether the threads get a processor each, where pinning is on.
  init(threadCount: Int, isBound: Bool) {
    places = isBound ? ThreadPinning.take(threadCount) : []
    isFree = places.isEmpty && ThreadPinning.isOn
  }

  deinit { ThreadPinning.giveBack(places) }

  /// Called on each thread of the pool when it starts.
  func place(worker: Int) {
    if isFree {
      AffinityMask(AvailableProcessors.mask).applyToThisThread()
    } else if !places.isEmpty {
      AffinityMask([AvailableProcessors.mask[places[worker]]]).applyToThisThread()
    }
  }

  /// Called by whoever runs tasks on the pool, as its worker 0: copies that work side by side have callers of their own.
  func placeCaller() {
    guard !places.isEmpty else { return }
    let thread = pthread_self()
    if let caller, pthread_equal(caller, thread) != 0 { return }
    place(worker: 0)
    caller = thread
  }
}
