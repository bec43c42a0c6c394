import Cells
import Compute
import Datasets
import Formats

/// A derived network: losses and gradients of its weights on batches of images, and predictions with running statistics.
///
/// Weights live outside, in `ParameterVector`s that `makeVector` shapes. Not for concurrent use.
public final class DerivedModel {
  public let architecture: DerivedArchitecture
  /// Images that buffers are laid out for; a larger batch lays them out anew.
  public var batch: Int { plan.batch }
  /// Bytes of activations and scratch.
  public var activationBytes: Int { plan.byteCount }

  private var plan: NetworkPlan
  private let layout: any NetworkLayout
  private let mixing: [[Float]]
  private let pool: ThreadPool
  private let kernels: KernelSet

  /// What a training step does besides the gradient of the cross-entropy.
  public struct Regularisation: Equatable, Sendable {
    /// Probability with which a path of an image is dropped.
    public var dropPath: Double
    /// What the auxiliary head's loss counts.
    public var auxiliaryWeight: Double
    /// ε of label smoothing.
    public var labelSmoothing: Double

    public init(dropPath: Double = 0, auxiliaryWeight: Double = 0.4, labelSmoothing: Double = 0) {
      self.dropPath = dropPath
      self.auxiliaryWeight = auxiliaryWeight
      self.labelSmoothing = labelSmoothing
    }
  }

  /// - Parameters:
  ///   - batch: images of the largest batch.
  ///   - threads: threads that share one batch; no result depends on their number.
  /// - Throws: `InputError` for a batch or a number of threads out of bounds, `MemoryShortage` where it needs more
  ///   memory than there is.
  public init(architecture: DerivedArchitecture, batch: Int, threads: Int, kernels: KernelSet) throws {
    try BatchLoader.batchSizes.require(batch, at: .setting("batch"), "unsupported size")
    try ThreadPool.counts.require(threads, at: .setting("threads"), "unsupported size")
    self.architecture = architecture
    self.kernels = kernels
    pool = ThreadPool(threadCount: threads)
    layout = architecture.networkLayout
    mixing = layout.mixingCounts.map { [Float](repeating: 1, count: $0) }
    plan = try NetworkPlan(layout, batch: batch, pool: pool, kernels: kernels)
  }

  /// A zero vector with room for the weights, a gradient or a momentum.
  public func makeVector() -> ParameterVector { plan.parameters.makeVector(kernels) }

  /// Weights as PyTorch initialises them.
  public func makeInitialWeights(seed: UInt64) -> ParameterVector {
    plan.parameters.makeInitialWeights(seed: seed, kernels: kernels)
  }

  /// Running statistics at their start: mean 0, variance 1.
  public func makeInitialStatistics() -> ParameterVector { plan.statistics.makeInitial(kernels) }

  /// Loss and gradient of a training batch, with the batch's own statistics.
  ///
  /// - Parameters:
  ///   - weightGradient: overwritten with the gradient of loss + auxiliaryWeight · auxiliary loss.
  ///   - keep: which paths of which images are kept, [`pathCount`, images]; nil where none is dropped.
  ///   - statistics: running statistics, moved.
  /// - Returns: mean cross-entropy of the main and of the auxiliary head, and correct predictions of the main one.
  public func gradient(
    weights: ParameterVector, batch: ImageBatch, regularisation: Regularisation, keep: [Bool]?,
    weightGradient: ParameterVector, statistics: ParameterVector?
  ) -> (loss: Double, auxiliaryLoss: Double?, correct: Int) {
    precondition(keep == nil || keep?.count == pathCount * batch.count, "keep is [paths, images]")
    let drops = keep.map {
      PathDrops(images: batch.count, isKept: $0, scale: Float(1 / (1 - regularisation.dropPath)))
    }
    let result = run(
      weights: weights, batch: batch, regularisation: regularisation, drops: drops, weightGradient: weightGradient,
      statistics: statistics, usesRunning: false)
    return (result.loss, result.auxiliaryLoss, result.correct)
  }

  /// Paths that drop-path chooses from, eight a cell; identities among them are kept whatever `keep` says.
  public var pathCount: Int { layout.pathCount }

  /// Mean cross-entropy and correct predictions, with running statistics or, where nil, the batch's own.
  public func evaluate(weights: ParameterVector, statistics: ParameterVector?, batch: ImageBatch) -> (
    loss: Double, correct: Int
  ) {
    let result = run(
      weights: weights, batch: batch, regularisation: .init(), drops: nil, weightGradient: nil, statistics: statistics,
      usesRunning: statistics != nil)
    return (result.loss, result.correct)
  }

  /// What one image costs without gradients (the auxiliary head left out), and with those of the weights.
  public var forwardCost: PlanCost { plan.forwardCost }
  public var gradientCost: PlanCost { plan.gradientCost(wantsWeights: true) }

  /// [count, classes] of the last run, row-major.
  public func lastLogits(count: Int) -> [Float] { plan.logits(count: count) }

  private func run(
    weights: ParameterVector, batch: ImageBatch, regularisation: Regularisation, drops: PathDrops?,
    weightGradient: ParameterVector?, statistics: ParameterVector?, usesRunning: Bool
  ) -> NetworkPlan.Result {
    precondition(weights.count == plan.parameters.count, "weights of another network")
    precondition(
      batch.channels == 3 && batch.height == architecture.imageSize && batch.width == architecture.imageSize,
      "images of another size than the network's")
    if batch.count > plan.batch {
      do throws(MemoryShortage) {
        plan = try NetworkPlan(layout, batch: batch.count, pool: pool, kernels: kernels)
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
            smoothing: regularisation.labelSmoothing, auxiliaryWeight: regularisation.auxiliaryWeight, drops: drops),
          weights: weights.storage, mixing: mixing, weightGradient: weightGradient?.storage, wantsMixingGradient: false,
          running: statistics?.storage, usesRunning: usesRunning)
      }
    }
  }
}

/// Exchange with PyTorch: tensors under the names and shapes of the public evaluation networks.
extension DerivedModel {
  /// Named tensors of a vector that holds the weights, a gradient or a momentum.
  public func export(_ vector: ParameterVector) -> [NamedTensor] { plan.parameters.export(vector) }

  public func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor] { plan.statistics.export(statistics) }

  /// - Throws: `InputError` for a tensor that is missing, misshapen or not finite; `InputError` for one of another type.
  public func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector {
    try plan.parameters.importVector(from: file, prefix: prefix, kernels: kernels)
  }

  /// Running statistics, or nil when the file holds none.
  public func importStatistics(from file: TensorFile) throws -> ParameterVector? {
    try plan.statistics.importStatistics(from: file, kernels: kernels)
  }

  /// Weights of the whole network, the auxiliary head's among them or not.
  public func parameterCount(withAuxiliaryHead: Bool) -> Int {
    plan.parameters.entries.filter { withAuxiliaryHead || !$0.name.hasPrefix("auxiliary_head.") }.reduce(0) { $0 + $1.count }
  }
}
