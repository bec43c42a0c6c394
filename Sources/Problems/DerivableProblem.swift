import Cells
import Compute
import Datasets

/// A problem whose α stands for cells, of which a derived architecture can be evaluated with the weights of all.
public protocol DerivableProblem: BilevelProblem {
  /// L_val(genotype): mean loss and accuracy on a batch of the derived architecture with the weights that it inherits from
  /// ω, the batch's own normalisation statistics, and no training of its own.
  ///
  /// - Throws: what the problem throws for an operation that it does not have on an edge.
  func evaluate(weights: ParameterVector, genotype: Genotype, batch: Batch) throws -> BatchLoss
}

extension SupernetProblem: DerivableProblem {
  public func evaluate(weights: ParameterVector, genotype: Genotype, batch: ImageBatch) throws -> BatchLoss {
    let (loss, correct) = try model.evaluate(weights: weights, genotype: genotype, batch: batch)
    return BatchLoss(loss: loss, correct: correct, count: batch.count)
  }
}
