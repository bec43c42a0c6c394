import Compute
import Supernet

/// L_M(α + u) of candidates: each trains its own copy of ω, from the current ω and momentum, for M steps on the same M
/// training batches, and is judged on the same validation batch (Wang et al., ZARTS, §3.2).
final class CandidateEvaluation<Problem: BilevelProblem> {
  private let problem: Problem
  private let training: InnerTraining<Problem>

  init(problem: Problem) {
    self.problem = problem
    training = InnerTraining(problem: problem)
  }

  /// - Throws: `CancellationError` where the step's `isStopRequested` answers true.
  func trueLoss(of alphas: ArchitectureParameters, at step: ArchitectureStep<Problem>) throws -> Double {
    if step.isStopRequested() { throw CancellationError() }
    training.train(
      from: step.weights, startVelocity: step.velocity, alphas: alphas, batches: step.trainingBatches, step: step.weightStep)
    return problem.evaluate(weights: training.weights, alphas: alphas, batch: step.validationBatch).loss
  }
}
