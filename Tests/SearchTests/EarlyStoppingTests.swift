import Compute
import Formats
import Foundation
import Problems
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

struct EarlyStoppingTests {
  @Test func stopsWhereTheAverageHasGrownByAThirdAndReturnsKEpochsBefore() throws {
    let criterion = EarlyStopping(start: 0)
    // Flat, then twice as high from epoch 12 on. The average around 11 is (1,1,1,2,2)/5 = 1.4 and that around 6 is 1:
    // 0.714. Around 10 it is 1.2: 0.833.
    let series = (0..<20).map { $0 < 12 ? 1.0 : 2.0 }
    let decision = try #require(criterion.decision(of: series))
    #expect(decision.epoch == 11 && decision.returned == 6)
    #expect(decision.before == 1 && abs(decision.after - 1.4) < 1e-15)
    // It is known once epoch 13 is.
    #expect(criterion.decision(of: Array(series.prefix(13))) == nil)
    #expect(criterion.decision(of: Array(series.prefix(14))) == decision)
  }

  @Test func thresholdIsStrict() {
    let criterion = EarlyStopping(window: 1, ratio: 0.75, start: 0)
    #expect(criterion.decision(of: [0.75, 1]) == nil)
    #expect(criterion.decision(of: [0.749, 1])?.returned == 0)
    #expect(EarlyStopping(window: 1, ratio: 1, start: 0).decision(of: [3, 3, 3, 2, 1]) == nil)
  }

  @Test func windowsThatDoNotFitDecideNothing() {
    let criterion = EarlyStopping(start: 0)
    // The first average lies around 2, the one 5 later around 7, which takes epoch 9.
    let steep = (0..<9).map { pow(10, Double($0)) }
    #expect(criterion.decision(of: steep) == nil)
    #expect(criterion.decision(of: steep + [1e9])?.returned == 2)
    #expect(EarlyStopping(start: 4).decision(of: steep + [1e9, 1e10]) == nil)
    #expect(EarlyStopping(start: 4).decision(of: steep + [1e9, 1e10, 1e11])?.returned == 4)
  }

  @Test func curvatureThatIsNotPositiveNeverStops() {
    #expect(EarlyStopping(window: 1, start: 0).decision(of: [1, 0, -1, -2]) == nil)
    #expect(EarlyStopping(window: 1, start: 0).decision(of: [-1, 1])?.returned == 0)
  }

  /// Dominant eigenvalues of epochs 0, 2, … 48 of the three plain searches (no drop-path, weight decay 3e-4, seeds 1, 2 and 3)
  /// with DARTS of second order on S1, CIFAR-10, from the public logs of RobustDARTS (github.com/automl/RobustDARTS,
  /// experiments/search_logs/s1/cifar10/0.0_0.0003-2516843, derivatives_1.json to derivatives_3.json). Where the class
  /// EVLocalAvg of that repository, src/utils.py, run on them with its defaults, decides, and on what.
  static let published: [(eigenvalues: [Double], known: Int, averaged: Int, returned: Int, growth: Double)] = [
    (
      [
        0.178844, 0.148167, 0.170297, 0.146413, 0.12114, 0.248833, 0.23113, 0.359535, 0.22456, 0.38595, 0.208472, 0.429757,
        0.508256, 0.228687, 0.409844, 0.5024, 0.499734, 0.249951, 0.457384, 0.516766, 0.64377, 0.459158, 0.707123, 1.3192,
        0.527155,
      ], 22, 18, 10, 1.452755112456427
    ),
    (
      [
        0.173679, 0.146526, 0.262922, 0.193219, 0.167477, 0.221207, 0.209015, 0.150508, 0.219972, 0.290049, 0.3138,
        0.473731, 0.305489, 0.362395, 0.323226, 0.360951, 0.900338, 0.243038, 0.300567, 0.62853, 0.646519, 0.516757,
        0.820854, 0.394745, 0.395044,
      ], 22, 18, 10, 1.5381559464047094
    ),
    (
      [
        0.146031, 0.208303, 0.316382, 0.196678, 0.213419, 0.183376, 0.346542, 0.20286, 0.249981, 0.17144, 0.310004,
        0.305462, 0.25318, 0.260852, 0.40736, 0.591811, 0.595552, 0.789288, 0.732599, 0.481378, 0.365192, 0.785667,
        0.912962, 0.312473, 0.879834,
      ], 30, 26, 18, 1.4669646306867452
    ),
  ]

