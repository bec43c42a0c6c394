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
  /// Where it lies, asked for when its turn comes, from any thread.
  let place: () -> PointPlace
  /// Which fresh batches it has: a matter of where it lies, not of when it is visited.
  public let number: Int
  /// Which evaluators it needs, in a walk whose points have batches or settings of several kinds.
  package let bench: Int

  public init(
    _ key: Key, _ objectives: [Objective], number: Int = 0, at alphas: @escaping () -> ArchitectureParameters
  ) {
    self.init(key, objectives, number: number, bench: 0, at: alphas)
  }

  package init(
    _ key: Key, _ objectives: [Objective], number: Int = 0, bench: Int, at alphas: @escaping () -> ArchitectureParameters
  ) {
    self.init(key, objectives, number: number, bench: bench, in: { PointPlace(alphas: alphas()) })
  }

  init(_ key: Key, _ objectives: [Objective], number: Int, bench: Int, in place: @escaping () -> PointPlace) {
    (self.key, self.objectives, self.number, self.bench, self.place) = (key, objectives, number, bench, place)
  }
}

/// Evaluates points, several at a time: those of planes and lines, of fidelity and of estimators.
///
/// Each evaluator works alone on its points, on a copy of the problem of its own; which of them takes a point is left to
/// chance and changes nothing. Where ranks share the work, those of the others (`PointServer`) take points from the same queue.
public struct PointWalk<Problem: BilevelProblem> {
  /// Those of this process; none where points lie on benches of their own.
  public let evaluators: [ObjectiveEvaluator<Problem>]
  /// What other ranks know the walk by.
  let station: String
  private let crew: Crew
  private let shelf: EvaluatorShelf<Problem>
  private let clock = EngineClock()
  private let meter = PassMeter<Problem>()

  /// - Parameter evaluators: of the same state and batches; as many points are evaluated at a time.
  /// - Throws: `InputError` where there is none.
  public init(evaluators: [ObjectiveEvaluator<Problem>]) throws {
    try self.init(evaluators: evaluators, crew: Crew(workers: evaluators.count), station: "points")
  }

  /// - Parameters:
  ///   - evaluators: one a worker of the crew in this process.
  ///   - station: what other ranks know the walk by.
  /// - Throws: `InputError` where there is none.
  package init(evaluators: [ObjectiveEvaluator<Problem>], crew: Crew, station: String) throws {
    guard !evaluators.isEmpty else {
      throw InputError("none given", at: "evaluators", wanted: "at least one")
    }
    (self.evaluators, self.crew, self.station) = (evaluators, crew, station)
    shelf = EvaluatorShelf { _, worker in evaluators[worker] }
  }

  /// A walk over points of several benches.
  ///
  /// - Parameter evaluator: made when a worker comes to a bench, and again when it comes back to it.
  package init(
    crew: Crew, station: String,
    evaluator: @escaping (_ bench: Int, _ worker: Int) throws -> ObjectiveEvaluator<Problem>
  ) {
    (evaluators, self.crew, self.station) = ([], crew, station)
    shelf = EvaluatorShelf(evaluator)
  }

  /// Evaluates the points that the journal does not hold yet, begun in their order. Each is in the journal, and on disk
  /// where that is a file, before the next of the same evaluator is begun.
  ///
  /// - Throws: `CancellationError` when a stop was requested, when the points begun are finished; what the journal and the
  ///   problem throw; `TeamError` for what another rank could not evaluate.
  public func run<Key>(_ points: [WalkPoint<Key>], journal: PointJournal<Key>, watch: WalkWatch) throws {
    let left = points.filter { !journal.holds($0.key, $0.objectives) }
    let before = crew.seconds
    defer { clock.add(crew.seconds - before) }
    let opening = left.isEmpty ? nil : meter.opening(evaluators)
    try crew.run(
      left.count, isStopRequested: watch.isStopRequested,
      make: { index, worker in
        let (point, place) = (left[index], left[index].place())
        let losses = try evaluator(point.bench, worker).evaluateBatches(
          point.objectives, at: place.alphas, along: place.weights, point: point.number)
        return losses.map(ObjectiveSample.init(batches:))
      },
      courier: Crew.Courier(
        to: station,
        request: { index, writer in
          let (point, place) = (left[index], left[index].place())
          PointRequest(
            bench: point.bench, objectives: point.objectives.map(\.label), alphas: place.alphas.flat, weights: place.weights,
            number: point.number
          ).write(to: &writer)
        },
        result: { _, reader in try PointAnswer(from: &reader).losses.map(ObjectiveSample.init(batches:)) }),
      opening: opening,
      finished: { index, samples in
        try journal.add(left[index].key, left[index].objectives, samples)
        watch.count()
      })
  }

  func evaluator(_ bench: Int, _ worker: Int) throws -> ObjectiveEvaluator<Problem> { try shelf.evaluator(bench, worker) }

  /// What a forward pass and a training step take here, in seconds, with as many evaluators at work as there are in this
  /// process.
  ///
  /// - Throws: what the problem throws where its data are damaged.
  public func measurePasses(at alphas: ArchitectureParameters) throws -> (forward: Double, step: Double) {
    var sums = (forward: 0.0, step: 0.0)
    try Crew(workers: evaluators.count).run(
      evaluators.count, make: { index, _ in try evaluators[index].measurePasses(at: alphas) },
      finished: { _, seconds in sums = (sums.forward + seconds.forward, sums.step + seconds.step) })
    let count = Double(evaluators.count)
    return (sums.forward / count, sums.step / count)
  }

  /// Has `measurePasses` done as the next points are begun: by the evaluators of this process before their first ones, while other
  /// ranks are at theirs.
  ///
  /// - Parameter take: told of the seconds, never beside what a walk reports.
  package func measurePassesFirst(
    at alphas: ArchitectureParameters, take: @escaping (_ seconds: (forward: Double, step: Double)) -> Void
  ) { meter.request(at: alphas, take: take) }

  /// Measures now what `measurePassesFirst` asked for, where no points have been begun since.
  ///
  /// - Throws: what the problem throws where its data are damaged.
  package func measurePassesAtLast() throws {
    if let pending = meter.withdraw() { pending.take(try measurePasses(at: pending.alphas)) }
  }

  /// Seconds that all points of this process together have taken, their journaling included.
  public var pointSeconds: Double { clock.seconds }
  /// Seconds that all evaluators of this process together have spent in passes and steps of the problem.
  public var engineSeconds: Double { evaluators.reduce(0) { $0 + $1.engineSeconds } }
}

/// How far a walk is, and whether somebody wants it to stop. Several walks of one study share one.
public final class WalkWatch {
  package let isStopRequested: () -> Bool
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
