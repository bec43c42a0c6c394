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

  /// Of one point: a loss costs a forward pass for each validation batch, L₂ a step before it; all the L_M share one run of
  /// inner training, as long as the longest of them. Recalibrated statistics cost a forward pass for each of their batches
  /// before each loss.
  public init(of objectives: [Objective], validationBatches: Int, recalibrationBatches: Int = 0) {
    forwards = objectives.count * (validationBatches + recalibrationBatches)
    let longest = objectives.map { if case .trueLoss(let steps) = $0 { steps } else { 0 } }.max() ?? 0
    steps = longest + objectives.count { $0 == .secondOrder }
  }

  public func times(_ count: Int) -> EvaluationWork { EvaluationWork(forwards: count * forwards, steps: count * steps) }

  public static func + (left: Self, right: Self) -> Self {
    EvaluationWork(forwards: left.forwards + right.forwards, steps: left.steps + right.steps)
  }
}
