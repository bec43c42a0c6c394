import Cells
import Compute
import Datasets
import Engine
import Formats
import Foundation
import Runs

/// Everything that decides what a retraining computes, bit for bit, and on how many threads.
///
/// The defaults are the settings of DARTS (Liu et al., ICLR 2019, §3.2, §A.2) on CIFAR-10 and on ImageNet.
public struct RetrainingConfiguration: Equatable, Sendable, Codable {
  /// The Python `Genotype(…)` line, or the text of NAS-Bench-201.
  public var genotype: String
  public var scale: DerivedArchitecture.Scale
  /// What `DatasetSpecification` parses.
  public var dataset: String
  public var seed: UInt64 = 0
  public var epochs = 600
  public var batch = 96
  public var channels = 36
  public var layers = 20
  public var auxiliary = true
  public var auxiliaryWeight = 0.4
  /// Side of the square that is cut out of training images; 0 for none.
  public var cutout = 16
  /// Probability of dropping a path in the last epoch; it grows linearly from 0.
  public var dropPath = 0.2
  public var labelSmoothing = 0.0
  public var schedule = RetrainingSchedule.cosine
  /// Epochs at the start over which the learning rate rises; 0 for none.
  public var warmupEpochs = 0
  /// What it rises to.
  public var warmupTarget = RetrainingSchedule.WarmupTarget.start
  public var learningRate = 0.025
  public var minimumLearningRate = 0.0
  public var learningRateDecay = 0.97
  public var momentum = 0.9
  /// Whether a step looks ahead along the momentum; see `WeightStep.move`.
  public var nesterov = false
  public var weightDecay = 3e-4
  public var gradientClip = 5.0
  /// Images of the training and of the test split, chosen by the seed; nil for all.
  public var trainLimit: Int?
  public var testLimit: Int?
  /// Whether one half of the training images is trained on and the other reported on, and the test split never read.
  public var holdOut = false
  /// The order in which training images are taken for `trainLimit` and halved for `holdOut`: that of the search whose halves
  /// are meant.
  public var split = SplitOrder.seeded
  /// A file of weights that training goes on from, and the SHA-256 of its bytes; nil for initial weights. Its path is no part of
  /// what is computed, so that a checkpoint names the digest alone.
  public var weights: String?
  public var weightsSHA256: String?
  /// How large depthwise weights are at the start.
  public var depthwiseInitialisation = DepthwiseInitialisation.pytorch1
  /// The scales of batch norms at the start.
  public var batchNormInitialisation = BatchNormInitialisation.ones
  /// Epochs from one test to the next; the last epoch is always tested.
  public var testEvery = 1
  /// Checkpoints of finished epochs that stay; 0 for all.
  public var keepLast = 2
  /// Weight steps from one checkpoint to the next within an epoch; 0 for none.
  public var checkpointEvery = 0
  /// Whether event files for TensorBoard are written.
  public var tensorboard = false
  /// 0 for `AvailableProcessors.count`.
  public var threads = 0
  /// What computes the network. Engines agree to rounding, and a run may go on with another.
  public var engine = EngineKind.cpu

  public init(genotype: String, dataset: String, scale: DerivedArchitecture.Scale = .cifar) {
    self.genotype = genotype
    self.dataset = dataset
    self.scale = scale
    if let found = try? Genotype(parsing: genotype), case .residualStages = found.macroArchitecture {
      useStageDefaults()
      return
    }
    guard scale == .imagenet else { return }
    epochs = 250
    batch = 128
    channels = 48
    layers = 14
    cutout = 0
    dropPath = 0
    labelSmoothing = 0.1
    schedule = .exponential
    learningRate = 0.1
    weightDecay = 3e-5
  }

  /// How the table of NAS-Bench-201 was made (Dong and Yang, ICLR 2020, table 1); a clip that no gradient reaches stands for
  /// none.
  mutating func useStageDefaults() {
    (channels, layers) = MacroArchitecture.residualStages(count: 3).retrainingSize
    epochs = 200
    batch = 256
    auxiliary = false
    cutout = 0
    dropPath = 0
    learningRate = 0.1
    nesterov = true
    weightDecay = 5e-4
    gradientClip = 1e6
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case genotype, scale, dataset, seed, epochs, batch, channels, layers, auxiliary
    case auxiliaryWeight = "auxiliary_weight"
    case cutout
    case dropPath = "drop_path"
    case labelSmoothing = "label_smoothing"
    case schedule
    case warmupEpochs = "warmup_epochs"
    case warmupTarget = "warmup_target"
    case learningRate = "learning_rate"
    case minimumLearningRate = "minimum_learning_rate"
    case learningRateDecay = "learning_rate_decay"
    case momentum, nesterov
    case weightDecay = "weight_decay"
    case gradientClip = "gradient_clip"
    case trainLimit = "train_limit"
    case testLimit = "test_limit"
    case holdOut = "hold_out"
    case split, weights
    case weightsSHA256 = "weights_sha256"
    case depthwiseInitialisation = "depthwise_initialisation"
    case batchNormInitialisation = "batch_norm_initialisation"
    case testEvery = "test_every"
    case keepLast = "keep_last"
    case checkpointEvery = "checkpoint_every"
    case tensorboard, threads, engine
  }

