import Formats
import Foundation
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// DARTS-ADA on a problem whose dominant eigenvalue doubles in epochs that are known.
struct AdaptiveRegularisationTests {
  /// Rows without the time that they took.
  static func timeless(_ records: [EpochRecord]) -> [EpochRecord] {
    records.map {
      var record = $0
      record.seconds = 0
      return record
    }
  }

  /// ω at the end of each epoch, in double precision, when weight decay is that of the epochs.
  private static func weights(_ decays: [Double]) -> [Double] {
    var weight = 0.0
    return decays.map { decay in
      for _ in 0..<2 { weight -= 0.05 * (weight - 1 + decay * weight) }
      return weight
    }
  }

  private static let first = [Double](repeating: 0.1, count: 8)

  @Test("The search goes back to the epoch that the rule returns, twice, and ends with the weight decays of its rounds")
  func twoReturns() throws {
    let folder = try ScratchFolder()
    let problem = try steppedCurvature()
    let files = try search(problem, steppedConfiguration(), in: folder.file("run"))
    let rollBacks = try files.rollBacks()
    #expect(rollBacks.map(\.round) == [1, 2] && rollBacks.map(\.fired) == [10, 11])
    #expect(rollBacks.map(\.sign) == [10, 11] && rollBacks.map(\.returned) == [8, 9])
    // Three times 0.1 is 0.30000000000000004; the maximum is hit as it was given.
    #expect(rollBacks.map(\.weightDecay) == [0.1, 0.1 * 3] && rollBacks.map(\.raised) == [0.1 * 3, 0.9])
    // Lanczos ends at a residual of a thousandth.
    for rollBack in rollBacks { #expect(abs(rollBack.before - 1) < 2e-3 && abs(rollBack.after - 2) < 4e-3) }

    let rows = try files.metrics()
    let decays = Self.first + [0.1 * 3] + [Double](repeating: 0.9, count: 15)
    #expect(rows.map(\.epoch) == Array(1...24) && rows.map(\.weightSteps) == (1...24).map { 2 * $0 })
    #expect(rows[0].weightDecay == nil && rows[0].round == nil, "the warm-up is that of any search")
    #expect(rows.dropFirst().map(\.weightDecay) == decays.dropFirst().map(Optional.some))
    #expect(rows.dropFirst().map(\.round) == [Int](repeating: 1, count: 7) + [2] + [Int](repeating: 3, count: 15))
    #expect(rows.dropFirst().allSatisfy { abs(($0.dominantEigenvalue ?? 0) - 1) < 2e-3 }, "the limit is never crossed")
    for (epoch, expected) in Self.weights(decays).enumerated() {
      let checkpoint = try SearchCheckpoint(readingFrom: files.checkpointPath(epoch: epoch + 1), for: problem)
      // 48 steps in single precision.
      #expect(abs(Double(checkpoint.weights[0]) - expected) < 1e-5, "epoch \(epoch + 1)")
      #expect(checkpoint.statistics?[1] == Float(2 * (epoch + 1)), "steps of the path alone move the statistics")
    }
    let last = try SearchCheckpoint(readingFrom: files.checkpointPath(epoch: 24), for: problem)
    #expect(last.weightDecay == 0.9)
    #expect(try files.genotypes().count == 24 && files.alphaHistory().count == 24)
    #expect(try files.result()?.record == rows[23] && files.result()?.isEarly == false)
    #expect(
      try String(decoding: bytes(files.genotypePath), as: UTF8.self) == files.genotypes()[23].pythonLine + "\n",
      "the architecture is that of the last epoch")
    let log = try String(decoding: bytes(files.logPath), as: UTF8.self)
    #expect(rollBacks.allSatisfy { log.contains($0.account) })
  }

