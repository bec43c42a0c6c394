import Cells
import Compute
import Datasets

/// What second derivatives along a direction of α give.
public struct AlphaHessianProduct: Sendable {
  public var loss: Double
  /// ∇_α L, in the order of `ArchitectureParameters.flat`.
  public var gradient: [Double]
  /// ∇²_α L · v.
  public var product: [Double]
}

extension SupernetModel {
  /// ∇²_α L(ω, α) · v on a batch at fixed ω, with the batch's own statistics: the derivative of the α-gradient along v, exact
  /// up to rounding wherever no ReLU or maximum switches at α itself, as double backpropagation has it.
  ///
  /// The first call lays out a network with derivatives, which takes about twice the memory of a plan.
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
}
