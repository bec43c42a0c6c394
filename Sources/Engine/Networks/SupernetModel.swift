import Cells
import Compute
import Datasets
import Formats

/// A supernet: losses and gradients of (ω, α) on batches of images. It makes mixing weights of α for an engine, and gradients
/// of α of theirs.
public final class SupernetModel: NetworkModel {
  public let architecture: SupernetArchitecture
  public let engine: any NetworkEngine

  /// - Parameters:
  ///   - batch: images of the largest batch.
  ///   - threads: threads that share one batch; no result depends on their number.
  ///   - kind: the kind of engine.
  ///   - kernels: the set that the program has chosen.
  /// - Throws: as `EngineKind.make`.
  public init(
    architecture: SupernetArchitecture, batch: Int, threads: Int, on kind: EngineKind = .cpu, kernels: KernelSet
  ) throws {
    self.architecture = architecture
    engine = try kind.make(.supernet(architecture), batch: batch, threads: threads, kernels: kernels)
  }

  /// α ~ 1e-3 · N(0, 1), β likewise. The operations come first, so that they are the same with β as without.
  public func makeInitialAlphas(seed: UInt64) -> ArchitectureParameters {
    var alphas = architecture.operations.zeroAlphas(edgeNormalisation: architecture.variant.edgeNormalisation)
    var stream = RandomStream(seed: seed, purpose: .alphas)
    func fill(_ matrix: inout ArchitectureParameters.Matrix, _ columns: Range<Int>) {
      for row in 0..<matrix.rows {
        for column in columns { matrix[row, column] = Float(1e-3 * stream.normal()) }
      }
    }
    let first = alphas.matrices[0]
    for columns in [0..<first.operationColumns, first.operationColumns..<first.columns] {
      for kind in alphas.matrices.indices { fill(&alphas.matrices[kind], columns) }
    }
    return alphas
  }

  /// Mean cross-entropy and accuracy with the batch's own statistics or, where given, with running ones, which stay as they
  /// are (`eval()` of PyTorch); no gradient.
  public func evaluate(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: ImageBatch, statistics: ParameterVector? = nil
  ) -> (loss: Double, correct: Int) {
    let result = run(mixing(alphas), batch, weights: weights, statistics.map { .running($0) } ?? .ofBatch)
    return (result.loss, result.correct)
  }

  /// Mean cross-entropy and accuracy with the batch's own statistics of the supernet without one operation or edge: the other
  /// mixing weights stay those of α.
  ///
  /// - Parameter removal: within the matrices of α.
  public func evaluate(
    weights: ParameterVector, alphas: ArchitectureParameters, without removal: MixingRemoval, batch: ImageBatch
  ) -> (loss: Double, correct: Int) {
    var mixing = mixing(alphas)
    removal.apply(
      to: &mixing, edges: alphas.matrices.map(\.rows), hasBypasses: architecture.variant.partialChannels > 1)
    let result = run(mixing, batch, weights: weights, .ofBatch)
    return (result.loss, result.correct)
  }

  /// A forward pass that moves running statistics r towards the batch's s: r + momentum · (s − r), the variance unbiased.
  /// With a momentum of 1/k at the k-th batch r is their mean, PyTorch's `momentum=None`.
  public func moveStatistics(
    _ statistics: ParameterVector, momentum: Float, weights: ParameterVector, alphas: ArchitectureParameters,
    batch: ImageBatch
  ) {
    _ = run(mixing(alphas), batch, weights: weights, .moving(statistics, momentum: momentum))
  }

