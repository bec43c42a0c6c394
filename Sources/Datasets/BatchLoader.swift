import Compute

/// The batches of a search on a dataset. Every batch is a pure function of the seed and its position, so all methods on a
/// seed see the same ones in whatever order they ask, and a resumed run continues with those that it would have met.
///
/// Half of the training images serve L_train and half L_val (DARTS, §3), both with training augmentation in the batches
/// that a search steps on. Datasets with a validation split of their own keep it.
public final class BatchLoader: Sendable {
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
  private let renderer: ImageRenderer

  /// - Parameter trainLimit: Use only so many training images, chosen by the seed; nil for all. L_train and L_val share
  ///   them.
  /// - Throws: `DatasetError` when the batch size or the limit is out of range, when the dataset has its own splits and a
  ///   limit is given, or when the augmentation doesn't fit the images.
  public init(
    dataset: ImageDataset, seed: UInt64, batchSize: Int, trainLimit: Int? = nil, augmentation: Augmentation = .darts
  ) throws {
    guard batchSize > 0 else {
      throw DatasetError(source: "--batch", problem: "out of range", found: "\(batchSize)", expected: "1 or more")
    }
    guard augmentation.cropPadding >= 0, augmentation.cropPadding <= dataset.side else {
      throw DatasetError(
        source: "crop padding", problem: "out of range", found: "\(augmentation.cropPadding)",
        expected: "0 to \(dataset.side)")
    }
    if let length = augmentation.cutoutLength, length < 2 || length > 2 * dataset.side {
      throw DatasetError(
        source: "cutout length", problem: "out of range", found: "\(length)", expected: "2 to \(2 * dataset.side)")
    }
    let members: (training: [Int], validation: [Int])
    if let validation = dataset.validation {
      if let trainLimit {
        throw DatasetError(
          source: "--train-limit", problem: "does not go with \(dataset.name), whose own splits are used as they are",
          found: "\(trainLimit)", expected: "no limit")
      }
      members = (Array(0..<dataset.training.count), Array(0..<validation.count))
    } else {
      members = try Self.halves(of: dataset, seed: seed, limit: trainLimit)
    }
    self.dataset = dataset
    self.seed = seed
    self.batchSize = batchSize
    self.augmentation = dataset.isAugmentable ? augmentation : .none
    trainingMembers = members.training
    validationMembers = members.validation
    trainingOrder = BatchOrder(seed: seed, purpose: .trainingOrder, members: members.training)
    validationOrder = BatchOrder(seed: seed, purpose: .validationOrder, members: members.validation)
    renderer = ImageRenderer(dataset)
  }

  /// The first half of a random order trains, the rest validates; an odd image validates, as in DARTS.
  private static func halves(
    of dataset: ImageDataset, seed: UInt64, limit: Int?
  ) throws -> (training: [Int], validation: [Int]) {
    let available = dataset.training.count
    if let limit, limit < 2 || limit > available {
      throw DatasetError(
        source: "--train-limit", problem: "out of range", found: "\(limit)",
        expected: "2 to \(available), the training images of \(dataset.name)")
    }
    guard available >= 2 else {
      throw DatasetError(
        source: dataset.name, problem: "too few training images to halve", found: "\(available)", expected: "2 or more")
    }
    var stream = RandomStream(seed: seed, purpose: .split)
    let chosen = stream.permutation(available).prefix(limit ?? available)
    return (chosen.prefix(chosen.count / 2).sorted(), chosen.dropFirst(chosen.count / 2).sorted())
  }

  /// Weight steps in one epoch: full batches of L_train only, or one batch of all where there are fewer.
  public var stepsPerEpoch: Int { max(1, trainingMembers.count / batchSize) }

  /// The batch of a weight step. A step past the end of an epoch is one of the next, so that inner training can look
  /// ahead.
  public func trainingBatch(epoch: Int, step: Int) -> ImageBatch {
    let position = Position(epoch: epoch, step: step, stepsPerEpoch: stepsPerEpoch)
    return batch(
      of: dataset.training, members: trainingMembers, order: trainingOrder, position: position, kind: .training)
  }

  /// The batch of the α update before a weight step. Where L_val has fewer batches than an epoch has steps, it is
  /// visited again in a new order.
  public func validationBatch(epoch: Int, step: Int) -> ImageBatch {
    let position = Position(epoch: epoch, step: step, stepsPerEpoch: stepsPerEpoch)
    return batch(
      of: dataset.validation ?? dataset.training, members: validationMembers, order: validationOrder, position: position,
      kind: .validation)
  }