  @Test(arguments: 0..<3) func theRuleOfRobustDARTSReturnsTheAuthorsEpochsOnTheirPlainSearches(seed: Int) throws {
    let run = Self.published[seed]
    let rule = EarlyStopping.robustDARTSCode
    let decision = try #require(rule.decision(of: run.eigenvalues))
    #expect(decision.epoch == run.averaged && decision.returned == run.returned)
    // Sums of five numbers in one order or another.
    #expect(abs(decision.after / decision.before - run.growth) < 1e-12)
    // Two eigenvalues after that around which the average lies, and not before.
    #expect(rule.decision(of: Array(run.eigenvalues.prefix(run.known / 2))) == nil)
    #expect(rule.decision(of: Array(run.eigenvalues.prefix(run.known / 2 + 1))) == decision)
  }

  @Test func cadenceStretchesEpochsAndDecidesTheSame() throws {
    let series = (0..<40).map { 1 + 0.02 * Double($0 * $0) }
    let each = try #require(EarlyStopping(window: 3, distance: 2, ratio: 0.8, start: 4).decision(of: series))
    let third = try #require(
      EarlyStopping(window: 3, distance: 2, every: 3, ratio: 0.8, start: 14).decision(of: series, from: 2))
    #expect(each.returned >= 4 && third.epoch == 2 + 3 * each.epoch && third.returned == 2 + 3 * each.returned)
    #expect(third.before == each.before && third.after == each.after)
  }

  @Test func distanceIsApartFromTheWindow() throws {
    // Up by half every epoch: averages d apart have the ratio 1.5^−d, whatever the window.
    let series = (0..<20).map { pow(1.5, Double($0)) }
    for (window, distance) in [(1, 1), (3, 1), (3, 2), (5, 4)] {
      let rule = EarlyStopping(window: window, distance: distance, ratio: 0.7, start: 0)
      let decision = try #require(rule.decision(of: series))
      #expect(decision.returned == window / 2 && decision.epoch == window / 2 + distance)
      #expect(abs(decision.before / decision.after - pow(1.5, -Double(distance))) < 1e-12)
    }
    #expect(EarlyStopping(window: 3).distance == 3)
  }

  @Test func searchStopsOnEigenvaluesOfEverySecondEpoch() throws {
    let folder = try ScratchFolder()
    var configuration = configuration(.darts1ES)
    (configuration.eigenvalueEvery, configuration.earlyStopDistance) = (2, 2)
    // What grows at all, grows enough.
    (configuration.earlyStopRatio, configuration.earlyStopStart) = (0.98, 0)
    let run = try SearchRun(
      starting: problem(), configuration: configuration, folder: .create(at: folder.file("run")), space: .s2)
    let outcome = try run.run()
    let rows = try run.files.metrics()
    #expect(rows.count < 30)
    // From the first epoch after the one of warm-up on.
    #expect(rows.indices.allSatisfy { (rows[$0].dominantEigenvalue != nil) == !$0.isMultiple(of: 2) })
    let eigenvalues = rows.compactMap(\.dominantEigenvalue)
    let decision = try #require(configuration.earlyStopping?.decision(of: eigenvalues))
    #expect(decision.epoch.isMultiple(of: 2) && decision.epoch - decision.returned == 4)
    #expect(rows.count == 1 + decision.epoch + 2 + 1, "warm-up, and the eigenvalue after that of t")
    #expect(outcome.record == rows[1 + decision.returned])
    #expect(try run.files.result()?.record == rows[1 + decision.returned])
    #expect(try outcome.genotype == run.files.genotypes()[1 + decision.returned])
  }

  @Test("A shortage of memory at an eigenvalue ends the search with its account, and what was finished stays")
  func shortage() throws {
    let folder = try ScratchFolder()
    var configuration = shortConfiguration(.darts1)
    configuration.eigenvalueEvery = 2
    let shortage = MemoryShortage("Hessian products of a network", neededBytes: 2, availableBytes: 1)
    let problem = try ObservedProblem(quadratic())
    problem.spoilProduct = { _ in throw shortage }
    let error = #expect(throws: MemoryShortage.self) {
      try search(problem, configuration, in: folder.file("run"))
    }
    #expect(error == shortage)
    let log = try String(contentsOfFile: folder.file("run/log.txt"), encoding: .utf8)
    #expect(log.contains("\(shortage)"))
    #expect(try CSVTable(readingFrom: folder.file("run/metrics.csv")).rows.count == 1, "the first epoch takes none")
    #expect(FileManager.default.fileExists(atPath: folder.file("run/checkpoints/epoch-001.safetensors")))
  }

  /// A search whose curvature grows with the weights.
  private func problem() throws -> ObservedProblem<QuadraticBilevelProblem> {
    let problem = try ObservedProblem(quadratic())
    problem.sharpen = { weights in Float(1 + 30 * weights.norm * weights.norm) }
    return problem
  }

  private func configuration(_ method: SearchMethod) -> SearchConfiguration {
    var configuration = SearchConfiguration(method: method, space: .s2, dataset: "closed-form")
    (configuration.epochs, configuration.learningRate, configuration.minimumLearningRate) = (30, 0.001, 0.001)
    configuration.warmup = 1
    (configuration.earlyStopWindow, configuration.earlyStopStart) = (3, 1)
    return configuration
  }

  @Test(arguments: [SearchMethod.darts1ES, .darts2ES])
  func searchEndsEarlyAndReturnsTheArchitectureFromBefore(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    let configuration = configuration(method)
    let run = try SearchRun(
      starting: problem(), configuration: configuration, folder: .create(at: folder.file("run")), space: .s2)
    let outcome = try run.run()
    let rows = try run.files.metrics()
    #expect(rows.count < 30, "the curvature grows, so the search must end early")
    let eigenvalues = rows.compactMap(\.dominantEigenvalue)
    #expect(eigenvalues.count == rows.count && eigenvalues.allSatisfy { $0 > 0 })
    let decision = try #require(configuration.earlyStopping?.decision(of: Array(eigenvalues.dropFirst())))
    #expect(decision.epoch == rows.count - 3, "known one epoch after t, of which one was the warm-up's")
    let index = decision.returned + 1
    #expect(outcome.record == rows[index])
    let genotypes = try run.files.genotypes()
    #expect(outcome.genotype == genotypes[index])
    #expect(try String(decoding: bytes(run.files.genotypePath), as: UTF8.self) == genotypes[index].pythonLine + "\n")
    let result = try #require(try run.files.result())
    #expect(result.isEarly && result.record == rows[index] && result.finished == rows.count)
    let log = try String(decoding: bytes(run.files.logPath), as: UTF8.self)
    #expect(log.contains("stopped early after epoch \(rows.count)") && log.contains("that of epoch \(index + 1)"))
    // Up to there it is the run of plain DARTS with its eigenvalues logged.
    var plain = configuration
    plain.method = method == .darts1ES ? .darts1 : .darts2
    (plain.eigenvalueEvery, plain.epochs) = (2, 30)
    let other = try search(problem(), plain, in: folder.file("plain"))
    let logged = try other.metrics().map(\.dominantEigenvalue)
    #expect(logged.count == 30 && logged.indices.allSatisfy { ($0 % 2 == 1) == (logged[$0] != nil) })
    #expect(logged[1] == rows[1].dominantEigenvalue && logged[3] == rows[3].dominantEigenvalue)
    #expect(try other.result()?.isEarly == false)
  }

  @Test func stoppedSearchThatIsResumedHasNothingLeftToDo() throws {
    let folder = try ScratchFolder()
    let files = try search(problem(), configuration(.darts1ES), in: folder.file("run"))
    let before = try bytes(files.metricsPath)
    try FileManager.default.removeItem(atPath: files.genotypePath)
    let again = try problem()
    let outcome = try SearchRun(continuing: again, folder: files.folder, space: .s2).run()
    #expect(again.weightGradients == 0)
    #expect(try bytes(files.metricsPath) == before)
    #expect(try outcome.record == files.result()?.record)
    #expect(FileManager.default.fileExists(atPath: files.genotypePath))
  }

  /// Stopped after a part of what the whole search computes.
  @Test(arguments: [0.02, 0.15, 0.4, 0.7, 0.95])
  func interruptionLeavesNoTraceInTheHistoryOfEigenvalues(part: Double) throws {
    let folder = try ScratchFolder()
    let counted = try problem()
    let whole = try search(counted, configuration(.darts1ES), in: folder.file("whole"))
    let losses = Int(part * Double(counted.calls))
    let broken = try problem()
    let stop = StopRequest()
    broken.interfere = { calls in
      if calls == losses { stop.request() }
      return nil
    }
    #expect(throws: Interruption.self) {
      try search(broken, configuration(.darts1ES), in: folder.file("broken"), stop: stop)
    }
    let run = try SearchRun(continuing: problem(), folder: .existing(at: folder.file("broken")), space: .s2)
    try run.run()
    let epochs = try whole.metrics().count
    #expect(try run.files.metrics().count == epochs)
    let last = try bytes(whole.checkpointPath(epoch: epochs))
    #expect(try bytes(run.files.checkpointPath(epoch: epochs)) == last)
    #expect(try bytes(run.files.genotypePath) == bytes(whole.genotypePath))
    let file = try TensorFile(readingFrom: whole.checkpointPath(epoch: epochs))
    #expect(try file.doubles("early_stop.eigenvalues").count == epochs - 1)
    #expect(try file.floats("early_stop.alphas").count == 56 * (epochs - 1))
  }
}
