import Cells
import Compute
import Datasets

/// What second derivatives along a direction of α, or of the mixing weights, give.
public struct AlphaHessianProduct: Sendable {
  public var loss: Double
  /// ∇L: by α in the order of `ArchitectureParameters.flat`, by mixing weights in that of `NetworkInput.mixing` without those of
  /// auxiliary skip connections.
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
    let (rows, beta) = (rows, alphas.auxiliarySkip)
    let slices = alphas.ranges.map { direction[$0] }
    let tangents = alphas.matrices.indices.map { kind in
      let (strengths, edges) = alphas.matrices[kind].mixingTangents(along: slices[kind])
      return rows[kind].joined(strengths, auxiliarySkips: edges.map { Double(beta) * $0 }, bypasses: edges).map(Float.init)
    }
    let result = try engine.tangents(
      NetworkInput(batch: batch, mixing: mixing(alphas)), along: tangents, weights: weights)
    var (gradient, product): ([Double], [Double]) = ([], [])
    for (kind, matrix) in alphas.matrices.enumerated() {
      let values = rows[kind].parts(of: result.mixingGradient[kind])
      let derivatives = rows[kind].parts(of: result.mixingGradientTangent[kind])
      var bypasses: (gradient: ArraySlice<Double>, tangent: ArraySlice<Double>)?
      if let gradient = edgeGradient(values, auxiliarySkip: beta),
        let tangent = edgeGradient(derivatives, auxiliarySkip: beta)
      {
        bypasses = (gradient[...], tangent[...])
      }
      let through = matrix.throughSoftmaxTangents(
        along: slices[kind], strengths: (values.operations[...], derivatives.operations[...]), bypasses: bypasses)
      gradient += through.gradient
      product += through.tangent
    }
    return AlphaHessianProduct(loss: result.loss, gradient: gradient, product: product)
  }
  /// Makes room for products on batches as large as the model's, which `activationBytes` then counts.
  ///
  /// - Throws: as `hessianProduct`.
  public func prepareHessianProducts() throws { try engine.prepareTangents(images: batch) }

  /// Mixing weights of all kinds of cells that α has a say in: those of auxiliary skip connections are given.
  public var mixingCount: Int { rows.reduce(0) { $0 + $1.count - ($1.hasAuxiliarySkips ? $1.edges : 0) } }

  /// The same by the mixing weights p of α, each by itself: ∇²_p L · v. The softmax is left out, and with it that it flattens
  /// as ‖α‖ grows; p may leave the simplex along v.
  ///
  /// - Parameter direction: v, `mixingCount` values in the order of `NetworkInput.mixing`, without those of auxiliary skip
  ///   connections, which have no direction.
  /// - Throws: as `hessianProduct`.
  public func mixingHessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: [Double], batch: ImageBatch
  ) throws -> AlphaHessianProduct {
    precondition(direction.count == mixingCount, "a direction has a value for each mixing weight")
    let rows = rows
    var next = 0
    func take(_ count: Int) -> [Float] {
      defer { next += count }
      return direction[next..<next + count].map(Float.init)
    }
    let tangents = rows.map { rows in
      let operations = take(rows.edges * rows.columns)
      return rows.joined(
        operations, auxiliarySkips: [Float](repeating: 0, count: rows.edges),
        bypasses: rows.hasBypasses ? take(rows.edges) : [])
    }
    func own(_ values: [[Double]]) -> [Double] {
      zip(values, rows).flatMap { values, rows in
        let parts = rows.parts(of: values)
        return parts.operations + (parts.bypasses ?? [])
      }
    }
    let result = try engine.tangents(
      NetworkInput(batch: batch, mixing: mixing(alphas)), along: tangents, weights: weights)
    return AlphaHessianProduct(
      loss: result.loss, gradient: own(result.mixingGradient), product: own(result.mixingGradientTangent))
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
