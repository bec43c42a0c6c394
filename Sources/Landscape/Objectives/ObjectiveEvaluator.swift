import Compute
import Search
import Supernet

/// Evaluates L₁, L₂ and L_M around a checkpoint (ω, v).
///
/// Every point sees the same training and validation batches (common random numbers), so that differences between points
/// are differences of α. Nothing is moved: ω and v are as before after every call.
public final class ObjectiveEvaluator<Problem: BilevelProblem> {
  public let problem: Problem
  /// Settings of every inner step; its learning rate is ξ of L₂ too, unless `unrolledRate` says otherwise.
  public let step: WeightStep
  private let unrolledStep: WeightStep
  private let weights: ParameterVector
  private let velocity: ParameterVector?
  private let trainingBatches: [Problem.Batch]
  private let validationBatches: [Problem.Batch]
  private let inner: InnerTraining<Problem>
  private let second: SecondOrderGradient<Problem>

  /// - Parameters:
  ///   - weights: ω.
  ///   - velocity: the momentum v of the checkpoint; nil for none, which counts as zero.
  ///   - step: learning rate, momentum, weight decay and clipping of an inner step.
  ///   - unrolledRate: ξ; the step's learning rate where nil.
  ///   - trainingBatches: batch k is that of inner step k; the first is also that of L₂.
  ///   - validationBatches: the loss at a point is the mean over all their examples.
  /// - Throws: `LandscapeError` where a list of batches is empty or a vector is not one of the problem's.
  public init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector? = nil, step: WeightStep = WeightStep(),
    unrolledRate: Float? = nil, trainingBatches: [Problem.Batch], validationBatches: [Problem.Batch]
  ) throws {
    for (name, count) in [("training batches", trainingBatches.count), ("validation batches", validationBatches.count)]
    where count == 0 {
      throw LandscapeError(item: name, problem: "none given", expected: "at least one")
    }
    let count = problem.makeVector().count
    for (name, vector) in [("weights", weights), ("velocity", velocity ?? weights)] where vector.count != count {
      throw LandscapeError(
        item: name, problem: "not a vector of this problem", found: "\(vector.count) values", expected: "\(count)")
    }
    self.problem = problem
    self.weights = weights
    self.velocity = velocity
    self.step = step
    var unrolledStep = step
    unrolledStep.learningRate = unrolledRate ?? step.learningRate
    self.unrolledStep = unrolledStep
    self.trainingBatches = trainingBatches
    self.validationBatches = validationBatches
    inner = InnerTraining(problem: problem)
    second = SecondOrderGradient(problem: problem)
  }

  /// Losses and accuracies of several objectives at one α, in their order. The L_M share one run of inner training.
  ///
  /// - Throws: `LandscapeError` where there are fewer training batches than the largest M.
  public func evaluate(_ objectives: [Objective], at alphas: ArchitectureParameters) throws -> [BatchLoss] {
    let longest = objectives.map(\.innerSteps).max() ?? 0
    guard longest <= trainingBatches.count else {
      throw LandscapeError(
        item: "training batches", problem: "too few for the inner steps", found: "\(trainingBatches.count)",
        expected: "at least \(longest)")
    }
    let afterSteps = trueLosses(of: objectives, at: alphas)
    return objectives.map { objective in
      switch objective {
      case .firstOrder: return validationLoss(weights: weights, alphas: alphas)
      case .secondOrder:
        // The step of the optimiser at rate ξ and without clipping, as in the gradient of second-order DARTS.
        let ahead = second.unroll(
          weights: weights, velocity: velocity, alphas: alphas, training: trainingBatches[0], step: unrolledStep)
        return validationLoss(weights: ahead, alphas: alphas)
      case .trueLoss(let steps): return afterSteps[steps] ?? validationLoss(weights: weights, alphas: alphas)
      }
    }
  }

  /// L_M for every M asked for.
  private func trueLosses(of objectives: [Objective], at alphas: ArchitectureParameters) -> [Int: BatchLoss] {
    let wanted = Set(objectives.compactMap { if case .trueLoss(let steps) = $0 { steps } else { nil } })
    guard let longest = wanted.max() else { return [:] }
    var losses: [Int: BatchLoss] = [:]
    inner.train(
      from: weights, startVelocity: velocity, alphas: alphas, batches: Array(trainingBatches.prefix(longest)), step: step
    ) { taken in
      if wanted.contains(taken) { losses[taken] = validationLoss(weights: inner.weights, alphas: alphas) }
    }
    return losses
  }

  private func validationLoss(weights: ParameterVector, alphas: ArchitectureParameters) -> BatchLoss {
    var (total, correct, count) = (0.0, 0, 0)
    for batch in validationBatches {
      let result = problem.evaluate(weights: weights, alphas: alphas, batch: batch)
      total += result.loss * Double(result.count)
      correct += result.correct
      count += result.count
    }
    return BatchLoss(loss: total / Double(max(count, 1)), correct: correct, count: count)
  }
}

extension ObjectiveEvaluator {
  /// An evaluator on the batches that a search would meet from a weight step on: training batches step, step + 1, … (into
  /// the next epoch where this one ends) and as many validation batches as asked for.
  ///
  /// - Throws: `LandscapeError` where a count is below 1 or a vector is not one of the problem's; what the problem throws
  ///   where its data are damaged.
  public convenience init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector? = nil, step: WeightStep = WeightStep(),
    unrolledRate: Float? = nil, epoch: Int, firstStep: Int = 0, objectives: [Objective], validationBatchCount: Int = 1
  ) throws {
    let longest = max(1, objectives.map(\.innerSteps).max() ?? 1)
    let length = max(1, problem.stepsPerEpoch)
    func place(_ offset: Int) -> (epoch: Int, step: Int) {
      (epoch + (firstStep + offset) / length, (firstStep + offset) % length)
    }
    try self.init(
      problem: problem, weights: weights, velocity: velocity, step: step, unrolledRate: unrolledRate,
      trainingBatches: (0..<longest).map { problem.trainingBatch(epoch: place($0).epoch, step: place($0).step) },
      validationBatches: (0..<max(0, validationBatchCount)).map {
        problem.validationBatch(epoch: place($0).epoch, step: place($0).step)
      })
    try problem.checkBatches()
  }
}
