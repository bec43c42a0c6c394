import Cells
import Compute
import Datasets
import Engine
import Formats

/// The bilevel problem of a supernet on images (DARTS, eq. 3–4; ZARTS, eq. 1–2).
public final class SupernetProblem: BilevelProblem {
  public let model: SupernetModel
  public let loader: BatchLoader
  public let seed: UInt64
  /// Of skip connections, in training and validation batches alike, not in those of the whole validation split.
  private let skipDropout: SkipDropout?
  /// Of the same batches: edges that they drop, and images that are cut.
  private let regularisation: RampedRegularisation
  private let initialisation: WeightInitialisation
  private let kind: EngineKind
  private let kernels: KernelSet

  /// - Parameters:
  ///   - seed: fixes ω and α at the start.
  ///   - variant: what partial channels and progressive shrinking change in the network.
  ///   - skipDropout: the rates of a variant with dropout of skip connections.
  ///   - regularisation: the rates of a variant that drops edges, and of the cutout of `loader`.
  ///   - initialisation: how ω is drawn at the start.
  ///   - engine: what computes the network.
  ///   - threads: threads that share a batch; no result depends on their number.
  ///   - kernels: the set that the program has chosen; nil for the one that `Kernels.select` chooses.
  /// - Throws: `InputError` for sizes that the engine does not take, `KernelError` for an unknown instruction set.
  public convenience init(
    space: SearchSpace, channels: Int, layers: Int, loader: BatchLoader, seed: UInt64, threads: Int,
    variant: SupernetVariant = SupernetVariant(), skipDropout: SkipDropout? = nil,
    regularisation: RampedRegularisation = .none, initialisation: WeightInitialisation = WeightInitialisation(),
    engine: EngineKind = .cpu, kernels: KernelSet? = nil
  ) throws {
    let architecture = try SupernetArchitecture(
      space: space, channels: channels, layers: layers, classes: loader.dataset.classes, imageSize: loader.dataset.side,
      variant: variant)
    try self.init(
      architecture, loader, seed: seed, threads: threads, skipDropout: variant.skipDropout ? skipDropout : nil,
      regularisation, initialisation, engine, kernels ?? Kernels.select())
  }

  private init(
    _ architecture: SupernetArchitecture, _ loader: BatchLoader, seed: UInt64, threads: Int, skipDropout: SkipDropout?,
    _ regularisation: RampedRegularisation, _ initialisation: WeightInitialisation, _ kind: EngineKind,
    _ kernels: KernelSet
  ) throws {
    model = try SupernetModel(
      architecture: architecture, batch: min(loader.batchSize, max(1, loader.trainingMembers.count)), threads: threads,
      on: kind, kernels: kernels)
    (self.loader, self.seed, self.skipDropout, self.regularisation) = (loader, seed, skipDropout, regularisation)
    (self.initialisation, self.kind, self.kernels) = (initialisation, kind, kernels)
  }

  public func copy(threads: Int) throws -> SupernetProblem {
    try SupernetProblem(
      model.architecture, loader, seed: seed, threads: threads, skipDropout: skipDropout, regularisation,
      initialisation, kind, kernels)
  }

  public var initialAlphas: ArchitectureParameters { model.makeInitialAlphas(seed: seed) }
  public func makeInitialWeights() -> ParameterVector {
    model.makeInitialWeights(seed: seed, initialisation: initialisation)
  }
  public func makeVector() -> ParameterVector { model.makeVector() }
  public func makeInitialStatistics() -> ParameterVector { model.makeInitialStatistics() }

  public var dataChecksum: String? { loader.dataset.checksum }
  public var stepsPerEpoch: Int { loader.stepsPerEpoch }
  public func trainingBatch(epoch: Int, step: Int) throws -> ImageBatch {
    try dropping(
      loader.trainingBatch(epoch: epoch, step: step, cutoutProbability: cutout(epoch, step)), epoch: epoch, step: step)
  }
  public func validationBatch(epoch: Int, step: Int) throws -> ImageBatch {
    try dropping(
      loader.validationBatch(epoch: epoch, step: step, cutoutProbability: cutout(epoch, step)), epoch: epoch, step: step)
  }
  // Dropout, dropped edges and cutout go with the epoch of the search, not with that of the draw.
  public func trainingBatch(epoch: Int, step: Int, draw: Int) throws -> ImageBatch {
    try dropping(
      loader.trainingBatch(epoch: BatchDraws.epoch(draw), step: step, cutoutProbability: cutout(epoch, step)),
      epoch: epoch, step: step)
  }
  public func validationBatch(epoch: Int, step: Int, draw: Int) throws -> ImageBatch {
    try dropping(
      loader.validationBatch(epoch: BatchDraws.epoch(draw), step: step, cutoutProbability: cutout(epoch, step)),
      epoch: epoch, step: step)
  }
  public var validationSplitCount: Int { loader.validationSplit.count }

