import Cells
import Compute
import Formats
import Foundation
import Problems
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// Settings that the authors' released code has and the paper hasn't: steps of the candidates' own, points on spheres of
/// matrices, a baseline without inner training.
@Suite struct CandidateSettingTests {
  typealias Observed = ObservedProblem<QuadraticBilevelProblem>

  /// What is changed in a short search by a method that reads it.
  struct Change: CustomTestStringConvertible, Sendable {
    let method: SearchMethod
    let name: String
    let apply: @Sendable (inout SearchConfiguration) -> Void

    var testDescription: String { "\(method), \(name)" }

    /// Of a search with four candidates or radii, since pairs need an even number.
    var configuration: SearchConfiguration {
      var result = shortConfiguration(method)
      (result.candidates, result.radii) = (4, 3)
      apply(&result)
      return result
    }
  }

  static let training: [Change] = [SearchMethod.zartsRS, .zartsMGS, .zartsGLD].flatMap { method in
    [
      Change(method: method, name: "a learning rate of their own") { $0.candidateLearningRate = 0.01 },
      Change(method: method, name: "a momentum of their own") { $0.candidateMomentum = 0.25 },
      Change(method: method, name: "both") { ($0.candidateLearningRate, $0.candidateMomentum) = (0.001, 0) },
    ]
  }

  static let changes: [Change] =
    training + [
      Change(method: .zartsRS, name: "spheres of matrices") { $0.rsDistribution = .matrixSphere },
      Change(method: .zartsRS, name: "pairs on spheres of matrices") {
        ($0.rsDistribution, $0.antithetic) = (.matrixSphere, true)
      },
      Change(method: .zartsGLD, name: "sphere") { $0.gldDistribution = .sphere },
      Change(method: .zartsGLD, name: "spheres of matrices") { $0.gldDistribution = .matrixSphere },
      Change(method: .zartsGLD, name: "untrained baseline") { $0.untrainedBaseline = true },
      Change(method: .zartsGLD, name: "all of the released code") {
        ($0.gldDistribution, $0.untrainedBaseline) = (.matrixSphere, true)
        ($0.candidateLearningRate, $0.candidateMomentum) = (0.001, 0)
      },
    ]

  @Test("Candidates' losses are those of steps of their own, from rest where the momentum is their own", arguments: training)
  func candidatesTrainWithStepsOfTheirOwn(change: Change) throws {
    let frozen = try FrozenDescent.random(count: 6)
    var configuration = change.configuration
    configuration.innerSteps = frozen.innerSteps
    let optimiser = try configuration.makeOptimiser(for: frozen.problem)
    var alphas = frozen.problem.initialAlphas
    let report = try optimiser.update(&alphas, at: frozen.at(seed: 4))
    // The same candidates, as an observed problem is asked for them, with losses by algebra.
    let observed = Observed(frozen.problem)
    var asked: [[Double]] = []
    observed.sees = { alphas in asked.append(doubles(alphas.flat)) }
    var same = frozen.problem.initialAlphas
    let watched = try configuration.makeOptimiser(for: observed)
    let second = try watched.update(
      &same,
      at: ArchitectureStep(
        weights: frozen.weights, velocity: frozen.velocity, weightStep: frozen.step, trainingBatches: frozen.batches,
        validationBatch: frozen.problem.validationBatch(epoch: 0, step: 0), sigma: 0.1, seed: 4))
    #expect(same == alphas && second.candidateLosses == report.candidateLosses)
    var step = frozen.step
    if let rate = configuration.candidateLearningRate { step.learningRate = Float(rate) }
    if let momentum = configuration.candidateMomentum { step.momentum = Float(momentum) }
    let velocity =
      configuration.candidateMomentum == nil ? doubles(frozen.velocity.values) : [Double](repeating: 0, count: 3)
    func loss(_ alphas: [Double], _ step: WeightStep, _ velocity: [Double]) -> Double {
      frozen.problem.trueLoss(
        weights: doubles(frozen.weights.values), velocity: velocity, alphas: alphas, step: step, batches: frozen.batches)
    }
    let own = asked.map { loss($0, step, velocity) }
    let usual = asked.map { loss($0, frozen.step, doubles(frozen.velocity.values)) }
    let found = ([report.baselineLoss].compactMap { $0 }) + report.candidateLosses
    #expect(found.count == own.count && distance(found, own) < 1e-5 * norm(own), "\(found), \(own)")
    #expect(distance(own, usual) > 1e-3 * norm(own), "the setting must show for this test to mean anything")
  }

