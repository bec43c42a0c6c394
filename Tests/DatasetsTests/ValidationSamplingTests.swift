import Compute
import Datasets
import Testing

/// Validation batches that are drawn afresh at each step, as DARTS draws them.
@Suite struct ValidationSamplingTests {
  /// 40 images whose labels are their positions, halves of 20, batches of 4: five validation batches an epoch.
  private func loader(_ sampling: ValidationSampling) throws -> BatchLoader {
    try BatchLoader(
      dataset: byteDataset(count: 40, test: 0, side: 8), seed: 7, batchSize: 4, validationSampling: sampling)
  }

  @Test("A fresh batch is the start of an order of its own; batches of an epoch share none")
  func batches() throws {
    let (epoch, fresh) = try (loader(.epoch), loader(.fresh))
    #expect(epoch.validationMembers == fresh.validationMembers && epoch.stepsPerEpoch == 5)
    for number in 0..<2 {
      var seen: [Int32] = []
      for step in 0..<5 {
        var stream = RandomStream(seed: 7, purpose: .validationOrder, epoch: number, step: step)
        let order = stream.permutation(20).map { Int32(fresh.validationMembers[$0]) }
        #expect(try fresh.validationBatch(epoch: number, step: step).labels == Array(order.prefix(4)))
        seen += try epoch.validationBatch(epoch: number, step: step).labels
      }
      #expect(seen.sorted() == epoch.validationMembers.map(Int32.init), "an epoch passes over all of L_val once")
    }
    #expect(
      try fresh.validationBatch(epoch: 0, step: 6).labels == fresh.validationBatch(epoch: 1, step: 1).labels,
      "a step past the end is one of the next epoch")
  }

  @Test("Training batches and the first validation batch of an epoch are the same with either")
  func others() throws {
    let (epoch, fresh) = try (loader(.epoch), loader(.fresh))
    for step in 0..<5 {
      let (first, second) = try (epoch.trainingBatch(epoch: 0, step: step), fresh.trainingBatch(epoch: 0, step: step))
      #expect(first.labels == second.labels && first.images == second.images)
    }
    #expect(try epoch.validationBatch(epoch: 3, step: 0).labels == fresh.validationBatch(epoch: 3, step: 0).labels)
  }

  @Test("Every image is as likely in every fresh batch, whatever was drawn before")
  func frequency() throws {
    let loader = try loader(.fresh)
    var counts: [Int32: Int] = [:]
    var repeats = 0
    var last: Set<Int32> = []
    for epoch in 0..<200 {
      for step in 0..<5 {
        let labels = try loader.validationBatch(epoch: epoch, step: step).labels
        #expect(Set(labels).count == 4, "within a batch none comes twice")
        for label in labels { counts[label, default: 0] += 1 }
        repeats += last.intersection(labels).count
        last = Set(labels)
      }
    }
    // 1000 batches of 4 of 20: each image 200 times, deviation √(1000 · 1/5 · 4/5) = 12.6; five of them is 63.
    #expect(counts.count == 20 && counts.values.allSatisfy { abs($0 - 200) < 63 }, "\(counts)")
    // Two batches share 4 · 4/20 = 0.8 images on average; the variance of one intersection is 0.54.
    #expect(abs(Double(repeats) - 0.8 * 999) < 5 * (0.54 * 999).squareRoot(), "\(repeats)")
  }
}
