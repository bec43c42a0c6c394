import Cells
import ClosedFormSupport
import Compute
import Datasets
import Formats
import Foundation
import Landscape
import Problems
import Search
import TestSupport
import Testing

/// Expected values: reference/supernet_torch.py in float64 on the golden files' weights, α and batches (PyTorch 2.15). The
/// running statistics are those of three training forwards (training, validation, training batch; momentum 0.1) from their
/// start; the recalibrated ones of `momentum=None` over the named batches. Losses are those of `eval()`.
@Suite("Batch-norm modes") struct BatchNormModeTests {
  struct Expected: Sendable {
    var name: String
    var first: Double
    var true3: Double
    var overTraining: Double
    var overBoth: Double
    var true3OverBoth: Double
  }

  static let expected = [
    Expected(
      name: "s1_c16_l3_b4", first: 2.3693067934870236, true3: 2.3839202014905854, overTraining: 2.2361932931071897,
      overBoth: 2.2373209239663825, true3OverBoth: 2.324091102794282),
    Expected(
      name: "s3_c8_l5_b4", first: 2.3835757503082364, true3: 2.3830137232004676, overTraining: 2.376800331103648,
      overBoth: 2.3879350168875275, true3OverBoth: 2.3849499154110267),
    Expected(
      name: "s5_c8_l3_b4", first: 2.309974608045033, true3: 2.262690463977161, overTraining: 2.332000346433825,
      overBoth: 2.346924813584928, true3OverBoth: 2.385786662328631),
    Expected(
      name: "s6_c16_l3_b8", first: 2.22645960762214, true3: 2.200528506021766, overTraining: 2.2400634401204207,
      overBoth: 2.251959679658263, true3OverBoth: 2.2716603505604875),
  ]

  @Test("give the losses of PyTorch's eval()", arguments: expected)
  func againstPyTorch(expected: Expected) throws {
    let path = GoldenFile.path(expected.name)
    let file = try TensorFile(readingFrom: path)
    let space = try #require(file.metadata["space"].flatMap(SearchSpace.init))
    let (channels, layers) = (
      try #require(file.metadata["channels"].flatMap { Int($0) }), try #require(file.metadata["layers"].flatMap { Int($0) })
    )
    let problem = try SupernetProblem(
      space: space, channels: channels, layers: layers,
      loader: BatchLoader(dataset: TensorDataset.load(file: path), seed: 0, batchSize: 64), seed: 0, threads: 1)
    let checkpoint = try SearchCheckpoint(strictly: file, for: problem)
    let alphas = try #require(checkpoint.alphas)
    let (training, validation) = try (problem.trainingBatch(epoch: 0, step: 0), problem.validationBatch(epoch: 0, step: 0))
    let statistics = problem.makeInitialStatistics()
    for batch in [training, validation, training] {
      problem.moveStatistics(statistics, momentum: 0.1, weights: checkpoint.weights, alphas: alphas, batch: batch)
    }
    let before = statistics.values
    func losses(
      _ mode: BatchNormMode, _ recalibration: [ImageBatch] = [], _ objectives: [Objective]
    ) throws -> [Double] {
      try ObjectiveEvaluator(
        problem: problem, weights: checkpoint.weights, step: WeightStep(learningRate: 0.025),
        trainingBatches: [training, training, training], validationBatches: [validation], batchNorm: mode,
        statistics: statistics, recalibrationBatches: recalibration
      ).evaluate(objectives, at: alphas).map(\.loss)
    }
    func check(_ found: Double, _ wanted: Double, _ tolerance: Double) {
      #expect(close(found, wanted, .relative(tolerance)), "\(expected.name): \(found), \(wanted)")
    }
    // Float32 rounding grows through inner steps: see the golden losses after them.
    let running = try losses(.running, [], [.firstOrder, .trueLoss(innerSteps: 3)])
    check(running[0], expected.first, 1e-6)
    check(running[1], expected.true3, 2e-4)
    check(try losses(.recalibrated, [training], [.firstOrder])[0], expected.overTraining, 1e-6)
    let both = try losses(.recalibrated, [training, validation], [.firstOrder, .trueLoss(innerSteps: 3)])
    check(both[0], expected.overBoth, 1e-6)
    check(both[1], expected.true3OverBoth, 2e-4)
    check(try losses(.batch, [], [.firstOrder])[0], try file.doubles("expect.valid_loss")[0], 1e-6)
    #expect(statistics.values == before)
  }