  @Test(
    "GLD moves to the best of points on its spheres, where it is better than the baseline that is asked for",
    arguments: RadialDistribution.allCases, [false, true])
  func gradientlessDescent(distribution: RadialDistribution, isUntrained: Bool) throws {
    let frozen = try FrozenDescent.random(count: 6)
    let settings = GLDSettings(
      innerSteps: 3, radius: 1.5, radii: 3, distribution: distribution, hasUntrainedBaseline: isUntrained)
    let optimiser = ZARTSGLD(problem: frozen.problem, settings: settings)
    let untrained = frozen.problem.trueLoss(
      weights: doubles(frozen.weights.values), velocity: doubles(frozen.velocity.values), alphas: frozen.initial,
      step: frozen.step, batches: [])
    let baseline = isUntrained ? untrained : frozen.loss(frozen.initial)
    for seed in 0..<20 {
      let ways = (0..<3).map { Self.point(distribution, 1.5 / pow(2, Double($0)), size: 6, seed: UInt64(seed), index: $0) }
      let losses = ways.map { way in frozen.loss(zip(frozen.initial, way).map { $0 + $1 }) }
      let best = try #require(losses.indices.min { losses[$0] < losses[$1] })
      var alphas = frozen.problem.initialAlphas
      let report = try optimiser.update(&alphas, at: frozen.at(seed: UInt64(seed)))
      #expect(distance(report.candidateLosses, losses) < 1e-5 * norm(losses))
      let expected = losses[best] < baseline ? ways[best] : [Double](repeating: 0, count: 6)
      #expect(distance(zip(doubles(alphas.flat), frozen.initial).map { $0 - $1 }, expected) < 1e-5)
      let said = isUntrained ? report.validationLoss : report.baselineLoss
      #expect(abs(try #require(said) - baseline) < 1e-5 * baseline)
      #expect((report.baselineLoss == nil) == isUntrained && (report.validationLoss == nil) != isUntrained)
    }
  }

  /// A candidate of (seed, epoch 0, step 0) by its definition, α being two matrices of equal size.
  private static func point(
    _ distribution: RadialDistribution, _ radius: Double, size: Int, seed: UInt64, index: Int
  ) -> [Double] {
    var stream = RandomStream(seed: seed, purpose: .candidates, epoch: 0, step: 0, index: index)
    let matrices = distribution == .matrixSphere ? 2 : 1
    let parts = (0..<matrices).map { _ in stream.normals(size / matrices) }
    let length = distribution == .ball ? radius * pow(stream.uniform(), 1 / Double(size)) : radius
    return parts.flatMap { part in part.map { length * $0 / norm(part) } }
  }

  @Test("A baseline without inner training costs one evaluation and no step")
  func untrainedBaselineIsCheap() throws {
    let base = try quadratic()
    let problem = Observed(base)
    let point = state(of: base)
    let optimiser = ZARTSGLD(
      problem: problem, settings: .init(innerSteps: 4, radius: 1, radii: 5, hasUntrainedBaseline: true))
    var alphas = base.initialAlphas
    _ = try optimiser.update(
      &alphas,
      at: ArchitectureStep(
        weights: point.weights, velocity: point.velocity, weightStep: WeightStep(),
        trainingBatches: (0..<4).map { try problem.trainingBatch(epoch: 0, step: $0) },
        validationBatch: problem.validationBatch(epoch: 0, step: 0)))
    #expect(problem.weightGradients == 20 && problem.evaluations == 6 && problem.alphaGradients == 0)
    #expect(abs(optimiser.updateCost - 22) < 1e-12)
  }

