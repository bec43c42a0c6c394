import Cells
import Formats
import Problems

extension SearchMethod {
  /// DARTS with the gradient of L₁.
  public static let darts1 = SearchMethod(DARTS(isSecondOrder: false))
  /// DARTS with the gradient of L₂.
  public static let darts2 = SearchMethod(DARTS(isSecondOrder: true))
  /// DARTS of first order, stopped early where the validation loss grows sharp in α (RobustDARTS, §4.3).
  public static let darts1ES = SearchMethod(EarlyStoppedDARTS(DARTS(isSecondOrder: false)))
  /// DARTS of second order, stopped likewise.
  public static let darts2ES = SearchMethod(EarlyStoppedDARTS(DARTS(isSecondOrder: true)))
}

/// DARTS of either order (Liu et al., DARTS, ICLR 2019).
struct DARTS: MethodDefinition {
  let isSecondOrder: Bool

  var name: String { isSecondOrder ? "darts2" : "darts1" }
  var summary: String { "Adam on the gradient of the validation loss\(isSecondOrder ? " one weight step ahead" : "")" }
  var settings: Set<String> {
    ["alpha_learning_rate", "alpha_beta1", "alpha_beta2", "alpha_epsilon", "alpha_weight_decay"]
  }

  func plan(_ configuration: SearchConfiguration) -> UpdatePlan { UpdatePlan(following: isSecondOrder ? .second : .first) }

  func makeOptimiser<Problem: BilevelProblem>(
    _ configuration: SearchConfiguration, for problem: Problem
  ) -> any ArchitectureOptimiser<Problem> {
    DARTSOptimiser(problem: problem, secondOrder: isSecondOrder, settings: configuration.adam)
  }
}

/// DARTS-ES: DARTS that ends where `EarlyStopping` says so, on an eigenvalue every `eigenvalue_every` epochs.
struct EarlyStoppedDARTS: DARTSVariant {
  let base: DARTS

  init(_ base: DARTS) { self.base = base }

  var name: String { base.name + "-es" }
  var summary: String { base.summary + ", stopped where that loss grows sharp in alpha" }
  var settings: Set<String> {
    base.settings.union(EarlyStopping.settings)
  }
  var searchesInStages: Bool { false }

  func setDefaults(_ configuration: inout SearchConfiguration) { configuration.eigenvalueEvery = 1 }

  func validate(_ configuration: SearchConfiguration) throws {
    try InputError.require(
      configuration.eigenvalueEvery > 0, "eigenvalue_every", configuration.eigenvalueEvery,
      "1 or more, since early stopping averages eigenvalues")
  }

  func earlyStopping(_ configuration: SearchConfiguration) -> EarlyStopping? { EarlyStopping(configuration) }
}

extension SearchConfiguration {
  /// Adam's settings on α.
  public var adam: Adam.Settings {
    .init(
      learningRate: alphaLearningRate, beta1: alphaBeta1, beta2: alphaBeta2, epsilon: alphaEpsilon,
      weightDecay: alphaWeightDecay)
  }
}

extension UpdatePlan {
  /// Of an update before every weight step that takes one gradient, which says itself what it costs.
  init(following gradient: GradientEstimator) {
    let gradient = gradient.definition
    self.init(
      trainingBatches: gradient.trainingBatches, weightSteps: gradient.weightSteps, alphaGradients: gradient.passes)
  }
}

/// DARTS: Adam on the first- or second-order estimate of the gradient, before every weight step
/// (Liu et al., DARTS, ICLR 2019, alg. 1).
public final class DARTSOptimiser<Problem: BilevelProblem>: ArchitectureOptimiser {
  private enum Estimator {
    case first(FirstOrderGradient<Problem>)
    case second(SecondOrderGradient<Problem>)
  }

  public let plan: UpdatePlan
  private let estimator: Estimator
  private var adam: Adam

  /// - Parameter secondOrder: whether the gradient looks one weight step ahead.
  public init(problem: Problem, secondOrder: Bool, settings: Adam.Settings = .init()) {
    adam = Adam(size: problem.initialAlphas.count, settings: settings)
    plan = UpdatePlan(following: secondOrder ? .second : .first)
    estimator =
      secondOrder ? .second(SecondOrderGradient(problem: problem)) : .first(FirstOrderGradient(problem: problem))
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
