import Cells
import Datasets
import Engine
import Formats
import Foundation
import Landscape
import Problems
import Retraining
import Runs
import Search
import TestSupport
import Testing

/// Whole splits of a retrained network, against what its retraining reported of them.
@Suite("Evaluation of retrained networks") struct EvaluationTests {
  private func retrained(_ settings: RetrainingConfiguration, on data: ImageDataset, in path: String) throws
    -> RetrainingFolder
  {
    let run = try RetrainingRun(starting: settings, dataset: data, folder: { try OutputFolder.create(at: path) })
    try run.run()
    return run.files
  }

  private func evaluator(
    _ settings: RetrainingConfiguration, _ file: TensorFile, on data: ImageDataset, _ mode: BatchNormMode = .running
  ) throws -> SplitEvaluator<DerivedProblem> {
    let problem = try settings.problem(on: data)
    let checkpoint = try SearchCheckpoint(strictly: file.withoutAuxiliaryHead, for: problem)
    return try SplitEvaluator(
      problem: problem, weights: checkpoint.weights, alphas: .none, statistics: checkpoint.statistics, batchNorm: mode)
  }

  @Test("equals the last row of the retraining to the bit, on any number of threads", arguments: [false, true], [2, 100])
  func lastRow(holdsOut: Bool, classes: Int) throws {
    let folder = try ScratchFolder()
    let data = try RetrainingSamples.shades(classes: classes)
    var settings = RetrainingSamples.configuration { ($0.holdOut, $0.epochs) = (holdsOut, 2) }
    let files = try retrained(settings, on: data, in: folder.file("run"))
    let row = try #require(files.metrics().last?.reported)
    settings.threads = 3
    let evaluator = try evaluator(settings, TensorFile(readingFrom: files.checkpointPath(epoch: 2)), on: data)
    var batches = 0
    let tally = try evaluator.tally(holdsOut ? .validation : .test, progress: { batches += 1 })
    #expect(tally.loss == row.loss && tally.accuracy == row.accuracy)
    // Nine test images, or half of 22, in batches of eight.
    #expect(tally.count == (holdsOut ? 11 : 9) && batches == 2)
    #expect(tally.topFive == row.top5 && (tally.topFive == nil) == (classes == 2))
    #expect(evaluator.work([.test]) == 2)
  }

  @Test("an auxiliary head has no part in it") func head() throws {
    let folder = try ScratchFolder()
    let data = try RetrainingSamples.shades(side: 32)
    let settings = RetrainingSamples.configuration { ($0.auxiliary, $0.epochs) = (true, 1) }
    let files = try retrained(settings, on: data, in: folder.file("run"))
    let row = try #require(files.metrics().last?.reported)
    let tally = try evaluator(settings, TensorFile(readingFrom: files.checkpointPath(epoch: 1)), on: data).tally(.test)
    #expect(tally.loss == row.loss && tally.accuracy == row.accuracy)
  }

  @Test(
    "each batch-norm mode evaluates what it says, and recalibration over one batch of all is that batch's own statistics")
  func modes() throws {
    let folder = try ScratchFolder()
    let data = try RetrainingSamples.shades()
    let settings = RetrainingSamples.configuration { $0.epochs = 1 }
    let files = try retrained(settings, on: data, in: folder.file("run"))
    let file = try TensorFile(readingFrom: files.checkpointPath(epoch: 1))
    let losses = try [BatchNormMode.running, .batch, .recalibrated(batches: 2)].map {
      try evaluator(settings, file, on: data, $0).tally(.training).loss
    }
    #expect(Set(losses).count == 3 && losses.allSatisfy(\.isFinite))
    // The problem's own evaluation of the only batch of all training images.
    let whole = RetrainingSamples.configuration { ($0.epochs, $0.batch) = (1, 22) }
    let problem = try whole.problem(on: data)
    let checkpoint = try SearchCheckpoint(strictly: file, for: problem)
    let batch = try problem.splitBatch(.training, 0)
    let expected = problem.evaluate(weights: checkpoint.weights, alphas: .none, batch: batch)
    let found = try evaluator(whole, file, on: data, .batch).tally(.training)
    #expect(problem.splitCount(.training) == 1 && found.loss == expected.loss && found.correct == expected.correct)
    let statistics = problem.makeInitialStatistics()
    problem.moveStatistics(
      statistics, momentum: 1, weights: checkpoint.weights, alphas: .none,
      batch: try problem.trainingBatch(epoch: 0, step: 0))
    let recalibrated = try evaluator(whole, file, on: data, .recalibrated(batches: 1)).tally(.training)
    let evaluated = problem.evaluate(
      weights: checkpoint.weights, alphas: .none, batch: batch, statistics: statistics)
    // From 0 and from 1 a momentum of 1 reaches the same but for a rounding.
    #expect(close(recalibrated.loss, evaluated.loss, .relative(1e-5)))
  }

