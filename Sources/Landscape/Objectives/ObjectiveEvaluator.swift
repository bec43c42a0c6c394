import Cells
import Compute
import Formats
import Problems

/// Evaluates L₁, L₂ and L_M around a checkpoint (ω, v).
///
/// Every point sees the same training and validation batches (common random numbers), so that differences between points
/// are differences of α. Nothing is moved: ω, v and running statistics are as before after every call. Not for concurrent
/// use; evaluators of several copies of a problem may share vectors and batches.
public final class ObjectiveEvaluator<Problem: BilevelProblem> {
  public let problem: Problem
  /// Settings of every inner step; its learning rate is ξ of L₂ too, unless `unrolledRate` says otherwise.
  public let step: WeightStep
  public let batchNorm: BatchNormMode
  public let batches: EvaluationBatches<Problem>
  private let unrolledStep: WeightStep
  private let weights: ParameterVector
  private let velocity: ParameterVector?
  private let statistics: ParameterVector?
  /// Running statistics that inner steps move, or recalibrated ones; nil where the batch's own are used.
  private let moving: ParameterVector?
  private let inner: InnerTraining<Problem>
  private let second: SecondOrderGradient<Problem>
  private let clock = EngineClock()

  /// - Parameters:
  ///   - weights: ω.
  ///   - velocity: the momentum v of the checkpoint; nil for none, which counts as zero.
  ///   - step: learning rate, momentum, weight decay and clipping of an inner step.
  ///   - unrolledRate: ξ; the step's learning rate where nil.
  ///   - batchNorm: which statistics normalise where a validation loss is evaluated.
  ///   - statistics: running statistics of the checkpoint, for `.running`.
  /// - Throws: `InputError` where there is no batch of a kind that is needed, no statistics to run with, or a vector is
  ///   not one of the problem's.
  public init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector? = nil, step: WeightStep = WeightStep(),
    unrolledRate: Float? = nil, batches: EvaluationBatches<Problem>, batchNorm: BatchNormMode = .batch,
    statistics: ParameterVector? = nil
  ) throws {
    let kinds = [
      ("training batches", batches.training.count), ("validation batches", batches.validationCount),
      ("recalibration batches", batchNorm == .recalibrated ? batches.recalibration.count : 1),
    ]
    for (name, count) in kinds where count == 0 {
      throw InputError("none given", at: .file(name), wanted: "at least one")
    }
    let count = problem.makeVector().count
    for (name, vector) in [("weights", weights), ("velocity", velocity ?? weights)] where vector.count != count {
      throw InputError("not a vector of this problem", at: .file(name), found: "\(vector.count) values", wanted: "\(count)")
    }
    let initial = problem.makeInitialStatistics()
    if batchNorm == .running {
      guard statistics?.count == initial.count else {
        throw InputError(
          statistics == nil ? "the checkpoint has none" : "not of this problem", at: "running statistics",
          found: statistics.map { "\($0.count) values" },
          wanted: "running_mean and running_var of every batch norm, or another batch_norm")
      }
    }
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
    moving = batchNorm == .batch ? nil : initial
    inner = InnerTraining(problem: problem)
    second = SecondOrderGradient(problem: problem)
  }

  /// Losses and accuracies of several objectives at one α, in their order. The L_M share one run of inner training.
  ///
  /// - Throws: `InputError` where there are fewer training batches than the largest M; what the problem throws where its
  ///   data are damaged.
  public func evaluate(_ objectives: [Objective], at alphas: ArchitectureParameters) throws -> [BatchLoss] {
    try evaluateBatches(objectives, at: alphas).map(BatchLoss.init(summing:))
  }

  /// The same on each validation batch: objectives × validation batches.
  public func evaluateBatches(_ objectives: [Objective], at alphas: ArchitectureParameters) throws -> [[BatchLoss]] {
    let longest = objectives.map(\.innerSteps).max() ?? 0
    guard longest <= batches.training.count else {
      throw InputError(
        "too few for the inner steps", at: "training batches", found: "\(batches.training.count)",
        wanted: "at least \(longest)")
    }
    let afterSteps = try trueLosses(of: objectives, at: alphas)
    return try objectives.map { objective in
      switch objective {
      case .firstOrder:
        return try validationLosses(weights: weights, alphas: alphas, running: statistics)
      case .secondOrder:
        let running = startingStatistics()
        // The step of the optimiser at rate ξ and without clipping, as in the gradient of second-order DARTS.
        let ahead = clock.measure {
          second.unroll(
            weights: weights, velocity: velocity, alphas: alphas, training: batches.training[0], step: unrolledStep,
            statistics: running)
        }
        return try validationLosses(weights: ahead, alphas: alphas, running: running)
      case .trueLoss(let steps):
        return try afterSteps[steps] ?? validationLosses(weights: weights, alphas: alphas, running: statistics)
      }
    }
  }

  /// Seconds spent so far in passes and steps of the problem.
  public var engineSeconds: Double { clock.seconds }

  /// L_M for every M asked for.
  private func trueLosses(of objectives: [Objective], at alphas: ArchitectureParameters) throws -> [Int: [BatchLoss]] {
    let wanted = Set(objectives.compactMap { if case .trueLoss(let steps) = $0 { steps } else { nil } })
    guard let longest = wanted.max() else { return [:] }
    var losses: [Int: [BatchLoss]] = [:]
    let running = startingStatistics()
    try clock.measure {
      try inner.train(
        from: weights, startVelocity: velocity, alphas: alphas, batches: Array(batches.training.prefix(longest)),
        step: step, statistics: running
      ) { taken in
        guard wanted.contains(taken) else { return }
        let start = EngineClock.now()
        losses[taken] = try validationLosses(weights: inner.weights, alphas: alphas, running: running)
        // The evaluation has counted its passes itself.
        clock.add(start - EngineClock.now())
      }
    }
    return losses
  }

  /// A copy of the checkpoint's statistics for inner steps to move; nil where the mode has no use for them.
  private func startingStatistics() -> ParameterVector? {
    guard batchNorm == .running, let statistics, let moving else { return nil }
    moving.copy(from: statistics)
    return moving
  }

  /// - Parameter running: what to normalise with where the mode is `.running`.
  private func validationLosses(
    weights: ParameterVector, alphas: ArchitectureParameters, running: ParameterVector?
  ) throws -> [BatchLoss] {
    var given: ParameterVector?
    switch batchNorm {
    case .batch: break
    case .running: given = running
    case .recalibrated:
      given = moving
      recalibrate(weights: weights, alphas: alphas)
    }
    return try (0..<batches.validationCount).map { index in
      let batch = try batches.validation(index)
      return clock.measure {
        given.map { problem.evaluate(weights: weights, alphas: alphas, batch: batch, statistics: $0) }
          ?? problem.evaluate(weights: weights, alphas: alphas, batch: batch)
      }
    }
  }

  private func recalibrate(weights: ParameterVector, alphas: ArchitectureParameters) {
    guard let moving else { return }
    // From zero, so that the first batch's statistics are taken over without rounding.
    moving.fill(0)
    clock.measure {
      for (index, batch) in batches.recalibration.enumerated() {
        problem.moveStatistics(moving, momentum: 1 / Float(index + 1), weights: weights, alphas: alphas, batch: batch)
      }
    }
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
    batchNorm: BatchNormMode = .batch, statistics: ParameterVector? = nil, recalibrationBatchCount: Int = 0
  ) throws {
    try self.init(
      problem: problem, weights: weights, velocity: velocity, step: step, unrolledRate: unrolledRate,
      batches: .init(
        of: problem, epoch: epoch, firstStep: firstStep, objectives: objectives,
        validation: .batches(validationBatchCount), recalibration: recalibrationBatchCount),
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
