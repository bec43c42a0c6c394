import Datasets
import Testing

@Suite("Batches that are made when they are read")
struct FixedBatchesTests {
  @Test("A batch is the same whenever and in whatever order it is read")
  func repeatable() throws {
    let loader = try BatchLoader(dataset: byteDataset(count: 21), seed: 5, batchSize: 4)
    let split = loader.validationSplit
    #expect(split.count == 3 && split.indices == 0..<3)
    let forward = try split.all
    #expect(forward.map(\.count) == [4, 4, 3])
    #expect(forward[0].images != forward[1].images)
    for index in split.indices.reversed() { #expect(try split[index] == forward[index]) }
    #expect(try loader.validationSplit.all == forward)
  }
}
