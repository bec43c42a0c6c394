import Cells
import Compute
import Foundation
import Problems

/// What all candidates of an update have in common: where their inner training starts, what it steps on and what judges it.
struct CandidateStart<Problem: BilevelProblem> {
  /// ω; read, never written.
  var weights: ParameterVector
  /// v; read, never written. nil where candidates start at rest.
  var velocity: ParameterVector?
  /// A step of their inner training.
  var step: WeightStep
  /// Of M steps.
  var trainingBatches: [Problem.Batch]
  var validationBatch: Problem.Batch
  /// Of their inner steps; nil for none.
  var perturbation: InnerPerturbation?

  init(
    weights: ParameterVector, velocity: ParameterVector?, step: WeightStep, trainingBatches: [Problem.Batch],
    validationBatch: Problem.Batch, perturbation: InnerPerturbation? = nil
  ) {
    self.weights = weights
    self.velocity = velocity
    self.step = step
    self.trainingBatches = trainingBatches
    self.validationBatch = validationBatch
    self.perturbation = perturbation
  }

  init(_ place: ArchitectureStep<Problem>, _ training: CandidateTraining) {
    self.init(
      weights: place.weights, velocity: training.takesVelocity ? place.velocity : nil,
      step: training.step(place.weightStep), trainingBatches: place.trainingBatches,
      validationBatch: place.validationBatch, perturbation: place.perturbation)
  }
}

/// A copy of a problem, with the weights that candidates train on it. One candidate at a time.
final class CandidateHand<Problem: BilevelProblem> {
  let problem: Problem
  private lazy var training = InnerTraining(problem: problem)

  init(_ problem: Problem) { self.problem = problem }

  /// L_M(α): ω trained for M steps from where all candidates start, judged on their validation batch.
  ///
  /// NaN where the inner training left the finite range, whatever the loss of the weights it left: a ReLU or a maximum can
  /// turn NaN back into numbers.
  func trueLoss(of alphas: ArchitectureParameters, from start: CandidateStart<Problem>) -> Double {
    training.train(
      from: start.weights, startVelocity: start.velocity, alphas: alphas, batches: start.trainingBatches, step: start.step,
      perturbation: start.perturbation)
    guard training.divergedStep == nil, training.weights.norm.isFinite else { return .nan }
    return problem.evaluate(weights: training.weights, alphas: alphas, batch: start.validationBatch).loss
  }
}

/// Copies of a problem that lie ready for whoever has a piece of work.
final class CandidateHands<Problem: BilevelProblem>: @unchecked Sendable {
  private let condition = NSCondition()
  private let hands: [CandidateHand<Problem>]
  private var isIdle: [Bool]
  var count: Int { hands.count }

  /// - Parameter hands: at least one.
  init(_ hands: [CandidateHand<Problem>]) {
    precondition(!hands.isEmpty, "work needs a hand")
    self.hands = hands
    isIdle = Array(repeating: true, count: hands.count)
  }

  /// Lends a copy for a piece of work, and waits until one is idle.
  ///
  /// - Parameter worker: who does it. Each has a copy of its own as long as there are enough: threads that are bound to
  ///   processors stay where they are.
  func lend<Result>(to worker: Int, _ work: (CandidateHand<Problem>) throws -> Result) rethrows -> Result {
    let place = take(worker % count)
    defer {
      condition.withLock {
        isIdle[place] = true
        condition.signal()
      }
    }
    return try work(hands[place])
  }

  private func take(_ preferred: Int) -> Int {
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let place = isIdle[preferred] ? preferred : isIdle.firstIndex(of: true) {
        isIdle[place] = false
        return place
      }
      condition.wait()
    }
  }
}
