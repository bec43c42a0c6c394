import Compute
import Datasets
import Formats
import Foundation
import TestSupport
import Testing

/// A naive second implementation: pad with black, crop, mirror, normalise, cut out.
private func expectedImage(
  _ pixels: ArraySlice<UInt8>, side: Int, padding: Int, draw: Augmentation.Draw, normalisation: Normalisation
) -> [Float] {
  let pixels = Array(pixels)
  let wide = side + 2 * padding
  var result: [Float] = []
  for channel in 0..<3 {
    var padded = [UInt8](repeating: 0, count: wide * wide)
    for row in 0..<side {
      for column in 0..<side {
        padded[(row + padding) * wide + column + padding] = pixels[(channel * side + row) * side + column]
      }
    }
    for row in 0..<side {
      for column in 0..<side {
        let source = draw.isFlipped ? side - 1 - column : column
        let byte = padded[(row + padding + draw.row) * wide + source + padding + draw.column]
        let isCut = draw.cutout.map { $0.rows.contains(row) && $0.columns.contains(column) } ?? false
        let value = (Double(byte) / 255 - normalisation.mean[channel]) / normalisation.standardDeviation[channel]
        result.append(isCut ? 0 : Float(value))
      }
    }
  }
  return result
}

private func draw(
  _ augmentation: Augmentation, seed: UInt64, epoch: Int, pass: Int = 0, position: Int, side: Int
) -> Augmentation.Draw {
  var stream = RandomStream(seed: seed, purpose: .augmentation, epoch: epoch, step: pass, index: position)
  return augmentation.draw(side: side, from: &stream)
}

@Suite("Batches of byte images")
struct BatchLoaderTests {
  static let seed: UInt64 = 77
  let side = 8

  func loader(
    count: Int = 40, batch: Int = 4, limit: Int? = nil, augmentation: Augmentation = .darts, seed: UInt64 = seed,
    test: Int = 0
  ) throws -> BatchLoader {
    try BatchLoader(
      dataset: byteDataset(count: count, test: test, side: side), seed: seed, batchSize: batch, trainLimit: limit,
      augmentation: augmentation)
  }

  @Test(
    "Every pixel of training and validation batches is that of a naive implementation",
    arguments: [
      Augmentation.none, .darts, Augmentation(cropPadding: 4, isFlipping: false),
      Augmentation(cropPadding: 0, isFlipping: true), Augmentation(cropPadding: 3, isFlipping: true, cutoutLength: 4),
      Augmentation(cropPadding: 8, isFlipping: true, cutoutLength: 16),
    ])
  func pixels(augmentation: Augmentation) throws {
    let loader = try loader(augmentation: augmentation)
    let bytes = loader.dataset.training.bytes
    let size = 3 * side * side
    for epoch in 0..<2 {
      for step in 0..<loader.stepsPerEpoch {
        let batches = try [
          loader.trainingBatch(epoch: epoch, step: step), loader.validationBatch(epoch: epoch, step: step),
        ]
        for batch in batches {
          #expect(batch.count == 4 && batch.channels == 3 && batch.height == side && batch.width == side)
          for (slot, label) in batch.labels.enumerated() {
            // The sample's labels are positions.
            let position = Int(label)
            let draw = draw(augmentation, seed: Self.seed, epoch: epoch, position: position, side: side)
            let expected = expectedImage(
              bytes[position * size..<(position + 1) * size], side: side, padding: augmentation.cropPadding, draw: draw,
              normalisation: .cifar10)
            let found = Array(batch.images[slot * size..<(slot + 1) * size])
            #expect(found == expected, "epoch \(epoch), image \(position)")
          }
        }
      }
    }
  }

