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

extension BilevelProblem {
  /// Takes one training step: gradient of L_train, clipped as PyTorch's `clip_grad_norm_` does, then SGD with momentum.
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
    let scale = min(1, Double(step.gradientClip) / (norm + 1e-6))
    weights.momentumStep(
      velocity: velocity, gradient: gradient, gradientScale: Float(scale), learningRate: step.learningRate,
      momentum: step.momentum, weightDecay: step.weightDecay)
    return (result.loss, norm)
  }
}
