import Compute
import Formats
import Foundation
import Problems

/// Evaluates points in the span of some directions, several at a time.
///
/// Each evaluator works alone on its points, on a copy of the problem of its own; which of them takes a point is left to
/// chance and changes nothing.
public struct PointWalk<Problem: BilevelProblem> {
  /// One point: its coordinates and what is to be evaluated there.
  public struct Task: Equatable, Sendable {
    public var coordinates: [Double]
    public var objectives: [Objective]

    public init(coordinates: [Double], objectives: [Objective]) {
      self.coordinates = coordinates
      self.objectives = objectives
    }
  }

  public let directions: Directions
  public let evaluators: [ObjectiveEvaluator<Problem>]
  private let pool: ThreadPool
  private let work = EngineClock()

  /// - Parameter evaluators: of the same state and batches; as many points are evaluated at a time.
  /// - Throws: `InputError` where there is none.
  public init(evaluators: [ObjectiveEvaluator<Problem>], directions: Directions) throws {
    guard !evaluators.isEmpty else {
      throw InputError("none given", at: "evaluators", wanted: "at least one")
    }
    self.evaluators = evaluators
    self.directions = directions
    pool = ThreadPool(threadCount: evaluators.count)
  }

  /// - Parameters:
  ///   - isStopRequested: asked before each point.
  ///   - finished: told of each point as it is finished, in whatever order, one at a time: its index and its objectives'
  ///     samples.
  /// - Throws: `CancellationError` when a stop was requested, when the points begun are finished; what `finished` and the
  ///   problem throw.
  public func run(
    _ tasks: [Task], isStopRequested: () -> Bool, finished: (_ index: Int, _ samples: [ObjectiveSample]) throws -> Void
  ) throws {
    let lock = NSLock()
    var failure: (any Error)?
    pool.run(tasks.count) { index, worker in
      let mayBegin = lock.withLock {
        if failure == nil, isStopRequested() { failure = CancellationError() }
        return failure == nil
      }
      guard mayBegin else { return }
      let start = EngineClock.now()
      defer { lock.withLock { work.add(EngineClock.now() - start) } }
      do {
        let samples = try evaluators[worker].evaluateBatches(
          tasks[index].objectives, at: directions.alphas(at: tasks[index].coordinates)
        ).map(ObjectiveSample.init(batches:))
        try lock.withLock { try finished(index, samples) }
      } catch {
        lock.withLock { failure = failure ?? error }
      }
    }
    if let failure { throw failure }
  }

  /// Seconds that all points together have taken, their journaling included.
  public var pointSeconds: Double { work.seconds }
  /// Seconds that all evaluators together have spent in passes and steps of the problem.
  public var engineSeconds: Double { evaluators.reduce(0) { $0 + $1.engineSeconds } }
}