  @Test("Crops reach every offset, half of the images are mirrored, and cutouts are centred anywhere")
  func draws() {
    let augmentation = Augmentation(cropPadding: 4, isFlipping: true, cutoutLength: 4)
    var rows = [Int: Int]()
    var columns = [Int: Int]()
    var flips = 0
    var cutouts: Set<Range<Int>> = []
    let count = 9000
    for position in 0..<count {
      let draw = draw(augmentation, seed: 3, epoch: 0, position: position, side: 8)
      rows[draw.row, default: 0] += 1
      columns[draw.column, default: 0] += 1
      flips += draw.isFlipped ? 1 : 0
      if let cutout = draw.cutout { cutouts.formUnion([cutout.rows, cutout.columns]) }
    }
    for counts in [rows, columns] {
      #expect(counts.keys.sorted() == Array(-4...4))
      for (_, found) in counts { #expect(abs(Double(found) - 1000) < 5 * 1000.0.squareRoot()) }
    }
    #expect(abs(Double(flips) - 4500) < 5 * (9000.0 / 4).squareRoot())
    #expect(cutouts == Set((0..<8).map { max(0, $0 - 2)..<min(8, $0 + 2) }))
  }

  @Test("Switching flips and cutout off leaves the crops as they were")
  func independentDraws() {
    for position in 0..<50 {
      let all = Augmentation(cropPadding: 4, isFlipping: true, cutoutLength: 2)
      let one = Augmentation(cropPadding: 4, isFlipping: false)
      let full = draw(all, seed: 1, epoch: 2, position: position, side: 8)
      let crop = draw(one, seed: 1, epoch: 2, position: position, side: 8)
      #expect(crop.row == full.row && crop.column == full.column && !crop.isFlipped && crop.cutout == nil)
    }
  }

  @Test("The halves share no image, hold all that are allowed, and depend on the seed")
  func halves() throws {
    let whole = try loader(count: 41)
    #expect(whole.trainingMembers.count == 20 && whole.validationMembers.count == 21)
    #expect((whole.trainingMembers + whole.validationMembers).sorted() == Array(0..<41))
    let limited = try loader(count: 41, limit: 10)
    #expect(limited.trainingMembers.count == 5 && limited.validationMembers.count == 5)
    #expect(Set(limited.trainingMembers + limited.validationMembers).count == 10)
    #expect(limited.trainingMembers == limited.trainingMembers.sorted())
    #expect(limited.trainingMembers + limited.validationMembers != Array(0..<10), "the limit must not take the first ones")
    #expect(try loader(count: 41, limit: 10, seed: 78).trainingMembers != limited.trainingMembers)
    #expect(try loader(count: 41, limit: 10).trainingMembers == limited.trainingMembers)
  }

  @Test("An epoch visits every image of its half once, in an order of its own")
  func epochs() throws {
    let loader = try loader(count: 40, batch: 5)
    #expect(loader.stepsPerEpoch == 4)
    func order(_ epoch: Int) throws -> [Int32] {
      try (0..<4).flatMap { try loader.trainingBatch(epoch: epoch, step: $0).labels }
    }
    func validationOrder(_ epoch: Int) throws -> [Int32] {
      try (0..<4).flatMap { try loader.validationBatch(epoch: epoch, step: $0).labels }
    }
    for epoch in 0..<3 {
      #expect(try order(epoch).sorted() == loader.trainingMembers.map { Int32($0) })
      #expect(try validationOrder(epoch).sorted() == loader.validationMembers.map { Int32($0) })
    }
    #expect(try Set([order(0), order(1), order(2)]).count == 3)
    #expect(try Set([validationOrder(0), validationOrder(1)]).count == 2)
    #expect(try order(0) != order(0).sorted(), "images must be shuffled")
  }

  @Test("The last incomplete batch is left out, as 390 steps of 64 on half of CIFAR-10 ask")
  func fullBatches() throws {
    let loader = try loader(count: 38, batch: 4)
    #expect(loader.stepsPerEpoch == 4)
    let labels = try (0..<4).flatMap { try loader.trainingBatch(epoch: 0, step: $0).labels }
    #expect(labels.count == 16 && Set(labels).count == 16)
  }

  @Test("A step past the end of an epoch is one of the next")
  func lookAhead() throws {
    let loader = try loader(count: 40, batch: 5)
    #expect(try loader.trainingBatch(epoch: 1, step: 9) == loader.trainingBatch(epoch: 3, step: 1))
    #expect(try loader.validationBatch(epoch: 1, step: 4) == loader.validationBatch(epoch: 2, step: 0))
  }

  @Test("A half smaller than a batch is one whole batch, augmented anew in each epoch")
  func smallHalf() throws {
    let loader = try loader(count: 10, batch: 64)
    #expect(loader.stepsPerEpoch == 1)
    let first = try loader.trainingBatch(epoch: 0, step: 0)
    #expect(first.labels == loader.trainingMembers.map { Int32($0) })
    let second = try loader.trainingBatch(epoch: 1, step: 0)
    #expect(second.labels == first.labels && second.images != first.images)
  }

  @Test("A validation half with fewer batches than an epoch has steps is visited again in a new order")
  func validationCycle() throws {
    // Only splits of a dataset's own can be so uneven.
    func split(_ count: Int, salt: Int) -> ImageDataset.Split {
      .init(pixels: .bytes(samplePixels(count * 192, salt: salt)), labels: (0..<count).map { Int32($0) })
    }
    let (training, validation) = (split(24, salt: 1), split(8, salt: 2))
    let dataset = try ImageDataset(
      name: "uneven", classes: 24, side: 8, training: training, validation: validation, normalisation: .cifar10)
    let loader = try BatchLoader(dataset: dataset, seed: 5, batchSize: 4)
    #expect(loader.stepsPerEpoch == 6)
    let passes = try (0..<3).map { pass in try (0..<2).map { try loader.validationBatch(epoch: 0, step: 2 * pass + $0) } }
    for pass in passes { #expect(pass.flatMap(\.labels).sorted() == Array(0..<8)) }
    #expect(Set(passes.map { $0.flatMap(\.labels) }).count == 3)
    // The same image in another pass is augmented anew.
    for (pass, batches) in passes.enumerated() {
      for batch in batches {
        for (slot, label) in batch.labels.enumerated() {
          let draw = draw(.darts, seed: 5, epoch: 0, pass: pass, position: Int(label), side: 8)
          let bytes = validation.bytes[Int(label) * 192..<(Int(label) + 1) * 192]
          let expected = expectedImage(bytes, side: 8, padding: 4, draw: draw, normalisation: .cifar10)
          #expect(Array(batch.images[slot * 192..<(slot + 1) * 192]) == expected)
        }
      }
    }
  }

  @Test("A batch depends on its position alone, in whatever order and from however many threads it is asked for")
  func purity() async throws {
    struct Position: Hashable, Sendable {
      var epoch: Int
      var step: Int
      var isTraining: Bool
    }
    let positions = (0..<6).flatMap { epoch in
      (0..<5).flatMap { step in [true, false].map { Position(epoch: epoch, step: step, isTraining: $0) } }
    }
    @Sendable func batch(_ loader: BatchLoader, _ position: Position) throws -> ImageBatch {
      try position.isTraining
        ? loader.trainingBatch(epoch: position.epoch, step: position.step)
        : loader.validationBatch(epoch: position.epoch, step: position.step)
    }
    let forward = try loader()
    let expected = try positions.map { try batch(forward, $0) }
    #expect(Set(expected.map(\.noiseKey)).count == positions.count, "every position has a noise key of its own")
    let backward = try loader()
    _ = try backward.validationSplit.all
    for index in positions.indices.reversed() { #expect(try batch(backward, positions[index]) == expected[index]) }
    let shared = try loader()
    let found = try await withThrowingTaskGroup(of: (Int, ImageBatch).self) { group in
      for index in positions.indices { group.addTask { (index, try batch(shared, positions[index])) } }
      return try await group.reduce(into: [Int: ImageBatch]()) { $0[$1.0] = $1.1 }
    }
    for index in positions.indices { #expect(found[index] == expected[index]) }
    #expect(try loader(seed: 78).trainingBatch(epoch: 0, step: 0) != expected[0])
  }

  @Test("Whole splits come in fixed order, unchanged but for normalisation, the last batch smaller")
  func wholeSplits() throws {
    let loader = try loader(count: 22, batch: 4, test: 6)
    let size = 3 * side * side
    func images(_ bytes: [UInt8], _ positions: [Int]) -> [Float] {
      positions.flatMap { position -> [Float] in
        let image = bytes[position * size..<(position + 1) * size]
        return expectedImage(image, side: side, padding: 0, draw: .none, normalisation: .cifar10)
      }
    }
    let validation = try loader.validationSplit.all
    #expect(validation.map(\.count) == [4, 4, 3])
    #expect(validation.flatMap(\.labels) == loader.validationMembers.map { Int32($0) })
    #expect(validation.flatMap(\.images) == images(loader.dataset.training.bytes, loader.validationMembers))
    let test = try loader.testSplit.all
    #expect(test.map(\.count) == [4, 2])
    #expect(test.flatMap(\.images) == images(loader.dataset.test?.bytes ?? [], Array(0..<6)))
    #expect(try loader.wholeTraining.labels == loader.trainingMembers.map { Int32($0) })
    #expect(try loader.wholeTraining.images == images(loader.dataset.training.bytes, loader.trainingMembers))
    #expect(try loader.wholeValidation.images == validation.flatMap(\.images))
    let keys = try (validation + test + [loader.wholeTraining, loader.wholeValidation]).map(\.noiseKey)
    #expect(Set(keys).count == keys.count)
    #expect(try self.loader().testSplit.isEmpty)
  }

  @Test("Sizes and limits out of range are refused with what would be right")
  func refused() throws {
    #expect(
      message { _ = try loader(batch: 0) }?.contains("setting batch: out of range: found 0, wanted 1 to 65536") == true)
    for limit in [-1, 0, 1, 41] {
      let text = message { _ = try loader(limit: limit) }
      #expect(text?.contains("setting train_limit: out of range: found \(limit), wanted 2 to 40") == true)
    }
    #expect(try loader(limit: 2).trainingMembers.count == 1)
    #expect(message { _ = try loader(augmentation: .init(cropPadding: 9, isFlipping: true)) } != nil)
    #expect(message { _ = try loader(augmentation: .init(cropPadding: -1, isFlipping: true)) } != nil)
    for length in [0, 1, 17] {
      let text = message { _ = try loader(augmentation: .init(cropPadding: 4, isFlipping: true, cutoutLength: length)) }
      #expect(text?.contains("found \(length), wanted 2 to 16") == true)
    }
    #expect(message { _ = try loader(count: 1) }?.contains("too few") == true)
  }
}

@Suite("Batches of a file of tensors")
struct TensorBatchTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  func loader(batch: Int, limit: Int? = nil) throws -> BatchLoader {
    let path = folder.file("d.safetensors")
    try TensorFile.write(tensorSample(training: 5, validation: 3), metadata: [:], to: path)
    return try BatchLoader(dataset: TensorDataset.load(file: path), seed: 1, batchSize: batch, trainLimit: limit)
  }

  @Test("The file's splits are kept, and a batch that holds a split is the split, bit for bit and in its order")
  func wholeSplits() throws {
    let loader = try loader(batch: 5)
    let tensors = tensorSample(training: 5, validation: 3)
    for epoch in 0..<2 {
      let training = try loader.trainingBatch(epoch: epoch, step: 0)
      #expect(NamedTensor.Values.float32(training.images) == tensors[0].values)
      #expect(training.labels == [0, 1, 2, 3, 4])
      let validation = try loader.validationBatch(epoch: epoch, step: 0)
      #expect(NamedTensor.Values.float32(validation.images) == tensors[2].values)
      #expect(validation.labels == [5, 6, 7])
    }
    #expect(try loader.wholeTraining.images == loader.trainingBatch(epoch: 0, step: 0).images)
    #expect(try loader.wholeValidation.images == loader.validationSplit[0].images && loader.validationSplit.count == 1)
  }

  @Test("Smaller batches are shuffled but never augmented, whatever augmentation is asked for")
  func smallBatches() throws {
    let loader = try loader(batch: 2)
    #expect(loader.stepsPerEpoch == 2 && loader.augmentation == .none)
    let images = loader.dataset.training.floats
    for step in 0..<6 {
      let batch = try loader.trainingBatch(epoch: 0, step: step)
      for (slot, label) in batch.labels.enumerated() {
        let start = Int(label) * 48
        #expect(Array(batch.images[slot * 48..<(slot + 1) * 48]) == Array(images[start..<start + 48]))
      }
    }
    #expect(try loader.validationSplit.all.map(\.count) == [2, 1])
  }

  @Test("A training limit does not go with splits that are used as they are")
  func limit() throws {
    #expect(
      message { _ = try loader(batch: 2, limit: 2) }?.contains("setting train_limit: does not go with tensors") == true)
  }
}