  private func evaluator(_ problem: CountingProblem, _ mode: BatchNormMode, _ statistics: ParameterVector?) throws
    -> ObjectiveEvaluator<CountingProblem>
  {
    try ObjectiveEvaluator(
      problem: problem, weights: problem.makeInitialWeights(), step: WeightStep(learningRate: 0.05), epoch: 0,
      objectives: [.trueLoss(innerSteps: 3)], batchNorm: mode, statistics: statistics)
  }

  @Test("running statistics are moved by every inner step, and back where they were for the next loss") func moving() throws
  {
    let problem = CountingProblem(try quadratic(noise: 0.3))
    let statistics = problem.makeInitialStatistics()
    statistics[0] = 7
    let objectives: [Objective] = [.firstOrder, .secondOrder, .trueLoss(innerSteps: 3), .firstOrder]
    let plain = try evaluator(problem, .batch, nil).evaluate(objectives, at: smallAlphas())
    let found = try evaluator(problem, .running, statistics).evaluate(objectives, at: smallAlphas())
    #expect(statistics[0] == 7)
    #expect(abs(found[0].loss - plain[0].loss - 7) < 1e-6)
    #expect(found[3] == found[0])
    // One step moves them once, with the weights before it.
    let first = problem.makeInitialWeights()[0] + Float(problem.trainingBatch(epoch: 0, step: 0).shift[0])
    #expect(abs(found[1].loss - plain[1].loss - Double(7 + 0.1 * (first - 7))) < 1e-5)
    #expect(abs(found[2].loss - plain[2].loss - 7 * 0.729) < 2)
    #expect(abs(found[2].loss - plain[2].loss - (found[1].loss - plain[1].loss)) > 0.1)
  }

  @Test("recalibrated statistics are the mean over the batches at the weights of the point") func recalibration() throws {
    let problem = CountingProblem(try quadratic(noise: 0.3))
    let objectives: [Objective] = [.firstOrder, .trueLoss(innerSteps: 3)]
    let plain = try evaluator(problem, .batch, nil).evaluate(objectives, at: smallAlphas())
    problem.moves = 0
    let found = try evaluator(problem, .recalibrated(batches: 4), nil).evaluate(objectives, at: smallAlphas())
    #expect(problem.moves == 2 * 4)
    let shifts = (0..<4).map { problem.trainingBatch(epoch: 0, step: $0).shift[0] }
    let mean = shifts.reduce(0, +) / 4
    let training = InnerTraining(problem: problem)
    training.train(
      from: problem.makeInitialWeights(), startVelocity: nil, alphas: smallAlphas(),
      batches: (0..<3).map { problem.trainingBatch(epoch: 0, step: $0) }, step: WeightStep(learningRate: 0.05))
    #expect(abs(found[0].loss - plain[0].loss - Double(problem.makeInitialWeights()[0]) - mean) < 1e-6)
    #expect(abs(found[1].loss - plain[1].loss - Double(training.weights[0]) - mean) < 1e-6)
    #expect(training.weights[0] != problem.makeInitialWeights()[0])
  }

  @Test("running statistics that are not there are missed by name") func missing() throws {
    let problem = CountingProblem(try quadratic())
    for statistics in [nil, ParameterVector(count: 2, kernels: Kernels.sets[0])] {
      let error = #expect(throws: InputError.self) { try evaluator(problem, .running, statistics) }
      #expect(error?.place.item == "running statistics")
    }
    #expect(
      refusal {
        try ObjectiveEvaluator(
          problem: problem, weights: problem.makeInitialWeights(), epoch: 0, objectives: [.firstOrder],
          batchNorm: .recalibrated(batches: 0))
      } == "recalibration batches")
  }
}

