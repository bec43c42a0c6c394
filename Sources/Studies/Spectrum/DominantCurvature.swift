import Problems

/// The largest eigenvalue of ∇²_α L_val, and what tells how far it can be believed: the asymmetry of the products and, of
/// differences, the eigenvalue at half of ε.
public struct DominantCurvature: Sendable {
  public let largest: Double
  /// Of Lanczos' iteration: how far from an eigenvalue of the products' Hessian it is, and no more than that.
  public let residual: Double
  public let asymmetry: Double
  /// With half of ε, and products that it took; nil of exact products.
  public let atHalf: (largest: Double, products: Int)?
  /// The greatest of the residual, of what an antisymmetric part of this size can do, and of the change with ε.
  public let uncertainty: Double
  public let products: Int

  /// - Parameters:
  ///   - seed: with the epoch, the key of the random starts.
  /// - Throws: as `ArchitectureHessian.product` does.
  public init<Problem: BilevelProblem>(
    of hessian: ArchitectureHessian<Problem>, seed: UInt64, epoch: Int, tolerance: Double = 1e-3
  ) throws {
    let found = try hessian.dominantEigenvalue(seed: seed, epoch: epoch, tolerance: tolerance)
    (largest, residual, products) = (found.largest, found.residual, found.products)
    atHalf = try hessian.products.halved.map {
      let half = try hessian.with($0).dominantEigenvalue(seed: seed, epoch: epoch, tolerance: tolerance)
      return (half.largest, half.products)
    }
    asymmetry = hessian.asymmetry?.relative ?? 0
    let change = atHalf.map { abs($0.largest - found.largest) } ?? 0
    uncertainty = max(residual, hessian.asymmetry?.eigenvalueBound ?? 0, change)
  }
}
