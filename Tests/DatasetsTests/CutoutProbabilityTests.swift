import Datasets
import Formats
import TestSupport
import Testing

/// A cutout that not every image gets.
@Suite struct CutoutProbabilityTests {
  private func loader(cutout: Int?) throws -> BatchLoader {
    try BatchLoader(
      dataset: byteDataset(count: 400, side: 8), seed: 7, batchSize: 50,
      augmentation: Augmentation(cropPadding: 2, isFlipping: true, cutoutLength: cutout))
  }

  /// The images of an epoch's batches by their labels, which are positions.
  private func images(_ batch: ImageBatch) -> [[Float]] {
    let size = batch.images.count / batch.count
    return (0..<batch.count).map { Array(batch.images[$0 * size..<($0 + 1) * size]) }
  }

  @Test("An image is cut whole or not at all, as often as the probability says, and is else the same at any probability")
  func probability() throws {
    let (plain, cutting) = (try loader(cutout: nil), try loader(cutout: 4))
    for isTraining in [true, false] {
      func batch(_ loader: BatchLoader, epoch: Int, step: Int, _ probability: Double) throws -> [[Float]] {
        images(
          isTraining
            ? try loader.trainingBatch(epoch: epoch, step: step, cutoutProbability: probability)
            : try loader.validationBatch(epoch: epoch, step: step, cutoutProbability: probability))
      }
      var (cut, all) = (0, 0)
      var often: Set<[Int]> = []
      for epoch in 0..<5 {
        for step in 0..<4 {
          let none = try batch(plain, epoch: epoch, step: step, 1)
          let whole = try batch(cutting, epoch: epoch, step: step, 1)
          #expect(try batch(cutting, epoch: epoch, step: step, 0) == none)
          let usual =
            isTraining
            ? try cutting.trainingBatch(epoch: epoch, step: step) : try cutting.validationBatch(epoch: epoch, step: step)
          #expect(images(usual) == whole, "without a probability every image is cut")
          let some = try batch(cutting, epoch: epoch, step: step, 0.25)
          #expect(try batch(cutting, epoch: epoch, step: step, 0.25) == some, "a batch is a function of its place")
          let more = try batch(cutting, epoch: epoch, step: step, 0.5)
          for index in some.indices {
            #expect(none[index] != whole[index])
            #expect(some[index] == none[index] || some[index] == whole[index])
            // One number decides at every probability.
            #expect(some[index] != whole[index] || more[index] == whole[index])
            all += 1
            if some[index] == whole[index] { cut += 1 }
          }
          often.insert(some.indices.filter { some[$0] == whole[$0] })
        }
      }
      // 1000 images: four standard deviations are 0.055.
      #expect(abs(Double(cut) / Double(all) - 0.25) < 0.055, "\(cut) of \(all)")
      #expect(often.count == 20, "other images in every batch")
    }
  }

  @Test("A probability means nothing where there is no cutout, and batches of whole splits are never cut")
  func nothing() throws {
    let (plain, cutting) = (try loader(cutout: nil), try loader(cutout: 4))
    #expect(
      try plain.trainingBatch(epoch: 1, step: 2, cutoutProbability: 0.5) == plain.trainingBatch(epoch: 1, step: 2))
    #expect(try cutting.validationSplit[0] == plain.validationSplit[0])
    #expect(try cutting.trainingSplit[0] == plain.trainingSplit[0])
  }

  @Test("A square of more than twice the images' side is refused by the setting's name") func tooLarge() {
    let error = #expect(throws: InputError.self) { try loader(cutout: 17) }
    #expect(error?.place == .setting("cutout") && error?.found == "17" && error?.wanted == "2 to 16")
  }
}
