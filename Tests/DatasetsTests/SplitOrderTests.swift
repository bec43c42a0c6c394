import Compute
import Datasets
import TestSupport
import Testing

@Suite("The order in which training images are halved")
struct SplitOrderTests {
  private func loader(
    _ split: SplitOrder, count: Int = 21, seed: UInt64 = 5, limit: Int? = nil
  ) throws -> BatchLoader {
    try BatchLoader(dataset: byteDataset(count: count), seed: seed, batchSize: 4, trainLimit: limit, split: split)
  }

  @Test("File order halves the images as they lie, whatever the seed; an odd image and those beyond a limit as in DARTS")
  func fileOrder() throws {
    for seed in [UInt64(0), 5, 77] {
      let whole = try loader(.fileOrder, seed: seed)
      #expect(whole.trainingMembers == Array(0..<10) && whole.validationMembers == Array(10..<21))
      let limited = try loader(.fileOrder, seed: seed, limit: 9)
      #expect(limited.trainingMembers == Array(0..<4) && limited.validationMembers == Array(4..<9))
    }
  }

  @Test("The seed then chooses the order of batches and the augmentation, not the members of a half")
  func seed() throws {
    let (first, second) = try (loader(.fileOrder, seed: 1), loader(.fileOrder, seed: 2))
    // The sample's labels are positions.
    func visited(_ loader: BatchLoader) throws -> [Int32] {
      try (0..<loader.stepsPerEpoch).flatMap { try loader.trainingBatch(epoch: 0, step: $0).labels }
    }
    #expect(try visited(first) != visited(second))
    #expect(try visited(first).allSatisfy { $0 < 10 } && visited(second).allSatisfy { $0 < 10 })
    #expect(try first.trainingBatch(epoch: 0, step: 0).images != second.trainingBatch(epoch: 0, step: 0).images)
  }

  /// The first half of the permutation that the stream of purpose `split` draws.
  @Test("The seeded order is that of a random permutation, and the one that nothing asks for")
  func seeded() throws {
    var stream = RandomStream(seed: 5, purpose: .split)
    let order = stream.permutation(21)
    let loader = try loader(.seeded)
    #expect(loader.trainingMembers == order.prefix(10).sorted() && loader.validationMembers == order.dropFirst(10).sorted())
    let usual = try BatchLoader(dataset: byteDataset(count: 21), seed: 5, batchSize: 4)
    #expect(usual.trainingMembers == loader.trainingMembers && usual.validationMembers == loader.validationMembers)
    #expect(try self.loader(.seeded, seed: 6).trainingMembers != loader.trainingMembers)
  }

  @Test("Limits out of range are refused in both orders", arguments: SplitOrder.allCases)
  func limits(split: SplitOrder) {
    for limit in [1, 22] {
      #expect(
        message { _ = try loader(split, limit: limit) }?
          .contains("setting train_limit: out of range: found \(limit), wanted 2 to 21") == true)
    }
    #expect(message { _ = try loader(split, count: 1) }?.contains("too few training images to halve: found 1") == true)
  }
}
