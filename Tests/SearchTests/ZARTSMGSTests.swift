import Compute
import Foundation
import Problems
import Search
import SearchSupport
import TestSupport
import Testing

/// MGS against candidates drawn here and their true losses in closed form.
struct ZARTSMGSTests {
  /// Without a clip, since the closed form has none.
  private let step = WeightStep(learningRate: 0.1, gradientClip: 1e6)
  private let sigma = 0.3

  private func architectureStep<P: BilevelProblem>(
    _ problem: P, _ point: (weights: ParameterVector, velocity: ParameterVector), innerSteps: Int, sigma: Double
  ) throws -> ArchitectureStep<P> {
    try ArchitectureStep(
      weights: point.weights, velocity: point.velocity, weightStep: step,
      trainingBatches: (0..<innerSteps).map { try problem.trainingBatch(epoch: 2, step: $0) },
      validationBatch: problem.validationBatch(epoch: 2, step: 0), sigma: sigma, seed: 9, epoch: 2, step: 0)
  }

  /// The candidates of (seed 9, epoch 2, step 0) by the definition of the proposal, and their losses by algebra.
  private func oracle(
    _ problem: QuadraticBilevelProblem, _ point: (weights: ParameterVector, velocity: ParameterVector), count: Int,
    innerSteps: Int, lambda: Double
  ) -> (updates: [[Double]], losses: [Double]) {
    let alphas = doubles(problem.initialAlphas.flat)
    let gradient = problem.firstOrderGradient(alphas: alphas)
    let updates = (0..<count).map { candidate in
      var stream = RandomStream(seed: 9, purpose: .candidates, epoch: 2, step: 0, index: candidate)
      let mean = stream.uniform() < lambda ? 0.0 : 1.0
      let noise = stream.normals(gradient.count)
      return zip(gradient, noise).map { -mean * $0 + sigma * $1 }
    }
    let losses = updates.map { update in
      problem.trueLoss(
        weights: doubles(point.weights.values), velocity: doubles(point.velocity.values),
        alphas: zip(alphas, update).map { $0 + $1 }, step: step,
        batches: (0..<innerSteps).map { problem.trainingBatch(epoch: 2, step: $0) },
        validation: problem.validationBatch(epoch: 2, step: 0))
    }
    return (updates, losses)
  }

  private func combine(_ updates: [[Double]], _ weights: [Double]) -> [Double] {
    updates[0].indices.map { index in zip(updates, weights).reduce(0.0) { $0 + $1.0[index] * $1.1 } }
  }

  private func run(
    _ problem: QuadraticBilevelProblem, _ settings: ZARTSMGS<QuadraticBilevelProblem>.Settings,
    _ point: (weights: ParameterVector, velocity: ParameterVector)
  ) throws -> (update: [Double], report: ArchitectureReport) {
    var alphas = problem.initialAlphas
    let report = try ZARTSMGS(problem: problem, settings: settings).update(
      &alphas, at: architectureStep(problem, point, innerSteps: settings.innerSteps, sigma: sigma))
    return (zip(doubles(alphas.flat), doubles(problem.initialAlphas.flat)).map { $0 - $1 }, report)
  }

  @Test(arguments: [0.05, 0.5, 1.0])
  func updateIsTheSoftmaxWeightedSumOfTheCandidates(lambda: Double) throws {
    let problem = try quadratic()
    let point = state(of: problem)
    let expected = oracle(problem, point, count: 6, innerSteps: 3, lambda: lambda)
    let best = expected.losses.min() ?? 0
    let powers = expected.losses.map { exp(-($0 - best) / 2) }
    let weights = powers.map { $0 / powers.reduce(0, +) }
    let result = try run(problem, .init(innerSteps: 3, candidates: 6, temperature: 2, lambda: lambda), point)
    let wanted = combine(expected.updates, weights)
    #expect(distance(result.update, wanted) < 1e-4 * norm(wanted))
    #expect(distance(result.report.candidateLosses, expected.losses) < 1e-4 * norm(expected.losses))
    let size = 1 / weights.reduce(0) { $0 + $1 * $1 }
    #expect(size > 1.5 && size < 5.5, "the temperature must mix candidates for this test to mean anything")
    #expect(abs(try #require(result.report.effectiveSampleSize) - size) < 1e-3)
  }

