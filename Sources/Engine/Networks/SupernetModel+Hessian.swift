import Cells
import Compute
import Datasets

/// What second derivatives along a direction of α, or of the mixing weights, give.
public struct AlphaHessianProduct: Sendable {
  public var loss: Double
  /// ∇L: by α in the order of `ArchitectureParameters.flat`, by mixing weights in that of `NetworkInput.mixing`.
  public var gradient: [Double]
  /// ∇²L · v.
  public var product: [Double]
}

extension SupernetModel {
  /// ∇²_α L(ω, α) · v on a batch at fixed ω, with the batch's own statistics: the derivative of the α-gradient along v, exact
  /// up to rounding wherever no ReLU or maximum switches at α itself, as double backpropagation has it. No edge is dropped,
  /// whatever the batch says.
  ///
  /// The first call lays out a network with derivatives beside the plan, unless `prepareHessianProducts` has.
  ///
  /// - Parameter direction: v, in the order of `ArchitectureParameters.flat`.
  /// - Throws: `MemoryShortage` where that needs more memory than there is.
  public func hessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: [Double], batch: ImageBatch
  ) throws -> AlphaHessianProduct {
    precondition(direction.count == alphas.count, "a direction has a value for each of α")
    let isPartial = architecture.variant.partialChannels > 1
    let slices = alphas.ranges.map { direction[$0] }
    let tangents = zip(alphas.matrices, slices).map { matrix, slice in
      let (strengths, edges) = matrix.mixingTangents(along: slice)
      return (isPartial ? strengths + edges : strengths).map(Float.init)
    }
    let result = try engine.tangents(
      NetworkInput(batch: batch, mixing: mixing(alphas)), along: tangents, weights: weights)
    var (gradient, product): ([Double], [Double]) = ([], [])
    for (kind, matrix) in alphas.matrices.enumerated() {
      let (values, derivatives) = (result.mixingGradient[kind], result.mixingGradientTangent[kind])
      let count = matrix.rows * matrix.operationColumns
      let through = matrix.throughSoftmaxTangents(
        along: slices[kind], strengths: (values[..<count], derivatives[..<count]),
        bypasses: isPartial ? (values[count...], derivatives[count...]) : nil)
      gradient += through.gradient
      product += through.tangent
    }
    return AlphaHessianProduct(loss: result.loss, gradient: gradient, product: product)
  }
  /// Makes room for products on batches as large as the model's, which `activationBytes` then counts.
  ///
  /// - Throws: as `hessianProduct`.
  public func prepareHessianProducts() throws { try engine.prepareTangents(images: batch) }

  /// Mixing weights of all kinds of cells.
  public var mixingCount: Int { engine.network.mixingCounts.reduce(0, +) }

  /// The same by the mixing weights p of α, each by itself: ∇²_p L · v. The softmax is left out, and with it that it flattens
  /// as ‖α‖ grows; p may leave the simplex along v.
  ///
  /// - Parameter direction: v, `mixingCount` values in the order of `NetworkInput.mixing`.
  /// - Throws: as `hessianProduct`.
  public func mixingHessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: [Double], batch: ImageBatch
  ) throws -> AlphaHessianProduct {
    precondition(direction.count == mixingCount, "a direction has a value for each mixing weight")
    var next = 0
    let tangents = engine.network.mixingCounts.map { count in
      defer { next += count }
      return direction[next..<next + count].map(Float.init)
    }
    let result = try engine.tangents(
      NetworkInput(batch: batch, mixing: mixing(alphas)), along: tangents, weights: weights)
    return AlphaHessianProduct(
      loss: result.loss, gradient: Array(result.mixingGradient.joined()),
      product: Array(result.mixingGradientTangent.joined()))
  }
}

extension SupernetModel {
  /// ∇²_ω L(ω, α) · v on a batch at fixed α, with the batch's own statistics: the derivative of the ω-gradient along v, exact up to
  /// rounding wherever no ReLU or maximum switches at ω itself, as double backpropagation has it. No edge is dropped, whatever the
  /// batch says.
  ///
  /// The first call lays out a network with derivatives beside the plan, unless `prepareWeightHessianProducts` has.
  ///
  /// - Parameters:
  ///   - direction: v, of ω's shape.
  ///   - product: overwritten with the product; may be `direction` itself.
  /// - Returns: the batch's mean cross-entropy, and correct predictions.
  /// - Throws: `MemoryShortage` where that needs more memory than there is.
  public func weightHessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: ParameterVector, batch: ImageBatch,
    product: ParameterVector
  ) throws -> (loss: Double, correct: Int) {
    try engine.weightTangents(
      NetworkInput(batch: batch, mixing: mixing(alphas)), along: direction, weights: weights, gradientTangent: product)
  }

  /// Makes room for products by ω on batches as large as the model's, beside that of products by α; `activationBytes` then counts
  /// it.
  ///
  /// - Throws: as `weightHessianProduct`.
  public func prepareWeightHessianProducts() throws { try engine.prepareWeightTangents(images: batch) }
}