  @Test("a split that is not there, statistics that are not there, and a stop are told")
  func refusals() throws {
    let folder = try ScratchFolder()
    let data = try RetrainingSamples.shades()
    let settings = RetrainingSamples.configuration { $0.epochs = 1 }
    let files = try retrained(settings, on: data, in: folder.file("run"))
    let file = try TensorFile(readingFrom: files.checkpointPath(epoch: 1))
    let evaluator = try evaluator(settings, file, on: data)
    #expect(refusal { try evaluator.tally(.validation) } == "setting on: validation")
    #expect(throws: CancellationError.self) { try evaluator.tally(.test, isStopRequested: { true }) }
    let bare = TensorFile(
      path: "bare", metadata: [:], tensors: file.tensors.values.filter { !$0.name.contains(".running_") })
    #expect(refusal { try self.evaluator(settings, bare, on: data) } == "running statistics")
    #expect(try self.evaluator(settings, bare, on: data, .batch).tally(.test).count == 9)
  }

  @Test("the public state_dict of a checkpoint has the network's names alone, counters among them") func stateDict() throws {
    let folder = try ScratchFolder()
    let data = try RetrainingSamples.shades(side: 32)
    let settings = RetrainingSamples.configuration { ($0.auxiliary, $0.epochs) = (true, 1) }
    let files = try retrained(settings, on: data, in: folder.file("run"))
    let file = try TensorFile(readingFrom: files.checkpointPath(epoch: 1))
    let network = NetworkDescription.derived(try settings.architecture(on: data)).tensors
    let problem = try settings.problem(on: data)
    let exported = file.stateDict(of: problem.network)
    #expect(exported.map(\.name).sorted() == (network.parameters.map(\.name) + network.statisticsNames).sorted())
    for tensor in exported {
      if tensor.name.hasSuffix("num_batches_tracked") {
        #expect(tensor.shape.isEmpty && tensor.values == .int64([0]))
      } else {
        #expect(tensor == file.tensors[tensor.name])
      }
    }
    // It is read back to what it was, as the weights of a network of its own.
    let whole = TensorFile(path: "exported", metadata: [:], tensors: exported)
    let (before, after) = try (
      evaluator(settings, file, on: data).tally(.test), evaluator(settings, whole, on: data).tally(.test)
    )
    #expect(before == after)
  }
}

/// Retrainings that go on from weights.
@Suite("Retraining from given weights") struct RetrainingFromWeightsTests {
  private static let digest = String(repeating: "0a", count: 32)

  /// The checkpoint of a retraining of one epoch.
  private func weights(in folder: ScratchFolder, auxiliary: Bool = false, side: Int = 8) throws -> TensorFile {
    let run = try RetrainingRun(
      starting: RetrainingSamples.configuration { ($0.epochs, $0.auxiliary, $0.seed) = (1, auxiliary, 7) },
      dataset: RetrainingSamples.shades(side: side), folder: { try OutputFolder.create(at: folder.file("source")) })
    try run.run()
    return try TensorFile(readingFrom: run.files.checkpointPath(epoch: 1))
  }

