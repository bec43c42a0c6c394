import Foundation

/// How many candidates are evaluated at a time in one process, and on how many threads each.
///
/// One thread a candidate wastes no time on waiting for others, so groups are as many as keep all threads busy, as long as
/// there is memory for a copy of the problem each.
public struct GroupPlan: Equatable, Sendable {
  /// Candidates at a time; 1 where they are evaluated on the problem that the weight steps are taken on.
  public var groups: Int
  /// Threads of each.
  public var threads: Int
  /// Groups that there would be if memory were enough.
  public var wanted: Int

  init(groups: Int, threads: Int, wanted: Int) {
    self.groups = groups
    self.threads = threads
    self.wanted = wanted
  }

  /// - Parameters:
  ///   - requested: groups; 0 for a choice. More than there are pieces are not made.
  ///   - cores: threads that may be used altogether.
  ///   - pieces: losses that are asked for at once.
  ///   - copyBytes: what a copy of the problem takes. The problem itself takes as much, and has not touched it yet.
  ///   - availableBytes: of the machine; a fifth of it is left alone.
  public static func choose(
    requested: Int, cores: Int, pieces: Int, copyBytes: Int = 0, availableBytes: Int = .max
  ) -> GroupPlan {
    let fitting = copyBytes > 0 ? availableBytes / 5 * 4 / copyBytes - 1 : .max
    let wanted = max(1, min(pieces, requested > 0 ? requested : quickest(cores: cores, pieces: pieces, limit: .max)))
    var groups = wanted
    if fitting < wanted {
      groups = max(1, requested > 0 ? fitting : quickest(cores: cores, pieces: pieces, limit: fitting))
    }
    return GroupPlan(groups: groups, threads: max(1, cores / groups), wanted: wanted)
  }

  /// The number of groups that ends soonest if twice the threads are twice as fast, up to the chunks of a batch; of several
  /// the largest.
  private static func quickest(cores: Int, pieces: Int, limit: Int) -> Int {
    func speed(_ threads: Int) -> Double { Double(max(1, min(threads, mostThreads))) }
    func time(_ groups: Int) -> Double {
      let alone = remainder(of: pieces, groups: groups)
      let rounds = (pieces - alone + groups - 1) / groups
      return Double(rounds) / speed(cores / groups) + Double(alone) / speed(cores)
    }
    let numbers = 1...max(1, min(cores, pieces, limit))
    let least = numbers.map(time).min() ?? 0
    return numbers.last { time($0) <= least * (1 + 1e-9) } ?? 1
  }

  /// Chunks of a batch: more threads find nothing to do.
  private static let mostThreads = 16

  /// Pieces that are better done one after the other by all threads than by some groups while the others idle: those that
  /// are left when all groups have had the same number, where they are at most half as many as the groups.
  package static func remainder(of pieces: Int, groups: Int) -> Int {
    let left = pieces % groups
    return 2 * left <= groups ? left : 0
  }

  /// What a copy of a problem takes beside its batches, in bytes: activations and scratch of its network, and a candidate's
  /// weights, momentum and gradient.
  ///
  /// - Parameter weights: values of ω.
  public static func copyBytes(activations: Int, weights: Int) -> Int {
    let (sum, isTooMuch) = activations.addingReportingOverflow(
      .saturatingProduct(3, weights, MemoryLayout<Float>.stride))
    return isTooMuch ? .max : sum
  }

  /// For the head of a search; nil where there is nothing to say.
  public func account(copyBytes: Int) -> String? {
    let bytes = Double(copyBytes) * Double(groups) / 1e9
    let size = bytes < 0.1 ? "less than 0.1" : String(format: "%.1f", bytes)
    let some =
      groups > 1
      ? "candidates on \(groups) groups of \(threads) thread\(threads == 1 ? "" : "s"), \(size) GB in addition" : nil
    guard groups < wanted else { return some }
    return (some ?? "candidates one after the other") + "; \(wanted) groups do not fit in memory"
  }
}
