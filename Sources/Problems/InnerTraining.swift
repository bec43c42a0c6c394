import Cells
import Compute

/// ω_M(α): M SGD steps on L_train(·, α) that leave the ω they start from untouched (ZARTS, §3.2).
///
/// Owns the copies it trains, so that repeated candidates allocate nothing.
public final class InnerTraining<Problem: BilevelProblem> {
  /// ω_M after `train`.
  public let weights: ParameterVector
  /// The first step (from 0) of the last `train` whose loss or gradient was not finite; nil where all were. The weights
  /// mean nothing from there on, even where a loss on them looks finite.
  public private(set) var divergedStep: Int?
  private let velocity: ParameterVector
  private let gradient: ParameterVector
  private let problem: Problem

  public init(problem: Problem) {
    self.problem = problem
    weights = problem.makeVector()
    velocity = problem.makeVector()
    gradient = problem.makeVector()
  }

  /// Trains a copy of `start` for one step a batch, from `startVelocity` or from zero momentum.
  ///
  /// - Parameters:
  ///   - statistics: running normalisation statistics that the steps move; nil for none.
  ///   - perturbation: of the mixing weights that steps train at; nil for none.
  ///   - afterStep: called after each step with the number of steps taken, when `weights` holds ω_k; so one run gives the
  ///     losses of several M.
  /// - Returns: the training loss before each step.
  @discardableResult
  public func train(
    from start: ParameterVector, startVelocity: ParameterVector?, alphas: ArchitectureParameters, batches: [Problem.Batch],
    step: WeightStep, statistics: ParameterVector? = nil, perturbation: InnerPerturbation? = nil,
    afterStep: (Int) throws -> Void
  ) rethrows -> [Double] {
    weights.copy(from: start)
    if let startVelocity { velocity.copy(from: startVelocity) } else { velocity.fill(0) }
    divergedStep = nil
    return try batches.enumerated().map { index, batch in
      let result = problem.takeWeightStep(
        step, weights: weights, velocity: velocity, gradient: gradient,
        alphas: perturbed(alphas, perturbation, index: index, batch: batch), batch: batch, statistics: statistics)
      if divergedStep == nil, !(result.loss.loss.isFinite && result.gradientNorm.isFinite) { divergedStep = index }
      try afterStep(index + 1)
      return result.loss.loss
    }
  }

  /// The same with nothing to do after a step.
  @discardableResult
  public func train(
    from start: ParameterVector, startVelocity: ParameterVector?, alphas: ArchitectureParameters, batches: [Problem.Batch],
    step: WeightStep, statistics: ParameterVector? = nil, perturbation: InnerPerturbation? = nil
  ) -> [Double] {
    train(
      from: start, startVelocity: startVelocity, alphas: alphas, batches: batches, step: step, statistics: statistics,
      perturbation: perturbation
    ) { _ in }
  }

  private func perturbed(
    _ alphas: ArchitectureParameters, _ perturbation: InnerPerturbation?, index: Int, batch: Problem.Batch
  ) -> ArchitectureParameters {
    guard let perturbation else { return alphas }
    return perturbation.schedule.alphas(
      around: alphas, of: problem, epoch: perturbation.epoch, step: perturbation.step + index, weights: weights,
      batch: batch,
      statistics: perturbation.statistics)
  }
}
