import Cells
import Compute

extension BatchLoss {
  /// Fraction of the examples classified correctly, 0 for an empty batch.
  public var accuracy: Double { count > 0 ? Double(correct) / Double(count) : 0 }
}

extension BilevelProblem {
  /// L_val(ω, α) over the whole validation split: the mean over its examples, each batch with its own statistics.
  ///
  /// - Parameter isStopRequested: asked before each evaluation of a batch.
  /// - Throws: `CancellationError` when `isStopRequested` answers true; what the problem throws where its data are damaged.
  public func evaluateValidationSplit(
    weights: ParameterVector, alphas: ArchitectureParameters, isStopRequested: () -> Bool = { false }
  ) throws -> BatchLoss {
    try evaluateValidationSplit(weights: weights, each: [alphas], isStopRequested: isStopRequested)[0]
  }

  /// L_val(ω, α) over the whole validation split with running statistics, which stay as they are: `eval()` of PyTorch, as the
  /// public codes of DARTS and its successors validate (`model.eval()` in `infer`).
  ///
  /// - Throws: as the other.
  public func evaluateValidationSplit(
    weights: ParameterVector, alphas: ArchitectureParameters, statistics: ParameterVector,
    isStopRequested: () -> Bool = { false }
  ) throws -> BatchLoss {
    try meansOverValidationSplit(of: 1, isStopRequested) { _, batch in
      evaluate(weights: weights, alphas: alphas, batch: batch, statistics: statistics)
    }[0]
  }

  /// With the batches' own statistics for several α, in their order: each batch is made once for all of them.
  public func evaluateValidationSplit(
    weights: ParameterVector, each architectures: [ArchitectureParameters], isStopRequested: () -> Bool = { false }
  ) throws -> [BatchLoss] {
    try meansOverValidationSplit(of: architectures.count, isStopRequested) { place, batch in
      evaluate(weights: weights, alphas: architectures[place], batch: batch)
    }
  }

  /// Means over the examples of the split of so many things, each evaluated on every batch.
  private func meansOverValidationSplit(
    of count: Int, _ isStopRequested: () -> Bool, _ evaluate: (_ place: Int, Batch) -> BatchLoss
  ) throws -> [BatchLoss] {
    var sums = [BatchLoss](repeating: BatchLoss(loss: 0, correct: 0, count: 0), count: count)
    for index in 0..<validationSplitCount {
      let batch = try validationSplitBatch(index)
      for place in 0..<count {
        if isStopRequested() { throw CancellationError() }
        let result = evaluate(place, batch)
        sums[place].loss += result.loss * Double(result.count)
        sums[place].correct += result.correct
        sums[place].count += result.count
      }
    }
    return sums.map { sum in
      BatchLoss(loss: sum.count > 0 ? sum.loss / Double(sum.count) : .nan, correct: sum.correct, count: sum.count)
    }
  }
}
