/// What evaluations cost, in passes over a batch.
public struct EvaluationWork: Equatable, Sendable {
  /// Forward passes.
  public var forwards: Int
  /// Training steps: forward, backward, update.
  public var steps: Int

  public init(forwards: Int = 0, steps: Int = 0) {
    self.forwards = forwards
    self.steps = steps
  }

  /// Of one point: a loss costs a forward pass for each validation batch, and what its objective takes before it.
  /// Recalibrated statistics cost a forward pass for each of their batches before each loss, and before gradients of mixing weights.
  public init(of objectives: [Objective], validationBatches: Int, recalibrationBatches: Int = 0) {
    let cost = objectives.cost
    self.init(
      forwards: cost.losses * (validationBatches + recalibrationBatches) + cost.gradients * recalibrationBatches,
      steps: cost.steps + (cost.stepsPerBatch + cost.gradients) * validationBatches)
  }

  public func times(_ count: Int) -> EvaluationWork { EvaluationWork(forwards: count * forwards, steps: count * steps) }

  public static func + (left: Self, right: Self) -> Self {
    EvaluationWork(forwards: left.forwards + right.forwards, steps: left.steps + right.steps)
  }
}