  @Test("Abandoned epochs are kept in a folder a round, with the path that led there, and cost what they cost")
  func abandonedRounds() throws {
    let folder = try ScratchFolder()
    let problem = try steppedCurvature()
    let files = try search(problem, steppedConfiguration(), in: folder.file("run"))
    let rows = try files.metrics()
    for (number, fired, returned) in [(1, 10, 8), (2, 11, 9)] {
      let round = files.round(number)
      let abandoned = try round.metrics()
      #expect(abandoned.count == fired && abandoned.prefix(returned) == rows.prefix(returned))
      #expect(abandoned[returned...].allSatisfy { $0.round == number })
      #expect(abs((abandoned[fired - 1].dominantEigenvalue ?? 0) - 2) < 4e-3)
      #expect(try round.alphaHistory().count == fired && round.genotypes().count == fired)
      #expect(round.checkpoints().map(\.epoch) == Array(returned + 1...fired))
      try round.checkHistory()
    }
    try files.checkHistory()
    #expect(try files.abandonedMetrics().map(\.epoch) == [9, 10, 10, 11])
    let cost = SearchCost(of: rows, abandoned: try files.abandonedMetrics(), try files.configuration())
    #expect(cost.weightSteps == problem.weightGradients && cost.alphaGradients == problem.alphaGradients)
    // The batches of an epoch that is taken again are the same: keyed by epoch and step.
    #expect(problem.trainingPositions.count { $0 == [8, 0] } == problem.trainingPositions.count { $0 == [7, 0] } + 1)
    #expect(problem.validationPositions.count { $0 == [9, 1] } == 3)
  }

  @Test("At the maximum the rule is no longer asked, and the search runs to its end")
  func maximum() throws {
    let folder = try ScratchFolder()
    let files = try search(steppedCurvature(), steppedConfiguration(maximum: 0.3), in: folder.file("run"))
    #expect(try files.rollBacks().map(\.raised) == [0.3])
    let rows = try files.metrics()
    #expect(rows.count == 24 && rows[7].weightDecay == 0.1 && rows[8].weightDecay == 0.3)
    #expect(abs((rows[9].dominantEigenvalue ?? 0) - 1) < 2e-3)
    #expect(rows[10...].allSatisfy { abs(($0.dominantEigenvalue ?? 0) - 2) < 4e-3 && $0.weightDecay == 0.3 })
    let decays = Self.first + [Double](repeating: 0.3, count: 16)
    let last = try SearchCheckpoint(readingFrom: files.checkpointPath(epoch: 24), for: steppedCurvature())
    #expect(abs(Double(last.weights[0]) - (Self.weights(decays).last ?? 0)) < 1e-5)
  }

