import Cells
import Compute
import Datasets
import Engine
import Formats

/// A derived network on images as a problem of its weights alone: α is `ArchitectureParameters.none`, since nothing is left to
/// choose, and L_train, L_val are losses of ω on the images that a retraining trains on and on those that it reports on.
public final class DerivedProblem: NetworkProblem {
  public let model: DerivedModel
  public let loader: RetrainingLoader
  /// Fixes ω at the start.
  public let seed: UInt64
  /// What L_train, whose gradient `gradient` takes, has besides the cross-entropy; nil for the cross-entropy alone.
  public let regularisation: DerivedModel.Regularisation?
  private let initialisation: WeightInitialisation
  private let kind: EngineKind
  private let kernels: KernelSet

  /// - Parameters:
  ///   - architecture: of the images of the loader. An auxiliary head has a part in a regularised loss alone; without one it is
  ///     best left out, or ω holds values that no loss depends on.
  ///   - regularisation: nil for the plain cross-entropy. A dropped path is drawn from the key of its batch, so that one batch drops
  ///     the same paths whenever it is met.
  ///   - initialisation: how ω is drawn at the start.
  ///   - engine: what computes the network.
  ///   - threads: threads that share a batch; no result depends on their number.
  ///   - kernels: the set that the program has chosen; nil for the one that `Kernels.select` chooses.
  /// - Throws: `InputError` for sizes that the engine does not take, `KernelError` for an unknown instruction set.
  public init(
    architecture: DerivedArchitecture, loader: RetrainingLoader, seed: UInt64, threads: Int,
    regularisation: DerivedModel.Regularisation? = nil, initialisation: WeightInitialisation = WeightInitialisation(),
    engine: EngineKind = .cpu, kernels: KernelSet? = nil
  ) throws {
    self.kernels = try kernels ?? Kernels.select()
    model = try DerivedModel(
      architecture: architecture,
      batch: min(loader.batchSize, max(1, loader.trainingMembers.count, loader.testMembers.count)), threads: threads,
      on: engine, kernels: self.kernels)
    self.loader = loader
    self.seed = seed
    self.regularisation = regularisation
    self.initialisation = initialisation
    kind = engine
  }

  public func copy(threads: Int) throws -> DerivedProblem {
    try DerivedProblem(
      architecture: model.architecture, loader: loader, seed: seed, threads: threads, regularisation: regularisation,
      initialisation: initialisation, engine: kind, kernels: kernels)
  }

  public var network: any NetworkModel { model }
  public var classes: Int { loader.dataset.classes }
  public var batchBytes: Int {
    Self.bytes(images: min(loader.batchSize, max(1, loader.trainingMembers.count)), of: loader.dataset)
  }
  /// What its retraining reports on: held-out images, else test images; the training images where there are neither.
  public var reportedSplit: DataSplit {
    loader.holdsOut ? .validation : loader.testMembers.isEmpty ? .training : .test
  }

  public func prepareHessianProducts() {}
  public func prepareWeightHessianProducts() throws { try model.prepareHessianProducts() }

  /// No values.
  public var initialAlphas: ArchitectureParameters { .none }
  public func makeInitialWeights() -> ParameterVector {
    model.makeInitialWeights(seed: seed, initialisation: initialisation)
  }
  public func makeVector() -> ParameterVector { model.makeVector() }
  public func makeInitialStatistics() -> ParameterVector { model.makeInitialStatistics() }

  public func export(_ vector: ParameterVector) -> [NamedTensor] { model.export(vector) }
  public func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor] { model.exportStatistics(statistics) }
  public func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector {
    try model.importVector(from: file, prefix: prefix)
  }
  public func importStatistics(from file: TensorFile) throws -> ParameterVector? { try model.importStatistics(from: file) }
}

/// Images.
extension DerivedProblem {
  public var dataChecksum: String? { loader.dataset.checksum }
  public var stepsPerEpoch: Int { loader.stepsPerEpoch }
  public func trainingBatch(epoch: Int, step: Int) throws -> ImageBatch {
    try loader.trainingBatch(epoch: epoch, step: step)
  }

