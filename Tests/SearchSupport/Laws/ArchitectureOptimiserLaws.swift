import Cells
import Compute
import Formats
import Problems
import Search
import TestSupport

/// The laws of `ArchitectureOptimiser`, for any conformer: an update is a function of its arguments and of the exported state,
/// an abandoned one leaves no trace, and a checkpoint holds all that the next one needs.
public struct ArchitectureOptimiserLaws<Problem: BilevelProblem> {
  public typealias Optimiser = any ArchitectureOptimiser<Problem>
  private let problem: Problem
  private let make: () throws -> Optimiser
  private let weightStep = WeightStep(learningRate: 0.05, momentum: 0.9, weightDecay: 3e-4, gradientClip: 5)
  private var report = LawReport()

  /// - Parameter make: a new optimiser of the problem, without history.
  public static func check(_ problem: Problem, make: @escaping () throws -> Optimiser) throws -> LawReport {
    var laws = ArchitectureOptimiserLaws(problem: problem, make: make)
    try laws.checkRepetition()
    try laws.checkAbandonment()
    try laws.checkState()
    return laws.report
  }

  private init(problem: Problem, make: @escaping () throws -> Optimiser) {
    self.problem = problem
    self.make = make
  }

  private func step(
    _ number: Int, for optimiser: Optimiser, weights: ParameterVector, isStopRequested: @escaping () -> Bool = { false }
  ) throws -> ArchitectureStep<Problem> {
    try ArchitectureStep(
      weights: weights, velocity: problem.makeVector(), weightStep: weightStep,
      trainingBatches: (0..<optimiser.trainingBatchCount).map { try problem.trainingBatch(epoch: 0, step: number + $0) },
      validationBatch: problem.validationBatch(epoch: 0, step: number), sigma: 0.2, seed: 9, epoch: 0, step: number,
      isStopRequested: isStopRequested)
  }

  private func end(weights: ParameterVector) -> EpochEnd {
    EpochEnd(weights: weights, seed: 9, epoch: 0, steps: problem.stepsPerEpoch)
  }

  /// α after updates and after the end of an epoch.
  private func path(of optimiser: Optimiser, from start: ArchitectureParameters, steps: Range<Int>) throws
    -> [ArchitectureParameters]
  {
    var alphas = start
    var result: [ArchitectureParameters] = []
    let weights = problem.makeInitialWeights()
    for number in steps {
      _ = try optimiser.update(&alphas, at: step(number, for: optimiser, weights: weights))
      result.append(alphas)
    }
    _ = try optimiser.finishEpoch(&alphas, at: end(weights: weights))
    return result + [alphas]
  }

  private mutating func checkRepetition() throws {
    let start = problem.initialAlphas
    let (first, second) = (try make(), try make())
    report.require(first.interval >= 1, "an update is due at an interval of steps")
    report.require(first.updateCost >= 0 && first.updateCost.isFinite, "an update has a cost")
    report.require(first.epochEndCost >= 0 && first.epochEndCost.isFinite, "the end of an epoch has a cost")
    let weights = problem.makeInitialWeights()
    let kept = weights.values
    var alphas = start
    let at = try step(0, for: first, weights: weights)
    let account = try first.update(&alphas, at: at)
    report.require(isSame(weights.values, kept), "an update leaves ω as it was")
    report.require(at.velocity.values.allSatisfy { $0 == 0 }, "an update leaves the momentum as it was")
    report.require(alphas.zeros == start.zeros, "an update keeps the shape of α")
    let moved = zip(alphas.flat, start.flat).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
    report.require(
      abs(moved - account.updateNorm) <= 1e-5 * max(1, moved),
      "the account's ‖u‖ is how far α went: \(account.updateNorm) against \(moved)")
    let paths = [try path(of: try make(), from: start, steps: 0..<3), try path(of: second, from: start, steps: 0..<3)]
    report.require(
      zip(paths[0], paths[1]).allSatisfy { isSame($0.flat, $1.flat) }, "two optimisers take the same path, bit for bit")
  }

  /// Stopped at each question that an update asks, then asked to do it again.
  private mutating func checkAbandonment() throws {
    let start = problem.initialAlphas
    let weights = problem.makeInitialWeights()
    let undisturbed = try path(of: try make(), from: start, steps: 0..<2)
    let optimiser = try make()
    var alphas = start
    for number in 0..<2 {
      for patience in 0..<3 {
        var questions = 0
        let before = (alphas, optimiser.exportState())
        do {
          _ = try optimiser.update(
            &alphas,
            at: step(number, for: optimiser, weights: weights) {
              questions += 1
              return questions > patience
            })
          // Nothing was asked so often: the update is done, and is taken back by starting from a fresh optimiser.
          alphas = before.0
          try optimiser.importState(from: TensorFile(path: "memory", metadata: [:], tensors: before.1))
        } catch is CancellationError {
          report.require(isSame(alphas.flat, before.0.flat), "an abandoned update leaves α as it was")
          report.require(optimiser.exportState() == before.1, "an abandoned update leaves the state as it was")
        }
      }
      _ = try optimiser.update(&alphas, at: step(number, for: optimiser, weights: weights))
      report.require(
        isSame(alphas.flat, undisturbed[number].flat), "an update that was abandoned before does what it would have done")
    }
  }

  /// Through a checkpoint in the middle, into an optimiser that knows nothing.
  private mutating func checkState() throws {
    let start = problem.initialAlphas
    let whole = try path(of: try make(), from: start, steps: 0..<4)
    let first = try make()
    var alphas = start
    let weights = problem.makeInitialWeights()
    for number in 0..<2 { _ = try first.update(&alphas, at: step(number, for: first, weights: weights)) }
    let state = first.exportState()
    report.require(Set(state.map(\.name)).count == state.count, "every tensor of the state has a name of its own")
    let second = try make()
    try second.importState(from: TensorFile(path: "memory", metadata: [:], tensors: state))
    report.require(second.exportState() == state, "the state that was imported is exported again")
    let rest = try path(of: second, from: alphas, steps: 2..<4)
    report.require(
      zip(whole.dropFirst(2), rest).allSatisfy { isSame($0.flat, $1.flat) },
      "an optimiser with the state of another goes on as that would have")
  }
}
