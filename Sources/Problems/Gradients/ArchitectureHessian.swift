import Cells
import Compute
import Statistics

/// H = ∇²_α L_val(ω, α) at fixed ω, by way of its products with vectors (Zela et al., *Understanding and robustifying
/// differentiable architecture search*, ICLR 2020, §4.1, where its dominant eigenvalue tells a collapse).
///
/// Products are exact ones, as the code of that paper has by double backpropagation, or differences
///
///     H v ≈ ‖v‖ [∇_α L_val(ω, α + εv/‖v‖) − ∇_α L_val(ω, α − εv/‖v‖)] / 2ε
///
/// of the exact α-gradient; `HessianProducts` says what each measures. α is taken flat, the normal matrix first.
public final class ArchitectureHessian<Problem: BilevelProblem> {
  private let problem: Problem
  private let weights: ParameterVector
  private let alphas: ArchitectureParameters
  private let batches: [Problem.Batch]
  /// How products are made.
  public let products: HessianProducts
  /// By what L_val is differentiated.
  public let coordinates: HessianCoordinates
  private let isStopRequested: () -> Bool
  /// Of the products of the last `dominantEigenvalue`: what is left of an exact Hessian's is rounding, of a difference's
  /// noise too.
  public private(set) var asymmetry: ProductAsymmetry?

  /// - Parameters:
  ///   - batches: L_val is the mean over their examples.
  ///   - isStopRequested: asked before each product or gradient of a batch.
  /// - Precondition: differences are of α; only exact products are there in mixing weights.
  public init(
    problem: Problem, weights: ParameterVector, alphas: ArchitectureParameters, batches: [Problem.Batch],
    products: HessianProducts = .exact, coordinates: HessianCoordinates = .alphas,
    isStopRequested: @escaping () -> Bool = { false }
  ) {
    precondition(coordinates == .alphas || products == .exact, "differences are of gradients of α")
    self.problem = problem
    self.weights = weights
    self.alphas = alphas
    self.batches = batches
    self.products = products
    self.coordinates = coordinates
    self.isStopRequested = isStopRequested
  }

  /// Values of a vector that H is multiplied with.
  public var dimension: Int {
    switch coordinates {
    case .alphas: alphas.count
    case .mixing: problem.mixingCount
    }
  }

  /// H v, of `dimension` values.
  ///
  /// - Throws: `Divergence` where a gradient or a product is not finite; `CancellationError` where a stop is requested;
  ///   `MemoryShortage` where exact products need more memory than there is.
  public func product(_ vector: [Double]) throws -> [Double] {
    let length = vector.length
    guard length > 0 else { return vector }
    // In float32 along a vector of length 1, whatever the length asked for.
    let unit = vector.map { $0 / length }
    switch products {
    case .exact: return try exact(unit).map { length * $0 }
    case .difference(let displacement):
      let step = unit.map { displacement * $0 }
      let (ahead, behind) = (try gradient(at: step), try gradient(at: step.map { -$0 }))
      return zip(ahead, behind).map { length * ($0 - $1) / (2 * displacement) }
    }
  }

  /// H itself, row by row, made symmetric: as many products as a vector has values.
  ///
  /// - Throws: as `product` does.
  public func dense() throws -> [[Double]] {
    let columns = try (0..<dimension).map { index in
      try product((0..<dimension).map { $0 == index ? 1 : 0 })
    }
    return columns.indices.map { row in columns.indices.map { (columns[row][$0] + columns[$0][row]) / 2 } }
  }

  /// The largest eigenvalue of H and its vector.
  ///
  /// - Parameters:
  ///   - seed: with the epoch, the key of the random start.
  /// - Throws: as `product` does.
  public func dominantEigenvalue(seed: UInt64, epoch: Int, tolerance: Double = 1e-3) throws -> Lanczos {
    try largestEigenvalues(1, seed: seed, epoch: epoch, tolerance: tolerance, limit: Self.limit)
  }

  /// The same for several of the largest eigenvalues.
  ///
  /// - Parameter limit: of products.
  /// - Throws: as `product` does.
  public func largestEigenvalues(
    _ count: Int, seed: UInt64, epoch: Int, tolerance: Double, limit: Int
  ) throws -> Lanczos {
    var stream = RandomStream(seed: seed, purpose: .eigenvalues, epoch: epoch)
    var (vectors, images): ([[Double]], [[Double]]) = ([], [])
    let found = try Lanczos(
      start: stream.normals(dimension), wanted: min(count, dimension), tolerance: tolerance, limit: limit
    ) { vector in
      let image = try product(vector)
      vectors.append(vector)
      images.append(image)
      return image
    }
    asymmetry = try ProductAsymmetry(vectors: vectors, products: images)
    return found
  }

  /// The same Hessian by products of another kind or over another distance.
  public func with(_ products: HessianProducts) -> ArchitectureHessian {
    ArchitectureHessian(
      problem: problem, weights: weights, alphas: alphas, batches: batches, products: products, coordinates: coordinates,
      isStopRequested: isStopRequested)
  }

  private func exact(_ direction: [Double]) throws -> [Double] {
    try mean("a Hessian product", count: direction.count) { batch in
      let result = try problem.hessianProduct(
        weights: weights, alphas: alphas, direction: direction, coordinates: coordinates, batch: batch)
      return (result.product, result.count)
    }
  }

  /// ∇_α L_val(ω, α + step).
  private func gradient(at step: [Double]) throws -> [Double] {
    let place = alphas.moved(by: step)
    return try mean("an α gradient of the Hessian", count: step.count) { batch in
      let result = problem.gradient(
        weights: weights, alphas: place, batch: batch, weightGradient: nil, wantsAlphaGradient: true, statistics: nil)
      return (result.requestedAlphas(like: alphas).flat.map(Double.init), result.loss.count)
    }
  }

  /// The mean over the examples of all batches.
  ///
  /// - Parameters:
  ///   - what: is averaged, for the account of a divergence.
  ///   - values: the mean over a batch, and how many examples that has.
  private func mean(
    _ what: String, count size: Int, of values: (Problem.Batch) throws -> (values: [Double], count: Int)
  ) throws -> [Double] {
    var (sum, count) = ([Double](repeating: 0, count: size), 0)
    for batch in batches {
      if isStopRequested() { throw CancellationError() }
      let result = try values(batch)
      for index in sum.indices { sum[index] += result.values[index] * Double(result.count) }
      count += result.count
    }
    let mean = sum.map { $0 / Double(count) }
    guard mean.allSatisfy(\.isFinite) else {
      throw Divergence("\(what) is not finite: ‖α‖ \(alphas.norm), ‖ω‖ \(weights.norm), \(batches.count) batches")
    }
    return mean
  }

  /// Products at most of a dominant eigenvalue.
  static var limit: Int { 60 }
}
