import Cells
import Compute
import Datasets
import Formats
import Foundation

/// A DARTS supernet: losses and gradients of (ω, α) on batches of images.
///
/// Weights live outside, in `ParameterVector`s that `makeVector` shapes, so that several copies of ω (the candidates of a
/// ZARTS update, the unrolled weights of second-order DARTS) share one network. Not for concurrent use.
public final class SupernetModel {
  public let architecture: SupernetArchitecture
  /// Images that buffers are laid out for; a larger batch lays them out anew.
  public var batch: Int { plan.batch }
  /// Bytes of activations and scratch.
  public var activationBytes: Int { plan.byteCount }
  /// Threads that share one batch.
  public var threadCount: Int { pool.threadCount }
  /// Name of the instruction set in use.
  public let instructionSet: String

  private(set) var plan: NetworkPlan
  private var tangents: TangentNetwork?
  private let pool: ThreadPool
  private let kernels: KernelSet

  /// - Parameters:
  ///   - batch: images of the largest batch.
  ///   - threads: threads that share one batch; no result depends on their number.
  /// - Throws: `InputError` for a batch or a number of threads out of bounds, `MemoryShortage` where it needs more
  ///   memory than there is.
  public init(architecture: SupernetArchitecture, batch: Int, threads: Int, kernels: KernelSet) throws {
    try BatchLoader.batchSizes.require(batch, at: .setting("batch"), "unsupported size")
    try ThreadPool.counts.require(threads, at: .setting("threads"), "unsupported size")
    self.architecture = architecture
    self.kernels = kernels
    instructionSet = kernels.name
    pool = ThreadPool(threadCount: threads)
    plan = try NetworkPlan(architecture.networkLayout, batch: batch, pool: pool, kernels: kernels)
  }

  /// The network with derivatives along directions of α, for batches of at least `count` images.
  func tangentNetwork(for count: Int) throws(MemoryShortage) -> TangentNetwork {
    if let tangents, tangents.batch >= count { return tangents }
    guard let layout = architecture.networkLayout as? any TangentLayout else {
      preconditionFailure("every supernet can be lowered with derivatives")
    }
    // The smaller one makes room first.
    tangents = nil
    let network = try TangentNetwork(layout, batch: count, pool: pool, kernels: kernels)
    tangents = network
    return network
  }

  /// A zero vector with room for ω, a gradient or a momentum.
  public func makeVector() -> ParameterVector { plan.parameters.makeVector() }

  /// ω as PyTorch initialises it: U(±1/√fan-in) for convolutions and the classifier, batch-norm scale 1 and shift 0.
  public func makeInitialWeights(seed: UInt64) -> ParameterVector {
    plan.parameters.makeInitialWeights(seed: seed)
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

  /// Running statistics at their start: mean 0, variance 1.
  public func makeInitialStatistics() -> ParameterVector {
    plan.statistics.makeInitial()
  }

  /// Mean cross-entropy and accuracy with the batch's own statistics or, where given, with running ones, which stay as they
  /// are (`eval()` of PyTorch); no gradient.
  public func evaluate(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: ImageBatch, statistics: ParameterVector? = nil
  ) -> (loss: Double, correct: Int) {
    let result = run(
      weights: weights, mixing: mixing(alphas), batch: batch, weightGradient: nil, wantsAlphaGradient: false,
      statistics: statistics, usesRunning: statistics != nil)
    return (result.loss, result.correct)
  }

  /// A forward pass that moves running statistics r towards the batch's s: r + momentum · (s − r), the variance unbiased.
  /// With a momentum of 1/k at the k-th batch r is their mean, PyTorch's `momentum=None`.
  public func moveStatistics(
    _ statistics: ParameterVector, momentum: Float, weights: ParameterVector, alphas: ArchitectureParameters,
    batch: ImageBatch
  ) {
    _ = run(
      weights: weights, mixing: mixing(alphas), batch: batch, weightGradient: nil, wantsAlphaGradient: false,
      statistics: statistics, statisticsMomentum: momentum)
  }

  /// Loss and gradients: ∂L/∂ω overwrites `weightGradient` where given; ∂L/∂α is returned where wanted.
  public func gradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: ImageBatch, weightGradient: ParameterVector?,
    wantsAlphaGradient: Bool, statistics: ParameterVector?
  ) -> (loss: Double, correct: Int, alphas: ArchitectureParameters?) {
    let result = run(
      weights: weights, mixing: mixing(alphas), batch: batch, weightGradient: weightGradient,
      wantsAlphaGradient: wantsAlphaGradient, statistics: statistics)
    guard wantsAlphaGradient else { return (result.loss, result.correct, nil) }
    let gradient = ArchitectureParameters(
      kinds: alphas.kinds,
      matrices: zip(alphas.matrices, result.mixingGradient).map { self.gradient(of: $0, mixing: $1) })
    return (result.loss, result.correct, gradient)
  }

