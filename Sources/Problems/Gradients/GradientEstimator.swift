import Cells
import Compute
import Formats

/// What there is to know of a gradient with respect to α, declared in the file of its formula and listed in
/// `GradientEstimator.all`.
public protocol GradientDefinition: Sendable {
  /// As in lists, names of tensors and the cell `objective` of tables: `first`.
  var name: String { get }
  /// The cell `inner_steps` of tables: weight steps between ω and the loss whose gradient it is.
  var innerSteps: Int { get }
  /// What studies call it among the estimators of the true gradient: the method that follows it.
  var studyName: String { get }
  /// In a few words.
  var summary: String { get }
  /// Upcoming training batches that it reads beside its validation batch.
  var trainingBatches: Int { get }
  /// Steps of copies of ω that it takes: each a forward and backward pass, and counted as a training step.
  var weightSteps: Int { get }
  /// Forward and backward passes over a batch besides: each is about as long as a training step.
  var passes: Int { get }
  /// Passes besides where it is asked what the choice of ε makes of it.
  var changeSteps: Int { get }

  /// The gradient at (ω, v, α), of the shape of α, and the loss that it is of.
  ///
  /// - Parameters:
  ///   - velocity: v, the momentum of the weight steps; nil for zero.
  ///   - step: its learning rate is ξ.
  ///   - wantsChange: whether to say what a half of ε would make of it, relative to its length; nil where it has no ε.
  func estimate<Problem: BilevelProblem>(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, alphas: ArchitectureParameters,
    training: Problem.Batch, validation: Problem.Batch, step: WeightStep, wantsChange: Bool
  ) -> (gradient: ArchitectureParameters, loss: BatchLoss, change: Double?)
}

/// A gradient with respect to α that a search method follows: a value that stands for a declared one.
public struct GradientEstimator: Sendable {
  public let definition: any GradientDefinition

  public init(_ definition: any GradientDefinition) { self.definition = definition }

  /// One line a gradient; its file says the rest.
  public static let all: [GradientEstimator] = [.first, .second]

  /// What it costs on one training and one validation batch, counted as the training steps that it is as long as.
  package var steps: Int { definition.weightSteps + definition.passes }
}

extension GradientEstimator: RawRepresentable, CaseIterable, Hashable, CustomStringConvertible {
  public init?(rawValue: String) {
    guard let estimator = Self.all.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = estimator
  }

  public var rawValue: String { definition.name }
  public static var allCases: [GradientEstimator] { all }
  public var description: String { rawValue }

  public static func == (left: GradientEstimator, right: GradientEstimator) -> Bool { left.rawValue == right.rawValue }
  public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}

extension GradientEstimator {
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
    let found = definition.estimate(
      problem: problem, weights: weights, velocity: velocity, alphas: alphas, training: training, validation: validation,
      step: step, wantsChange: true)
    try requireFinite(found.gradient, found.loss)
    return (found.gradient, found.change)
  }

  /// The same with the loss that the gradient is of.
  package func estimateWithLoss<Problem: BilevelProblem>(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, alphas: ArchitectureParameters,
    training: Problem.Batch, validation: Problem.Batch, step: WeightStep
  ) throws -> (gradient: ArchitectureParameters, loss: BatchLoss) {
    let found = definition.estimate(
      problem: problem, weights: weights, velocity: velocity, alphas: alphas, training: training, validation: validation,
      step: step, wantsChange: false)
    try requireFinite(found.gradient, found.loss)
    return (found.gradient, found.loss)
  }

  private func requireFinite(_ gradient: ArchitectureParameters, _ loss: BatchLoss) throws {
    // The loss at the unrolled weights tells of a step that led nowhere even where the gradient comes out finite.
    guard loss.loss.isFinite, gradient.flat.allSatisfy(\.isFinite) else {
      throw InputError(
        "diverged", at: "\(rawValue)-order gradient", found: "values that are not finite",
        wanted: "finite values: a smaller learning rate may help")
    }
  }

  /// `first.normal`, `first.reduce` and the like, float32 [edges, operations].
  public func tensors(_ gradient: ArchitectureParameters) -> [NamedTensor] {
    zip(gradient.kinds, gradient.matrices).map { kind, matrix in
      NamedTensor(name: "\(rawValue).\(kind.name)", shape: [matrix.rows, matrix.columns], values: .float32(matrix.values))
    }
  }
}
