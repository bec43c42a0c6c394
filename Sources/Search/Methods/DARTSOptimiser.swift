import Cells
import Formats
import Problems

/// DARTS: Adam on the first- or second-order estimate of the gradient, before every weight step
/// (Liu et al., DARTS, ICLR 2019, alg. 1).
public final class DARTSOptimiser<Problem: BilevelProblem>: ArchitectureOptimiser {
  private enum Estimator {
    case first(FirstOrderGradient<Problem>)
    case second(SecondOrderGradient<Problem>)
  }

  public let interval = 1
  public let trainingBatchCount: Int
  public let updateCost: Double
  private let estimator: Estimator
  private var adam: Adam

  /// - Parameter secondOrder: whether the gradient looks one weight step ahead.
  public init(problem: Problem, secondOrder: Bool, settings: Adam.Settings = .init()) {
    adam = Adam(size: problem.initialAlphas.count, settings: settings)
    if secondOrder {
      estimator = .second(SecondOrderGradient(problem: problem))
      (trainingBatchCount, updateCost) = (1, 4)
    } else {
      estimator = .first(FirstOrderGradient(problem: problem))
      (trainingBatchCount, updateCost) = (0, 1)
    }
  }

  public func update(_ alphas: inout ArchitectureParameters, at step: ArchitectureStep<Problem>) throws -> ArchitectureReport
  {
    let estimate =
      switch estimator {
      case .first(let gradient):
        gradient.estimate(weights: step.weights, alphas: alphas, validation: step.validationBatch)
      case .second(let gradient):
        gradient.estimate(
          weights: step.weights, velocity: step.velocity, alphas: alphas, training: step.trainingBatches[0],
          validation: step.validationBatch, step: step.weightStep)
      }
    let norm = estimate.gradient.norm
    guard estimate.loss.loss.isFinite, norm.isFinite else {
      throw Divergence(
        "the α gradient is not finite: validation loss \(estimate.loss.loss), ‖∇α‖ \(norm), ‖α‖ \(alphas.norm), "
          + "‖ω‖ \(step.weights.norm)\(unrolledNorms)")
    }
    let before = alphas.flat
    adam.step(&alphas, gradient: estimate.gradient)
    let length = zip(alphas.flat, before).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
    return ArchitectureReport(gradientNorm: norm, updateNorm: length, validationLoss: estimate.loss.loss)
  }

  /// What tells where the unrolled step of second order went.
  private var unrolledNorms: String {
    guard case .second(let gradient) = estimator else { return "" }
    return ", ‖ω'‖ \(gradient.unrolledWeights.norm), ‖∇ω'‖ \(gradient.unrolledSlope)"
  }

  public func exportState() -> [NamedTensor] { adam.export() }
  public func importState(from file: TensorFile) throws { try adam.restore(from: file) }
}
