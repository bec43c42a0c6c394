import Formats
import Foundation
import Problems
import Search
import SearchSupport
import TestSupport
import Testing

/// Numbers that left the finite range must stop a method or disqualify a candidate, even where the loss looks finite:
/// a ReLU or a maximum turns NaN back into numbers.
struct DivergenceTests {
  private func step<P: BilevelProblem>(_ problem: P, trainingBatches: Int) throws -> ArchitectureStep<P> {
    let point = (problem.makeInitialWeights(), problem.makeVector())
    return try ArchitectureStep(
      weights: point.0, velocity: point.1, weightStep: WeightStep(learningRate: 0.1),
      trainingBatches: (0..<trainingBatches).map { try problem.trainingBatch(epoch: 0, step: $0) },
      validationBatch: problem.validationBatch(epoch: 0, step: 0), sigma: 0.1, seed: 3)
  }

  @Test(arguments: [Float.nan, .infinity])
  func secondOrderGradientOfAnEndlessSlopeIsNotFinite(slope: Float) throws {
    let problem = try ObservedProblem(quadratic())
    // The unrolled training step is loss 0, the validation loss at ω' is loss 1.
    problem.spoilWeightGradient = { $0 == 1 ? slope : nil }
    let estimator = SecondOrderGradient(problem: problem)
    let estimate = try estimator.estimate(
      weights: problem.makeInitialWeights(), velocity: nil, alphas: problem.initialAlphas,
      training: problem.trainingBatch(epoch: 0, step: 0), validation: problem.validationBatch(epoch: 0, step: 0),
      step: WeightStep())
    #expect(estimate.loss.loss.isFinite)
    #expect(!estimate.gradient.norm.isFinite, "a gradient without its implicit term must not pass for a whole one")
  }

  @Test func vanishingSlopeOnWeightsLeavesTheDirectGradient() throws {
    let problem = try ObservedProblem(quadratic(weightCount: 1))
    // So short that 0.01 / ‖v‖ is beyond float32.
    problem.spoilWeightGradient = { $0 == 1 ? 700 * .leastNonzeroMagnitude : nil }
    let estimate = try SecondOrderGradient(problem: problem).estimate(
      weights: problem.makeInitialWeights(), velocity: nil, alphas: problem.initialAlphas,
      training: problem.trainingBatch(epoch: 0, step: 0), validation: problem.validationBatch(epoch: 0, step: 0),
      step: WeightStep())
    let direct = problem.base.firstOrderGradient(alphas: doubles(problem.initialAlphas.flat))
    #expect(distance(doubles(estimate.gradient.flat), direct) < 1e-6 * norm(direct))
  }

  @Test func secondOrderDARTSStopsNamingItsNormsAndLeavesAlphas() throws {
    let problem = try ObservedProblem(quadratic())
    problem.spoilWeightGradient = { $0 == 1 ? .nan : nil }
    var alphas = problem.initialAlphas
    let error = #expect(throws: Divergence.self) {
      try DARTSOptimiser(problem: problem, secondOrder: true).update(&alphas, at: step(problem, trainingBatches: 1))
    }
    let account = try #require(error).account
    for norm in ["‖∇α‖ nan", "‖∇ω'‖ nan", "‖α‖", "‖ω‖", "‖ω'‖"] { #expect(account.contains(norm), "\(account)") }
    #expect(alphas == problem.initialAlphas)
  }

