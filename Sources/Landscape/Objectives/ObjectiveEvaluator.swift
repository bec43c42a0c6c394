import Cells
import Compute
import Formats
import Problems

/// Evaluates objectives around a checkpoint (ω, v).
///
/// Every point sees the same training and validation batches (common random numbers), so that differences between points
/// are differences of α or ω, unless its batches are fresh. Nothing is moved: ω, v and running statistics are as before after every
/// call; where points lie along directions in ω, a vector of the evaluator's own holds the ω of the point. Not for concurrent
/// use; evaluators of several copies of a problem may share vectors, directions and batches.
public final class ObjectiveEvaluator<Problem: BilevelProblem> {
  public let problem: Problem
  /// Settings of every inner step; its learning rate is ξ of L₂ too, unless `unrolledRate` says otherwise.
  public let step: WeightStep
  public let batchNorm: BatchNormMode
  public let batches: EvaluationBatches<Problem>
  let unrolledStep: WeightStep
  let weights: ParameterVector
  let velocity: ParameterVector?
  let statistics: ParameterVector?
  private let directions: WeightDirections?
  let clock = EngineClock()
  /// The mode's own, for running statistics that inner steps move, or recalibrated ones.
  private lazy var scratch = problem.makeInitialStatistics()
  /// ω of the point, where it is not that of the checkpoint.
  private lazy var moved = problem.makeVector()
  private var tools: [ObjectIdentifier: AnyObject] = [:]

  /// - Parameters:
  ///   - weights: ω.
  ///   - velocity: the momentum v that steps begin with; nil for none, which counts as zero.
  ///   - step: learning rate, momentum, weight decay and clipping of an inner step.
  ///   - unrolledRate: ξ; the step's learning rate where nil.
  ///   - batchNorm: which statistics normalise where a validation loss is evaluated.
  ///   - statistics: running statistics of the checkpoint, for modes that need them.
  ///   - directions: in ω, around `weights`, that points may lie along.
  /// - Throws: `InputError` where there is no batch of a kind that is needed, no statistics to run with, or a vector is
  ///   not one of the problem's.
  public init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector? = nil, step: WeightStep = WeightStep(),
    unrolledRate: Float? = nil, batches: EvaluationBatches<Problem>, batchNorm: BatchNormMode = .batch,
    statistics: ParameterVector? = nil, directions: WeightDirections? = nil
  ) throws {
    let kinds = [
      ("training batches", batches.training.count), ("validation batches", batches.validationCount),
      ("recalibration batches", batchNorm.batches == nil ? 1 : batches.recalibration.count),
    ]
    for (name, count) in kinds where count == 0 {
      throw InputError("none given", at: .words(name), wanted: "at least one")
    }
    let count = problem.makeVector().count
    for (name, vector) in [
      ("weights", weights), ("velocity", velocity ?? weights), ("directions", directions?.center ?? weights),
    ] where vector.count != count {
      throw InputError("not a vector of this problem", at: .words(name), found: "\(vector.count) values", wanted: "\(count)")
    }
    try batchNorm.check(statistics, wanted: problem.makeInitialStatistics().count)
    self.problem = problem
    self.weights = weights
    self.velocity = velocity
    self.step = step
    var unrolledStep = step
    unrolledStep.learningRate = unrolledRate ?? step.learningRate
    self.unrolledStep = unrolledStep
    self.batches = batches
    self.batchNorm = batchNorm
    self.statistics = statistics
    self.directions = directions
  }

  /// Losses and accuracies of several objectives at one α, in their order. Objectives of a kind share what they can.
  ///
  /// - Parameters:
  ///   - coordinates: how far ω is moved along each of the evaluator's directions; empty for the checkpoint's.
  ///   - point: the number of the point, which fresh batches are a function of.
  /// - Throws: `InputError` where there are fewer training batches than an objective needs, or not as many coordinates as
  ///   directions; what the problem throws where its data are damaged.
  public func evaluate(
    _ objectives: [Objective], at alphas: ArchitectureParameters, along coordinates: [Double] = [], point: Int = 0
  ) throws -> [BatchLoss] {
    try evaluateBatches(objectives, at: alphas, along: coordinates, point: point).map(BatchLoss.init(summing:))
  }

  /// The same on each validation batch: objectives × validation batches.
  public func evaluateBatches(
    _ objectives: [Objective], at alphas: ArchitectureParameters, along coordinates: [Double] = [], point number: Int = 0
  ) throws -> [[BatchLoss]] {
    let most = objectives.map(\.trainingBatches).max() ?? 0
    guard most <= batches.training.count else {
      throw InputError(
        "too few for the inner steps", at: "training batches", found: "\(batches.training.count)", wanted: "at least \(most)"
      )
    }
    let point = try ObjectivePoint(alphas, objectives, weights: weights(along: coordinates), number: number, self)
    return try objectives.map { try $0.kind.losses(at: point) }
  }

  /// ω of a point, valid until the next one.
  private func weights(along coordinates: [Double]) throws -> ParameterVector {
    guard !coordinates.isEmpty else { return weights }
    guard let directions, directions.vectors.count == coordinates.count else {
      throw InputError(
        "not one for each direction in ω", at: "coordinates", found: "\(coordinates.count)",
        wanted: "\(directions?.vectors.count ?? 0)")
    }
    directions.move(moved, to: coordinates)
    return moved
  }

  /// Seconds spent so far in passes and steps of the problem.
  public var engineSeconds: Double { clock.seconds }

  // MARK: What objectives evaluate with (`ObjectivePoint`)

  func tool<Tool: AnyObject>(_ make: (Problem) -> Tool) -> Tool {
    if let known = tools[ObjectIdentifier(Tool.self)] as? Tool { return known }
    let tool = make(problem)
    tools[ObjectIdentifier(Tool.self)] = tool
    return tool
  }

  func startingStatistics() -> ParameterVector? { batchNorm.starting(bench { _, _ in }) }

  /// - Parameters:
  ///   - running: what to normalise with where the mode runs on.
  ///   - point: the number of the point.
  func validationLosses(
    weights: ParameterVector, alphas: ArchitectureParameters, running: ParameterVector?, at point: Int
  ) throws -> [BatchLoss] {
    try onValidationBatches(weights: weights, alphas: alphas, running: running, at: point) { batch, statistics in
      statistics.map { problem.evaluate(weights: weights, alphas: alphas, batch: batch, statistics: $0) }
        ?? problem.evaluate(weights: weights, alphas: alphas, batch: batch)
    }
  }

  /// The same with gradients by the mixing weights.
  func validationMixingGradients(
    weights: ParameterVector, alphas: ArchitectureParameters, running: ParameterVector?, at point: Int
  ) throws -> [BatchMixingGradient] {
    try onValidationBatches(weights: weights, alphas: alphas, running: running, at: point) { batch, statistics in
      problem.mixingGradient(weights: weights, alphas: alphas, batch: batch, statistics: statistics)
    }
  }

  /// A pass over each validation batch, with the statistics of the mode; nil for the batch's own.
  private func onValidationBatches<Result>(
    weights: ParameterVector, alphas: ArchitectureParameters, running: ParameterVector?, at point: Int,
    _ pass: (_ batch: Problem.Batch, _ statistics: ParameterVector?) -> Result
  ) throws -> [Result] {
    let bench = bench { [self] batch, momentum in
      clock.measure {
        problem.moveStatistics(
          scratch, momentum: momentum, weights: weights, alphas: alphas, batch: batches.recalibration[batch])
      }
    }
    let given = batchNorm.normaliser(bench, running)
    return try (0..<batches.validationCount).map { index in
      let batch = try batches.validation(index, at: point)
      return clock.measure { pass(batch, given) }
    }
  }

  private func bench(_ move: @escaping (_ batch: Int, _ momentum: Float) -> Void) -> NormalisationBench {
    NormalisationBench(checkpoint: statistics, scratch: scratch, batches: batches.recalibration.count, move: move)
  }
}

