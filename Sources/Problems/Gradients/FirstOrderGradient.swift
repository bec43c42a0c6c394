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

extension GradientEstimator {
  /// ∇L₁ (`FirstOrderGradient`).
  public static let first = GradientEstimator(FirstOrder())
}

private struct FirstOrder: GradientDefinition {
  var name: String { "first" }
  var innerSteps: Int { 0 }
  var studyName: String { "darts1" }
  var summary: String { "∇L₁ of first-order DARTS" }
  var trainingBatches: Int { 0 }
  var weightSteps: Int { 0 }
  var passes: Int { 1 }
  var changeSteps: Int { 0 }

  func estimate<Problem: BilevelProblem>(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, alphas: ArchitectureParameters,
    training: Problem.Batch, validation: Problem.Batch, step: WeightStep, wantsChange: Bool
  ) -> (gradient: ArchitectureParameters, loss: BatchLoss, change: Double?) {
    let found = FirstOrderGradient(problem: problem).estimate(weights: weights, alphas: alphas, validation: validation)
    return (found.gradient, found.loss, nil)
  }
}