  @Test func runOfSecondOrderDARTSStopsNamingMethodAndStep() throws {
    let folder = try ScratchFolder()
    let problem = try ObservedProblem(quadratic())
    // 2 × (6 + 1) losses of warm-up; a step has 5, so loss 14 + 5 + 1 is ∇_ω' L_val of the second update.
    problem.spoilWeightGradient = { $0 == 20 ? .nan : nil }
    let error = #expect(throws: Divergence.self) {
      try search(problem, shortConfiguration(.darts2), in: folder.file("run"))
    }
    let account = try #require(error).account
    #expect(account.contains("darts2, epoch 2, step 1") && account.contains("‖∇ω'‖ nan"), "\(account)")
  }

  @Test func candidateWhoseTrainingDivergedCarriesNoWeightWhateverItsLossSays() throws {
    let problem = try ObservedProblem(quadratic())
    // Loss 0 is the guide's; a candidate has two steps and an evaluation: 4 and 5 are the second one's steps.
    problem.spoilWeightGradient = { $0 == 5 ? .nan : nil }
    problem.interfere = { $0 == 6 ? 1e-9 : nil }
    var alphas = problem.initialAlphas
    let report = try ZARTSMGS(problem: problem, settings: .init(innerSteps: 2, candidates: 3)).update(
      &alphas, at: step(problem, trainingBatches: 2))
    #expect(report.divergedCandidates == 1)
    #expect(report.candidateLosses[1].isNaN)
    #expect(alphas.norm.isFinite)
  }

  @Test func divergedRunNamesItsLastGoodCheckpointAndTheNormsOfTenSteps() throws {
    let folder = try ScratchFolder()
    let problem = try ObservedProblem(quadratic(stepsPerEpoch: 20))
    // 2 epochs of 20 steps and an evaluation; each step then has an α gradient and a weight gradient: step 15 of epoch 2.
    problem.spoilWeightGradient = { $0 == 42 + 31 ? .infinity : nil }
    var configuration = shortConfiguration(.darts1)
    configuration.checkpointEvery = 7
    let error = try #require(
      #expect(throws: Divergence.self) { try search(problem, configuration, in: folder.file("run")) })
    let lines = "\(error)".split(separator: "\n").map(String.init)
    #expect(lines[0].hasPrefix("darts1, epoch 2, step 15 (both from 0): training loss"), "\(lines[0])")
    #expect(lines[0].contains("gradient norm inf") && lines[0].contains("‖momentum‖"))
    let good = folder.file("run/checkpoints/epoch-002-step-00014.safetensors")
    #expect(lines[1] == "last good checkpoint: \(good)")
    let file = try TensorFile(readingFrom: good)
    try file.verifyChecksum()
    _ = try SearchCheckpoint(file, for: quadratic())
    let steps = lines.dropFirst(3)
    #expect(steps.count == 10)
    for (line, step) in zip(steps, 6...15) {
      #expect(line.hasPrefix("  epoch 2, step \(step): training loss "))
      for norm in ["‖∇ω‖", "‖ω‖", "‖momentum‖", "‖α‖", "validation loss", "‖∇α‖", "‖u‖"] { #expect(line.contains(norm)) }
    }
    #expect(steps.last?.contains("‖∇ω‖ inf") == true && steps.dropLast().allSatisfy { !$0.contains("inf") })
    let log = try String(decoding: bytes(folder.file("run/log.txt")), as: UTF8.self)
    for line in lines { #expect(log.contains(line.trimmingCharacters(in: .whitespaces)), "\(line)") }
  }

  @Test func weightsThatLeaveTheFiniteRangeStopAtOnceAlthoughTheLossBeforeWasFinite() throws {
    let folder = try ScratchFolder()
    var configuration = shortConfiguration(.darts1)
    // The clip bounds a step, not the product of its length with such a rate.
    (configuration.learningRate, configuration.momentum) = (3e38, 0)
    let error = try #require(
      #expect(throws: Divergence.self) { try search(quadratic(), configuration, in: folder.file("run")) })
    #expect("\(error)".hasPrefix("darts1, epoch 0, step 0"), "\(error)")
    #expect("\(error)".contains("‖ω‖ inf") && "\(error)".contains("epoch-000.safetensors"))
  }

  @Test func divergedValidationNamesTheCheckpointBefore() throws {
    let folder = try ScratchFolder()
    let problem = try ObservedProblem(quadratic())
    problem.interfere = { $0 == 13 ? .infinity : nil }
    let error = try #require(
      #expect(throws: Divergence.self) { try search(problem, shortConfiguration(.zartsGLD), in: folder.file("run")) })
    #expect("\(error)".hasPrefix("zarts-gld, epoch 1, step 6 (both from 0): validation loss inf"), "\(error)")
    #expect("\(error)".contains("last good checkpoint: \(folder.file("run/checkpoints/epoch-001.safetensors"))"))
  }

  @Test func innerTrainingNamesItsFirstStepWithoutAFiniteSlope() throws {
    let problem = try ObservedProblem(quadratic())
    let training = InnerTraining(problem: problem)
    let batches = try (0..<3).map { try problem.trainingBatch(epoch: 0, step: $0) }
    func train() {
      training.train(
        from: problem.makeInitialWeights(), startVelocity: nil, alphas: problem.initialAlphas, batches: batches,
        step: WeightStep())
    }
    train()
    #expect(training.divergedStep == nil)
    problem.spoilWeightGradient = { $0 == 4 ? .infinity : nil }
    train()
    #expect(training.divergedStep == 1)
    problem.spoilWeightGradient = { _ in nil }
    train()
    #expect(training.divergedStep == nil, "an earlier run must leave no trace")
  }
}
