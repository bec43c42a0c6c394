import Cells
import Compute

/// Settings of one SGD step on ω (DARTS, §3.1; ZARTS, §4.1).
public struct WeightStep: Equatable, Sendable {
  public var learningRate: Float
  public var momentum: Float
  public var weightDecay: Float
  /// Largest norm of the gradient; a longer one is scaled down to it.
  public var gradientClip: Float
  /// Whether a step looks ahead along the momentum (Sutskever et al., ICML 2013, in the form that PyTorch has it).
  public var isNesterov: Bool

  public init(
    learningRate: Float = 0.025, momentum: Float = 0.9, weightDecay: Float = 3e-4, gradientClip: Float = 5,
    isNesterov: Bool = false
  ) {
    self.learningRate = learningRate
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.gradientClip = gradientClip
    self.isNesterov = isNesterov
  }
}

extension WeightStep {
  /// What a gradient is multiplied by so that it is no longer than `largest`, as PyTorch's `clip_grad_norm_` does: 1, or
  /// somewhat less than `largest / norm`. Of a norm that is not finite it means nothing.
  public static func clipScale(norm: Double, largest: Double) -> Float { Float(min(1, largest / (norm + 1e-6))) }

  /// The step itself, SGD with momentum: d = scale · g + weightDecay · ω, v ← momentum · v + d, ω ← ω − learningRate · v.
  ///
  /// With Nesterov's momentum the last is ω ← ω − learningRate · (d + momentum · v), with the new v, as in PyTorch's
  /// `torch.optim.SGD(…, nesterov=True)` with dampening 0.
  ///
  /// - Parameters:
  ///   - gradient: g, of the size of ω as `velocity`, v, is. With Nesterov's momentum it is overwritten with d + momentum · v.
  ///   - scale: what the clip makes of the gradient; 1 leaves it as it is.
  public func move(_ weights: ParameterVector, velocity: ParameterVector, gradient: ParameterVector, scale: Float = 1) {
    // A step of length 0 moves v alone.
    weights.momentumStep(
      velocity: velocity, gradient: gradient, gradientScale: scale, learningRate: isNesterov ? 0 : learningRate,
      momentum: momentum, weightDecay: weightDecay)
    guard isNesterov else { return }
    // scale · g + momentum · v + weightDecay · ω is a momentum step of g in which v has the place of the gradient.
    weights.momentumStep(
      velocity: gradient, gradient: velocity, gradientScale: momentum, learningRate: learningRate, momentum: scale,
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
