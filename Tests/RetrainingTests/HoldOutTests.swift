import Datasets
import Formats
import Foundation
import Retraining
import Runs
import TestSupport
import Testing

/// Retrainings that report on held-out training images, and choices made by them.
@Suite("Held-out images") struct HoldOutTests {
  private func run(_ settings: RetrainingConfiguration, testSeed: UInt64 = 9, in path: String) throws -> RetrainingFolder {
    let run = try RetrainingRun(
      starting: settings, dataset: RetrainingSamples.shades(testSeed: testSeed),
      folder: { try OutputFolder.create(at: path) })
    try run.run()
    return run.files
  }

  @Test("The test split changes no bit of a run that holds images out, whose columns are those of validation")
  func untouched() throws {
    let folder = try ScratchFolder()
    let settings = RetrainingSamples.configuration { $0.holdOut = true }
    let (first, second) = try (
      run(settings, testSeed: 9, in: folder.file("a")), run(settings, testSeed: 10, in: folder.file("b"))
    )
    #expect(try RetrainingSamples.timeless(first) == RetrainingSamples.timeless(second))
    for epoch in 0...3 {
      let tensors = try [first, second].map { try TensorFile(readingFrom: $0.checkpointPath(epoch: epoch)).tensors }
      #expect(tensors[0] == tensors[1])
    }
    for record in try first.metrics() {
      #expect(record.testLoss == nil && record.testAccuracy == nil && record.validationLoss != nil)
      // Eleven of 22 images are held out.
      let accuracy = try #require(record.validationAccuracy) * 11
      #expect(abs(accuracy - accuracy.rounded()) < 1e-9)
      #expect(record.weightSteps == 2 * record.epoch, "eleven images in batches of eight")
    }
    // A run that tests does see them.
    let tested = RetrainingSamples.configuration()
    let (third, fourth) = try (
      run(tested, testSeed: 9, in: folder.file("c")), run(tested, testSeed: 10, in: folder.file("d"))
    )
    #expect(try RetrainingSamples.timeless(third).map(\.testLoss) != RetrainingSamples.timeless(fourth).map(\.testLoss))
    #expect(try third.metrics().allSatisfy { $0.validationLoss == nil && $0.testTop5 == nil })
  }