  @Test func hugeTemperatureAveragesTheCandidates() throws {
    let problem = try quadratic()
    let point = state(of: problem)
    let expected = oracle(problem, point, count: 5, innerSteps: 2, lambda: 0.1)
    let result = try run(problem, .init(innerSteps: 2, candidates: 5, temperature: 1e9, lambda: 0.1), point)
    let wanted = combine(expected.updates, [Double](repeating: 0.2, count: 5))
    #expect(distance(result.update, wanted) < 1e-5 * norm(wanted))
    #expect(abs(try #require(result.report.effectiveSampleSize) - 5) < 1e-6)
  }

  @Test func tinyTemperatureTakesTheBestCandidate() throws {
    let problem = try quadratic()
    let point = state(of: problem)
    let expected = oracle(problem, point, count: 5, innerSteps: 2, lambda: 0.1)
    let result = try run(problem, .init(innerSteps: 2, candidates: 5, temperature: 1e-9, lambda: 0.1), point)
    let best = try #require(expected.losses.indices.min { expected.losses[$0] < expected.losses[$1] })
    #expect(distance(result.update, expected.updates[best]) < 1e-5 * norm(expected.updates[best]))
    #expect(result.report.effectiveSampleSize == 1)
  }

  @Test func exactWeightsDivideByTheDensity() throws {
    let problem = try quadratic()
    let point = state(of: problem)
    let expected = oracle(problem, point, count: 5, innerSteps: 2, lambda: 0.4)
    let gradient = problem.firstOrderGradient(alphas: doubles(problem.initialAlphas.flat))
    // A common factor of the densities cancels, so the largest exponent may be taken out of each sum.
    let scale = 2 * sigma * sigma
    let logs = expected.updates.map { update in
      let guided = -zip(update, gradient).reduce(0.0) { $0 + ($1.0 + $1.1) * ($1.0 + $1.1) } / scale
      let blind = -update.reduce(0.0) { $0 + $1 * $1 } / scale
      return max(guided, blind)
        + log(
          0.6 * exp(guided - max(guided, blind)) + 0.4 * exp(blind - max(guided, blind)))
    }
    let logits = zip(expected.losses, logs).map { -$0 / 3 - $1 }
    let powers = logits.map { exp($0 - (logits.max() ?? 0)) }
    let weights = powers.map { $0 / powers.reduce(0, +) }
    let result = try run(
      problem, .init(innerSteps: 2, candidates: 5, temperature: 3, lambda: 0.4, weighting: .exact), point)
    let wanted = combine(expected.updates, weights)
    #expect(distance(result.update, wanted) < 1e-3 * norm(wanted))
  }

  @Test func updateCostsCandidatesTimesInnerStepsAndOneGradient() throws {
    let base = try quadratic()
    let problem = ObservedProblem(base)
    let point = state(of: base)
    let before = (point.weights.values, point.velocity.values)
    var alphas = base.initialAlphas
    _ = try ZARTSMGS(problem: problem, settings: .init(innerSteps: 4, candidates: 3)).update(
      &alphas, at: architectureStep(problem, point, innerSteps: 4, sigma: sigma))
    #expect(problem.weightGradients == 12)
    #expect(problem.evaluations == 3)
    #expect(problem.alphaGradients == 1)
    #expect(point.weights.values == before.0, "candidates must train copies")
    #expect(point.velocity.values == before.1)
  }

  @Test func divergedCandidateCarriesNoWeight() throws {
    let base = try quadratic()
    let point = state(of: base)
    let expected = oracle(base, point, count: 3, innerSteps: 2, lambda: 0.1)
    let problem = ObservedProblem(base)
    // One α-gradient, then two steps and an evaluation a candidate: loss 6 is the second candidate's.
    problem.interfere = { $0 == 6 ? .nan : nil }
    var alphas = base.initialAlphas
    let report = try ZARTSMGS(
      problem: problem, settings: .init(innerSteps: 2, candidates: 3, temperature: 1e9, lambda: 0.1)
    ).update(&alphas, at: architectureStep(problem, point, innerSteps: 2, sigma: sigma))
    #expect(report.divergedCandidates == 1)
    let wanted = combine(expected.updates, [0.5, 0, 0.5])
    let found = zip(doubles(alphas.flat), doubles(base.initialAlphas.flat)).map { $0 - $1 }
    #expect(distance(found, wanted) < 1e-5 * norm(wanted))
  }

  @Test func noFiniteCandidateIsAnErrorAndLeavesAlphas() throws {
    let base = try quadratic()
    let problem = ObservedProblem(base)
    problem.interfere = { $0 > 0 ? .infinity : nil }
    var alphas = base.initialAlphas
    let error = #expect(throws: Divergence.self) {
      try ZARTSMGS(problem: problem, settings: .init(innerSteps: 2, candidates: 3)).update(
        &alphas, at: architectureStep(problem, state(of: base), innerSteps: 2, sigma: sigma))
    }
    #expect(error?.account.hasPrefix("no candidate has a finite loss after 2 inner steps") == true)
    #expect(alphas == base.initialAlphas)
  }
}

