import Cells
import Compute
import Problems

/// L_M(α + u) of candidates: each trains its own copy of ω, from the current ω and momentum, for M steps on the same M
/// training batches, and is judged on the same validation batch (Wang et al., ZARTS, §3.2). `CandidateTraining` may give
/// them steps of their own.
final class CandidateEvaluation<Problem: BilevelProblem> {
  private let problem: Problem
  private let settings: CandidateTraining
  private let training: InnerTraining<Problem>

  init(problem: Problem, training settings: CandidateTraining) {
    self.problem = problem
    self.settings = settings
    training = InnerTraining(problem: problem)
  }

  /// NaN where the inner training left the finite range, whatever the loss of the weights it left: a ReLU or a maximum can
  /// turn NaN back into numbers.
  ///
  /// - Throws: `CancellationError` where the step's `isStopRequested` answers true.
  func trueLoss(of alphas: ArchitectureParameters, at step: ArchitectureStep<Problem>) throws -> Double {
    if step.isStopRequested() { throw CancellationError() }
    training.train(
      from: step.weights, startVelocity: settings.takesVelocity ? step.velocity : nil, alphas: alphas,
      batches: step.trainingBatches, step: settings.step(step.weightStep))
    guard training.divergedStep == nil, training.weights.norm.isFinite else { return .nan }
    return problem.evaluate(weights: training.weights, alphas: alphas, batch: step.validationBatch).loss
  }

  /// L_M(α), the baseline that candidates are compared with.
  ///
  /// - Throws: `Divergence` where it is not finite: then no candidate can be told to be better or worse.
  func baseline(of alphas: ArchitectureParameters, at step: ArchitectureStep<Problem>) throws -> Double {
    let loss = try trueLoss(of: alphas, at: step)
    guard loss.isFinite else {
      throw Divergence(
        "the loss of α itself is not finite after \(step.trainingBatches.count) inner steps: \(loss), ‖α‖ \(alphas.norm), "
          + "‖ω‖ \(step.weights.norm)")
    }
    return loss
  }

  /// L_val(ω, α), the loss without any inner training.
  ///
  /// - Throws: `Divergence` where it is not finite; `CancellationError` where the step's `isStopRequested` answers true.
  func untrainedLoss(of alphas: ArchitectureParameters, at step: ArchitectureStep<Problem>) throws -> Double {
    if step.isStopRequested() { throw CancellationError() }
    let loss = problem.evaluate(weights: step.weights, alphas: alphas, batch: step.validationBatch).loss
    guard loss.isFinite else {
      throw Divergence(
        "the validation loss of α itself is not finite: \(loss), ‖α‖ \(alphas.norm), ‖ω‖ \(step.weights.norm)")
    }
    return loss
  }

  /// What to throw where no candidate has a finite loss.
  func noFiniteCandidate(
    _ losses: [Double], _ alphas: ArchitectureParameters, _ step: ArchitectureStep<Problem>
  ) -> Divergence {
    Divergence(
      "no candidate has a finite loss after \(step.trainingBatches.count) inner steps: \(losses), ‖α‖ \(alphas.norm), "
        + "‖ω‖ \(step.weights.norm)")
  }
}

extension ArchitectureStep {
  /// The random numbers of a candidate.
  func candidateStream(_ index: Int) -> RandomStream {
    RandomStream(seed: seed, purpose: .candidates, epoch: epoch, step: step, index: index)
  }
}
