import Cells
import Compute
import Formats
import Foundation
import Problems
import Search

/// Follows methods in a plane of α, with ω and v as they are at the checkpoint.
///
/// A method is asked for its update as in a search, on a problem of which only the plane is left (`ConfinedProblem`); the part of
/// the update in the plane moves α, and the rest is lost. The batches are those that a search would meet: an update begins as
/// many weight steps after the one before as the method lets pass. Nothing is known of the method but its definition.
///
/// Paths go side by side, one a copy of the problem, and each is the same wherever it is followed.
package struct ConfinedWalk<Problem: BilevelProblem> {
  private let problems: [Problem]
  private let weights: ParameterVector
  private let velocity: ParameterVector?
  private let step: WeightStep
  private let epoch: Int
  private let firstStep: Int
  private let plane: Directions
  private let settings: ConfinedPathSettings

  /// - Parameters:
  ///   - problems: copies of one, as many as paths are to be followed at a time.
  ///   - velocity: v of the checkpoint; nil for zero.
  ///   - step: of the search.
  ///   - epoch, firstStep: the weight step (both counted from 0) whose batches come first.
  ///   - plane: two directions of α and where they start.
  package init(
    problems: [Problem], weights: ParameterVector, velocity: ParameterVector?, step: WeightStep, epoch: Int = 0,
    firstStep: Int = 0, plane: Directions, settings: ConfinedPathSettings
  ) {
    (self.problems, self.weights, self.velocity, self.step) = (problems, weights, velocity, step)
    (self.epoch, self.firstStep, self.plane, self.settings) = (epoch, firstStep, plane, settings)
  }

  /// Every path, in the order of the settings.
  ///
  /// - Parameters:
  ///   - journal: path of a CSV file with the columns of `ConfinedPath`, continued where it is there; nil for none. Each update is
  ///     brought to disk as it is finished. A method whose updates depend on those before, such as Adam's, repeats them.
  ///   - isStopRequested: asked before each update, and by methods within.
  /// - Throws: `CancellationError` when a stop was requested; `InputError` where the journal is of other paths or cannot be written;
  ///   what the problem throws where its data are damaged.
  package func run(journal path: String? = nil, isStopRequested: @escaping () -> Bool = { false }) throws -> [ConfinedPath] {
    let journal = try path.map { try CSVWriter(continuing: $0, columns: ConfinedPath.columns) }
    let known = try path.map { try ConfinedPath.points(in: CSVTable(readingFrom: $0), of: settings) } ?? [:]
    let lock = NSLock()
    let mayAsk = StopQuestion(isStopRequested)
    var paths: [Int: ConfinedPath] = [:]
    try Crew(workers: min(problems.count, settings.methods.count)).run(
      settings.methods.count, isStopRequested: mayAsk.ask,
      make: { index, worker in
        let method = settings.methods[index]
        return try follow(method, on: problems[worker], known: known[method.name] ?? [], isStopRequested: mayAsk.ask) {
          place, point in
          try lock.withLock {
            try journal?.append(rows: [ConfinedPath.row(method.name, place, point)])
            try journal?.synchronise()
          }
        }
      },
      finished: { paths[$0] = $1 })
    return settings.methods.indices.compactMap { paths[$0] }
  }

  /// - Parameters:
  ///   - known: points that are journaled already.
  ///   - add: keeps a further one.
  private func follow(
    _ method: ConfinedPathMethod, on problem: Problem, known: [ConfinedPath.Point], isStopRequested: @escaping () -> Bool,
    add: (_ place: Int, ConfinedPath.Point) throws -> Void
  ) throws -> ConfinedPath {
    let confined = ConfinedProblem(problem, to: plane)
    let optimiser = try method.configuration.makeOptimiser(for: confined)
    var points = known
    if points.isEmpty {
      points = [.init(x: settings.x, y: settings.y)]
      try add(0, points[0])
    }
    // Without a state an update is a function of where α is.
    let goesOn = optimiser.exportState().isEmpty || points.count > settings.steps
    let first = goesOn ? points.count - 1 : 0
    for update in stride(from: first, to: settings.steps, by: 1) {
      if isStopRequested() { throw CancellationError() }
      let next: ConfinedPath.Point
      do {
        next = try self.next(
          after: points[update], update, by: optimiser, method, on: confined, isStopRequested: isStopRequested)
      } catch let divergence as Divergence {
        return ConfinedPath(
          name: method.name, points: Array(points[...update]), divergence: "update \(update + 1): \(divergence.account)")
      }
      guard update + 1 == points.count else { continue }
      points.append(next)
      try add(update + 1, next)
    }
    return ConfinedPath(name: method.name, points: points)
  }

  private func next(
    after point: ConfinedPath.Point, _ update: Int,
    by optimiser: any ArchitectureOptimiser<ConfinedProblem<Problem>>, _ method: ConfinedPathMethod,
    on problem: ConfinedProblem<Problem>, isStopRequested: @escaping () -> Bool
  ) throws -> ConfinedPath.Point {
    let length = max(1, problem.stepsPerEpoch)
    let start = firstStep + update * optimiser.interval
    func place(_ offset: Int) -> (epoch: Int, step: Int) {
      (epoch + (start + offset) / length, (start + offset) % length)
    }
    let training = try (0..<optimiser.trainingBatchCount).map {
      try problem.trainingBatch(epoch: place($0).epoch, step: place($0).step)
    }
    let here = place(0)
    let before = plane.alphas(at: [point.x, point.y])
    var moved = before
    let report = try optimiser.update(
      &moved,
      at: ArchitectureStep(
        weights: weights, velocity: velocity ?? problem.makeVector(), weightStep: step, trainingBatches: training,
        validationBatch: problem.validationBatch(epoch: here.epoch, step: here.step), sigma: method.sigma,
        seed: method.configuration.seed, epoch: here.epoch, step: here.step, isStopRequested: isStopRequested))
    let change = plane.coordinates(along: zip(moved.flat, before.flat).map { Double($0) - Double($1) })
    let (x, y) = (point.x + change[0], point.y + change[1])
    guard x.isFinite, y.isFinite else {
      throw Divergence("α left the finite range: (\(x), \(y)), ‖u‖ \(report.updateNorm)")
    }
    return ConfinedPath.Point(
      x: x, y: y, update: report.updateNorm,
      step: plane.change(along: change).reduce(0) { $0 + $1 * $1 }.squareRoot())
  }
}

/// Asks whether somebody wants a stop, for one thread at a time.
private final class StopQuestion: @unchecked Sendable {
  private let lock = NSLock()
  private let isStopRequested: () -> Bool

  init(_ isStopRequested: @escaping () -> Bool) { self.isStopRequested = isStopRequested }

  func ask() -> Bool { lock.withLock { isStopRequested() } }
}
