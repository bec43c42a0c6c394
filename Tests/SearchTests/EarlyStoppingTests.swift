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

  @Test(arguments: [3, 20, 55, 90, 123])
  func interruptionLeavesNoTraceInTheHistoryOfEigenvalues(losses: Int) throws {
    let folder = try ScratchFolder()
    let whole = try search(problem(), configuration(.darts1ES), in: folder.file("whole"))
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
