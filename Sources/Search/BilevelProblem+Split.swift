import Compute
import Supernet

extension BatchLoss {
  /// Fraction of the examples classified correctly, 0 for an empty batch.
  public var accuracy: Double { count > 0 ? Double(correct) / Double(count) : 0 }
}

extension BilevelProblem {
  /// L_val(ω, α) over the whole validation split: the mean over its examples, each batch with its own statistics.
  ///
  /// - Parameter isStopRequested: asked before each batch.
  /// - Throws: `CancellationError` when `isStopRequested` answers true.
  public func evaluateValidationSplit(
    weights: ParameterVector, alphas: ArchitectureParameters, isStopRequested: () -> Bool = { false }
  ) throws -> BatchLoss {
    var total = 0.0
    var (correct, count) = (0, 0)
    for batch in validationSplit {
      if isStopRequested() { throw CancellationError() }
      let result = evaluate(weights: weights, alphas: alphas, batch: batch)
      total += result.loss * Double(result.count)
      correct += result.correct
      count += result.count
    }
    return BatchLoss(loss: count > 0 ? total / Double(count) : .nan, correct: correct, count: count)
  }
}
