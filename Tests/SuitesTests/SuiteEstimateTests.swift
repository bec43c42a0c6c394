import Datasets
import Formats
import Retraining
import Search
import Suites
import TestSupport
import Testing

struct SuiteEstimateTests {
  private let pace = SuiteEstimate.Pace(search: { _ in 2 }, retraining: { _ in 10 })

  @Test("Steps are counted from the plan: of epochs, updates, passes, shared warm-ups, choices and tests") func steps()
    throws
  {
    let plan = try SuiteSamples.plan(
      SuiteSamples.yaml.replacing("[darts1, zarts-mgs]", with: "[darts1, darts2]"))
    let estimate = try SuiteEstimate(of: plan, images: { _ in .init(training: 100, test: 20) }, pace: pace)
    // Halves of 50 in batches of 8: 6 steps and 7 passes an epoch, 13 steps of a retraining, 7 of a short one; 3 passes of a test.
    let epoch = 6 + 7.0 / 3
    let expected: [String: Double] = [
      "warmups": epoch,
      // Two epochs, of whose 12 steps each has an update: a gradient of α, or four passes of which three are gradients.
      "runs.s2-darts1": 2 * epoch + 12, "runs.s2-darts2": 2 * epoch + 12 * 4,
      "choices": 2 * (7 + 7.0 / 3), "retrainings": 13 + 1,
    ]
    for row in estimate.rows {
      let found = try #require(expected.first { row.job.hasPrefix($0.key) })
      #expect(close(row.steps, found.value, .relative(1e-12)), "\(row.job): \(row.steps), \(found.value)")
      let isTrained = row.job.hasPrefix("choices") || row.job.hasPrefix("retrainings")
      #expect(close(row.coreSeconds, found.value * (isTrained ? 10 : 2), .relative(1e-12)))
    }
    #expect(estimate.rows.map(\.job) == plan.jobs.map(\.key))
    let all = estimate.rows.reduce(0) { $0 + $1.coreSeconds } / 3600
    #expect(close(estimate.coreHours(in: plan), all, .relative(1e-12)))
    let halved = try SuiteEstimate(of: plan, images: { _ in .init(training: 100, test: 20, side: 16) }, pace: pace)
    #expect(close(halved.coreHours(in: plan), all / 4, .relative(1e-12)))
  }

  @Test("Steps of an epoch are those of the loaders", arguments: [nil, 15] as [Int?]) func loaders(limit: Int?) throws {
    let data = try SuiteSamples.shades()
    let images = SuiteImages(of: data)
    #expect(images == SuiteImages(training: 23, test: 9, side: 8))
    var search = SearchConfiguration(method: .darts1, space: .s2, dataset: "shades")
    (search.batch, search.trainLimit) = (4, limit)
    let loader = try BatchLoader(dataset: data, seed: 0, batchSize: 4, trainLimit: limit)
    let found = images.search(search)
    #expect(found.steps == loader.stepsPerEpoch && found.passes == loader.validationSplit.count)
    var training = RetrainingConfiguration(genotype: "", dataset: "shades")
    (training.batch, training.trainLimit) = (4, limit)
    for holdsOut in [false, true] {
      let loader = try RetrainingLoader(
        dataset: data, seed: 0, batchSize: 4, trainLimit: limit, holdsOut: holdsOut,
        augmentation: Augmentation(cropPadding: 1, isFlipping: true))
      let found = images.retraining(training, holdOut: holdsOut)
      #expect(found.steps == loader.stepsPerEpoch && found.passes == loader.testSplit.count)
    }
  }

  @Test("Published datasets need not be there to be counted") func published() {
    #expect(SuiteImages(published: "cifar10:nowhere") == SuiteImages(training: 50_000, test: 10_000))
    #expect(SuiteImages(published: "svhn:nowhere?side=16") == SuiteImages(training: 73_257, test: 26_032, side: 16))
    #expect(SuiteImages(published: "fashion-mnist") == SuiteImages(training: 60_000, test: 10_000))
    #expect(SuiteImages(published: "svhn:nowhere?extra=yes") == nil && SuiteImages(published: "tensors:x") == nil)
  }

  @Test("An estimate is read as it was written, and not for another plan") func file() throws {
    let folder = try ScratchFolder()
    let plan = try SuiteSamples.plan()
    let estimate = try SuiteEstimate(of: plan, images: { _ in .init(training: 100, test: 20) }, pace: pace)
    try estimate.write(to: folder.file("e.csv"))
    #expect(try SuiteEstimate(readingFrom: folder.file("e.csv"), of: plan) == estimate)
    let other = try SuiteSamples.plan(SuiteSamples.yaml.replacing("spaces: [s2]", with: "spaces: [s2, s4]"))
    #expect(
      refusal { try SuiteEstimate(readingFrom: folder.file("e.csv"), of: other) }
        == "\(folder.file("e.csv")): column job: 12 jobs")
  }
}
