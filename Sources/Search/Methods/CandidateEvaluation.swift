import Cells
import Compute
import Problems

/// L_M(α + u) of candidates: each trains its own copy of ω, from the current ω and momentum, for M steps on the same M
/// training batches, and is judged on the same validation batch (Wang et al., ZARTS, §3.2). `CandidateTraining` may give
/// them steps of their own.
///
/// An update hands over all of its candidates at once, so that they may be evaluated side by side (`CandidateCrew`).
final class CandidateEvaluation<Problem: BilevelProblem> {
  private let settings: CandidateTraining
  private let hand: CandidateHand<Problem>

  init(problem: Problem, training settings: CandidateTraining) {
    self.settings = settings
    hand = CandidateHand(problem)
  }

  /// L_M of each; NaN where the inner training left the finite range.
  ///
  /// - Throws: `CancellationError` where the step's `isStopRequested` answers true before one of them.
  func trueLosses(of candidates: [ArchitectureParameters], at step: ArchitectureStep<Problem>) throws -> [Double] {
    try trueLosses(of: candidates, at: step) { _, _ in }
  }

  /// L_M of each, and L_M(α), the baseline that they are compared with, which is the first to be evaluated.
  ///
  /// - Throws: besides, `Divergence` where the baseline is not finite: then no candidate can be told to be better or worse.
  func trueLosses(
    of candidates: [ArchitectureParameters], besides alphas: ArchitectureParameters, at step: ArchitectureStep<Problem>
  ) throws -> (baseline: Double, losses: [Double]) {
    let losses = try trueLosses(of: [alphas] + candidates, at: step) { index, loss in
      guard index > 0 || loss.isFinite else {
        throw Divergence(
          "the loss of α itself is not finite after \(step.trainingBatches.count) inner steps: \(loss), ‖α‖ \(alphas.norm), "
            + "‖ω‖ \(step.weights.norm)")
      }
    }
    return (losses[0], Array(losses.dropFirst()))
  }

  private func trueLosses(
    of candidates: [ArchitectureParameters], at step: ArchitectureStep<Problem>,
    seen: (_ index: Int, _ loss: Double) throws -> Void
  ) throws -> [Double] {
    let start = CandidateStart(step, settings)
    if let crew = step.crew {
      return try crew.trueLosses(
        of: candidates, from: start, epoch: step.epoch, step: step.step, isStopRequested: step.isStopRequested, seen: seen)
    }
    return try candidates.enumerated().map { index, alphas in
      if step.isStopRequested() { throw CancellationError() }
      let loss = hand.trueLoss(of: alphas, from: start)
      try seen(index, loss)
      return loss
    }
  }

  /// L_val(ω, α), the loss without any inner training.
  ///
  /// - Throws: `Divergence` where it is not finite; `CancellationError` where the step's `isStopRequested` answers true.
  func untrainedLoss(of alphas: ArchitectureParameters, at step: ArchitectureStep<Problem>) throws -> Double {
    if step.isStopRequested() { throw CancellationError() }
    let loss = hand.problem.evaluate(weights: step.weights, alphas: alphas, batch: step.validationBatch).loss
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
