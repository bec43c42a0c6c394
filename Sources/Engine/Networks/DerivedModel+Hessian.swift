import Compute
import Datasets

extension DerivedModel {
  /// ∇²_ω L(ω) · v on a batch, with the batch's own statistics; L is the cross-entropy of the main head.
  ///
  /// - Parameters:
  ///   - direction: v, of ω's shape.
  ///   - product: overwritten with the product.
  /// - Throws: `MemoryShortage` where that needs more memory than there is.
  public func weightHessianProduct(
    weights: ParameterVector, direction: ParameterVector, batch: ImageBatch, product: ParameterVector
  ) throws -> (loss: Double, correct: Int) {
    // A difference of gradients, until the engine has the derivative.
    let (moved, back) = (engine.makeVector(), engine.makeVector())
    let step = Float(1e-2 / max(direction.dot(direction).squareRoot(), 1e-30))
    for (sign, result) in [(Float(1), product), (-1, back)] {
      moved.copy(from: weights)
      moved.add(direction, scaledBy: sign * step)
      _ = gradient(
        weights: moved, batch: batch, regularisation: Regularisation(auxiliaryWeight: 0), keep: nil, weightGradient: result,
        statistics: nil)
    }
    moved.fill(0)
    moved.add(product, scaledBy: 1 / (2 * step))
    moved.add(back, scaledBy: -1 / (2 * step))
    product.copy(from: moved)
    return evaluate(weights: weights, statistics: nil, batch: batch)
  }
}
