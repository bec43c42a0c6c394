import Cells
import Compute
import Formats
import Problems

/// A point that a walk visits.
public struct WalkPoint<Key: Hashable> {
  /// What the journal knows it by.
  public let key: Key
  /// What is evaluated there.
  public let objectives: [Objective]
  /// α there, asked for when its turn comes.
  public let alphas: () -> ArchitectureParameters
  /// Which fresh batches it has: a matter of where it lies, not of when it is visited.
  public let number: Int

  public init(
    _ key: Key, _ objectives: [Objective], number: Int = 0, at alphas: @escaping () -> ArchitectureParameters
  ) {
    (self.key, self.objectives, self.number, self.alphas) = (key, objectives, number, alphas)
  }
}

/// Evaluates points, several at a time: those of planes and lines, of fidelity and of estimators.
///
/// Each evaluator works alone on its points, on a copy of the problem of its own; which of them takes a point is left to
/// chance and changes nothing.
public struct PointWalk<Problem: BilevelProblem> {
  public let evaluators: [ObjectiveEvaluator<Problem>]
  private let work: SideBySide

  /// - Parameter evaluators: of the same state and batches; as many points are evaluated at a time.
  /// - Throws: `InputError` where there is none.
  public init(evaluators: [ObjectiveEvaluator<Problem>]) throws {
    guard !evaluators.isEmpty else {
      throw InputError("none given", at: "evaluators", wanted: "at least one")
    }
    self.evaluators = evaluators
    work = SideBySide(workers: evaluators.count)
  }

  /// Evaluates the points that the journal does not hold yet, begun in their order. Each is in the journal, and on disk
  /// where that is a file, before the next of the same evaluator is begun.
  ///
  /// - Throws: `CancellationError` when a stop was requested, when the points begun are finished; what the journal and the
  ///   problem throw.
  public func run<Key>(_ points: [WalkPoint<Key>], journal: PointJournal<Key>, watch: WalkWatch) throws {
    let left = points.filter { !journal.holds($0.key, $0.objectives) }
    try work.run(
      left.count, isStopRequested: watch.isStopRequested,
      make: { index, worker in
        try evaluators[worker].evaluateBatches(
          left[index].objectives, at: left[index].alphas(), point: left[index].number
        ).map(ObjectiveSample.init(batches:))
      },
      finished: { index, samples in
        try journal.add(left[index].key, left[index].objectives, samples)
        watch.count()
      })
  }

  /// What a forward pass and a training step take here, in seconds, with as many evaluators at work as there are.
  ///
  /// - Throws: what the problem throws where its data are damaged.
  public func measurePasses(at alphas: ArchitectureParameters) throws -> (forward: Double, step: Double) {
    var sums = (forward: 0.0, step: 0.0)
    try SideBySide(workers: evaluators.count).run(
      evaluators.count, isStopRequested: { false }, make: { index, _ in try evaluators[index].measurePasses(at: alphas) },
      finished: { _, seconds in sums = (sums.forward + seconds.forward, sums.step + seconds.step) })
    let count = Double(evaluators.count)
    return (sums.forward / count, sums.step / count)
  }

  /// Seconds that all points together have taken, their journaling included.
  public var pointSeconds: Double { work.seconds }
  /// Seconds that all evaluators together have spent in passes and steps of the problem.
  public var engineSeconds: Double { evaluators.reduce(0) { $0 + $1.engineSeconds } }
}

/// How far a walk is, and whether somebody wants it to stop. Several walks of one study share one.
public final class WalkWatch {
  let isStopRequested: () -> Bool
  private let report: (_ done: Int, _ total: Int) -> Void
  private let total: Int
  private var done: Int

  /// - Parameters:
  ///   - done: points that an earlier run left in the journal.
  ///   - isStopRequested: asked before each point.
  ///   - report: told, before the first point and after each, how many points are done, those of an earlier run included,
  ///     and of how many.
  public init(
    total: Int = 0, done: Int = 0, isStopRequested: @escaping () -> Bool = { false },
    report: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) {
    (self.total, self.done) = (total, done)
    (self.isStopRequested, self.report) = (isStopRequested, report)
    report(done, total)
  }

  func count() {
    done += 1
    report(done, total)
  }

  /// - Throws: `CancellationError` when a stop was requested.
  package func checkStop() throws {
    if isStopRequested() { throw CancellationError() }
  }
}
