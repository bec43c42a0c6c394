import Cells
import Compute
import Datasets
import Formats

/// A derived network: losses and gradients of its weights on batches of images, and predictions with running statistics. It
/// says for an engine how a training step is regularised.
public final class DerivedModel: NetworkModel {
  public let architecture: DerivedArchitecture
  public let engine: any NetworkEngine
  /// Paths that drop-path chooses from, eight a cell; identities among them are kept whatever `keep` says.
  public let pathCount: Int
  /// Every operation is its edge's only one.
  private let mixing: [[Float]]

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
  ///   - kind: the kind of engine.
  ///   - kernels: the set that the program has chosen.
  /// - Throws: as `EngineKind.make`.
  public convenience init(
    architecture: DerivedArchitecture, batch: Int, threads: Int, on kind: EngineKind = .cpu, kernels: KernelSet
  ) throws {
    self.init(architecture, try kind.make(.derived(architecture), batch: batch, threads: threads, kernels: kernels))
  }

  private init(_ architecture: DerivedArchitecture, _ engine: any NetworkEngine) {
    self.architecture = architecture
    self.engine = engine
    pathCount = engine.network.pathCount
    mixing = engine.network.mixingCounts.map { [Float](repeating: 1, count: $0) }
  }

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
    let drops = keep.map {
      PathDrops(isKept: $0, images: batch.count, probability: regularisation.dropPath)
    }
    let result = engine.run(
      NetworkInput(
        batch: batch, mixing: mixing, smoothing: regularisation.labelSmoothing,
        auxiliaryWeight: regularisation.auxiliaryWeight, drops: drops),
      weights: weights, weightGradient: weightGradient, wantsMixingGradient: false,
      statistics: statistics.map { .moving($0) } ?? .ofBatch)
    return (result.loss, result.auxiliaryLoss, result.correct)
  }

  /// Mean cross-entropy and correct predictions, with running statistics or, where nil, the batch's own.
  public func evaluate(weights: ParameterVector, statistics: ParameterVector?, batch: ImageBatch) -> (
    loss: Double, correct: Int
  ) {
    let result = engine.run(
      NetworkInput(batch: batch, mixing: mixing), weights: weights, weightGradient: nil, wantsMixingGradient: false,
      statistics: statistics.map { .running($0) } ?? .ofBatch)
    return (result.loss, result.correct)
  }

  /// A forward pass that moves running statistics r towards the batch's s: r + momentum · (s − r), the variance unbiased. With a
  /// momentum of 1/k at the k-th batch r is their mean, PyTorch's `momentum=None`. Those of an auxiliary head stay as they are.
  public func moveStatistics(_ statistics: ParameterVector, momentum: Float, weights: ParameterVector, batch: ImageBatch) {
    _ = engine.run(
      NetworkInput(batch: batch, mixing: mixing), weights: weights, weightGradient: nil, wantsMixingGradient: false,
      statistics: .moving(statistics, momentum: momentum))
  }

  /// Weights of the whole network, the auxiliary head's among them or not.
  public func parameterCount(withAuxiliaryHead: Bool) -> Int {
    engine.tensors.parameters.filter { withAuxiliaryHead || !$0.name.hasPrefix("auxiliary_head.") }.reduce(0) {
      $0 + $1.count
    }
  }
}