  /// L_val is over the images that a retraining reports on.
  public var validationSplitCount: Int { reported.count }
  public func validationSplitBatch(_ index: Int) throws -> ImageBatch { try reported[index] }
  /// There is no order of validation batches but that of the split, which comes again where it ends.
  public func validationBatch(epoch: Int, step: Int) throws -> ImageBatch {
    guard !reported.isEmpty else {
      throw InputError(
        "no images to report on", at: .words(loader.dataset.name), found: "training images alone",
        wanted: "test images, or hold_out")
    }
    return try reported[(epoch * stepsPerEpoch + step) % reported.count]
  }
  private var reported: FixedBatches { loader.unseenSplit(isHeldOut: loader.holdsOut) }

  public func splitCount(_ split: DataSplit) -> Int { batches(of: split).count }
  public func splitBatch(_ split: DataSplit, _ index: Int) throws -> ImageBatch { try batches(of: split)[index] }

  private func batches(of split: DataSplit) -> FixedBatches {
    switch split {
    case .training: loader.trainingSplit
    case .validation: loader.unseenSplit(isHeldOut: true)
    case .test: loader.unseenSplit(isHeldOut: false)
    }
  }
}

/// Losses of ω; α, which has no values, is passed over.
extension DerivedProblem {
  public func evaluate(weights: ParameterVector, alphas: ArchitectureParameters, batch: ImageBatch) -> BatchLoss {
    evaluate(weights: weights, batch: batch, statistics: nil)
  }

  public func evaluate(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: ImageBatch, statistics: ParameterVector
  ) -> BatchLoss {
    evaluate(weights: weights, batch: batch, statistics: statistics)
  }

  private func evaluate(weights: ParameterVector, batch: ImageBatch, statistics: ParameterVector?) -> BatchLoss {
    let (loss, correct) = model.evaluate(weights: weights, statistics: statistics, batch: batch)
    return BatchLoss(loss: loss, correct: correct, count: batch.count)
  }

  public func moveStatistics(
    _ statistics: ParameterVector, momentum: Float, weights: ParameterVector, alphas: ArchitectureParameters,
    batch: ImageBatch
  ) {
    model.moveStatistics(statistics, momentum: momentum, weights: weights, batch: batch)
  }

  /// The loss is that of the main head, with label smoothing where `regularisation` has it.
  public func gradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: ImageBatch, weightGradient: ParameterVector?,
    wantsAlphaGradient: Bool, statistics: ParameterVector?
  ) -> BatchGradient {
    let terms = regularisation ?? DerivedModel.Regularisation(auxiliaryWeight: 0)
    let result = model.gradient(
      weights: weights, batch: batch, regularisation: terms, keep: kept(of: batch, dropping: terms.dropPath),
      weightGradient: weightGradient ?? model.makeVector(), statistics: statistics)
    return BatchGradient(
      loss: BatchLoss(loss: result.loss, correct: result.correct, count: batch.count),
      alphas: wantsAlphaGradient ? ArchitectureParameters.none : nil)
  }

  private func kept(of batch: ImageBatch, dropping probability: Double) -> [Bool]? {
    guard probability > 0 else { return nil }
    var stream = RandomStream(seed: batch.noiseKey, purpose: .dropPath)
    return (0..<model.pathCount * batch.count).map { _ in stream.uniform() >= probability }
  }

  /// - Throws: `InputError`: there is no α to differentiate by.
  public func hessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: [Double], coordinates: HessianCoordinates,
    batch: ImageBatch
  ) throws -> BatchHessianProduct {
    throw InputError(
      "a derived network has no α to differentiate by", at: "∇²_α L", found: "a network of one architecture",
      wanted: "∇²_ω L, or a supernet")
  }

  /// Of the plain cross-entropy, whatever `regularisation` says.
  public func weightHessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: ParameterVector, batch: ImageBatch,
    product: ParameterVector
  ) throws -> BatchLoss {
    let (loss, correct) = try model.weightHessianProduct(
      weights: weights, direction: direction, batch: batch, product: product)
    return BatchLoss(loss: loss, correct: correct, count: batch.count)
  }
}
