import Cells
import Formats
import Foundation
import Problems
import Search
import SearchSupport
import TestSupport
import Testing

struct SearchRunTests {
  @Test func runFolderHoldsEveryFileWithOneEntryAnEpoch() throws {
    let folder = try ScratchFolder()
    let problem = try quadratic()
    let files = try search(problem, shortConfiguration(.zartsMGS), in: folder.file("run"))
    let entries = try FileManager.default.contentsOfDirectory(atPath: files.folder.path).sorted()
    #expect(
      entries == [
        "alphas.npy", "checkpoints", "config.yaml", "genotype.txt", "genotypes.txt", "log.txt", "metrics.csv",
      ])
    let checkpoints = try FileManager.default.contentsOfDirectory(atPath: files.checkpointsPath).sorted()
    #expect(checkpoints == (0...4).map { "epoch-00\($0).safetensors" })
    #expect(try files.configuration() == shortConfiguration(.zartsMGS))
    let rows = try files.metrics()
    #expect(rows.map(\.epoch) == [1, 2, 3, 4])
    #expect(rows.map(\.weightSteps) == [6, 12, 18, 24])
    let history = try NPYFile(readingFrom: files.alphasPath)
    #expect(history.shape == [4, 2, 14, 2])
    let last = try SearchCheckpoint(readingFrom: files.checkpointPath(epoch: 4), for: problem)
    let alphas = try #require(last.alphas)
    guard case .float32(let values) = history.values else { throw TestFailure("alphas.npy is not float32") }
    #expect(Array(values.suffix(56)) == alphas.flat)
    #expect(try files.genotypes().count == 4)
    #expect(try files.genotypes().last == Genotype(alphas: alphas, space: .s2))
    #expect(
      try String(decoding: bytes(files.genotypePath), as: UTF8.self) == Genotype(alphas: alphas, space: .s2).pythonLine
        + "\n")
    let log = try String(decoding: bytes(files.logPath), as: UTF8.self)
    #expect(log.contains("epoch 4/4") && log.contains("finished"))
  }

  @Test func metricsAreThoseOfTheStateAtTheEpochsEnd() throws {
    let folder = try ScratchFolder()
    let problem = try quadratic()
    let configuration = shortConfiguration(.zartsMGS)
    let files = try search(problem, configuration, in: folder.file("run"))
    let rows = try files.metrics()
    for row in rows {
      let state = try SearchCheckpoint(readingFrom: files.checkpointPath(epoch: row.epoch), for: problem)
      let alphas = try #require(state.alphas)
      let loss = problem.loss(
        weights: doubles(state.weights.values), alphas: doubles(alphas.flat), batch: problem.validationSplitBatch(0))
      #expect(row.validationLoss == loss)
      #expect(row.normalEntropy == alphas.normal.meanEntropy)
      #expect(row.learningRate == Schedules(configuration).learningRate(epoch: row.epoch - 1))
      #expect(state.learningRate == Schedules(configuration).learningRate(epoch: row.epoch))
      #expect(row.skipConnections == (try Genotype(alphas: alphas, space: .s2).skipConnectionCount))
    }
    // 12 weight steps after the warm-up of 12, M = 4: updates before steps 0, 4 and 8.
    #expect(rows.map(\.alphaUpdates) == [0, 0, 2, 1])
    #expect(rows.map { $0.sigma == nil } == [true, true, false, false])
    #expect(rows.map { $0.effectiveSampleSize == nil } == [true, true, false, false])
    #expect(rows[3].sigma == 0.1)
  }

  @Test func metricsSayWhatTheMethodMeasures() throws {
    let folder = try ScratchFolder()
    func rows(_ method: SearchMethod, antithetic: Bool = false) throws -> [EpochRecord] {
      var configuration = shortConfiguration(method)
      configuration.antithetic = antithetic
      configuration.candidates = 4
      return try search(quadratic(), configuration, in: folder.file("\(method)\(antithetic)")).metrics()
    }
    for (method, antithetic) in [(SearchMethod.zartsRS, false), (.zartsRS, true), (.zartsGLD, false)] {
      let rows = try rows(method, antithetic: antithetic)
      #expect(rows.map(\.alphaUpdates) == [0, 0, 2, 1])
      #expect(rows.allSatisfy { $0.sigma == nil && $0.effectiveSampleSize == nil })
      #expect(rows.map { $0.baselineLoss != nil } == [false, false, !antithetic, !antithetic])
      #expect(rows.map { $0.alphaGradientNorm != nil } == [false, false, method == .zartsRS, method == .zartsRS])
      #expect(rows.allSatisfy { $0.acceptedUpdates <= $0.alphaUpdates })
      #expect(rows.map { $0.alphaUpdateNorm != nil } == [false, false, true, true])
    }
    let mgs = try rows(.zartsMGS)
    #expect(mgs.map { $0.sigma != nil } == [false, false, true, true] && mgs.allSatisfy { $0.baselineLoss == nil })
    #expect(mgs.map(\.acceptedUpdates) == [0, 0, 2, 1])
    let random = try rows(.random)
    #expect(random.map(\.alphaUpdates) == [0, 0, 6, 6])
    #expect(random[2...].allSatisfy { $0.normalEntropy < 1e-50 }, "an edge is one operation or switched off")
    #expect(random.allSatisfy { $0.alphaGradientNorm == nil && $0.sigma == nil })
  }

  @Test func gldThatFindsNothingBetterLeavesAlphasAndSaysSo() throws {
    let folder = try ScratchFolder()
    var configuration = shortConfiguration(.zartsGLD)
    // So far out that no candidate can be better.
    configuration.radius = 1e6
    configuration.radii = 3
    let problem = try quadratic()
    let files = try search(problem, configuration, in: folder.file("run"))
    #expect(try files.metrics().map(\.acceptedUpdates) == [0, 0, 0, 0])
    let last = try SearchCheckpoint(readingFrom: files.checkpointPath(epoch: 4), for: problem)
    #expect(last.alphas == problem.initialAlphas)
  }

  @Test func randomSearchIsRefusedWhereAlphasAreNotThoseOfItsSpace() throws {
    let folder = try ScratchFolder()
    let error = #expect(throws: InputError.self) {
      try search(quadratic(space: .s3), shortConfiguration(.random), in: folder.file("run"))
    }
    #expect("\(try #require(error))".contains("random"))
  }

  @Test func warmupIsTheSameForEveryMethodBitForBit() throws {
    let folder = try ScratchFolder()
    let runs = try SearchMethod.allCases.map { method in
      var configuration = shortConfiguration(method)
      // Of some methods what they train the weights by is the default.
      configuration.weightDecay = 3e-4
      return try search(quadratic(), configuration, in: folder.file(method.rawValue))
    }
    func shared(_ files: SearchRunFolder, epoch: Int) throws -> [String: NamedTensor] {
      try TensorFile(readingFrom: files.checkpointPath(epoch: epoch)).tensors.filter {
        !$0.key.hasPrefix("adam.") && !$0.key.hasPrefix("random.") && !$0.key.hasPrefix("early_stop.")
      }
    }
    for (method, files) in zip(SearchMethod.allCases, runs).dropFirst() {
      for epoch in 0...2 {
        #expect(try shared(files, epoch: epoch) == shared(runs[0], epoch: epoch), "epoch \(epoch)")
      }
      let parts = try shared(files, epoch: 3) != shared(runs[0], epoch: 3)
      #expect(parts == (method != .darts1ES), "after the warm-up all methods but the same one must part: \(method)")
    }
    let start = try quadratic().initialAlphas
    let warm = try SearchCheckpoint(readingFrom: runs[0].checkpointPath(epoch: 2), for: quadratic())
    #expect(warm.alphas == start)
    #expect(warm.weights.values != (try quadratic().makeInitialWeights().values), "the weights must have moved")
  }

  @Test(arguments: SearchMethod.allCases)
  func sameSeedGivesTheSameBits(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    let runs = try ["a", "b"].map { try search(quadratic(), shortConfiguration(method), in: folder.file($0)) }
    for epoch in 0...4 {
      #expect(try bytes(runs[0].checkpointPath(epoch: epoch)) == bytes(runs[1].checkpointPath(epoch: epoch)))
    }
    #expect(try bytes(runs[0].alphasPath) == bytes(runs[1].alphasPath))
    #expect(try bytes(runs[0].genotypesPath) == bytes(runs[1].genotypesPath))
  }

  @Test func anotherSeedDrawsOtherCandidates() throws {
    let folder = try ScratchFolder()
    let runs = try [5, 6].map { seed in
      try search(quadratic(), shortConfiguration(.zartsMGS, seed: seed), in: folder.file("\(seed)"))
    }
    #expect(try bytes(runs[0].alphasPath) != bytes(runs[1].alphasPath))
  }

  @Test func candidatesTrainOnTheBatchesThatTheWeightStepsTakeNext() throws {
    let folder = try ScratchFolder()
    let problem = try ObservedProblem(quadratic())
    try search(problem, shortConfiguration(.zartsMGS), in: folder.file("run"))
    // Every batch is read once, in order, by whoever needs it first; the last update looks no further than the run.
    let expected = (0..<24).map { [$0 / 6, $0 % 6] }
    #expect(problem.trainingPositions == expected)
    #expect(problem.validationPositions == [[2, 0], [2, 4], [3, 2]])
  }

  @Test func dartsUpdatesBeforeEveryWeightStepAfterTheWarmup() throws {
    let folder = try ScratchFolder()
    let problem = try ObservedProblem(quadratic())
    try search(problem, shortConfiguration(.darts2), in: folder.file("run"))
    #expect(problem.validationPositions == (12..<24).map { [$0 / 6, $0 % 6] })
    #expect(problem.trainingPositions == (0..<24).map { [$0 / 6, $0 % 6] })
  }

  @Test func firstDARTSStepOfARunIsAdamOnTheClosedFormGradient() throws {
    let folder = try ScratchFolder()
    var configuration = shortConfiguration(.darts1)
    (configuration.epochs, configuration.warmup) = (1, 0)
    let problem = try quadratic(stepsPerEpoch: 1)
    let files = try search(problem, configuration, in: folder.file("run"))
    var alphas = problem.initialAlphas
    let gradient = problem.firstOrderGradient(alphas: doubles(alphas.flat))
    // Adam's first step moves every value by the learning rate against its sign.
    let expected = zip(doubles(alphas.flat), gradient).map { value, slope in
      value - 3e-4 * (slope + 1e-3 * value > 0 ? 1 : -1)
    }
    alphas = try #require(SearchCheckpoint(readingFrom: files.checkpointPath(epoch: 1), for: problem).alphas)
    #expect(distance(doubles(alphas.flat), expected) < 1e-6)
  }

  @Test func lossThatIsNotFiniteEndsTheRunNamingMethodAndStep() throws {
    let folder = try ScratchFolder()
    let problem = try ObservedProblem(quadratic())
    problem.interfere = { $0 == 3 ? .nan : nil }
    let error = #expect(throws: Divergence.self) {
      try search(problem, shortConfiguration(.darts1), in: folder.file("run"))
    }
    let text = "\(try #require(error))"
    #expect(text.contains("darts1, epoch 0, step 3") && text.contains("gradient norm") && text.contains("‖α‖"))
    let log = try String(decoding: bytes(folder.file("run/log.txt")), as: UTF8.self)
    #expect(log.contains("error darts1, epoch 0, step 3"))
  }

  @Test func settingsOutOfRangeAreRefusedBeforeAnythingIsWritten() throws {
    let folder = try ScratchFolder()
    var configuration = shortConfiguration(.darts1)
    configuration.warmup = 9
    #expect(refusal { try search(quadratic(), configuration, in: folder.file("run")) } == "setting warmup: 9")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("run")).isEmpty)
  }
}
