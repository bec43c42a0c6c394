import Cells
import Compute

/// ∇_α L₁ = ∇_α L_val(ω, α): the gradient of first-order DARTS, blind to how ω follows α (Liu et al., DARTS, §2.3, ξ = 0).
public struct FirstOrderGradient<Problem: BilevelProblem> {
  private let problem: Problem

  public init(problem: Problem) { self.problem = problem }

  /// The gradient, of the shape of α, and L_val(ω, α) on the batch.
  public func estimate(
    weights: ParameterVector, alphas: ArchitectureParameters, validation: Problem.Batch
  ) -> (gradient: ArchitectureParameters, loss: BatchLoss) {
    let result = problem.gradient(
      weights: weights, alphas: alphas, batch: validation, weightGradient: nil, wantsAlphaGradient: true, statistics: nil)
    return (result.requestedAlphas(like: alphas), result.loss)
  }
}
