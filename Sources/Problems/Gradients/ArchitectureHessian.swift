import Cells
import Compute
import Statistics

/// H = ∇²_α L_val(ω, α) at fixed ω, by way of its products with vectors (Zela et al., *Understanding and robustifying
/// differentiable architecture search*, ICLR 2020, §4.1, where its dominant eigenvalue tells a collapse).
///
///     H v ≈ ‖v‖ [∇_α L_val(ω, α + εv/‖v‖) − ∇_α L_val(ω, α − εv/‖v‖)] / 2ε
///
/// The gradients are the exact ones of first-order DARTS. They jump where a ReLU or a maximum switches: over a distance ε
/// many small jumps add up like a random walk, which leaves noise of order 1/√ε in a product, beside an error of order ε²
/// from the smooth part. So this is the curvature at distance ε, and ε must not be small. A product costs two α-gradients a
/// batch. α is taken flat, the normal matrix first.
public final class ArchitectureHessian<Problem: BilevelProblem> {
  /// ε, in units of α: where the noise of a supernet has gone under (docs/methods.md has the measurement).
  public static var defaultDisplacement: Double { 0.5 }

  private let problem: Problem
  private let weights: ParameterVector
  private let alphas: ArchitectureParameters
  private let batches: [Problem.Batch]
  /// ε.
  public let displacement: Double
  private let isStopRequested: () -> Bool
  /// Of the products of the last `dominantEigenvalue`.
  public private(set) var asymmetry: ProductAsymmetry?

  /// - Parameters:
  ///   - batches: L_val is the mean over their examples.
  ///   - isStopRequested: asked before each gradient.
  public init(
    problem: Problem, weights: ParameterVector, alphas: ArchitectureParameters, batches: [Problem.Batch],
    displacement: Double = ArchitectureHessian.defaultDisplacement, isStopRequested: @escaping () -> Bool = { false }
  ) {
    self.problem = problem
    self.weights = weights
    self.alphas = alphas
    self.batches = batches
    self.displacement = displacement
    self.isStopRequested = isStopRequested
  }

  /// H v, of the size of α.
  ///
  /// - Throws: `Divergence` where a gradient is not finite; `CancellationError` where a stop is requested.
  public func product(_ vector: [Double]) throws -> [Double] {
    let length = vector.length
    guard length > 0 else { return vector }
    let step = vector.map { displacement * $0 / length }
    let (ahead, behind) = (try gradient(at: step), try gradient(at: step.map { -$0 }))
    return zip(ahead, behind).map { length * ($0 - $1) / (2 * displacement) }
  }

  /// H itself, row by row, made symmetric: as many products as α has values.
  ///
  /// - Throws: as `product` does.
  public func dense() throws -> [[Double]] {
    let columns = try (0..<alphas.count).map { index in
      try product((0..<alphas.count).map { $0 == index ? 1 : 0 })
    }
    return columns.indices.map { row in columns.indices.map { (columns[row][$0] + columns[$0][row]) / 2 } }
  }

  /// The largest eigenvalue of H and its vector.
  ///
  /// - Parameters:
  ///   - seed: with the epoch, the key of the random start.
  /// - Throws: as `product` does.
  public func dominantEigenvalue(seed: UInt64, epoch: Int, tolerance: Double = 1e-3) throws -> Lanczos {
    var stream = RandomStream(seed: seed, purpose: .eigenvalues, epoch: epoch)
    var (vectors, products): ([[Double]], [[Double]]) = ([], [])
    let found = try Lanczos(start: stream.normals(alphas.count), tolerance: tolerance, limit: Self.limit) { vector in
      let product = try product(vector)
      vectors.append(vector)
      products.append(product)
      return product
    }
    asymmetry = try ProductAsymmetry(vectors: vectors, products: products)
    return found
  }

  /// The same Hessian by differences over another distance.
  public func with(displacement: Double) -> ArchitectureHessian {
    ArchitectureHessian(
      problem: problem, weights: weights, alphas: alphas, batches: batches, displacement: displacement,
      isStopRequested: isStopRequested)
  }

  /// ∇_α L_val(ω, α + step).
  private func gradient(at step: [Double]) throws -> [Double] {
    let place = alphas.moved(by: step)
    var (sum, count) = ([Double](repeating: 0, count: alphas.count), 0)
    for batch in batches {
      if isStopRequested() { throw CancellationError() }
      let result = problem.gradient(
        weights: weights, alphas: place, batch: batch, weightGradient: nil, wantsAlphaGradient: true, statistics: nil)
      let values = result.requestedAlphas(like: alphas).flat
      for index in sum.indices { sum[index] += Double(values[index]) * Double(result.loss.count) }
      count += result.loss.count
    }
    let mean = sum.map { $0 / Double(count) }
    guard mean.allSatisfy(\.isFinite) else {
      throw Divergence(
        "an α gradient of the Hessian is not finite: ‖α‖ \(alphas.norm), ‖ω‖ \(weights.norm), \(batches.count) batches")
    }
    return mean
  }

  /// Products at most.
  static var limit: Int { 60 }
  /// What an eigenvalue usually costs, in training steps a batch; for estimates of the time left.
  package static var usualCost: Double { 20 }
}
