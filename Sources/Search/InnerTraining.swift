import Compute
import Supernet

/// ω_M(α): M SGD steps on L_train(·, α) that leave the ω they start from untouched (ZARTS, §3.2).
///
/// Owns the copies it trains, so that repeated candidates allocate nothing.
public final class InnerTraining<Problem: BilevelProblem> {
  /// ω_M after `train`.
  public let weights: ParameterVector
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
  /// - Returns: the training loss before each step.
  @discardableResult
  public func train(
    from start: ParameterVector, startVelocity: ParameterVector?, alphas: ArchitectureParameters, batches: [Problem.Batch],
    step: WeightStep
  ) -> [Double] {
    weights.copy(from: start)
    if let startVelocity { velocity.copy(from: startVelocity) } else { velocity.fill(0) }
    return batches.map { batch in
      problem.takeWeightStep(
        step, weights: weights, velocity: velocity, gradient: gradient, alphas: alphas, batch: batch, statistics: nil
      ).loss.loss
    }
  }
}
