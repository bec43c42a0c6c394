import Cells
import Compute

/// Settings of one SGD step on ω (DARTS, §3.1; ZARTS, §4.1).
public struct WeightStep: Equatable, Sendable {
  public var learningRate: Float
  public var momentum: Float
  public var weightDecay: Float
  /// Largest norm of the gradient; a longer one is scaled down to it.
  public var gradientClip: Float

  public init(learningRate: Float = 0.025, momentum: Float = 0.9, weightDecay: Float = 3e-4, gradientClip: Float = 5) {
    self.learningRate = learningRate
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.gradientClip = gradientClip
  }
}

extension WeightStep {
  /// What a gradient is multiplied by so that it is no longer than `largest`, as PyTorch's `clip_grad_norm_` does: 1, or
  /// somewhat less than `largest / norm`. Of a norm that is not finite it means nothing.
  public static func clipScale(norm: Double, largest: Double) -> Float { Float(min(1, largest / (norm + 1e-6))) }

  /// The step itself, SGD with momentum: v ← momentum · v + scale · g + weightDecay · ω, ω ← ω − learningRate · v.
  ///
  /// - Parameters:
  ///   - gradient: g, of the size of ω as `velocity`, v, is.
  ///   - scale: what the clip makes of the gradient; 1 leaves it as it is.
  public func move(_ weights: ParameterVector, velocity: ParameterVector, gradient: ParameterVector, scale: Float = 1) {
    weights.momentumStep(
      velocity: velocity, gradient: gradient, gradientScale: scale, learningRate: learningRate, momentum: momentum,
      weightDecay: weightDecay)
  }
}

extension BilevelProblem {
  /// Takes one training step: gradient of L_train, clipped, then SGD with momentum.
  ///
  /// - Returns: the training loss before the step and the gradient's norm before clipping.
  public func takeWeightStep(
    _ step: WeightStep, weights: ParameterVector, velocity: ParameterVector, gradient: ParameterVector,
    alphas: ArchitectureParameters, batch: Batch, statistics: ParameterVector?
  ) -> (loss: BatchLoss, gradientNorm: Double) {
    let result = self.gradient(
      weights: weights, alphas: alphas, batch: batch, weightGradient: gradient, wantsAlphaGradient: false,
      statistics: statistics)
    let norm = gradient.norm
    step.move(
      weights, velocity: velocity, gradient: gradient,
      scale: WeightStep.clipScale(norm: norm, largest: Double(step.gradientClip)))
    return (result.loss, norm)
  }
}