  public func validationSplitBatch(_ index: Int) throws -> ImageBatch { try loader.validationSplit[index] }

  public func splitCount(_ split: DataSplit) -> Int { batches(of: split).count }
  public func splitBatch(_ split: DataSplit, _ index: Int) throws -> ImageBatch { try batches(of: split)[index] }

  private func batches(of split: DataSplit) -> FixedBatches {
    switch split {
    case .training: loader.trainingSplit
    case .validation: loader.validationSplit
    case .test: loader.mixedTestSplit
    }
  }

  private func dropping(_ batch: ImageBatch, epoch: Int, step: Int) -> ImageBatch {
    var batch = batch
    if let skipDropout { batch.skipDropout = skipDropout.rate(epoch: whole(epoch, step)) }
    batch.dropPath = regularisation.dropPath(epoch: whole(epoch, step))
    return batch
  }

  private func cutout(_ epoch: Int, _ step: Int) -> Double {
    regularisation.cutoutProbability(epoch: whole(epoch, step))
  }

  /// The epoch of a step, which may lie past the end of the one that it is counted from.
  private func whole(_ epoch: Int, _ step: Int) -> Int { epoch + step / max(1, stepsPerEpoch) }

  public func evaluate(weights: ParameterVector, alphas: ArchitectureParameters, batch: ImageBatch) -> BatchLoss {
    let (loss, correct) = model.evaluate(weights: weights, alphas: alphas, batch: batch)
    return BatchLoss(loss: loss, correct: correct, count: batch.count)
  }

  public func evaluate(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: ImageBatch, statistics: ParameterVector
  ) -> BatchLoss {
    var whole = batch
    (whole.skipDropout, whole.dropPath) = (0, 0)
    let (loss, correct) = model.evaluate(weights: weights, alphas: alphas, batch: whole, statistics: statistics)
    return BatchLoss(loss: loss, correct: correct, count: batch.count)
  }

  public func moveStatistics(
    _ statistics: ParameterVector, momentum: Float, weights: ParameterVector, alphas: ArchitectureParameters,
    batch: ImageBatch
  ) {
    model.moveStatistics(statistics, momentum: momentum, weights: weights, alphas: alphas, batch: batch)
  }

  public func gradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: ImageBatch, weightGradient: ParameterVector?,
    wantsAlphaGradient: Bool, statistics: ParameterVector?
  ) -> BatchGradient {
    let result = model.gradient(
      weights: weights, alphas: alphas, batch: batch, weightGradient: weightGradient, wantsAlphaGradient: wantsAlphaGradient,
      statistics: statistics)
    return BatchGradient(
      loss: BatchLoss(loss: result.loss, correct: result.correct, count: batch.count), alphas: result.alphas)
  }

  public var mixingRule: MixingRule { .softmax }

  public func mixingGradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: ImageBatch, statistics: ParameterVector?
  ) -> BatchMixingGradient {
    var given = batch
    if statistics != nil { given.skipDropout = 0 }
    let result = model.mixingGradient(weights: weights, alphas: alphas, batch: given, statistics: statistics)
    return BatchMixingGradient(
      loss: BatchLoss(loss: result.loss, correct: result.correct, count: batch.count), mixing: result.mixing)
  }

  public func hessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: [Double], coordinates: HessianCoordinates,
    batch: ImageBatch
  ) throws -> BatchHessianProduct {
    let result =
      switch coordinates {
      case .alphas: try model.hessianProduct(weights: weights, alphas: alphas, direction: direction, batch: batch)
      case .mixing: try model.mixingHessianProduct(weights: weights, alphas: alphas, direction: direction, batch: batch)
      }
    return BatchHessianProduct(
      loss: result.loss, count: batch.count, gradient: result.gradient, product: result.product)
  }
  public var mixingCount: Int { model.mixingCount }

  public func weightHessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: ParameterVector, batch: ImageBatch,
    product: ParameterVector
  ) throws -> BatchLoss {
    let (loss, correct) = try model.weightHessianProduct(
      weights: weights, alphas: alphas, direction: direction, batch: batch, product: product)
    return BatchLoss(loss: loss, correct: correct, count: batch.count)
  }

  public func export(_ vector: ParameterVector) -> [NamedTensor] { model.export(vector) }
  public func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor] { model.exportStatistics(statistics) }

  public func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector {
    try model.importVector(from: file, prefix: prefix)
  }

  public func importStatistics(from file: TensorFile) throws -> ParameterVector? { try model.importStatistics(from: file) }
}
