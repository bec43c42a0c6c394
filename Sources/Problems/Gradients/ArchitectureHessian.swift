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
  private let batchCount: Int
  private let batch: (_ index: Int) throws -> Problem.Batch
  /// How products are made.
  public let products: HessianProducts
  /// By what L_val is differentiated.
  public let coordinates: HessianCoordinates
  private let isStopRequested: () -> Bool
  private let spread: Spread?
  /// Of the products of the last `dominantEigenvalue`: what is left of an exact Hessian's is rounding, of a difference's
  /// noise too.
  public private(set) var asymmetry: ProductAsymmetry?

  /// - Parameters:
  ///   - batches: L_val is the mean over their examples.
  ///   - isStopRequested: asked before each product or gradient of a batch.
  /// - Precondition: differences are of α; only exact products are there in mixing weights.
  public convenience init(
    problem: Problem, weights: ParameterVector, alphas: ArchitectureParameters, batches: [Problem.Batch],
    products: HessianProducts = .exact, coordinates: HessianCoordinates = .alphas,
    isStopRequested: @escaping () -> Bool = { false }
  ) {
    self.init(
      problem: problem, weights: weights, alphas: alphas, batches: batches, products: products, coordinates: coordinates,
      isStopRequested: isStopRequested, spread: nil)
  }

  /// Computes parts of products in any order, here and elsewhere.
  package typealias Spread = (_ pieces: [HessianPiece]) throws -> [BatchMean]

  /// - Parameter spread: nil for one after the other on the problem. It asks for stops itself.
  package convenience init(
    problem: Problem, weights: ParameterVector, alphas: ArchitectureParameters, batches: [Problem.Batch],
    products: HessianProducts, coordinates: HessianCoordinates = .alphas, isStopRequested: @escaping () -> Bool,
    spread: Spread?
  ) {
    self.init(
      problem: problem, weights: weights, alphas: alphas, batchCount: batches.count, products: products,
      coordinates: coordinates, isStopRequested: isStopRequested, spread: spread
    ) { batches[$0] }
  }

  /// - Parameter batch: one of them, made for each product: all at once may take more memory than the network.
  package init(
    problem: Problem, weights: ParameterVector, alphas: ArchitectureParameters, batchCount: Int,
    products: HessianProducts = .exact, coordinates: HessianCoordinates = .alphas,
    isStopRequested: @escaping () -> Bool = { false }, spread: Spread? = nil,
    batch: @escaping (_ index: Int) throws -> Problem.Batch
  ) {
    precondition(coordinates == .alphas || products == .exact, "differences are of gradients of α")
    self.problem = problem
    self.weights = weights
    self.alphas = alphas
    (self.batchCount, self.batch) = (batchCount, batch)
    self.products = products
    self.coordinates = coordinates
    self.isStopRequested = isStopRequested
    self.spread = spread
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
  public func product(_ vector: [Double]) throws -> [Double] { try products(with: [vector])[0] }

  /// The same for several vectors, which don't wait for each other where parts are computed side by side.
  ///
  /// - Throws: as `product` does.
  public func products(with vectors: [[Double]]) throws -> [[Double]] {
    // In float32 along a vector of length 1, whatever the length asked for.
    let directions = vectors.map { vector -> (length: Double, means: [[Double]]) in
      let length = vector.length
      guard length > 0 else { return (0, []) }
      let unit = vector.map { $0 / length }
      guard let displacement = products.displacement else { return (length, [unit]) }
      let step = unit.map { displacement * $0 }
      return (length, [step, step.map { -$0 }])
    }
    var means = try self.means(along: directions.flatMap(\.means))[...]
    return zip(vectors, directions).map { vector, direction in
      let mine = means.prefix(direction.means.count)
      means = means.dropFirst(mine.count)
      guard let first = mine.first, let last = mine.last else { return vector }
      guard let displacement = products.displacement else { return first.map { direction.length * $0 } }
      return zip(first, last).map { direction.length * ($0 - $1) / (2 * displacement) }
    }
  }

  /// H itself, row by row, made symmetric: as many products as a vector has values.
  ///
  /// - Throws: as `product` does.
  public func dense() throws -> [[Double]] {
    let columns = try products(with: (0..<dimension).map { index in (0..<dimension).map { $0 == index ? 1 : 0 } })
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
      problem: problem, weights: weights, alphas: alphas, batchCount: batchCount, products: products,
      coordinates: coordinates, isStopRequested: isStopRequested, spread: spread, batch: batch)
  }

  private var kind: HessianPiece.Kind {
    guard products.displacement == nil else { return .gradient }
    return coordinates == .mixing ? .mixingProduct : .product
  }

  /// For each vector the mean over the examples of all batches: of products with it, or of gradients at α + it.
  private func means(along vectors: [[Double]]) throws -> [[Double]] {
    let pieces = vectors.flatMap { vector in (0..<batchCount).map { HessianPiece(kind, vector, batch: $0) } }
    let parts =
      try spread?(pieces)
      ?? pieces.map { piece in
        if isStopRequested() { throw CancellationError() }
        return try Self.part(piece, problem: problem, weights: weights, alphas: alphas, batch: batch(piece.batch))
      }
    return try vectors.indices.map { index in
      try mean(parts[index * batchCount..<(index + 1) * batchCount], count: vectors[index].count)
    }
  }

  private func mean(_ parts: ArraySlice<BatchMean>, count size: Int) throws -> [Double] {
    var (sum, count) = ([Double](repeating: 0, count: size), 0)
    for part in parts {
      for index in sum.indices { sum[index] += part.values[index] * Double(part.count) }
      count += part.count
    }
    let mean = sum.map { $0 / Double(count) }
    guard mean.allSatisfy(\.isFinite) else {
      let what = kind == .gradient ? "an α gradient of the Hessian" : "a Hessian product"
      throw Divergence("\(what) is not finite: ‖α‖ \(alphas.norm), ‖ω‖ \(weights.norm), \(batchCount) batches")
    }
    return mean
  }

  /// A part on a problem of the same data, which may be another rank's.
  ///
  /// - Parameter batch: the one that the piece names.
  /// - Throws: `MemoryShortage` where exact products need more memory than there is.
  package static func part(
    _ piece: HessianPiece, problem: Problem, weights: ParameterVector, alphas: ArchitectureParameters, batch: Problem.Batch
  ) throws -> BatchMean {
    switch piece.kind {
    case .product, .mixingProduct:
      let result = try problem.hessianProduct(
        weights: weights, alphas: alphas, direction: piece.vector,
        coordinates: piece.kind == .product ? .alphas : .mixing, batch: batch)
      return BatchMean(values: result.product, count: result.count)
    case .gradient:
      let result = problem.gradient(
        weights: weights, alphas: alphas.moved(by: piece.vector), batch: batch, weightGradient: nil,
        wantsAlphaGradient: true, statistics: nil)
      return BatchMean(
        values: result.requestedAlphas(like: alphas).flat.map(Double.init), count: result.loss.count)
    }
  }

  /// Products at most of a dominant eigenvalue.
  static var limit: Int { 60 }
}
