import Compute
import Formats
import Foundation
import Synchronization

/// A step within its own epoch: one past the end of an epoch is one of the next.
struct BatchPosition {
  let epoch: Int
  let step: Int

  init(epoch: Int, step: Int, stepsPerEpoch: Int) {
    precondition(epoch >= 0 && step >= 0, "epochs and steps count from 0")
    self.epoch = epoch + step / stepsPerEpoch
    self.step = step % stepsPerEpoch
  }
}

/// Makes batches of given images: the part that loaders of a search and of a retraining share.
final class BatchAssembler: Sendable {
  /// What a batch is for. Raw values are part of the noise keys: never renumber them.
  enum Kind: Int {
    case training, validation, validationSplit, testSplit, wholeTraining, wholeValidation
  }

  let dataset: ImageDataset
  let seed: UInt64
  let batchSize: Int
  /// What is done to images that are trained on; none for datasets that are used as they are.
  let augmentation: Augmentation
  private let renderer: ImageRenderer
  private let decoding: DecodingThreads

  /// - Throws: `InputError` when the batch size is out of range or the augmentation doesn't fit the images.
  init(dataset: ImageDataset, seed: UInt64, batchSize: Int, augmentation: Augmentation?, threads: Int) throws {
    try BatchLoader.batchSizes.require(batchSize, at: .setting("batch"), "out of range")
    let augmentation = augmentation ?? dataset.augmentation
    try augmentation.check(dataset)
    self.dataset = dataset
    self.seed = seed
    self.batchSize = batchSize
    self.augmentation = dataset.isAugmentable ? augmentation : .none
    renderer = ImageRenderer(dataset)
    decoding = DecodingThreads(count: threads)
  }

  func noiseKey(_ kind: Kind, epoch: Int, step: Int) -> UInt64 {
    var stream = RandomStream(seed: seed, purpose: .noiseOperation, epoch: epoch, step: step, index: kind.rawValue)
    return stream.next()
  }

  /// An augmented batch of full size, or all members where they are fewer. Members with fewer batches than an epoch has
  /// steps are visited again in a new order.
  ///
  /// - Parameter cutoutProbability: with which an image is cut where the augmentation has a cutout.
  /// - Throws: as every function that makes a batch does, `InputError` for an image file that is gone or damaged.
  func fullBatch(
    of split: ImageDataset.Split, members: [Int], order: BatchOrder, position: BatchPosition, kind: Kind,
    isFresh: Bool = false, cutoutProbability: Double = 1
  ) throws -> ImageBatch {
    let key = noiseKey(kind, epoch: position.epoch, step: position.step)
    if members.count <= batchSize {
      // One batch holds all: the order has no meaning, and a fixed one keeps sums the same from step to step.
      return try assemble(
        split, members[...], key: key, epoch: position.epoch, pass: position.step, cutoutProbability: cutoutProbability)
    }
    let batches = isFresh ? 1 : members.count / batchSize
    let pass = position.step / batches
    let start = position.step % batches * batchSize
    let order = order.order(epoch: position.epoch, pass: pass)
    return try assemble(
      split, order[start..<start + batchSize], key: key, epoch: position.epoch, pass: pass,
      cutoutProbability: cutoutProbability)
  }

  /// An augmented batch of one pass over the members, the last one of what is left.
  func passBatch(
    of split: ImageDataset.Split, members: [Int], order: BatchOrder, position: BatchPosition, kind: Kind
  ) throws -> ImageBatch {
    let key = noiseKey(kind, epoch: position.epoch, step: position.step)
    let order = members.count <= batchSize ? members : order.order(epoch: position.epoch, pass: 0)
    let start = position.step * batchSize
    return try assemble(
      split, order[start..<min(start + batchSize, order.count)], key: key, epoch: position.epoch, pass: 0)
  }

  /// Members in the order in which a whole split is evaluated: their own or, of image files, one that the seed draws. Files lie
  /// class by class, and a batch of one class has the statistics of that class.
  func mixed(_ members: [Int], of split: ImageDataset.Split) -> [Int] {
    guard case .files = split.pixels else { return members }
    var stream = RandomStream(seed: seed, purpose: .evaluationOrder)
    return stream.permutation(members.count).map { members[$0] }
  }