  /// - Throws: `InputError` naming the key, what was found and what would be right.
  public func validate() throws {
    func require(_ condition: Bool, _ key: CodingKeys, _ found: some CustomStringConvertible, _ wanted: String) throws {
      try InputError.require(condition, key.rawValue, found, wanted)
    }
    try require(!dataset.isEmpty, .dataset, "''", DatasetSpecification.forms)
    for (key, count, bounds) in counts { try bounds.require(count, at: .setting(key.rawValue)) }
    try require(auxiliaryWeight >= 0 && auxiliaryWeight.isFinite, .auxiliaryWeight, auxiliaryWeight, "0 or more")
    try require((0..<1).contains(dropPath), .dropPath, dropPath, "0 or more and below 1")
    try require((0..<1).contains(labelSmoothing), .labelSmoothing, labelSmoothing, "0 or more and below 1")
    try require(learningRate > 0 && learningRate.isFinite, .learningRate, learningRate, "a number above 0")
    try require(
      (0...learningRate).contains(minimumLearningRate), .minimumLearningRate, minimumLearningRate,
      "0 to \(learningRate), the learning rate at the start")
    try require(
      learningRateDecay > 0 && learningRateDecay <= 1, .learningRateDecay, learningRateDecay, "above 0, at most 1")
    try require((0...epochs).contains(warmupEpochs), .warmupEpochs, warmupEpochs, "0 to \(epochs), the number of epochs")
    try require(!nesterov || momentum > 0, .nesterov, nesterov, "false, or a momentum above 0")
    try require((0..<1).contains(momentum), .momentum, momentum, "0 or more and below 1")
    try require(weightDecay >= 0 && weightDecay.isFinite, .weightDecay, weightDecay, "0 or more")
    try require(gradientClip > 0, .gradientClip, gradientClip, "a number above 0")
    try require(
      weightsSHA256.map { $0.utf8.count == 64 && $0.allSatisfy(\.isHexDigit) } ?? true, .weightsSHA256,
      weightsSHA256 ?? "none", "64 hexadecimal digits, the digest of the weights")
    let macro = try Genotype(parsing: genotype).macroArchitecture
    try macro.requireLayers(layers)
    guard !macro.hasAuxiliaryHead else { return }
    let network = "a network of stages"
    try require(scale == .cifar, .scale, scale.rawValue, "cifar for \(network)")
    try require(!auxiliary, .auxiliary, auxiliary, "false for \(network)")
    try require(dropPath == 0, .dropPath, dropPath, "0 for \(network), which has no paths to drop")
  }

  /// Every count, and what it may be.
  private var counts: [(key: CodingKeys, count: Int, bounds: CountBounds)] {
    let given: [(CodingKeys, Int?, CountBounds)] = [
      (.epochs, epochs, RunBounds.epochs),
      (.batch, batch, CountBounds(2...BatchLoader.batchSizes.range.upperBound, since: "batch norm needs two")),
      (.channels, channels, SupernetArchitecture.channelCounts), (.layers, layers, SupernetArchitecture.layerCounts),
      (.cutout, cutout, CountBounds(2...2 * SupernetArchitecture.imageSizes.range.upperBound, zero: "none")),
      (.trainLimit, trainLimit, CountBounds(2...RunBounds.images.range.upperBound)),
      (.testLimit, testLimit, RunBounds.images),
      (.testEvery, testEvery, RunBounds.interval), (.keepLast, keepLast, RunBounds.interval.or(zero: "all")),
      (.checkpointEvery, checkpointEvery, RunBounds.stepInterval.or(zero: "none")),
      (.threads, threads, RunBounds.threads),
    ]
    return given.compactMap { key, count, bounds in count.map { (key, $0, bounds) } }
  }

  /// The settings that results depend on: the housekeeping is at its defaults, and the data are named without their place.
  package var withoutHousekeeping: RetrainingConfiguration {
    var result = self
    result.dataset = DatasetSpecification.kind(of: dataset)
    (result.keepLast, result.checkpointEvery, result.threads) = (0, 0, 0)
    result.tensorboard = false
    result.weights = nil
    result.engine = .cpu
    return result
  }

  /// Learning rate of an epoch, counted from 0.
  package func learningRate(epoch: Int) -> Double {
    let scheduled =
      switch schedule {
      case .cosine:
        minimumLearningRate
          + (learningRate - minimumLearningRate) * (1 + cos(Double.pi * Double(epoch) / Double(epochs))) / 2
      case .exponential: max(minimumLearningRate, learningRate * pow(learningRateDecay, Double(epoch)))
      case .linear:
        minimumLearningRate
          + (learningRate - minimumLearningRate) * RetrainingSchedule.linearRemainder(epoch: epoch, of: epochs)
      }
    guard epoch < warmupEpochs else { return scheduled }
    let target = warmupTarget == .start ? learningRate : scheduled
    return target * Double(epoch + 1) / Double(warmupEpochs)
  }

  /// Probability of dropping a path in an epoch, counted from 0: it grows with epoch / epochs.
  func dropPath(epoch: Int) -> Double { dropPath * Double(epoch) / Double(epochs) }
}
