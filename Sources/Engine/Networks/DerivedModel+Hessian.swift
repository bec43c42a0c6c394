import Compute
import Datasets

extension DerivedModel {
  /// ∇²_ω L(ω) · v on a batch, with the batch's own statistics: the derivative of the gradient along v, exact up to rounding
  /// wherever no ReLU or maximum switches at ω itself, as double backpropagation has it. L is the plain cross-entropy of the main
  /// classifier: nothing is dropped or smoothed, and the product of an auxiliary head's parameters is 0.
  ///
  /// The first call lays out a network with derivatives beside the plan, unless `prepareHessianProducts` has.
  ///
  /// - Parameters:
  ///   - direction: v, of ω's shape.
  ///   - product: overwritten with the product; may be `direction` itself.
  /// - Returns: the batch's mean cross-entropy, and correct predictions.
  /// - Throws: `MemoryShortage` where that needs more memory than there is.
  public func weightHessianProduct(
    weights: ParameterVector, direction: ParameterVector, batch: ImageBatch, product: ParameterVector
  ) throws -> (loss: Double, correct: Int) {
    try engine.weightTangents(
      NetworkInput(batch: batch, mixing: mixing), along: direction, weights: weights, gradientTangent: product)
  }

  /// Makes room for Hessian products on batches as large as the model's, which `activationBytes` then counts.
  ///
  /// - Throws: as `weightHessianProduct`.
  public func prepareHessianProducts() throws { try engine.prepareWeightTangents(images: batch) }
}
