import Compute
import Datasets
import TestSupport
import Testing

@Suite("Batches of a retraining")
struct RetrainingLoaderTests {
  func loader(
    count: Int = 22, test: Int = 6, batch: Int = 4, seed: UInt64 = 9, trainLimit: Int? = nil, testLimit: Int? = nil,
    augmentation: Augmentation = .darts, keepsLastBatch: Bool = true
  ) throws -> RetrainingLoader {
    try RetrainingLoader(
      dataset: byteDataset(count: count, test: test), seed: seed, batchSize: batch, trainLimit: trainLimit,
      testLimit: testLimit, augmentation: augmentation, keepsLastBatch: keepsLastBatch)
  }

  @Test("An epoch visits every training image once, the last batch smaller, in an order of its own")
  func epochs() throws {
    let loader = try loader()
    #expect(loader.stepsPerEpoch == 6)
    func batches(_ epoch: Int) throws -> [ImageBatch] {
      try (0..<6).map { try loader.trainingBatch(epoch: epoch, step: $0) }
    }
    for epoch in 0..<3 {
      #expect(try batches(epoch).map(\.count) == [4, 4, 4, 4, 4, 2])
      #expect(try batches(epoch).flatMap(\.labels).sorted() == Array(0..<22))
    }
    #expect(try Set((0..<3).map { try batches($0).flatMap(\.labels) }).count == 3)
    #expect(try loader.trainingBatch(epoch: 0, step: 8) == loader.trainingBatch(epoch: 1, step: 2))
    #expect(try Set((0..<3).flatMap(batches).map(\.noiseKey)).count == 18)
  }

  @Test("Without the last batch an epoch has full batches only, of other images in each epoch")
  func fullBatches() throws {
    let loader = try loader(keepsLastBatch: false)
    #expect(loader.stepsPerEpoch == 5)
    let visited = try (0..<4).map { epoch in
      try (0..<5).flatMap { try loader.trainingBatch(epoch: epoch, step: $0).labels }
    }
    for labels in visited { #expect(labels.count == 20 && Set(labels).count == 20) }
    #expect(Set(visited.map { Set($0) }).count > 1)
    #expect(try self.loader(batch: 64, keepsLastBatch: false).trainingBatch(epoch: 0, step: 0).count == 22)
  }

  @Test("Images are augmented with the stream of their position and epoch, cutout zeroing a square in all channels")
  func augmentation() throws {
    let augmentation = Augmentation(cropPadding: 2, isFlipping: true, cutoutLength: 4)
    let cut = try loader(augmentation: augmentation)
    let plain = try loader(augmentation: Augmentation(cropPadding: 2, isFlipping: true))
    for step in 0..<cut.stepsPerEpoch {
      let batch = try cut.trainingBatch(epoch: 3, step: step)
      let whole = try plain.trainingBatch(epoch: 3, step: step)
      #expect(batch.labels == whole.labels && batch.noiseKey == whole.noiseKey)
      for (slot, label) in batch.labels.enumerated() {
        var stream = RandomStream(seed: 9, purpose: .augmentation, epoch: 3, step: 0, index: Int(label))
        let square = try #require(augmentation.draw(side: 8, from: &stream).cutout)
        for index in 0..<192 {
          let (row, column) = (index / 8 % 8, index % 8)
          let isCut = square.rows.contains(row) && square.columns.contains(column)
          #expect(batch.images[slot * 192 + index] == (isCut ? 0 : whole.images[slot * 192 + index]))
        }
      }
    }
  }

  @Test("The whole training and test splits come in order, as they are")
  func splits() throws {
    let loader = try loader()
    #expect(try loader.testSplit.all.map(\.count) == [4, 2])
    #expect(try loader.testSplit.all.flatMap(\.labels) == Array(0..<6))
    #expect(try loader.trainingSplit.all.flatMap(\.labels) == Array(0..<22))
    let search = try BatchLoader(dataset: loader.dataset, seed: 9, batchSize: 4)
    #expect(try loader.testSplit.all == search.testSplit.all, "a search and a retraining test on the same")
  }

  @Test("Limits choose by the seed, the training images as a search of this limit does")
  func limits() throws {
    let limited = try loader(trainLimit: 10, testLimit: 3)
    let search = try BatchLoader(dataset: limited.dataset, seed: 9, batchSize: 4, trainLimit: 10)
    #expect(limited.trainingMembers == (search.trainingMembers + search.validationMembers).sorted())
    #expect(limited.testMembers.count == 3)
    #expect(try limited.testSplit.all.flatMap(\.labels) == limited.testMembers.map { Int32($0) })
    let others = try (10..<20).map { try loader(seed: $0, testLimit: 3).testMembers }
    #expect(Set(others).count > 1)
    for (limit, text) in [(0, "found 0, wanted 1 to 22"), (23, "found 23, wanted 1 to 22")] {
      #expect(message { _ = try loader(trainLimit: limit) }?.contains("setting train_limit: out of range: \(text)") == true)
    }
    #expect(message { _ = try loader(testLimit: 7) }?.contains("setting test_limit: out of range: found 7") == true)
    #expect(message { _ = try loader(test: 0, testLimit: 1) }?.contains("there are no test images") == true)
    #expect(message { _ = try loader(batch: 0) }?.contains("setting batch") == true)
    #expect(message { _ = try loader(augmentation: .init(cropPadding: 4, isFlipping: true, cutoutLength: 40)) } != nil)
  }
}