  @Test("A baseline without inner training that is not finite ends the search with its account")
  func untrainedBaselineMustBeFinite() throws {
    let frozen = try FrozenDescent.random(count: 4, innerSteps: 1)
    let problem = Observed(frozen.problem)
    problem.interfere = { $0 == 0 ? .nan : nil }
    var alphas = frozen.problem.initialAlphas
    let settings = GLDSettings(innerSteps: 1, radius: 1, radii: 3, hasUntrainedBaseline: true)
    let error = try #require(
      #expect(throws: Divergence.self) {
        try ZARTSGLD(problem: problem, settings: settings).update(
          &alphas,
          at: ArchitectureStep(
            weights: frozen.weights, velocity: frozen.velocity, weightStep: frozen.step, trainingBatches: frozen.batches,
            validationBatch: frozen.problem.validationBatch(epoch: 0, step: 0), seed: 3))
      })
    #expect(error.account.contains("validation loss of α itself") && alphas == frozen.problem.initialAlphas)
  }

  @Test("An optimiser keeps its laws with every setting of candidates", arguments: changes)
  func laws(change: Change) throws {
    let problem = try quadratic()
    var configuration = change.configuration
    configuration.innerSteps = 2
    let report = try ArchitectureOptimiserLaws.check(problem) { try configuration.makeOptimiser(for: problem) }
    #expect(report.isEmpty, "\(change.testDescription): \(report)")
  }

  @Test("A search that was stopped within an update ends with the bits of one that was not", arguments: changes)
  func resume(change: Change) throws {
    let folder = try ScratchFolder()
    let configuration = change.configuration
    let counted = try Observed(quadratic())
    let whole = try search(counted, configuration, in: folder.file("whole"))
    let losses = counted.weightGradients + counted.alphaGradients + counted.evaluations
    let problem = try Observed(quadratic())
    let stop = StopRequest()
    // Two epochs of six steps and an evaluation are warm-up; the updates lie behind them.
    problem.interfere = { calls in
      if calls == (14 + losses) / 2 { stop.request(signal: SIGINT) }
      return nil
    }
    let path = folder.file("broken")
    #expect(throws: Interruption.self) { try search(problem, configuration, in: path, stop: stop) }
    let run = try SearchRun(continuing: Observed(quadratic()), folder: .existing(at: path), space: .s2)
    #expect(run.configuration == configuration, "config.yaml has the settings")
    try run.run()
    #expect(try FileBytes.read(whole.checkpointPath(epoch: 4)) == FileBytes.read(run.files.checkpointPath(epoch: 4)))
    #expect(try FileBytes.read(whole.alphasPath) == FileBytes.read(run.files.alphasPath))
  }

  @Test("config.yaml may leave the settings of candidates away, say null, or name a number in its range")
  func configuration() throws {
    let text = "method: zarts-rs\nspace: s2\ndataset: x\n"
    let usual = try SearchConfiguration(yaml: text, from: "c")
    #expect(usual.candidateLearningRate == nil && usual.candidateMomentum == nil)
    let null = text + "candidate_learning_rate: null\ncandidate_momentum: null\n"
    #expect(try SearchConfiguration(yaml: null, from: "c") == usual)
    let given = try SearchConfiguration(
      yaml: text + "candidate_learning_rate: 1.0e-3\ncandidate_momentum: 0\n", from: "c")
    #expect(given.candidateLearningRate == 1e-3 && given.candidateMomentum == 0)
    #expect(try SearchConfiguration(yaml: given.yaml, from: "c") == given)
    #expect(
      throws: InputError(
        "wrong value", at: .setting("candidate_momentum", in: "c"), found: "'none'", wanted: "a number or null")
    ) { try SearchConfiguration(yaml: text + "candidate_momentum: none\n", from: "c") }
    let error = try #require(
      #expect(throws: InputError.self) {
        try SearchConfiguration(yaml: text + "candidate_learning_rate: 0\n", from: "c")
      })
    #expect(error.found == "0.0" && "\(error)".contains("candidate_learning_rate"))
    let sphere = try SearchConfiguration(yaml: text + "rs_distribution: matrix-sphere\n", from: "c")
    // σ√d with directions of length √2: two matrices of 28 values.
    #expect(abs(sphere.mu - 0.2 * 28.0.squareRoot()) < 1e-12)
  }
}
