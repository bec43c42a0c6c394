import Datasets
import TestSupport
import Testing

@Suite("Held-out images of a retraining")
struct HoldOutLoaderTests {
  private func loader(
    _ split: SplitOrder, trainLimit: Int? = nil, testLimit: Int? = nil, holdsOut: Bool = true
  ) throws -> RetrainingLoader {
    try RetrainingLoader(
      dataset: byteDataset(count: 23, test: 6), seed: 9, batchSize: 4, trainLimit: trainLimit, testLimit: testLimit,
      holdsOut: holdsOut, split: split)
  }

  @Test("Halves are those of a search of the same seed, limit and split", arguments: SplitOrder.allCases, [nil, 11])
  func halves(split: SplitOrder, limit: Int?) throws {
    let held = try loader(split, trainLimit: limit)
    let search = try BatchLoader(dataset: held.dataset, seed: 9, batchSize: 4, trainLimit: limit, split: split)
    #expect(held.trainingMembers == search.trainingMembers && held.testMembers == search.validationMembers)
    // The sample's labels are positions.
    #expect(try held.testSplit.all.flatMap(\.labels) == search.validationMembers.map { Int32($0) })
    #expect(try held.testSplit.all.flatMap(\.images) == search.validationSplit.all.flatMap(\.images))
    let whole = try loader(split, trainLimit: limit, holdsOut: false)
    #expect(whole.trainingMembers == (search.trainingMembers + search.validationMembers).sorted())
    #expect(whole.testMembers == Array(0..<6))
  }

  @Test("A limit of reported images chooses among the held-out ones")
  func limit() throws {
    let held = try loader(.fileOrder, testLimit: 3)
    #expect(held.testMembers.count == 3 && held.testMembers.allSatisfy { (11..<23).contains($0) })
    #expect(
      message { _ = try loader(.fileOrder, testLimit: 13) }?
        .contains("setting test_limit: out of range: found 13, wanted 1 to 12, the held-out images") == true)
  }

  @Test("A validation split of the dataset's own is reported on, and all training images are trained on")
  func ownSplit() throws {
    let sample = try byteDataset(count: 12, test: 3)
    let other = try byteDataset(count: 5)
    let dataset = try ImageDataset(
      name: "own", classes: 12, side: 8, training: sample.training, validation: other.training, test: sample.test,
      normalisation: .cifar10)
    let held = try RetrainingLoader(dataset: dataset, seed: 1, batchSize: 4, holdsOut: true)
    #expect(held.trainingMembers == Array(0..<12) && held.testMembers == Array(0..<5))
    #expect(try held.testSplit.all.flatMap(\.labels) == Array(0..<5))
  }

  @Test("Folders of images, which lie class by class, are not halved in their order")
  func folders() throws {
    let folder = try ImageFolderTests()
    try folder.writeTree()
    let dataset = try folder.load()
    let text = "setting split: files of a folder lie class by class: found file-order, wanted seeded"
    func refusal(holdsOut: Bool = false, limit: Int? = nil) -> String? {
      message {
        _ = try RetrainingLoader(
          dataset: dataset, seed: 1, batchSize: 2, trainLimit: limit, holdsOut: holdsOut, split: .fileOrder)
      }
    }
    #expect(message { _ = try BatchLoader(dataset: dataset, seed: 1, batchSize: 2, split: .fileOrder) } == text)
    #expect(refusal(holdsOut: true) == text && refusal(limit: 4) == text)
    #expect(refusal() == nil, "all of them have no order")
  }

  @Test("Whole splits of a search and of retrainings are unchanged images in fixed order, the last batch smaller")
  func wholeSplits() throws {
    let search = try BatchLoader(dataset: byteDataset(count: 23, test: 6), seed: 9, batchSize: 4)
    #expect(try search.trainingSplit.all.flatMap(\.images) == search.wholeTraining.images)
    #expect(try search.trainingSplit.all.map(\.count) == [4, 4, 3])
    #expect(try search.mixedTestSplit.all == search.testSplit.all, "images in memory are not mixed")
    let held = try loader(.seeded)
    #expect(try held.trainingSplit.all == search.trainingSplit.all)
    #expect(try held.unseenSplit(isHeldOut: true).all == held.testSplit.all)
    #expect(try held.unseenSplit(isHeldOut: false).all.flatMap(\.images) == search.testSplit.all.flatMap(\.images))
    let limited = try loader(.seeded, testLimit: 3, holdsOut: false)
    #expect(try limited.unseenSplit(isHeldOut: false).all == limited.testSplit.all && limited.testSplit.count == 1)
    #expect(limited.unseenSplit(isHeldOut: true).isEmpty)
    let bare = try BatchLoader(dataset: byteDataset(count: 8), seed: 9, batchSize: 4)
    #expect(bare.mixedTestSplit.isEmpty)
  }

  @Test("Whole splits of folders have every image once, classes mixed in an order of the seed's")
  func mixedSplits() throws {
    let folder = try ImageFolderTests()
    try folder.writeTree()
    let dataset = try folder.load()
    let orders = try [UInt64(1), 1, 2, 3].map { seed in
      let loader = try RetrainingLoader(dataset: dataset, seed: seed, batchSize: 5)
      return try loader.trainingSplit.all.flatMap(\.labels)
    }
    #expect(orders.allSatisfy { $0.sorted() == dataset.training.labels } && orders[0] == orders[1])
    // Six of each of two classes: one seed in 924 leaves them in order, and two have the same.
    #expect(orders[0] != dataset.training.labels || orders[2] != dataset.training.labels)
    #expect(Set(orders).count > 1)
    let loader = try RetrainingLoader(dataset: dataset, seed: 1, batchSize: 5)
    #expect(try loader.unseenSplit(isHeldOut: false).all.flatMap(\.labels).sorted() == dataset.test?.labels.sorted())
  }
}