  private func start(
    _ file: TensorFile?, _ settings: RetrainingConfiguration, side: Int = 8, in path: String
  ) throws -> RetrainingRun {
    try RetrainingRun(
      starting: settings, from: file, dataset: RetrainingSamples.shades(side: side),
      folder: { try OutputFolder.create(at: path) })
  }

  private func settings(_ change: (inout RetrainingConfiguration) -> Void = { _ in }) -> RetrainingConfiguration {
    RetrainingSamples.configuration {
      $0.epochs = 2
      ($0.weights, $0.weightsSHA256) = ("/somewhere/weights.safetensors", Self.digest)
      change(&$0)
    }
  }

  @Test("begins with the weights and statistics of the file, at rest, and says so in config.yaml and log.txt") func begins()
    throws
  {
    let folder = try ScratchFolder()
    let file = try weights(in: folder)
    let run = try start(file, settings(), in: folder.file("run"))
    let first = try TensorFile(readingFrom: run.files.checkpointPath(epoch: 0))
    for tensor in file.tensors.values where !tensor.name.hasPrefix("momentum.") {
      #expect(first.tensors[tensor.name] == tensor, "\(tensor.name)")
    }
    for tensor in first.tensors.values where tensor.name.hasPrefix("momentum.") {
      guard case .float32(let values) = tensor.values else { throw TestFailure(tensor.name) }
      #expect(values.allSatisfy { $0 == 0 }, "\(tensor.name)")
    }
    let configuration = try String(contentsOfFile: run.files.configurationPath, encoding: .utf8)
    #expect(configuration.contains("weights: /somewhere/weights.safetensors\n"), "\(configuration)")
    #expect(configuration.contains("weights_sha256: \(Self.digest)\n"), "\(configuration)")
    let log = try String(contentsOfFile: run.files.logPath, encoding: .utf8)
    #expect(log.contains(Self.digest) && log.contains("momentum at rest") && log.contains("0.025 in epoch 1"), "\(log)")
    // What is computed is known by the digest; where the file lies is not written into checkpoints.
    let made = try #require(first.metadata["configuration"])
    #expect(made.contains(Self.digest) && !made.contains("/somewhere"), "\(made)")
    try run.run()
    let ended = try RetrainingRun(continuing: run.files.folder, dataset: { _ in try RetrainingSamples.shades() })
    #expect(ended.configuration == run.configuration)
  }

  @Test("a run stopped and resumed without the file ends in the same bits") func resumes() throws {
    let folder = try ScratchFolder()
    let file = try weights(in: folder)
    let whole = try start(file, settings(), in: folder.file("whole"))
    try whole.run()
    let stop = StopRequest()
    let broken = try RetrainingRun(
      starting: settings(), from: file, dataset: RetrainingSamples.shades(),
      folder: { try OutputFolder.create(at: folder.file("broken")) }, stop: stop)
    stop.request(signal: SIGINT)
    #expect(throws: Interruption.self) { try broken.run() }
    try RetrainingRun(continuing: broken.files.folder, dataset: { _ in try RetrainingSamples.shades() }).run()
    let ends = try [whole, broken].map { try TensorFile(readingFrom: $0.files.checkpointPath(epoch: 2)).tensors }
    #expect(ends[0] == ends[1])
    // Another start is another run.
    let scratch = try start(nil, RetrainingSamples.configuration { $0.epochs = 2 }, in: folder.file("scratch"))
    try scratch.run()
    #expect(try TensorFile(readingFrom: scratch.files.checkpointPath(epoch: 2)).tensors != ends[0])
  }

