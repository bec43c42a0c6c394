import Cells
import Compute
import Formats
import Problems
import Search

/// A gradient with respect to α that a search method follows.
public enum GradientEstimator: String, CaseIterable, Sendable {
  /// ∇L₁ (`FirstOrderGradient`).
  case first
  /// ∇L₂ (`SecondOrderGradient`).
  case second

  /// What it costs on one training and one validation batch, counted as the training steps that it is as long as.
  package var steps: Int { Int(UpdatePlan.darts(isSecondOrder: self == .second).trainingSteps) }

  /// Reads a list such as `first,second`.
  ///
  /// - Throws: `InputError` for an unknown or repeated entry and for an empty list.
  public static func parse(list: String, setting: String = "estimators") throws -> [GradientEstimator] {
    try ListText.distinct(list, of: "estimator", setting: setting)
  }

  /// The gradient at (ω, v, α) on one training and one validation batch, of the shape of α.
  ///
  /// - Parameters:
  ///   - velocity: the momentum of the checkpoint; nil for zero.
  ///   - step: its learning rate is ξ.
  /// - Throws: `InputError` where a value is not finite.
  public func estimate<Problem: BilevelProblem>(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, alphas: ArchitectureParameters,
    training: Problem.Batch, validation: Problem.Batch, step: WeightStep
  ) throws -> ArchitectureParameters {
    try estimateWithLoss(
      problem: problem, weights: weights, velocity: velocity, alphas: alphas, training: training, validation: validation,
      step: step
    ).gradient
  }

  /// The same with what the choice of ε makes of it: `SecondOrderGradient.halfStepDifference`; nil for ∇L₁, which has no ε.
  public func estimateWithStepChange<Problem: BilevelProblem>(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, alphas: ArchitectureParameters,
    training: Problem.Batch, validation: Problem.Batch, step: WeightStep
  ) throws -> (gradient: ArchitectureParameters, stepChange: Double?) {
    guard self == .second else {
      let gradient = try estimate(
        problem: problem, weights: weights, velocity: velocity, alphas: alphas, training: training, validation: validation,
        step: step)
      return (gradient, nil)
    }
    let second = SecondOrderGradient(problem: problem)
    let found = try finite(
      second.estimate(
        weights: weights, velocity: velocity, alphas: alphas, training: training, validation: validation, step: step))
    return (
      found.gradient, second.halfStepDifference(weights: weights, alphas: alphas, training: training, step: step)
    )
  }

  /// The same with the loss that the gradient is of.
  func estimateWithLoss<Problem: BilevelProblem>(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, alphas: ArchitectureParameters,
    training: Problem.Batch, validation: Problem.Batch, step: WeightStep
  ) throws -> (gradient: ArchitectureParameters, loss: BatchLoss) {
    switch self {
    case .first:
      try finite(FirstOrderGradient(problem: problem).estimate(weights: weights, alphas: alphas, validation: validation))
    case .second:
      try finite(
        SecondOrderGradient(problem: problem).estimate(
          weights: weights, velocity: velocity, alphas: alphas, training: training, validation: validation, step: step))
    }
  }

  private func finite(_ found: (gradient: ArchitectureParameters, loss: BatchLoss)) throws
    -> (gradient: ArchitectureParameters, loss: BatchLoss)
  {
    // The loss at the unrolled weights tells of a step that led nowhere even where the gradient comes out finite.
    guard found.loss.loss.isFinite, found.gradient.flat.allSatisfy(\.isFinite) else {
      throw InputError(
        "diverged", at: "\(rawValue)-order gradient", found: "values that are not finite",
        wanted: "finite values: a smaller learning rate may help")
    }
    return found
  }

  /// `first.normal`, `first.reduce` and the like, float32 [edges, operations].
  public func tensors(_ gradient: ArchitectureParameters) -> [NamedTensor] {
    zip(gradient.kinds, gradient.matrices).map { kind, matrix in
      NamedTensor(name: "\(rawValue).\(kind.name)", shape: [matrix.rows, matrix.columns], values: .float32(matrix.values))
    }
  }
}