  @Test("Data of a hundred classes have top-5 accuracies, which are not below the accuracy")
  func topFive() throws {
    let folder = try ScratchFolder()
    let run = try RetrainingRun(
      starting: RetrainingSamples.configuration { $0.epochs = 2 }, dataset: RetrainingSamples.shades(classes: 100),
      folder: { try OutputFolder.create(at: folder.file("run")) })
    try run.run()
    for record in try run.files.metrics() {
      let (accuracy, top5) = try (#require(record.testAccuracy), #require(record.testTop5))
      #expect(top5 >= accuracy && top5 <= 1)
    }
  }

  private static func rows(_ found: [(accuracy: Double, loss: Double)?]) -> [SelectionRow] {
    found.enumerated().map { index, value in
      SelectionRow(
        number: index + 1, source: "s\(index)", folder: "candidates/\(index + 1)",
        validation: value.map { .init(split: "validation", loss: $0.loss, accuracy: $0.accuracy) })
    }
  }

  @Test("The highest accuracy is chosen, of equal ones the lowest loss, then the first; none before all are known")
  func choice() {
    #expect(SelectionRow.choice(of: Self.rows([(0.5, 1), (0.7, 2), (0.7, 1.5), (0.6, 0.1)])) == 2)
    #expect(SelectionRow.choice(of: Self.rows([(0.7, 1), (0.7, 1)])) == 0)
    #expect(SelectionRow.choice(of: Self.rows([(0.7, 1), nil])) == nil)
  }

  private func plan(_ change: (inout RetrainingConfiguration) -> Void = { _ in }) throws -> SelectionPlan {
    try SelectionPlan(
      candidates: [
        .init(source: "first", genotype: RetrainingSamples.line),
        .init(source: "second", genotype: RetrainingSamples.poolLine),
      ], briefEpochs: 2, settings: RetrainingSamples.configuration(change))
  }

  /// - Parameter steps: to stop after; nil for none.
  private func select(_ path: String, isContinued: Bool = false, stopAfter steps: Int? = nil) throws -> SelectionRun {
    let stop = StopRequest()
    var lines = 0
    let reporter = ProgressReporter(isTerminal: false, interval: 0) { text in
      guard text.contains("step ") else { return }
      lines += 1
      if lines == steps { stop.request(signal: SIGINT) }
    }
    let folder = try isContinued ? OutputFolder.existing(at: path) : OutputFolder.create(at: path)
    let plan = try isContinued ? SelectionPlan(readingFrom: folder.file(SelectionRun.planName)) : plan()
    return try SelectionRun(
      of: plan, in: folder, isContinued: isContinued, dataset: { _ in try RetrainingSamples.shades() }, progress: reporter,
      stop: stop)
  }

  @Test("A selection tests the chosen network once, after its last epoch, and no other")
  func selection() throws {
    let folder = try ScratchFolder()
    let run = try select(folder.file("whole"))
    let choice = try run.run()
    let briefs = try (1...2).map { try RetrainingFolder(existing: folder.file("whole/candidates/\($0)")).metrics() }
    for (index, records) in briefs.enumerated() {
      #expect(records.count == 2 && records.allSatisfy { $0.testAccuracy == nil })
      #expect(records.last?.validationAccuracy == run.rows[index].validation?.accuracy)
    }
    let accuracies = briefs.compactMap { $0.last?.validationAccuracy }
    #expect(accuracies[choice] == accuracies.max() && run.choice == choice)
    let final = try RetrainingFolder(existing: folder.file("whole/chosen"))
    #expect(try final.metrics().map { $0.testAccuracy != nil } == [false, false, true])
    #expect(try final.metrics().last?.testAccuracy == run.rows[choice].test?.accuracy)
    let trained = try String(decoding: FileBytes.read(final.genotypePath), as: UTF8.self)
    #expect(trained == run.plan.candidates[choice].genotype + "\n")
    let table = try CSVTable(readingFrom: folder.file("whole/selection.csv"))
    #expect(table.columns.contains("validation_accuracy") && table.rows.count == 2)
    #expect(try table.integers("chosen") == (choice == 0 ? [1, 0] : [0, 1]))
    #expect(try table.optionalDoubles("test_accuracy").map { $0 != nil } == (choice == 0 ? [true, false] : [false, true]))
  }

  /// Four steps a brief training, nine of the last: a stop in the first, the second and the third.
  @Test("A selection that was stopped goes on to the same table and weights", arguments: [1, 3, 6, 11])
  func resumed(steps: Int) throws {
    let folder = try ScratchFolder()
    try select(folder.file("whole")).run()
    // The folder is locked as long as the run lives.
    func stop() throws { try select(folder.file("broken"), stopAfter: steps).run() }
    #expect(throws: Interruption.self) { try stop() }
    try goOn(folder.file("broken"))
    let tables = try ["whole", "broken"].map { try FileBytes.read(folder.file("\($0)/selection.csv")) }
    #expect(tables[0] == tables[1])
    let ends = try ["whole", "broken"].map {
      try TensorFile(readingFrom: RetrainingFolder(existing: folder.file("\($0)/chosen")).checkpointPath(epoch: 3)).tensors
    }
    #expect(ends[0] == ends[1])
  }

  private func goOn(_ path: String) throws { try select(path, isContinued: true).run() }

  @Test("Plans with one candidate, the same twice, or networks of two families are refused, and read back as written")
  func plans() throws {
    func error(_ lines: [String], brief: Int = 2) throws -> InputError {
      let candidates = lines.enumerated().map { SelectionPlan.Candidate(source: "s\($0)", genotype: $1) }
      return try #require(
        #expect(throws: InputError.self) {
          try SelectionPlan(candidates: candidates, briefEpochs: brief, settings: RetrainingSamples.configuration())
        })
    }
    let (line, pools) = (RetrainingSamples.line, RetrainingSamples.poolLine)
    #expect(try error([line]).found == "1")
    let twice = try error([line, pools, line])
    #expect(twice.place == .words("s2") && twice.found == "that of s0")
    let stages = try error([line, "|none~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|"])
    #expect(stages.place == .words("s1") && stages.problem == "genotypes of different networks")
    let brief = try error([line, pools], brief: 0)
    #expect(brief.place.setting == "brief_epochs" && brief.found == "0")
    let folder = try ScratchFolder()
    let run = try select(folder.file("run"))
    #expect(try SelectionPlan(readingFrom: run.folder.file(SelectionRun.planName)) == run.plan)
    try AtomicFile.write("candidates: 3\n", to: folder.file("bad.yaml"))
    let bad = try #require(
      #expect(throws: InputError.self) { try SelectionPlan(readingFrom: folder.file("bad.yaml")) })
    #expect(bad.place.file == folder.file("bad.yaml") && bad.problem == "not the plan of a selection")
  }

  @Test("Data without a test split are refused before anything is trained")
  func noTest() throws {
    let folder = try ScratchFolder()
    let whole = try RetrainingSamples.shades()
    let data = try ImageDataset(
      name: "shades", classes: 2, side: 8, storedChannels: 1, training: whole.training, normalisation: whole.normalisation)
    let run = try SelectionRun(
      of: plan(), in: OutputFolder.create(at: folder.file("run")), isContinued: false, dataset: { _ in data })
    let error = try #require(#expect(throws: InputError.self) { try run.run() })
    #expect(error.place.setting == "dataset" && error.problem == "no test split")
  }
}