@Suite("The work of a point") struct EvaluationWorkTests {
  @Test(
    "is what the passes are counted to be",
    arguments: [
      "first", "second", "true:1", "true:7", "first,second,true:1,true:5,true:3", "true:2,first",
    ], BatchNormMode.all.map { $0.over(batches: 3) })
  func counted(list: String, mode: BatchNormMode) throws {
    let objectives = try Objective.parse(list: list)
    let problem = CountingProblem(try quadratic(noise: 0.3))
    let evaluator = try ObjectiveEvaluator(
      problem: problem, weights: problem.makeInitialWeights(), epoch: 0, objectives: objectives, validationBatchCount: 2,
      batchNorm: mode, statistics: problem.makeInitialStatistics())
    (problem.forwards, problem.steps, problem.moves) = (0, 0, 0)
    _ = try evaluator.evaluate(objectives, at: smallAlphas())
    let work = EvaluationWork(
      of: objectives, validationBatches: 2, recalibrationBatches: mode.batches ?? 0)
    #expect(EvaluationWork(forwards: problem.forwards + problem.moves, steps: problem.steps) == work)
  }

  @Test("of first-order is one forward, of true:M M steps and a forward") func single() {
    #expect(EvaluationWork(of: [.firstOrder], validationBatches: 1) == .init(forwards: 1, steps: 0))
    #expect(EvaluationWork(of: [.trueLoss(innerSteps: 10)], validationBatches: 1) == .init(forwards: 1, steps: 10))
    #expect(
      EvaluationWork(of: [.trueLoss(innerSteps: 10), .trueLoss(innerSteps: 4)], validationBatches: 1)
        == .init(forwards: 2, steps: 10))
  }

  @Test("adds up to the time that it takes side by side") func time() throws {
    let estimate = TimeEstimate(
      points: 7, work: .init(forwards: 3, steps: 10), refinement: .init(forwards: 4, steps: 2), parallel: 2,
      forwardSeconds: 0.5, stepSeconds: 2)
    #expect(estimate.seconds == 4 * 21.5 + 3)
    let zarts = ZARTSUpdateSettings(mgs: .init(innerSteps: 5, candidates: 3))
    let settings = LandscapeSettings(
      objectives: [.firstOrder], grid: try .init(size: 3, range: 1), directions: [.first, .second, .zarts, .random],
      zarts: zarts)
    #expect(settings.directionWork(validationBatches: 2) == .init(forwards: 3, steps: 2 + 8 + 16))
    #expect(settings.withoutComputedDirections.directions == [.random, .random, .random, .random])
  }

  @Test("goes on as many instances as cores, points and memory allow") func plans() throws {
    func plan(_ requested: Int?, cores: Int = 8, points: Int = 100, bytes: Int = 10, available: Int = 1000) throws
      -> ParallelPlan
    {
      try .choose(
        requested: requested, cores: cores, points: points, instanceBytes: bytes, availableBytes: available)
    }
    #expect(try plan(nil) == .init(instances: 8, threads: 1))
    #expect(try plan(nil, points: 3) == .init(instances: 3, threads: 2))
    #expect(try plan(nil, bytes: 300) == .init(instances: 2, threads: 4))
    #expect(try plan(nil, bytes: 5000) == .init(instances: 1, threads: 8))
    #expect(try plan(3) == .init(instances: 3, threads: 2))
    #expect(try plan(20) == .init(instances: 20, threads: 1))
    for (requested, bytes) in [(0, 10), (-1, 10), (5000, 10), (3, 300)] {
      let error = #expect(throws: InputError.self) { try plan(requested, bytes: bytes) }
      #expect(error?.place.setting == "parallel")
    }
  }
}