  /// All of L_val in fixed order without augmentation; the last batch may be smaller.
  public var validationSplit: FixedBatches {
    fixedBatches(
      of: dataset.validation ?? dataset.training, members: validationMembers, size: batchSize, kind: .validationSplit)
  }

  /// All test images in fixed order without augmentation; empty where the dataset has none.
  public var testSplit: FixedBatches {
    let members = Array(0..<(dataset.test?.count ?? 0))
    return fixedBatches(of: dataset.test ?? dataset.training, members: members, size: batchSize, kind: .testSplit)
  }

  /// All of L_train as one batch without augmentation.
  public var wholeTraining: ImageBatch {
    fixedBatches(
      of: dataset.training, members: trainingMembers, size: trainingMembers.count, kind: .wholeTraining)[0]
  }

  /// All of L_val as one batch without augmentation.
  public var wholeValidation: ImageBatch {
    fixedBatches(
      of: dataset.validation ?? dataset.training, members: validationMembers, size: validationMembers.count,
      kind: .wholeValidation)[0]
  }

  /// Raw values are part of the noise keys: never renumber them.
  private enum Kind: Int {
    case training, validation, validationSplit, testSplit, wholeTraining, wholeValidation
  }

  /// A step within its own epoch.
  private struct Position {
    let epoch: Int
    let step: Int

    init(epoch: Int, step: Int, stepsPerEpoch: Int) {
      precondition(epoch >= 0 && step >= 0, "epochs and steps count from 0")
      self.epoch = epoch + step / stepsPerEpoch
      self.step = step % stepsPerEpoch
    }
  }

  private func noiseKey(_ kind: Kind, epoch: Int, step: Int) -> UInt64 {
    var stream = RandomStream(seed: seed, purpose: .noiseOperation, epoch: epoch, step: step, index: kind.rawValue)
    return stream.next()
  }

  private func batch(
    of split: ImageDataset.Split, members: [Int], order: BatchOrder, position: Position, kind: Kind
  ) -> ImageBatch {
    let key = noiseKey(kind, epoch: position.epoch, step: position.step)
    if members.count <= batchSize {
      // One batch holds all: the order has no meaning, and a fixed one keeps sums the same from step to step.
      return assemble(split, members[...], key: key, epoch: position.epoch, pass: position.step)
    }
    let batches = members.count / batchSize
    let pass = position.step / batches
    let start = position.step % batches * batchSize
    let order = order.order(epoch: position.epoch, pass: pass)
    return assemble(split, order[start..<start + batchSize], key: key, epoch: position.epoch, pass: pass)
  }

  private func fixedBatches(of split: ImageDataset.Split, members: [Int], size: Int, kind: Kind) -> FixedBatches {
    FixedBatches(count: (members.count + size - 1) / size) { index in
      let key = self.noiseKey(kind, epoch: 0, step: index)
      let slice = members[index * size..<min((index + 1) * size, members.count)]
      return self.assemble(split, slice, key: key, epoch: nil, pass: 0)
    }
  }

  /// - Parameter epoch: Keys the augmentation together with the pass and each image's position; nil for none.
  private func assemble(
    _ split: ImageDataset.Split, _ positions: ArraySlice<Int>, key: UInt64, epoch: Int?, pass: Int
  ) -> ImageBatch {
    let (size, side) = (dataset.imageSize, dataset.side)
    let images = [Float](unsafeUninitializedCapacity: positions.count * size) { buffer, initialized in
      guard let target = buffer.baseAddress else { return }
      switch split.pixels {
      case .floats(let values):
        values.withUnsafeBufferPointer { source in
          for (slot, position) in positions.enumerated() {
            (target + slot * size).initialize(from: source.baseAddress! + position * size, count: size)
          }
        }
      case .bytes(let values):
        let stored = dataset.storedChannels * side * side
        values.withUnsafeBufferPointer { source in
          for (slot, position) in positions.enumerated() {
            var draw = Augmentation.Draw.none
            if let epoch {
              var stream = RandomStream(seed: seed, purpose: .augmentation, epoch: epoch, step: pass, index: position)
              draw = augmentation.draw(side: side, from: &stream)
            }
            renderer.render(source.baseAddress! + position * stored, draw: draw, into: target + slot * size)
          }
        }
      }
      initialized = positions.count * size
    }
    return ImageBatch(
      images: images, labels: positions.map { split.labels[$0] }, channels: ImageDataset.channels, height: side, width: side,
      noiseKey: key)
  }
}
