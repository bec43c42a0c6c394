import Cells
import Compute
import Datasets

/// A problem whose α stands for cells, of which a derived architecture can be evaluated with the weights of all, and parts be
/// taken out.
public protocol DerivableProblem: BilevelProblem {
  /// L_val(genotype): mean loss and accuracy on a batch of the derived architecture with the weights that it inherits from
  /// ω, the batch's own normalisation statistics, and no training of its own.
  ///
  /// - Throws: what the problem throws for an operation that it does not have on an edge.
  func evaluate(weights: ParameterVector, genotype: Genotype, batch: Batch) throws -> BatchLoss

  /// Mean loss and accuracy on a batch without one operation or edge, with the batch's own normalisation statistics. The other
  /// mixing weights stay those of α (DARTS-PT, §4.1).
  func evaluate(
    weights: ParameterVector, alphas: ArchitectureParameters, without removal: MixingRemoval, batch: Batch
  ) -> BatchLoss
}

extension DerivableProblem {
  /// The mean over the examples of the first batches of the validation split, each with its own statistics: of the whole
  /// network where nothing is removed.
  ///
  /// - Parameters:
  ///   - batches: as many at most.
  ///   - isStopRequested: asked before each batch.
  /// - Throws: `CancellationError` when `isStopRequested` answers true; what the problem throws where its data are damaged.
  public func evaluateValidationSplit(
    weights: ParameterVector, alphas: ArchitectureParameters, without removal: MixingRemoval?, batches: Int = .max,
    isStopRequested: () -> Bool = { false }
  ) throws -> BatchLoss {
    var sum = BatchLoss(loss: 0, correct: 0, count: 0)
    for index in 0..<min(batches, validationSplitCount) {
      if isStopRequested() { throw CancellationError() }
      let batch = try validationSplitBatch(index)
      let result =
        removal.map { evaluate(weights: weights, alphas: alphas, without: $0, batch: batch) }
        ?? evaluate(weights: weights, alphas: alphas, batch: batch)
      sum.loss += result.loss * Double(result.count)
      sum.correct += result.correct
      sum.count += result.count
    }
    return BatchLoss(loss: sum.count > 0 ? sum.loss / Double(sum.count) : .nan, correct: sum.correct, count: sum.count)
  }
}

extension SupernetProblem: DerivableProblem {
  public func evaluate(weights: ParameterVector, genotype: Genotype, batch: ImageBatch) throws -> BatchLoss {
    let (loss, correct) = try model.evaluate(weights: weights, genotype: genotype, batch: batch)
    return BatchLoss(loss: loss, correct: correct, count: batch.count)
  }

  public func evaluate(
    weights: ParameterVector, alphas: ArchitectureParameters, without removal: MixingRemoval, batch: ImageBatch
  ) -> BatchLoss {
    let (loss, correct) = model.evaluate(weights: weights, alphas: alphas, without: removal, batch: batch)
    return BatchLoss(loss: loss, correct: correct, count: batch.count)
  }
}
