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
}
