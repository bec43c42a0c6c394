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
  /// are (`eval()` of PyTorch: no edge is dropped either); no gradient.
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
      NetworkInput(batch: batch, mixing: mixing(alphas), drops: drops(of: batch)), weights: weights,
      weightGradient: weightGradient,
      wantsMixingGradient: wantsAlphaGradient, statistics: statistics.map { .moving($0) } ?? .ofBatch)
    guard wantsAlphaGradient else { return (result.loss, result.correct, nil) }
    let gradient = ArchitectureParameters(
      kinds: alphas.kinds,
      matrices: alphas.matrices.indices.map { kind in
        let parts = rows[kind].parts(of: result.mixingGradient[kind])
        return alphas.matrices[kind].throughSoftmax(
          strengthGradient: parts.operations, bypassGradient: edgeGradient(parts, auxiliarySkip: alphas.auxiliarySkip))
      })
    return (result.loss, result.correct, gradient)
  }

  /// Loss with ∂L/∂p, p the softmax of each edge's operations, [edges, operations] of each kind of cell, β being as it is.
  ///
  /// - Parameter statistics: running ones, which stay as they are, and with which no edge is dropped; nil for the batch's own.
  public func mixingGradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: ImageBatch, statistics: ParameterVector?
  ) -> (loss: Double, correct: Int, mixing: [[Double]]) {
    let result = engine.run(
      NetworkInput(batch: batch, mixing: mixing(alphas), drops: statistics == nil ? drops(of: batch) : nil),
      weights: weights, weightGradient: nil, wantsMixingGradient: true,
      statistics: statistics.map { .running($0) } ?? .ofBatch)
    let mixing = alphas.matrices.indices.map { kind in
      let matrix = alphas.matrices[kind]
      let gradient = rows[kind].parts(of: result.mixingGradient[kind]).operations
      let edges = matrix.edgeWeights()
      return gradient.indices.map { edges[$0 / matrix.operationColumns] * gradient[$0] }
    }
    return (result.loss, result.correct, mixing)
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
    return try zip(zip(genotype.cells, architecture.operations.candidates), rows).map { try mixing($0.0, $0.1, $1) }
  }

  /// A derived architecture has no auxiliary skip connections: what they add is gone with the edges that are not chosen.
  private func mixing(_ cell: Genotype.Cell, _ candidates: [[CellOperation]], _ rows: MixingRows) throws -> [Float] {
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
    return rows.joined(
      operations, auxiliarySkips: [Float](repeating: 0, count: candidates.count), bypasses: bypass)
  }

  /// How the mixing weights of each kind of cell lie.
  var rows: [MixingRows] { architecture.operations.candidates.map { MixingRows(of: $0, in: architecture.variant) } }

  /// The mixing weights of α: of an edge's operations, of its auxiliary skip connection β times the weight of the edge, and of what
  /// bypasses them the weight of the edge.
  func mixing(_ alphas: ArchitectureParameters) -> [[Float]] {
    zip(alphas.matrices, rows).map { matrix, rows in
      let edges = matrix.edgeWeights()
      return rows.joined(
        matrix.strengths().map(Float.init), auxiliarySkips: edges.map { Float(Double(alphas.auxiliarySkip) * $0) },
        bypasses: edges.map(Float.init))
    }
  }

  /// The part of ∂L/∂(edge weights), or of its derivative, that reaches no operation: that of bypasses, and β times that of
  /// auxiliary skip connections; nil where there is neither.
  func edgeGradient(
    _ parts: (operations: [Double], auxiliarySkips: [Double]?, bypasses: [Double]?), auxiliarySkip: Float
  ) -> [Double]? {
    guard let skips = parts.auxiliarySkips else { return parts.bypasses }
    let beta = Double(auxiliarySkip)
    return skips.indices.map { beta * skips[$0] + (parts.bypasses?[$0] ?? 0) }
  }

  /// A run without gradients.
  private func run(
    _ mixing: [[Float]], _ batch: ImageBatch, weights: ParameterVector, _ statistics: NetworkStatistics
  ) -> NetworkResult {
    let isTraining = if case .running = statistics { false } else { true }
    return engine.run(
      NetworkInput(batch: batch, mixing: mixing, drops: isTraining ? drops(of: batch) : nil), weights: weights,
      weightGradient: nil, wantsMixingGradient: false, statistics: statistics)
  }

  /// Edges that the images of a batch drop; nil where none is dropped.
  private func drops(of batch: ImageBatch) -> PathDrops? {
    guard architecture.variant.dropsPaths, batch.dropPath > 0 else { return nil }
    return PathDrops(paths: engine.network.pathCount, of: batch, probability: batch.dropPath)
  }
}