/// What MGS tends to as σ falls: descent along the true gradient (ZARTS, §3.3), where no candidate is guided by ∇L₁.
struct ZARTSMGSLimitTests {
  /// For blind candidates and a quadratic L the update's expectation is −(I/σ² + H/τ)⁻¹ ∇L/τ as N grows: the mean of
  /// exp(−L(α + u)/τ)·N(u; 0, σ²I). To first order in σ² it is −σ²/τ ∇L.
  @Test func updateOfSmallSigmaIsAlongMinusTheTrueGradient() throws {
    let frozen = try FrozenDescent.random(count: 6)
    let gradient = frozen.gradient(frozen.initial)
    let temperature = 0.05
    let sigma = 0.3 * temperature / norm(gradient)
    let optimiser = ZARTSMGS(
      problem: frozen.problem, settings: .init(innerSteps: 3, candidates: 400, temperature: temperature, lambda: 1))
    let sample = SampleMean(try (0..<60).map { try frozen.update(optimiser, seed: $0, sigma: sigma) })
    let precision =
      (1 / (sigma * sigma)) * DenseMatrix.identity(6) + (1 / temperature) * frozen.hessian
    let expected = try #require(precision.solve(gradient.map { -$0 / temperature }))
    let limit = gradient.map { -sigma * sigma / temperature * $0 }
    #expect(distance(expected, limit) < 0.05 * norm(limit), "σ must be small for this test to mean anything")
    #expect(norm(sample.errors) < 0.08 * norm(expected))
    #expect(sample.agrees(with: expected), "\(sample.mean) ± \(sample.errors), not \(expected)")
    #expect(inner(sample.mean, gradient) < -0.99 * norm(sample.mean) * norm(gradient))
    let blind = frozen.problem.firstOrderGradient(alphas: frozen.initial)
    #expect(inner(blind, gradient) < 0.98 * norm(blind) * norm(gradient), "∇L₁ must point elsewhere")
  }

  /// Guided candidates gather at −∇L₁ as σ falls: the first-order step that DARTS would take with rate 1.
  @Test func guidedCandidatesGatherAtTheFirstOrderStep() throws {
    let frozen = try FrozenDescent.random(count: 6)
    let optimiser = ZARTSMGS(
      problem: frozen.problem, settings: .init(innerSteps: 3, candidates: 4, temperature: 0.01, lambda: 0))
    let step = frozen.problem.firstOrderGradient(alphas: frozen.initial).map { -$0 }
    let update = try frozen.update(optimiser, seed: 1, sigma: 1e-6)
    #expect(distance(update, step) < 1e-4 * norm(step))
  }
}

struct ImportanceSamplingTests {
  @Test func densityOfTheMixtureIsNormalisedInOneDimension() {
    let proposal = MixtureProposal(gradient: [0.7], sigma: 0.2, lambda: 0.3)
    let width = 0.001
    let mass = stride(from: -3.0, to: 3.0, by: width).reduce(0.0) { $0 + width * exp(proposal.logDensity([$1])) }
    #expect(abs(mass - 1) < 1e-9)
    let normal = { (x: Double) in exp(-x * x / 0.08) / (0.2 * (2 * Double.pi).squareRoot()) }
    #expect(abs(exp(proposal.logDensity([-0.5])) - (0.7 * normal(0.2) + 0.3 * normal(-0.5))) < 1e-12)
  }

  @Test(arguments: [0.0, 1.0])
  func densityStaysFiniteFarFromBothMeansAndAtTheEndsOfLambda(lambda: Double) {
    let proposal = MixtureProposal(gradient: [Double](repeating: 1, count: 200), sigma: 0.025, lambda: lambda)
    #expect(proposal.logDensity([Double](repeating: 50, count: 200)).isFinite)
  }

  @Test func effectiveSampleSizeCountsTheCandidatesThatDecide() throws {
    let equal = try #require(ImportanceWeights(losses: [1, 1, 1, 1], temperature: 0.01))
    #expect(equal.effectiveSampleSize == 4)
    let one = try #require(ImportanceWeights(losses: [1, 900, .nan], temperature: 0.01))
    #expect(one.normalised == [1, 0, 0])
    #expect(one.effectiveSampleSize == 1)
    #expect(ImportanceWeights(losses: [.nan, .infinity], temperature: 1) == nil)
  }
}