extension ObjectiveEvaluator {
  /// An evaluator on given batches.
  ///
  /// - Parameters:
  ///   - trainingBatches: batch k is that of inner step k; the first is also that of L₂.
  ///   - validationBatches: the loss at a point is the mean over all their examples.
  /// - Throws: `InputError` where a list of batches is empty or a vector is not one of the problem's.
  public convenience init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector? = nil, step: WeightStep = WeightStep(),
    unrolledRate: Float? = nil, trainingBatches: [Problem.Batch], validationBatches: [Problem.Batch],
    batchNorm: BatchNormMode = .batch, statistics: ParameterVector? = nil, recalibrationBatches: [Problem.Batch] = []
  ) throws {
    try self.init(
      problem: problem, weights: weights, velocity: velocity, step: step, unrolledRate: unrolledRate,
      batches: .init(training: trainingBatches, validation: validationBatches, recalibration: recalibrationBatches),
      batchNorm: batchNorm, statistics: statistics)
  }

  /// An evaluator on the batches that a search would meet from a weight step on (`EvaluationBatches`).
  ///
  /// - Throws: `InputError` where a count is below 1 or a vector is not one of the problem's; what the problem throws
  ///   where its data are damaged.
  public convenience init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector? = nil, step: WeightStep = WeightStep(),
    unrolledRate: Float? = nil, epoch: Int, firstStep: Int = 0, objectives: [Objective], validationBatchCount: Int = 1,
    batchNorm: BatchNormMode = .batch, statistics: ParameterVector? = nil
  ) throws {
    try self.init(
      problem: problem, weights: weights, velocity: velocity, step: step, unrolledRate: unrolledRate,
      batches: .init(
        of: problem, epoch: epoch, firstStep: firstStep, objectives: objectives,
        validation: .batches(validationBatchCount), batchNorm: batchNorm),
      batchNorm: batchNorm, statistics: statistics)
  }

  /// What one forward pass and one training step take here, in seconds: the mean of two each, after one that is not counted.
  public func measurePasses(at alphas: ArchitectureParameters) throws -> (forward: Double, step: Double) {
    let (weights, velocity, gradient) = (problem.makeVector(), problem.makeVector(), problem.makeVector())
    weights.copy(from: self.weights)
    let validation = try batches.validation(0)
    func seconds(_ pass: () -> Void) -> Double {
      pass()
      let start = EngineClock.now()
      for _ in 0..<2 { pass() }
      return (EngineClock.now() - start) / 2
    }
    let forward = seconds { _ = problem.evaluate(weights: weights, alphas: alphas, batch: validation) }
    let training = seconds {
      _ = problem.takeWeightStep(
        step, weights: weights, velocity: velocity, gradient: gradient, alphas: alphas, batch: batches.training[0],
        statistics: nil)
    }
    return (forward, training)
  }
}
