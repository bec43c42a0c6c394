import Compute
import Formats

/// The batches of a retraining: all training images (DARTS, §3.1: the found network is trained from scratch on the whole
/// training set), and the test images to report on; or half of the training images, and the other half to report on.
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
  /// Positions of the images that are reported on, ascending: within the test split, or where images are held out, within
  /// what they are held out from.
  public let testMembers: [Int]
  /// Whether images are held out from training to report on, and those of the test split left alone.
  public let holdsOut: Bool
  private let trainingOrder: BatchOrder
  private let assembler: BatchAssembler

  /// - Parameters:
  ///   - trainLimit, testLimit: Use only so many images: the first to train on in the order of `split`, those to report on
  ///     chosen by the seed; nil for all.
  ///   - holdsOut: Trains on the half of the training images that a search of this seed, limit and split trains ω on, and
  ///     reports on the other half; a validation split of the dataset's own is reported on where there is one. The test split
  ///     is never read.
  ///   - split: The order in which training images are taken and halved.
  ///   - augmentation: Of training images, nil for that of the dataset; the DARTS scripts add a cutout of 16 on CIFAR.
  ///   - threads: Threads that decode image files; no result depends on their number. 0 for `AvailableProcessors.count`.
  /// - Throws: `InputError` when the batch size or a limit is out of range, when image files are to be taken in their order,
  ///   or when the augmentation doesn't fit the images.
  public init(
    dataset: ImageDataset, seed: UInt64, batchSize: Int, trainLimit: Int? = nil, testLimit: Int? = nil,
    holdsOut: Bool = false, split: SplitOrder = .seeded, augmentation: Augmentation? = nil,
    keepsLastBatch: Bool = true, threads: Int = 0
  ) throws {
    assembler = try BatchAssembler(
      dataset: dataset, seed: seed, batchSize: batchSize, augmentation: augmentation, threads: threads)
    self.dataset = dataset
    self.seed = seed
    self.batchSize = batchSize
    self.augmentation = assembler.augmentation
    self.keepsLastBatch = keepsLastBatch
    self.holdsOut = holdsOut
    let candidates: [Int]
    if holdsOut, dataset.validation == nil {
      (trainingMembers, candidates) = try split.halves(of: dataset, seed: seed, limit: trainLimit)
    } else {
      try Self.check(trainLimit, "train_limit", dataset.training.count, "training images of \(dataset.name)")
      if trainLimit != nil { try split.check(dataset) }
      trainingMembers = split.members(of: dataset.training.count, limit: trainLimit, seed: seed).sorted()
      candidates = Array(0..<((holdsOut ? dataset.validation : dataset.test ?? dataset.validation)?.count ?? 0))
    }
    try Self.check(testLimit, "test_limit", candidates.count, "\(holdsOut ? "held-out" : "test") images of \(dataset.name)")
    if let testLimit {
      // A random choice rather than the first ones: image folders are sorted by class.
      var stream = RandomStream(seed: seed, purpose: .split, index: 1)
      testMembers = stream.permutation(candidates.count).prefix(testLimit).map { candidates[$0] }.sorted()
    } else {
      testMembers = candidates
    }
    trainingOrder = BatchOrder(seed: seed, purpose: .trainingOrder, members: trainingMembers)
  }

  private static func check(_ limit: Int?, _ setting: String, _ available: Int, _ what: String) throws {
    guard let limit, limit < 1 || limit > available else { return }
    throw InputError(
      "out of range", at: .setting(setting), found: "\(limit)",
      wanted: available > 0 ? "1 to \(available), the \(what)" : "no limit: there are no \(what)")
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

  /// Images that training has not met, in fixed order without augmentation, classes mixed; the last batch may be smaller, and there
  /// is none where there are no such images.
  ///
  /// Held-out images are those of `testSplit` where images are held out, else a validation split of the dataset's own. Test images
  /// are those of `testSplit` or, where images are held out, the whole test split, which such a training never reads.
  public func unseenSplit(isHeldOut: Bool) -> FixedBatches {
    let (split, members): (ImageDataset.Split?, [Int])
    switch (isHeldOut, holdsOut) {
    case (true, true): (split, members) = (dataset.validation ?? dataset.training, testMembers)
    case (true, false): (split, members) = (dataset.validation, Array(0..<(dataset.validation?.count ?? 0)))
    case (false, true): (split, members) = (dataset.test, Array(0..<(dataset.test?.count ?? 0)))
    case (false, false): (split, members) = (dataset.test ?? dataset.validation, testMembers)
    }
    let images = split ?? dataset.training
    return assembler.fixedBatches(
      of: images, members: assembler.mixed(members, of: images), size: batchSize,
      kind: isHeldOut && !holdsOut ? .validationSplit : .testSplit)
  }

  /// The training images in fixed order without augmentation, classes mixed; the last batch may be smaller.
  public var trainingSplit: FixedBatches {
    assembler.fixedBatches(
      of: dataset.training, members: assembler.mixed(trainingMembers, of: dataset.training), size: batchSize,
      kind: .wholeTraining)
  }

  /// The images to report on in fixed order without augmentation; the last batch may be smaller. Those of the validation
  /// split where a dataset has nothing else to test on; empty where it has neither. Held-out ones where there are.
  public var testSplit: FixedBatches {
    let reported = holdsOut ? dataset.validation : dataset.test ?? dataset.validation
    return assembler.fixedBatches(
      of: reported ?? dataset.training, members: testMembers, size: batchSize, kind: .testSplit)
  }
}