  @Test("a head that the file lacks begins as from scratch, and one that the network lacks is left out") func heads() throws
  {
    let folder = try ScratchFolder()
    let file = try weights(in: folder, auxiliary: true, side: 32)
    let headless = file.withoutAuxiliaryHead
    #expect(headless.tensors.count < file.tensors.count)
    let prefix = DerivedEvidence.auxiliaryPrefix
    #expect(!headless.tensors.keys.contains { $0.contains(prefix) })
    let without = try start(file, settings(), side: 32, in: folder.file("without"))
    let plain = try TensorFile(readingFrom: without.files.checkpointPath(epoch: 0))
    #expect(!plain.tensors.keys.contains { $0.contains(prefix) })
    #expect(plain.tensors["cells.0.preprocess0.op.1.weight"] == file.tensors["cells.0.preprocess0.op.1.weight"])
    let run = try start(headless, settings { $0.auxiliary = true }, side: 32, in: folder.file("with"))
    let begun = try TensorFile(readingFrom: run.files.checkpointPath(epoch: 0))
    let scratch = try start(
      nil, RetrainingSamples.configuration { $0.auxiliary = true }, side: 32, in: folder.file("scratch"))
    let initial = try TensorFile(readingFrom: scratch.files.checkpointPath(epoch: 0))
    for name in begun.tensors.keys.filter({ $0.hasPrefix(prefix) }) {
      #expect(begun.tensors[name] == initial.tensors[name], "\(name)")
    }
    #expect(begun.tensors["classifier.weight"] == file.tensors["classifier.weight"])
    let log = try String(contentsOfFile: run.files.logPath, encoding: .utf8)
    #expect(log.contains("an initial auxiliary head"), "\(log)")
  }

  @Test("without running statistics those begin anew, and their counters are nothing to mind") func statistics() throws {
    let folder = try ScratchFolder()
    let file = try weights(in: folder)
    let counter = NamedTensor(name: "stem.1.num_batches_tracked", shape: [], values: .int64([3]))
    let bare = TensorFile(
      path: "bare", metadata: [:],
      tensors: file.tensors.values.filter { !$0.name.contains(".running_") } + [counter])
    let run = try start(bare, settings(), in: folder.file("run"))
    let begun = try TensorFile(readingFrom: run.files.checkpointPath(epoch: 0))
    #expect(try begun.floats("stem.1.running_mean") == [Float](repeating: 0, count: 12))
    #expect(try begun.floats("stem.1.running_var") == [Float](repeating: 1, count: 12))
    #expect(begun.tensors["stem.0.weight"] == file.tensors["stem.0.weight"])
  }

  @Test("weights of another network are refused by the tensor's name, and so is a digest without weights") func refusals()
    throws
  {
    let folder = try ScratchFolder()
    let file = try weights(in: folder)
    func changed(_ change: (inout [String: NamedTensor]) -> Void) -> TensorFile {
      var tensors = file.tensors
      change(&tensors)
      return TensorFile(path: "w", metadata: [:], tensors: Array(tensors.values))
    }
    let path = folder.file("run")
    let strange = changed {
      $0["cells.7._ops.0.op.1.weight"] = NamedTensor(name: "cells.7._ops.0.op.1.weight", shape: [1], values: .float32([0]))
    }
    #expect(refusal { try start(strange, settings(), in: path) } == "w: cells.7._ops.0.op.1.weight")
    let missing = changed { $0["classifier.bias"] = nil }
    #expect(refusal { try start(missing, settings(), in: path) } == "w: classifier.bias: nothing")
    let misshapen = changed {
      $0["classifier.bias"] = NamedTensor(name: "classifier.bias", shape: [3], values: .float32([0, 0, 0]))
    }
    #expect(refusal { try start(misshapen, settings(), in: path) } == "w: classifier.bias: shape [3]")
    let halfway = changed { $0["stem.1.running_var"] = nil }
    #expect(refusal { try start(halfway, settings(), in: path) } == "w: stem.1.running_var: nothing")
    #expect(refusal { try start(nil, settings(), in: path) } == "setting weights: none")
    let unsigned = settings { $0.weightsSHA256 = nil }
    #expect(refusal { try start(file, unsigned, in: path) }?.hasPrefix("setting weights: ") == true)
    #expect(
      refusal { try start(file, settings { $0.weightsSHA256 = "12" }, in: path) } == "setting weights_sha256: 12")
    #expect(!FileManager.default.fileExists(atPath: path), "nothing is made where weights are refused")
  }
}