  /// Mean cross-entropy and accuracy of a derived architecture that inherits the supernet's weights: its edges are their
  /// operation alone and all others are gone, which no α can say where a space has no `none`.
  ///
  /// - Throws: `InputError` where an edge's operation is none of its candidates.
  public func evaluate(weights: ParameterVector, genotype: Genotype, batch: ImageBatch) throws -> (
    loss: Double, correct: Int
  ) {
    let mixing = try zip(genotype.cells, architecture.operations.candidates).map { try self.mixing($0, $1) }
    let result = run(
      weights: weights, mixing: mixing, batch: batch, weightGradient: nil, wantsAlphaGradient: false, statistics: nil)
    return (result.loss, result.correct)
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

  /// The plan's weights of α.
  func mixing(_ alphas: ArchitectureParameters) -> [[Float]] { alphas.matrices.map { mixing($0) } }

  /// The plan's weights: of the operations, then of what bypasses them on each edge.
  private func mixing(_ alphas: ArchitectureParameters.Matrix) -> [Float] {
    let operations = alphas.strengths().map(Float.init)
    return architecture.variant.partialChannels > 1 ? operations + alphas.edgeWeights().map(Float.init) : operations
  }

  private func gradient(of alphas: ArchitectureParameters.Matrix, mixing: [Double]) -> ArchitectureParameters.Matrix {
    let count = alphas.rows * alphas.operationColumns
    return alphas.throughSoftmax(
      strengthGradient: Array(mixing[..<count]), bypassGradient: mixing.count > count ? Array(mixing[count...]) : nil)
  }

  /// What one image costs without gradients, and with those of α alone or of ω too.
  public var forwardCost: PlanCost { plan.forwardCost }
  public func gradientCost(wantsWeights: Bool) -> PlanCost { plan.gradientCost(wantsWeights: wantsWeights) }

  /// [count, classes] of the last evaluation, row-major.
  public func lastLogits(count: Int) -> [Float] { plan.logits(count: count) }

  private func run(
    weights: ParameterVector, mixing: [[Float]], batch: ImageBatch, weightGradient: ParameterVector?,
    wantsAlphaGradient: Bool, statistics: ParameterVector?, usesRunning: Bool = false,
    statisticsMomentum: Float = Float(BatchNorm.momentum)
  ) -> NetworkPlan.Result {
    precondition(weights.count == plan.parameters.count, "weights of another network")
    precondition(statistics == nil || statistics?.count == plan.statistics.count, "statistics of another network")
    precondition(
      batch.channels == 3 && batch.height == architecture.imageSize && batch.width == architecture.imageSize,
      "images of another size than the network's")
    if batch.count > plan.batch {
      do throws(MemoryShortage) {
        plan = try NetworkPlan(architecture.networkLayout, batch: batch.count, pool: pool, kernels: kernels)
      } catch {
        error.end()
      }
    }
    return batch.images.withUnsafeBufferPointer { images in
      batch.labels.withUnsafeBufferPointer { labels in
        guard let images = images.baseAddress, let labels = labels.baseAddress else {
          preconditionFailure("a batch has images")
        }
        return plan.run(
          .init(
            images: images, labels: labels, count: batch.count, noiseKey: batch.noiseKey,
            skipDropout: batch.skipDropout), weights: weights.storage, mixing: mixing,
          weightGradient: weightGradient?.storage, wantsMixingGradient: wantsAlphaGradient,
          running: statistics?.storage, usesRunning: usesRunning, statisticsMomentum: statisticsMomentum)
      }
    }
  }
}