  @Test("After a return the search is the one that goes on by hand with the weight decay that it raised")
  func byHand() throws {
    let folder = try ScratchFolder()
    let own = steppedConfiguration(maximum: 0.3)
    let files = try search(steppedCurvature(), own, in: folder.file("run"))
    // The same search without returns, as far as epoch 8.
    var plain = steppedConfiguration(maximum: 0.3, .darts2)
    plain.adaptiveDecayFactor = 1
    let hand = try search(steppedCurvature(), plain, in: folder.file("hand"))
    for checkpoint in hand.checkpoints() where checkpoint.epoch > 8 {
      try FileManager.default.removeItem(atPath: checkpoint.path)
    }
    // From there with 0.3.
    var raised = plain
    raised.weightDecay = 0.3
    try AtomicFile.write(raised.yaml, to: hand.configurationPath)
    let file = try TensorFile(readingFrom: hand.checkpointPath(epoch: 8))
    var metadata = file.metadata
    metadata["configuration"] = raised.withoutHousekeeping.yaml
    try TensorFile.writeChecked(Array(file.tensors.values), metadata: metadata, to: file.path)
    try SearchRun(continuing: steppedCurvature(), folder: hand.folder, space: .s2).run()

    func tensors(_ files: SearchRunFolder, _ epoch: Int) throws -> [String: NamedTensor] {
      try TensorFile(readingFrom: files.checkpointPath(epoch: epoch)).tensors.filter { !$0.key.hasPrefix("early_stop.") }
    }
    for epoch in [8, 9, 24] { #expect(try tensors(files, epoch) == tensors(hand, epoch), "epoch \(epoch)") }
    #expect(try bytes(files.alphasPath) == bytes(hand.alphasPath))
    #expect(try bytes(files.genotypesPath) == bytes(hand.genotypesPath))
    #expect(try files.metrics().map(\.validationLoss) == hand.metrics().map(\.validationLoss))
    // It is another search than the one that never went back.
    let never = try search(steppedCurvature(), plain, in: folder.file("never"))
    #expect(try tensors(files, 8) == tensors(never, 8) && tensors(files, 9) != tensors(never, 9))
  }

  @Test("Methods of ZARTS go back as well, with what their updates drew there before")
  func otherMethods() throws {
    let folder = try ScratchFolder()
    for method in [SearchMethod.zartsMGS, .zartsRS, .darts1, .random] {
      let configuration = steppedConfiguration(method)
      try configuration.validate()
      #expect(configuration.takes("early_stop_window") && !method.takes("early_stop_window"))
      let ignored = configuration.ignoredSettings
      #expect(ignored.allSatisfy { !$0.hasPrefix("early_stop_") && !$0.hasPrefix("adaptive_") }, "\(ignored)")
      let files = try search(steppedCurvature(), configuration, in: folder.file(method.rawValue))
      #expect(try files.rollBacks().map(\.returned) == [8, 9], "\(method)")
      #expect(try files.metrics().map(\.epoch) == Array(1...24))
    }
  }

  @Test("TensorBoard is told of every epoch of the path once")
  func events() throws {
    let folder = try ScratchFolder()
    var configuration = steppedConfiguration()
    configuration.tensorboard = true
    let files = try search(steppedCurvature(), configuration, in: folder.file("run"))
    let events = try ReadEvent.surviving(in: files.folder).filter { $0.scalars["loss/validation"] != nil }
    #expect(events.map(\.step) == (1...24).map { 2 * $0 })
    #expect(events.last?.scalars["schedule/weight_decay"] == 0.9)
  }

  @Test("The work left grows by what was abandoned, and what is done never shrinks")
  func progress() throws {
    let folder = try ScratchFolder()
    var reports: [(done: Double, total: Double)] = []
    let progress = ProgressReporter(
      to: .init(report: { done, total, _ in reports.append((done, total)) }, note: { _ in }), interval: 0)
    let run = try SearchRun(
      starting: steppedCurvature(), configuration: steppedConfiguration(), folder: .create(at: folder.file("run")),
      space: .s2, progress: progress)
    try run.run()
    #expect(reports.count == 2 * (24 + 4))
    #expect(zip(reports, reports.dropFirst()).allSatisfy { $0.done < $1.done && $0.total <= $1.total })
    let totals = Set(reports.map(\.total)).sorted()
    #expect(totals.count == 3)
    // Two epochs each time.
    let abandoned = (totals.last ?? 0) - totals[1]
    #expect(abs(totals[1] - totals[0] - abandoned) < 1e-9 && abandoned > 0)
    #expect(reports.last.map { $0.done <= $0.total } == true)
  }

  @Test("A search that begins after a shared warm-up is the one that had its own")
  func sharedWarmup() throws {
    let folder = try ScratchFolder()
    let configuration = steppedConfiguration()
    let whole = try search(steppedCurvature(), configuration, in: folder.file("whole"))
    let (warmup, forked) = (
      SearchRunFolder(unchecked: folder.file("warmup")), SearchRunFolder(unchecked: folder.file("forked"))
    )
    try SearchJob(configuration.sharedWarmup, in: warmup).advance(to: 1, on: steppedCurvature())
    try SearchJob(configuration, in: forked).run(on: steppedCurvature(), after: warmup)
    for epoch in [0, 1, 8, 24] {
      #expect(try bytes(forked.checkpointPath(epoch: epoch)) == bytes(whole.checkpointPath(epoch: epoch)))
    }
    #expect(try Self.timeless(forked.metrics()) == Self.timeless(whole.metrics()))
    #expect(try bytes(forked.rollBacksPath) == bytes(whole.rollBacksPath))
  }

  @Test("What may still be gone back to is all that returns one right after the other can reach, and nothing at the maximum")
  func reach() {
    for (window, distance, every, start) in [(1, 2, 1, 0), (5, 4, 2, 10), (5, 5, 1, 10), (3, 1, 3, 4)] {
      for raises in 1...3 {
        let adaptive = AdaptiveRegularisation(
          rule: EarlyStopping(window: window, distance: distance, every: every, start: start), initial: 1, factor: 2,
          maximum: pow(2, Double(raises)))
        #expect(adaptive.raises(from: 1) == raises)
        for count in 1...40 {
          let range = adaptive.returnable(of: count, at: 1)
          // The rule fires on the newest eigenvalue, and again after one more, as often as it may.
          var (known, lowest) = (count, count)
          for _ in 0..<raises {
            let returned = known - 1 - window / 2 - distance
            guard returned >= 0, returned * every >= start else { break }
            lowest = min(lowest, returned)
            known = returned + 2
          }
          #expect(lowest == count || range.contains(lowest), "window \(window), \(raises) raises, \(count) eigenvalues")
          #expect(range.upperBound == count && range.allSatisfy { $0 * every >= start })
        }
        #expect(adaptive.returnable(of: 40, at: pow(2, Double(raises))).isEmpty)
      }
    }
  }

  /// What scripts/DARTS-ADA_search.sh and src/search/args.py of RobustDARTS set gives as many raises as the test of that code,
  /// round(log(maximum) / log(weight decay), 1) == 1, which ends them at 3e-2 and 0.0243.
  @Test("Weight decay is raised as often as the authors' code raises it", arguments: [(10.0, 0.03, 2), (3, 0.0243, 4)])
  func publishedRaises(factor: Double, maximum: Double, raises: Int) throws {
    let adaptive = AdaptiveRegularisation(rule: .robustDARTSCode, initial: 3e-4, factor: factor, maximum: maximum)
    var (value, count) = (3e-4, 0)
    while (10 * log(maximum) / log(value)).rounded() != 10 {
      value *= factor
      count += 1
    }
    #expect(count == raises && adaptive.raises(from: 3e-4) == raises)
    var own = 3e-4
    while let next = adaptive.raised(from: own) { own = next }
    #expect(abs(own - maximum) < 1e-12 * maximum && abs(value - maximum) < 1e-12 * maximum)
  }

  @Test("A factor beyond the maximum raises to the maximum, and no further")
  func beyond() {
    let adaptive = AdaptiveRegularisation(rule: EarlyStopping(), initial: 0.02, factor: 10, maximum: 0.03)
    #expect(adaptive.raised(from: 0.02) == 0.03 && adaptive.raised(from: 0.03) == nil && adaptive.raised(from: 0.2) == nil)
  }

  @Test("The preset has the rule and the raises of the authors' script")
  func preset() throws {
    let configuration = try SearchConfiguration(preset: SearchPreset(named: "paper-darts-ada-s1-cifar10", at: ""))
    #expect(configuration.method == .dartsADA && configuration.earlyStopping == nil && configuration.warmup == 0)
    let adaptive = try #require(configuration.adaptiveRegularisation)
    #expect(adaptive.rule == .robustDARTSCode)
    #expect(adaptive.initial == 3e-4 && adaptive.factor == 10 && adaptive.maximum == 0.03)
    #expect(configuration.ignoredSettings.isEmpty && configuration.validationSampling == .fresh)
    let usual = SearchConfiguration(method: .dartsADA, space: .s2, dataset: "x")
    #expect(usual.adaptiveDecayFactor == 10 && usual.adaptiveDecayMaximum == 0.03 && usual.eigenvalueEvery == 1)
    #expect(SearchConfiguration(method: .darts2, space: .s2, dataset: "x").adaptiveRegularisation == nil)
  }

  @Test("Settings with which nothing could grow are refused by name")
  func refused() {
    typealias Change = (inout SearchConfiguration) -> Void
    let cases: [(change: Change, key: String, found: String)] = [
      ({ $0.adaptiveDecayFactor = 1 }, "adaptive_decay_factor", "1.0"),
      ({ $0.adaptiveDecayFactor = 0.5 }, "adaptive_decay_factor", "0.5"),
      ({ $0.adaptiveDecayFactor = 1.001 }, "adaptive_decay_factor", "1.001"),
      ({ $0.method = .darts2ES }, "adaptive_decay_factor", "10.0"),
      ({ $0.eigenvalueEvery = 0 }, "eigenvalue_every", "0"),
      ({ $0.weightDecay = 0 }, "weight_decay", "0.0"),
      ({ $0.weightDecay = 0.03 }, "adaptive_decay_maximum", "0.03"),
      (
        {
          $0.method = .zartsMGS
          $0.stages = SearchStage.published
        }, "adaptive_decay_factor", "10.0"
      ),
    ]
    for (change, key, found) in cases {
      var configuration = SearchConfiguration(method: .dartsADA, space: .s5, dataset: "x")
      change(&configuration)
      let error = #expect(throws: InputError.self, "\(key) \(found)") { try configuration.validate() }
      #expect(error?.place == .setting(key) && error?.found == found)
    }
  }
}
