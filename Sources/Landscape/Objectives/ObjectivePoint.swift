import Cells
import Compute
import Problems

/// A point (ω, α) and all that an objective is evaluated with there: the checkpoint, its batches and settings, and tools that
/// are made once for all points of an evaluator.
public final class ObjectivePoint<Problem: BilevelProblem> {
  public let alphas: ArchitectureParameters
  /// All that are evaluated at the point, which may share their work.
  public let objectives: [Objective]
  /// Its number in the walk.
  let number: Int
  private let evaluator: ObjectiveEvaluator<Problem>
  private var found: [ObjectIdentifier: Any] = [:]

  /// - Throws: what the problem throws where its data are damaged.
  init(
    _ alphas: ArchitectureParameters, _ objectives: [Objective], weights: ParameterVector, number: Int,
    _ evaluator: ObjectiveEvaluator<Problem>
  ) throws {
    (self.alphas, self.objectives, self.number, self.evaluator) = (alphas, objectives, number, evaluator)
    self.weights = weights
    training = objectives.contains { $0.trainingBatches > 0 } ? try evaluator.batches.training(at: number) : []
  }

  public var problem: Problem { evaluator.problem }
  /// ω of the point, not to be moved: that of the checkpoint but in landscapes of weights. Valid while the point is evaluated.
  public let weights: ParameterVector
  /// v that steps of ω begin with, not to be moved; nil for zero.
  public var velocity: ParameterVector? { evaluator.velocity }
  /// Settings of an inner step.
  public var step: WeightStep { evaluator.step }
  /// The same with ξ as its learning rate.
  public var unrolledStep: WeightStep { evaluator.unrolledStep }
  /// Batch k is that of inner step k; none where no objective takes any.
  public let training: [Problem.Batch]

  /// A copy of the checkpoint's running statistics for steps of ω to move, valid until the next call; nil where the
  /// batch-norm mode has no use for them.
  public func startingStatistics() -> ParameterVector? { evaluator.startingStatistics() }

  /// The losses on each validation batch.
  ///
  /// - Parameters:
  ///   - weights: nil for those of the point.
  ///   - alphas: nil for those of the point.
  ///   - running: the statistics that steps to `weights` have moved; nil where there were none.
  /// - Throws: what the problem throws where its data are damaged.
  public func losses(
    weights: ParameterVector? = nil, alphas: ArchitectureParameters? = nil, running: ParameterVector? = nil
  ) throws -> [BatchLoss] {
    try evaluator.validationLosses(
      weights: weights ?? self.weights, alphas: alphas ?? self.alphas, running: running ?? evaluator.statistics, at: number)
  }

  /// The losses on each validation batch with their gradients by the mixing weights, under the statistics that the batch-norm mode
  /// gives the losses there.
  ///
  /// - Throws: what the problem throws where its data are damaged.
  public func mixingGradients(alphas: ArchitectureParameters) throws -> [BatchMixingGradient] {
    try evaluator.validationMixingGradients(weights: weights, alphas: alphas, running: evaluator.statistics, at: number)
  }

  /// What an objective needs at every point, such as vectors of ω's size: made at the first.
  public func tool<Tool: AnyObject>(_ make: (Problem) -> Tool) -> Tool { evaluator.tool(make) }

  /// What objectives of a kind share at this point: made for the first of them.
  public func once<Kind, Value>(_ kind: Kind.Type, _ make: () throws -> Value) rethrows -> Value {
    if let known = found[ObjectIdentifier(kind)] as? Value { return known }
    let value = try make()
    found[ObjectIdentifier(kind)] = value
    return value
  }

  /// Counts what passes of the problem take; `losses` counts its own.
  @discardableResult
  public func measure<Result>(_ pass: () throws -> Result) rethrows -> Result { try evaluator.clock.measure(pass) }

  /// Within `measure`: what counts its passes itself.
  func unmeasured<Result>(_ body: () throws -> Result) rethrows -> Result { try evaluator.clock.leave(body) }

  /// Validation batches of the point, for what is no loss.
  public var batchCount: Int { evaluator.batches.validationCount }

  /// - Throws: what the problem throws where its data are damaged.
  public func batch(_ index: Int) throws -> Problem.Batch { try evaluator.batches.validation(index, at: number) }
}