  /// Loss and gradients: ∂L/∂ω overwrites `weightGradient` where given; ∂L/∂α is returned where wanted. Running statistics
  /// move where given.
  public func gradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: ImageBatch, weightGradient: ParameterVector?,
    wantsAlphaGradient: Bool, statistics: ParameterVector?
  ) -> (loss: Double, correct: Int, alphas: ArchitectureParameters?) {
    let result = engine.run(
      NetworkInput(batch: batch, mixing: mixing(alphas)), weights: weights, weightGradient: weightGradient,
      wantsMixingGradient: wantsAlphaGradient, statistics: statistics.map { .moving($0) } ?? .ofBatch)
    guard wantsAlphaGradient else { return (result.loss, result.correct, nil) }
    let gradient = ArchitectureParameters(
      kinds: alphas.kinds,
      matrices: zip(alphas.matrices, result.mixingGradient).map { self.gradient(of: $0, mixing: $1) })
    return (result.loss, result.correct, gradient)
  }

  /// Mean cross-entropy and accuracy of a derived architecture that inherits the supernet's weights: its edges are their
  /// operation alone and all others are gone, which no α can say where a space has no `none`.
  ///
  /// - Parameter statistics: running ones, which stay as they are; nil for the batch's own.
  /// - Throws: `InputError` where an edge's operation is none of its candidates, or the cells are of another space.
  public func evaluate(
    weights: ParameterVector, genotype: Genotype, batch: ImageBatch, statistics: ParameterVector? = nil
  ) throws -> (loss: Double, correct: Int) {
    let result = run(try mixing(genotype), batch, weights: weights, statistics.map { .running($0) } ?? .ofBatch)
    return (result.loss, result.correct)
  }

  /// Moves running statistics by a forward pass of such a derived architecture, as the other does by one of α.
  ///
  /// - Throws: as `evaluate`.
  public func moveStatistics(
    _ statistics: ParameterVector, momentum: Float, weights: ParameterVector, genotype: Genotype, batch: ImageBatch
  ) throws {
    _ = run(try mixing(genotype), batch, weights: weights, .moving(statistics, momentum: momentum))
  }

  /// - Throws: `InputError` where the supernet has no such derived architecture.
  public func check(_ genotype: Genotype) throws { _ = try mixing(genotype) }

  private func mixing(_ genotype: Genotype) throws -> [[Float]] {
    let kinds = architecture.operations.kinds
    guard genotype.kinds == kinds else {
      throw InputError(
        "cells of another space", at: "genotype", found: genotype.kinds.map(\.name).joined(separator: ", "),
        wanted: kinds.map(\.name).joined(separator: ", "))
    }
    return try zip(genotype.cells, architecture.operations.candidates).map { try mixing($0, $1) }
  }

  private func mixing(_ cell: Genotype.Cell, _ candidates: [[CellOperation]]) throws -> [Float] {
    let columns = candidates[0].count
    var operations = [Float](repeating: 0, count: candidates.count * columns)
    var bypass = [Float](repeating: 0, count: candidates.count)
    for (index, (edge, row)) in zip(cell.edges, cell.rows).enumerated() {
      guard let column = candidates[row].firstIndex(of: edge.operation) else {
        throw InputError(
          "an operation that the supernet does not have there", at: "genotype, \(cell.kind.name)[\(index)]",
          found: edge.operation.rawValue, wanted: candidates[row].map(\.rawValue).joined(separator: ", "))
      }
      operations[row * columns + column] = 1
      bypass[row] = 1
    }
    return architecture.variant.partialChannels > 1 ? operations + bypass : operations
  }

  /// The mixing weights of α.
  func mixing(_ alphas: ArchitectureParameters) -> [[Float]] { alphas.matrices.map { mixing($0) } }

  /// The mixing weights of a kind: of the operations, then of what bypasses them on each edge.
  private func mixing(_ alphas: ArchitectureParameters.Matrix) -> [Float] {
    let operations = alphas.strengths().map(Float.init)
    return architecture.variant.partialChannels > 1 ? operations + alphas.edgeWeights().map(Float.init) : operations
  }

  private func gradient(of alphas: ArchitectureParameters.Matrix, mixing: [Double]) -> ArchitectureParameters.Matrix {
    let count = alphas.rows * alphas.operationColumns
    return alphas.throughSoftmax(
      strengthGradient: Array(mixing[..<count]), bypassGradient: mixing.count > count ? Array(mixing[count...]) : nil)
  }

  /// A run without gradients.
  private func run(
    _ mixing: [[Float]], _ batch: ImageBatch, weights: ParameterVector, _ statistics: NetworkStatistics
  ) -> NetworkResult {
    engine.run(
      NetworkInput(batch: batch, mixing: mixing), weights: weights, weightGradient: nil, wantsMixingGradient: false,
      statistics: statistics)
  }
}
