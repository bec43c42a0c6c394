import Compute
import Formats
import Foundation

/// How many points of a landscape are evaluated at a time, and on how many threads each.
///
/// One thread a point wastes no time on waiting for others, so it is chosen as long as there are points and memory enough.
public struct ParallelPlan: Equatable, Sendable {
  /// Points at a time, each on a copy of the problem of its own.
  public var instances: Int
  /// Threads of each.
  public var threads: Int

  public init(instances: Int, threads: Int) {
    self.instances = instances
    self.threads = threads
  }

  /// - Parameters:
  ///   - requested: points at a time; nil for a choice.
  ///   - cores: threads that may be used altogether.
  ///   - points: that there are to evaluate.
  ///   - instanceBytes: what one copy of the problem takes.
  ///   - availableBytes: of the machine; a fifth of it is left alone.
  /// - Throws: `InputError` where the requested number is out of range or does not fit in memory.
  public static func choose(
    requested: Int?, cores: Int, points: Int, instanceBytes: Int, availableBytes: Int
  ) throws -> ParallelPlan {
    let fitting = instanceBytes > 0 ? availableBytes / 5 * 4 / instanceBytes : .max
    if let requested {
      try ThreadPool.counts.require(requested, at: .setting("parallel"), "not a number of points")
      guard requested <= max(1, fitting) else {
        throw InputError(
          "does not fit in memory", at: .setting("parallel"), found: "\(requested) of \(megabytes(instanceBytes)) each",
          wanted: "at most \(max(1, fitting))")
      }
    }
    let instances = max(1, requested ?? min(cores, points, fitting))
    return ParallelPlan(instances: instances, threads: max(1, cores / instances))
  }

  /// What one copy of a problem takes.
  ///
  /// - Parameters:
  ///   - activations: bytes of activations and scratch of its network.
  ///   - weights: values of ω.
  ///   - objectives: what is evaluated on it, each kind of which may own vectors of ω's size (`ObjectiveCost.vectors`).
  public static func instanceBytes(activations: Int, weights: Int, objectives: [Objective]) -> Int {
    let vectors = Int.saturatingProduct(objectives.cost.vectors, weights, MemoryLayout<Float>.stride)
    let (sum, isTooMuch) = activations.addingReportingOverflow(vectors)
    return isTooMuch ? .max : sum
  }

  static func megabytes(_ bytes: Int) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }
}
