import Compute
import Formats

/// The batches of a retraining: all training images (DARTS, §3.1: the found network is trained from scratch on the whole
/// training set), and the test images to report on.
///
/// As in a search, every batch is a pure function of the seed and its position, so a resumed run continues with those
/// that it would have met; whatever makes one throws `InputError` with the name of an image file that is gone or damaged.
public final class RetrainingLoader: Sendable {
  public let dataset: ImageDataset
  public let seed: UInt64
  public let batchSize: Int
  /// What is done to training images; none for datasets that are used as they are.
  public let augmentation: Augmentation
  /// Whether the images that don't fill a batch make a smaller last one, as in the DARTS scripts, or are left out of
  /// this epoch.
  public let keepsLastBatch: Bool
  /// Positions, within `dataset.training`, of the images that are trained on, ascending.
  public let trainingMembers: [Int]
  /// Positions, within the test split, of the images that are tested on, ascending.
  public let testMembers: [Int]
  private let trainingOrder: BatchOrder
  private let assembler: BatchAssembler

  /// - Parameters:
  ///   - trainLimit, testLimit: Use only so many images, chosen by the seed; nil for all.
  ///   - augmentation: Of training images, nil for that of the dataset; the DARTS scripts add a cutout of 16 on CIFAR.
  ///   - threads: Threads that decode image files; no result depends on their number. 0 for one a core.
  /// - Throws: `InputError` when the batch size or a limit is out of range, or the augmentation doesn't fit the images.
  public init(
    dataset: ImageDataset, seed: UInt64, batchSize: Int, trainLimit: Int? = nil, testLimit: Int? = nil,
    augmentation: Augmentation? = nil, keepsLastBatch: Bool = true, threads: Int = 0
  ) throws {
    assembler = try BatchAssembler(
      dataset: dataset, seed: seed, batchSize: batchSize, augmentation: augmentation, threads: threads)
    self.dataset = dataset
    self.seed = seed
    self.batchSize = batchSize
    self.augmentation = assembler.augmentation
    self.keepsLastBatch = keepsLastBatch
    trainingMembers = try Self.members(
      dataset.training.count, limit: trainLimit, setting: "train_limit", of: "training images of \(dataset.name)",
      seed: seed,
      index: 0)
    let test = dataset.test ?? dataset.validation
    testMembers = try Self.members(
      test?.count ?? 0, limit: testLimit, setting: "test_limit", of: "test images of \(dataset.name)", seed: seed, index: 1)
    trainingOrder = BatchOrder(seed: seed, purpose: .trainingOrder, members: trainingMembers)
  }

  /// A random choice rather than the first ones: image folders are sorted by class. With index 0 it is the choice that a
  /// search of this limit makes.
  private static func members(
    _ available: Int, limit: Int?, setting: String, of what: String, seed: UInt64, index: Int
  ) throws -> [Int] {
    guard let limit else { return Array(0..<available) }
    guard limit >= 1, limit <= available else {
      throw InputError(
        "out of range", at: .setting(setting), found: "\(limit)",
        wanted: available > 0 ? "1 to \(available), the \(what)" : "no limit: there are no \(what)")
    }
    var stream = RandomStream(seed: seed, purpose: .split, index: index)
    return stream.permutation(available).prefix(limit).sorted()
  }

  /// Weight steps in one epoch.
  public var stepsPerEpoch: Int {
    let (full, rest) = trainingMembers.count.quotientAndRemainder(dividingBy: batchSize)
    return max(1, keepsLastBatch && rest > 0 ? full + 1 : full)
  }

  /// The batch of a weight step (both counted from 0), augmented. A step past the end of an epoch is one of the next.
  public func trainingBatch(epoch: Int, step: Int) throws -> ImageBatch {
    let position = BatchPosition(epoch: epoch, step: step, stepsPerEpoch: stepsPerEpoch)
    return try assembler.passBatch(
      of: dataset.training, members: trainingMembers, order: trainingOrder, position: position, kind: .training)
  }

  /// The training images in fixed order without augmentation; the last batch may be smaller.
  public var trainingSplit: FixedBatches {
    assembler.fixedBatches(of: dataset.training, members: trainingMembers, size: batchSize, kind: .wholeTraining)
  }

  /// The test images in fixed order without augmentation; the last batch may be smaller. Those of the validation split
  /// where a dataset has nothing else to test on; empty where it has neither.
  public var testSplit: FixedBatches {
    assembler.fixedBatches(
      of: dataset.test ?? dataset.validation ?? dataset.training, members: testMembers, size: batchSize, kind: .testSplit)
  }
}