  /// Members in their own order without augmentation; the last batch may be smaller.
  func fixedBatches(of split: ImageDataset.Split, members: [Int], size: Int, kind: Kind) -> FixedBatches {
    FixedBatches(count: (members.count + size - 1) / size) { index in
      let key = self.noiseKey(kind, epoch: 0, step: index)
      let slice = members[index * size..<min((index + 1) * size, members.count)]
      return try self.assemble(split, slice, key: key, epoch: nil, pass: 0)
    }
  }

  /// - Parameter epoch: Keys the augmentation together with the pass and each image's position; nil for none.
  private func assemble(
    _ split: ImageDataset.Split, _ positions: ArraySlice<Int>, key: UInt64, epoch: Int?, pass: Int,
    cutoutProbability: Double = 1
  ) throws -> ImageBatch {
    let (size, side) = (dataset.imageSize, dataset.side)
    let images = try [Float](unsafeUninitializedCapacity: positions.count * size) { buffer, initialized in
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
              if isSpared(position, epoch: epoch, pass: pass, cutoutProbability) { draw.cutout = nil }
            }
            renderer.render(source.baseAddress! + position * stored, draw: draw, into: target + slot * size)
          }
        }
      case .files(let files):
        try decode(
          files, Array(positions), epoch: epoch, pass: pass, cutoutProbability: cutoutProbability, into: target)
      }
      initialized = positions.count * size
    }
    return ImageBatch(
      images: images, labels: positions.map { split.labels[$0] }, channels: ImageDataset.channels, height: side, width: side,
      noiseKey: key)
  }

  /// Whether an image keeps the square that cutout would take. Drawn from a stream of its own, so that crop, flip, colours and the
  /// place of the square are the same at any probability.
  private func isSpared(_ position: Int, epoch: Int, pass: Int, _ cutoutProbability: Double) -> Bool {
    guard augmentation.cutoutLength != nil, cutoutProbability < 1 else { return false }
    var stream = RandomStream(
      seed: seed, purpose: .augmentation, epoch: epoch, step: pass, index: Self.firstChance + position)
    return stream.uniform() >= cutoutProbability
  }

  /// Streams of images have the indices below.
  private static let firstChance = 1 << 31

  /// Every image is a function of its own stream alone and lands in its own place, so the threads leave no trace.
  ///
  /// - Throws: `InputError` of the first image of the batch, in its order, that is gone or damaged.
  private func decode(
    _ files: ImageFiles, _ positions: [Int], epoch: Int?, pass: Int, cutoutProbability: Double,
    into target: UnsafeMutablePointer<Float>
  ) throws {
    let size = dataset.imageSize
    let failures = Mutex<[(slot: Int, error: any Error)]>([])
    decoding.run(positions.count) { slot in
      let place = target + slot * size
      do {
        let stored = try files.decoded(positions[slot])
        var draw = Augmentation.Draw.none
        let image: RGBImage
        if let epoch {
          var stream = RandomStream(
            seed: seed, purpose: .augmentation, epoch: epoch, step: pass, index: positions[slot])
          draw = augmentation.draw(side: dataset.side, from: &stream)
          if isSpared(positions[slot], epoch: epoch, pass: pass, cutoutProbability) { draw.cutout = nil }
          image = augmentation.prepared(stored, of: files, from: &stream)
        } else {
          image = files.centre(of: stored)
        }
        image.planar.withUnsafeBufferPointer { renderer.render($0.baseAddress!, draw: draw, into: place) }
      } catch {
        failures.withLock { $0.append((slot, error)) }
      }
    }
    if let first = failures.withLock({ $0.min { $0.slot < $1.slot } }) { throw first.error }
  }
}

/// Threads that decode images, started when the first batch of files is made.
private final class DecodingThreads: @unchecked Sendable {
  private let count: Int
  private let lock = NSLock()
  private var pool: ThreadPool?

  /// - Parameter count: 0 for `AvailableProcessors.count`.
  init(count: Int) { self.count = count > 0 ? count : AvailableProcessors.count }

  /// One batch at a time: a pool runs one set of tasks.
  func run(_ tasks: Int, _ body: (Int) -> Void) {
    lock.lock()
    defer { lock.unlock() }
    let pool = pool ?? ThreadPool(threadCount: count)
    self.pool = pool
    pool.run(tasks) { task, _ in body(task) }
  }
}
