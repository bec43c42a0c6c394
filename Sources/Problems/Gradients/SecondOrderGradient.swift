import Cells
import Compute

/// ∇_α L₂, L₂(α) = L_val(ω', α) with ω' one training step from ω: the gradient of second-order DARTS
/// (Liu et al., DARTS, ICLR 2019, eq. 6–8).
///
///     ω' = ω − ξ(m·v + ∇_ω L_train(ω, α) + wd·ω)
///     ∇L₂ = ∇_α L_val(ω', α) − ξ [∇_α L_train(ω⁺, α) − ∇_α L_train(ω⁻, α)] / 2ε
///     ω± = ω ± ε ∇_ω' L_val(ω', α),  ε = 0.01 / ‖∇_ω' L_val(ω', α)‖
///
/// The unrolled step is not clipped. Owns the vectors it needs, so that an estimate allocates nothing of ω's size.
public final class SecondOrderGradient<Problem: BilevelProblem> {
  /// ω' after `estimate`.
  public let unrolledWeights: ParameterVector
  /// ‖∇_ω' L_val(ω', α)‖ of the last `estimate`, which is where ω' shows that it left the finite range.
  public private(set) var unrolledSlope = 0.0
  /// Of the last `estimate`: ε/‖∇‖, and the implicit term, which has none where ε is none.
  private var last: (length: Double, implicit: [Double], norm: Double)?
  private let velocity: ParameterVector
  private let gradient: ParameterVector
  private let problem: Problem

  public init(problem: Problem) {
    self.problem = problem
    unrolledWeights = problem.makeVector()
    velocity = problem.makeVector()
    gradient = problem.makeVector()
  }

  /// The gradient, of the shape of α, and L₂(α). Where ∇_ω' L_val(ω', α) is not finite every entry of the gradient is NaN:
  /// without its implicit term it would pass for a gradient of L₂ although the unrolled step led nowhere.
  ///
  /// - Parameters:
  ///   - velocity: v, the weight optimiser's momentum; zero where nil.
  ///   - step: its learning rate is ξ; momentum and weight decay enter as written above, the clip does not.
  public func estimate(
    weights: ParameterVector, velocity start: ParameterVector?, alphas: ArchitectureParameters, training: Problem.Batch,
    validation: Problem.Batch, step: WeightStep
  ) -> (gradient: ArchitectureParameters, loss: BatchLoss) {
    let ahead = unroll(weights: weights, velocity: start, alphas: alphas, training: training, step: step)
    let direct = problem.gradient(
      weights: ahead, alphas: alphas, batch: validation, weightGradient: gradient, wantsAlphaGradient: true,
      statistics: nil)
    var flat = direct.requestedAlphas(like: alphas).flat.map(Double.init)
    unrolledSlope = gradient.norm
    let length = 0.01 / unrolledSlope
    last = nil
    if !unrolledSlope.isFinite {
      for index in flat.indices { flat[index] = .nan }
    } else if Float(length).isFinite {
      // Else L_val does not depend on ω', or by less than float32 can tell, and the implicit term is zero.
      let above = side(of: weights, offset: length, alphas: alphas, training: training)
      let below = side(of: weights, offset: -length, alphas: alphas, training: training)
      let scale = Double(step.learningRate) / (2 * length)
      let implicit = flat.indices.map { scale * (Double(above[$0]) - Double(below[$0])) }
      for index in flat.indices { flat[index] -= implicit[index] }
      last = (length, implicit, flat.length)
    }
    var result = alphas.zeros
    result.flat = flat.map(Float.init)
    return (result, direct.loss)
  }

  /// ‖g(ε) − g(ε/2)‖/‖g(ε)‖ of the last `estimate`, which must have been of the same ω, α and training batch: what the choice
  /// of ε makes of the gradient. 0 where it has no implicit term. Costs two α-gradients, half of an estimate.
  public func halfStepDifference(
    weights: ParameterVector, alphas: ArchitectureParameters, training: Problem.Batch, step: WeightStep
  ) -> Double {
    guard let last, last.norm > 0 else { return 0 }
    let length = last.length / 2
    let above = side(of: weights, offset: length, alphas: alphas, training: training)
    let below = side(of: weights, offset: -length, alphas: alphas, training: training)
    let scale = Double(step.learningRate) / (2 * length)
    let apart = last.implicit.indices.map { last.implicit[$0] - scale * (Double(above[$0]) - Double(below[$0])) }
    return apart.length / last.norm
  }

  /// ω' as `estimate` takes it; the vector stays owned here and the next call overwrites it.
  ///
  /// - Parameter statistics: running normalisation statistics that the step moves; nil for none.
  public func unroll(
    weights: ParameterVector, velocity start: ParameterVector?, alphas: ArchitectureParameters, training: Problem.Batch,
    step: WeightStep, statistics: ParameterVector? = nil
  ) -> ParameterVector {
    unrolledWeights.copy(from: weights)
    if let start { velocity.copy(from: start) } else { velocity.fill(0) }
    _ = problem.gradient(
      weights: weights, alphas: alphas, batch: training, weightGradient: gradient, wantsAlphaGradient: false,
      statistics: statistics)
    step.move(unrolledWeights, velocity: velocity, gradient: gradient)
    return unrolledWeights
  }

  /// ∇_α L_train(ω + offset · ∇_ω' L_val, α), flat.
  private func side(
    of weights: ParameterVector, offset: Double, alphas: ArchitectureParameters, training: Problem.Batch
  ) -> [Float] {
    // ω' is spent once its gradient is known, but stays readable for callers; the velocity's vector is free.
    velocity.copy(from: weights)
    velocity.add(gradient, scaledBy: Float(offset))
    let result = problem.gradient(
      weights: velocity, alphas: alphas, batch: training, weightGradient: nil, wantsAlphaGradient: true, statistics: nil)
    return result.requestedAlphas(like: alphas).flat
  }
}

extension GradientEstimator {
  /// ∇L₂ (`SecondOrderGradient`).
  public static let second = GradientEstimator(SecondOrder())
}

private struct SecondOrder: GradientDefinition {
  var name: String { "second" }
  var innerSteps: Int { 1 }
  var studyName: String { "darts2" }
  var summary: String { "∇L₂ of second-order DARTS" }
  var trainingBatches: Int { 1 }
  /// The step ahead.
  var weightSteps: Int { 1 }
  /// The gradients there, and the two sides of the central difference (DARTS, §2.3).
  var passes: Int { 3 }
  /// The two sides at half of ε.
  var changeSteps: Int { 2 }

  func estimate<Problem: BilevelProblem>(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, alphas: ArchitectureParameters,
    training: Problem.Batch, validation: Problem.Batch, step: WeightStep, wantsChange: Bool
  ) -> (gradient: ArchitectureParameters, loss: BatchLoss, change: Double?) {
    let second = SecondOrderGradient(problem: problem)
    let found = second.estimate(
      weights: weights, velocity: velocity, alphas: alphas, training: training, validation: validation, step: step)
    let isFinite = found.loss.loss.isFinite && found.gradient.flat.allSatisfy(\.isFinite)
    let change =
      wantsChange && isFinite
      ? second.halfStepDifference(weights: weights, alphas: alphas, training: training, step: step) : nil
    return (found.gradient, found.loss, change)
  }
}
