import Compute
import Formats

/// The batches of a search on a dataset. Every batch is a pure function of the seed and its position, so all methods on a
/// seed see the same ones in whatever order they ask, and a resumed run continues with those that it would have met.
///
/// Half of the training images serve L_train and half L_val (DARTS, §3), both with training augmentation in the batches
/// that a search steps on. Datasets with a validation split of their own keep it.
///
/// A batch holds every image that belongs to it or is not made at all: whatever makes one throws `InputError` with the name
/// of an image file that is gone or damaged.
public final class BatchLoader: Sendable {
  /// Images that a batch may have.
  public static let batchSizes = CountBounds(1...65_536)

  public let dataset: ImageDataset
  public let seed: UInt64
  public let batchSize: Int
  /// What is done to training and α-validation batches; none for datasets that are used as they are.
  public let augmentation: Augmentation
  /// Positions, within `dataset.training`, of the images of L_train, ascending.
  public let trainingMembers: [Int]
  /// Positions of the images of L_val, ascending: within `dataset.validation` where there is one, else within
  /// `dataset.training`.
  public let validationMembers: [Int]
  private let trainingOrder: BatchOrder
  private let validationOrder: BatchOrder
  private let validationSampling: ValidationSampling
  /// The order in which the whole of L_val is evaluated.
  private let evaluationMembers: [Int]
  private let assembler: BatchAssembler

  /// - Parameter trainLimit: Use only so many training images, the first in the order of `split`; nil for all. L_train and
  ///   L_val share them.
  /// - Parameter split: The order in which training images are halved; a dataset's own splits are used as they are.
  /// - Parameter validationSampling: How the validation batches of updates follow one another.
  /// - Parameter augmentation: Nil for that of the dataset.
  /// - Parameter threads: Threads that decode image files; no result depends on their number. 0 for `AvailableProcessors.count`.
  /// - Throws: `InputError` when the batch size or the limit is out of range, when the dataset has its own splits and a
  ///   limit is given, when image files are to be halved in their order, or when the augmentation doesn't fit the images.
  public init(
    dataset: ImageDataset, seed: UInt64, batchSize: Int, trainLimit: Int? = nil, split: SplitOrder = .seeded,
    validationSampling: ValidationSampling = .epoch, augmentation: Augmentation? = nil, threads: Int = 0
  ) throws {
    assembler = try BatchAssembler(
      dataset: dataset, seed: seed, batchSize: batchSize, augmentation: augmentation, threads: threads)
    let members: (training: [Int], validation: [Int])
    if let validation = dataset.validation {
      if let trainLimit {
        throw InputError(
          "does not go with \(dataset.name), whose own splits are used as they are", at: .setting("train_limit"),
          found: "\(trainLimit)", wanted: "no limit")
      }
      members = (Array(0..<dataset.training.count), Array(0..<validation.count))
    } else {
      members = try split.halves(of: dataset, seed: seed, limit: trainLimit)
    }
    self.dataset = dataset
    self.seed = seed
    self.batchSize = batchSize
    self.augmentation = assembler.augmentation
    trainingMembers = members.training
    validationMembers = members.validation
    trainingOrder = BatchOrder(seed: seed, purpose: .trainingOrder, members: members.training)
    self.validationSampling = validationSampling
    validationOrder = BatchOrder(seed: seed, purpose: .validationOrder, members: members.validation)
    evaluationMembers = assembler.mixed(members.validation, of: dataset.validation ?? dataset.training)
  }

  /// Weight steps in one epoch: full batches of L_train only, or one batch of all where there are fewer.
  public var stepsPerEpoch: Int { max(1, trainingMembers.count / batchSize) }

  /// The batch of a weight step. A step past the end of an epoch is one of the next, so that inner training can look
  /// ahead.
  ///
  /// - Parameter cutoutProbability: with which an image is cut where the augmentation has a cutout; nothing else of the image
  ///   depends on it.
  public func trainingBatch(epoch: Int, step: Int, cutoutProbability: Double = 1) throws -> ImageBatch {
    let position = BatchPosition(epoch: epoch, step: step, stepsPerEpoch: stepsPerEpoch)
    return try assembler.fullBatch(
      of: dataset.training, members: trainingMembers, order: trainingOrder, position: position, kind: .training,
      cutoutProbability: cutoutProbability)
  }

  /// The batch of the α update before a weight step. Where L_val has fewer batches than an epoch has steps, it is
  /// visited again in a new order; with `fresh` every batch is the first of an order of its own.
  ///
  /// - Parameter cutoutProbability: as of training batches.
  public func validationBatch(epoch: Int, step: Int, cutoutProbability: Double = 1) throws -> ImageBatch {
    let position = BatchPosition(epoch: epoch, step: step, stepsPerEpoch: stepsPerEpoch)
    return try assembler.fullBatch(
      of: dataset.validation ?? dataset.training, members: validationMembers, order: validationOrder, position: position,
      kind: .validation, isFresh: validationSampling == .fresh, cutoutProbability: cutoutProbability)
  }

  /// All of L_train in fixed order without augmentation, classes mixed; the last batch may be smaller.
  public var trainingSplit: FixedBatches {
    assembler.fixedBatches(
      of: dataset.training, members: assembler.mixed(trainingMembers, of: dataset.training), size: batchSize,
      kind: .wholeTraining)
  }

  /// All of L_val in fixed order without augmentation, classes mixed; the last batch may be smaller.
  public var validationSplit: FixedBatches {
    assembler.fixedBatches(
      of: dataset.validation ?? dataset.training, members: evaluationMembers, size: batchSize, kind: .validationSplit)
  }

  /// All test images in fixed order without augmentation; empty where the dataset has none.
  public var testSplit: FixedBatches {
    let members = Array(0..<(dataset.test?.count ?? 0))
    return assembler.fixedBatches(of: dataset.test ?? dataset.training, members: members, size: batchSize, kind: .testSplit)
  }

  /// The test images with classes mixed, for batches that are normalised by their own statistics; else as `testSplit`.
  public var mixedTestSplit: FixedBatches {
    let (test, members) = (dataset.test ?? dataset.training, Array(0..<(dataset.test?.count ?? 0)))
    return assembler.fixedBatches(of: test, members: assembler.mixed(members, of: test), size: batchSize, kind: .testSplit)
  }

  /// All of L_train as one batch without augmentation.
  public var wholeTraining: ImageBatch {
    get throws {
      try assembler.fixedBatches(
        of: dataset.training, members: trainingMembers, size: trainingMembers.count, kind: .wholeTraining)[0]
    }
  }

  /// All of L_val as one batch without augmentation.
  public var wholeValidation: ImageBatch {
    get throws {
      try assembler.fixedBatches(
        of: dataset.validation ?? dataset.training, members: validationMembers, size: validationMembers.count,
        kind: .wholeValidation)[0]
    }
  }
}
