import ClosedFormSupport
import Compute
import Datasets
import Formats
import Problems
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// The validation split with running statistics, beside that with the batches' own.
@Suite struct RunningValidationTests {
  private func configuration(_ method: SearchMethod, running: Bool) -> SearchConfiguration {
    var configuration = shortConfiguration(method)
    configuration.runningValidation = running
    return configuration
  }

  /// In the closed form with a statistic the loss with statistics is the loss plus that statistic.
  @Test(
    "the columns are the loss with the statistics that the checkpoint of the epoch holds",
    arguments: [
      SearchMethod.darts1, .random,
    ])
  func closedForm(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    let problem = try CountingProblem(SearchSupport.quadratic())
    let files = try search(problem, configuration(method, running: true), in: folder.file("run"))
    let rows = try files.metrics()
    #expect(rows.count == 4)
    for row in rows {
      let statistic = try TensorFile(readingFrom: files.checkpointPath(epoch: row.epoch)).floats("running", shape: [1])[0]
      let found = try #require(row.runningValidationLoss)
      #expect(statistic != 0 && abs(found - (row.validationLoss + Double(statistic))) < 1e-9 * (1 + abs(found)))
      #expect(row.runningValidationAccuracy == row.validationAccuracy)
    }
  }

  @Test("it costs a forward pass of the split an epoch, and nothing where it is not asked for; all else keeps its bits")
  func cost() throws {
    let folder = try ScratchFolder()
    var forwards: [Int] = []
    var outcomes: [[EpochRecord]] = []
    var states: [[String: NamedTensor]] = []
    for running in [false, true] {
      let problem = try CountingProblem(SearchSupport.quadratic())
      let files = try search(problem, configuration(.darts1, running: running), in: folder.file("\(running)"))
      forwards.append(problem.forwards)
      states.append(try TensorFile(readingFrom: files.checkpointPath(epoch: 4)).tensors)
      let rows = try files.metrics()
      #expect(rows.allSatisfy { ($0.runningValidationLoss != nil) == running })
      outcomes.append(
        rows.map {
          var row = $0
          (row.runningValidationLoss, row.runningValidationAccuracy, row.seconds) = (nil, nil, 0)
          return row
        })
    }
    // Four epochs of three batches.
    #expect(forwards[1] - forwards[0] == 4 * 3)
    #expect(outcomes[0] == outcomes[1] && states[0] == states[1])
  }

  @Test("a row without it is the row of earlier versions, and its table is read without the columns")
  func earlier() throws {
    let folder = try ScratchFolder()
    let files = try search(SearchSupport.quadratic(), configuration(.darts1, running: false), in: folder.file("run"))
    let rows = try files.metrics()
    let lines = String(decoding: try bytes(files.metricsPath), as: UTF8.self).split(separator: "\n")
    let names = lines[0].split(separator: ",").map(String.init)
    let own = names.indices.filter { names[$0].hasSuffix("_running") }
    #expect(own.map { names[$0] } == ["validation_loss_running", "validation_accuracy_running"])
    let without = lines.map { line in
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      return cells.indices.filter { !own.contains($0) }.map { String(cells[$0]) }.joined(separator: ",") + "\n"
    }
    try AtomicFile.write(without.joined(), to: folder.file("earlier.csv"))
    #expect(try EpochRecord.read(from: folder.file("earlier.csv")) == rows)
  }

  private func supernet(_ configuration: SearchConfiguration) throws -> SupernetProblem {
    var stream = RandomStream(seed: 4, purpose: .test)
    let images = (0..<24 * 3 * 64).map { _ in Float(stream.normal()) }
    let dataset = try ImageDataset(
      name: "noise", classes: 3, side: 8,
      training: .init(pixels: .floats(images), labels: (0..<24).map { _ in Int32(stream.integer(below: 3)) }), test: nil,
      normalisation: .cifar10)
    let loader = try BatchLoader(dataset: dataset, seed: configuration.seed, batchSize: configuration.batch, threads: 1)
    return try SupernetProblem(
      space: configuration.space, channels: configuration.channels, layers: configuration.layers, loader: loader,
      seed: configuration.seed, threads: 1)
  }

  /// With a learning rate so small that no weight moves in float32, the statistics of an epoch are those of its training
  /// batches at the initial weights, moved one after another by 0.1.
  @Test("in a supernet it is the evaluation mode with statistics moved by the training batches, by hand")
  func byHand() throws {
    let folder = try ScratchFolder()
    var configuration = SearchConfiguration(method: .darts1, space: .s2, dataset: "tensors:x.safetensors")
    (configuration.epochs, configuration.warmup, configuration.channels, configuration.layers) = (1, 1, 8, 3)
    (configuration.batch, configuration.threads, configuration.runningValidation) = (4, 1, true)
    (configuration.learningRate, configuration.minimumLearningRate) = (1e-30, 1e-30)
    let problem = try supernet(configuration)
    let files = try search(problem, configuration, in: folder.file("run"))
    let row = try #require(try files.metrics().first)

    let (weights, alphas) = (problem.makeInitialWeights(), problem.initialAlphas)
    let statistics = problem.makeInitialStatistics()
    for step in 0..<problem.stepsPerEpoch {
      problem.moveStatistics(
        statistics, momentum: 0.1, weights: weights, alphas: alphas, batch: try problem.trainingBatch(epoch: 0, step: step))
    }
    var (loss, correct, count) = (0.0, 0, 0)
    for index in 0..<problem.validationSplitCount {
      let result = problem.evaluate(
        weights: weights, alphas: alphas, batch: try problem.validationSplitBatch(index), statistics: statistics)
      loss += result.loss * Double(result.count)
      correct += result.correct
      count += result.count
    }
    let found = try #require(row.runningValidationLoss)
    #expect(abs(found - loss / Double(count)) < 1e-5 * found)
    #expect(row.runningValidationAccuracy == Double(correct) / Double(count))
    #expect(abs(found - row.validationLoss) > 1e-3, "three steps leave running statistics far from those of a batch")
  }

  @Test("a loss that is not finite leaves the cells empty, and the search goes on")
  func notFinite() throws {
    let folder = try ScratchFolder()
    let problem = try CountingProblem(SearchSupport.quadratic())
    problem.spoilsStatistics = true
    let files = try search(problem, configuration(.darts1, running: true), in: folder.file("run"))
    let rows = try files.metrics()
    #expect(rows.count == 4 && rows.allSatisfy { $0.runningValidationLoss == nil && $0.runningValidationAccuracy == nil })
    #expect(String(decoding: try bytes(files.folder.file("log.txt")), as: UTF8.self).contains("with running statistics"))
  }
}
