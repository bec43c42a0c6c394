import Compute
import Foundation
import Problems
import Search
import SearchSupport
import TestSupport
import Testing

/// GLD: the best of the balls if it is better, else nothing.
struct ZARTSGLDTests {
  typealias GLD = ZARTSGLD<QuadraticBilevelProblem>
  typealias Observed = ObservedProblem<QuadraticBilevelProblem>

  /// The candidates of (seed, epoch 0, step 0) by their definition.
  private func candidates(_ settings: GLD.Settings, size: Int, seed: UInt64) -> [[Double]] {
    (0..<settings.radii).map { index in
      var stream = RandomStream(seed: seed, purpose: .candidates, epoch: 0, step: 0, index: index)
      let normals = stream.normals(size)
      let length = settings.radius / pow(2, Double(index)) * pow(stream.uniform(), 1 / Double(size))
      return normals.map { length * $0 / norm(normals) }
    }
  }

  @Test func updateIsTheBestCandidateOrNone() throws {
    let frozen = try FrozenDescent.random(count: 6)
    let settings = GLD.Settings(innerSteps: 3, radius: 1.5, radii: 3)
    let optimiser = GLD(problem: frozen.problem, settings: settings)
    var moves = 0
    for seed in 0..<40 {
      let ways = candidates(settings, size: 6, seed: UInt64(seed))
      let losses = ways.map { way in frozen.loss(zip(frozen.initial, way).map { $0 + $1 }) }
      let best = try #require(losses.indices.min { losses[$0] < losses[$1] })
      var alphas = frozen.problem.initialAlphas
      let report = try optimiser.update(&alphas, at: frozen.at(seed: UInt64(seed)))
      #expect(distance(report.candidateLosses, losses) < 1e-5 * norm(losses))
      if losses[best] < frozen.loss(frozen.initial) {
        moves += 1
        #expect(distance(zip(doubles(alphas.flat), frozen.initial).map { $0 - $1 }, ways[best]) < 1e-5)
        #expect(abs(report.updateNorm - norm(ways[best])) < 1e-9)
      } else {
        #expect(alphas == frozen.problem.initialAlphas)
        #expect(report.updateNorm == 0)
      }
      #expect(report.gradientNorm == nil)
    }
    #expect(moves > 5 && moves < 35, "both outcomes must occur for this test to mean anything: \(moves) moves")
  }

  @Test func lossFallsMonotonicallyToTheMinimumAndNoWorseCandidateIsTaken() throws {
    let frozen = try FrozenDescent.random(count: 4)
    let optimiser = GLD(problem: frozen.problem, settings: .init(innerSteps: 3, radius: 2, radii: 12))
    var alphas = frozen.problem.initialAlphas
    var last = Double.infinity
    var (moves, stays) = (0, 0)
    for index in 0..<300 {
      let before = alphas
      let report = try optimiser.update(&alphas, at: frozen.at(seed: 2, step: index))
      let baseline = try #require(report.baselineLoss)
      #expect(baseline <= last, "the baseline is the loss of the candidate that was taken")
      if alphas == before {
        stays += 1
        #expect(report.candidateLosses.allSatisfy { $0 >= baseline })
        last = baseline
      } else {
        moves += 1
        last = try #require(report.candidateLosses.min())
        #expect(last < baseline)
      }
    }
    #expect(moves > 20 && stays > 20)
    let excess = frozen.loss(doubles(alphas.flat)) - frozen.loss(frozen.minimiser)
    #expect(excess < 1e-4 * (frozen.loss(frozen.initial) - frozen.loss(frozen.minimiser)))
  }

  @Test func updateCostsOneTrainingForEachRadiusAndOneForTheBaseline() throws {
    let base = try quadratic()
    let problem = Observed(base)
    let point = state(of: base)
    let before = (point.weights.values, point.velocity.values)
    let optimiser = ZARTSGLD(problem: problem, settings: .init(innerSteps: 4, radius: 1, radii: 5))
    var alphas = base.initialAlphas
    _ = try optimiser.update(
      &alphas,
      at: ArchitectureStep(
        weights: point.weights, velocity: point.velocity, weightStep: WeightStep(),
        trainingBatches: (0..<4).map { try problem.trainingBatch(epoch: 0, step: $0) },
        validationBatch: problem.validationBatch(epoch: 0, step: 0)))
    #expect(problem.weightGradients == 24 && problem.evaluations == 6 && problem.alphaGradients == 0)
    #expect(abs(optimiser.updateCost - 26) < 1e-12)
    #expect(point.weights.values == before.0 && point.velocity.values == before.1, "candidates must train copies")
  }

  @Test(arguments: [Double.nan, -.infinity, .infinity])
  func candidateWithoutAFiniteLossIsNeverTaken(loss: Double) throws {
    let frozen = try FrozenDescent.random(count: 4, innerSteps: 1)
    let problem = Observed(frozen.problem)
    // Two losses of the baseline, then two a candidate: 3, 5 and 7 evaluate.
    problem.interfere = { [3, 5, 7].contains($0) ? loss : nil }
    var alphas = frozen.problem.initialAlphas
    let report = try ZARTSGLD(problem: problem, settings: .init(innerSteps: 1, radius: 1, radii: 3)).update(
      &alphas, at: wrapped(frozen, problem))
    #expect(alphas == frozen.problem.initialAlphas)
    #expect(report.divergedCandidates == 3)
  }

  @Test func baselineWithoutAFiniteLossIsAnError() throws {
    let frozen = try FrozenDescent.random(count: 4, innerSteps: 1)
    let problem = Observed(frozen.problem)
    problem.interfere = { $0 == 1 ? .nan : nil }
    var alphas = frozen.problem.initialAlphas
    let error = #expect(throws: Divergence.self) {
      try ZARTSGLD(problem: problem, settings: .init(innerSteps: 1, radius: 1, radii: 3)).update(
        &alphas, at: wrapped(frozen, problem))
    }
    #expect(error?.account.hasPrefix("the loss of α itself is not finite after 1 inner steps") == true)
    #expect(alphas == frozen.problem.initialAlphas)
  }

  private func wrapped(_ frozen: FrozenDescent, _ problem: Observed) -> ArchitectureStep<Observed> {
    ArchitectureStep(
      weights: frozen.weights, velocity: frozen.velocity, weightStep: frozen.step, trainingBatches: frozen.batches,
      validationBatch: frozen.problem.validationBatch(epoch: 0, step: 0), seed: 3)
  }
}

struct CandidateSamplingTests {
  @Test(arguments: [1, 2, 5, 60])
  func unitVectorsHaveLengthOneAndNoPreferredDirection(dimensions: Int) {
    var stream = RandomStream(seed: 6, purpose: .test)
    let samples = (0..<4000).map { _ in stream.unitVector(dimensions) }
    #expect(samples.allSatisfy { abs(norm($0) - 1) < 1e-12 })
    #expect(SampleMean(samples).agrees(with: [Double](repeating: 0, count: dimensions)))
    // E u_i² = 1/d; in one dimension it is 1 without any spread.
    let squares = SampleMean(samples.map { $0.map { $0 * $0 } })
    let uniform = [Double](repeating: 1 / Double(dimensions), count: dimensions)
    #expect(dimensions == 1 ? distance(squares.mean, uniform) < 1e-12 : squares.agrees(with: uniform))
  }

  /// Within a ball the d-th power of the relative distance is uniform: mean 1/2, mean square 1/3.
  @Test(arguments: [1, 3, 40])
  func ballPointsFillTheBallEvenly(dimensions: Int) {
    var stream = RandomStream(seed: 7, purpose: .test)
    let points = (0..<4000).map { _ in stream.ballPoint(dimensions, radius: 2.5) }
    #expect(points.allSatisfy { norm($0) <= 2.5 })
    let volumes = points.map { pow(norm($0) / 2.5, Double(dimensions)) }
    #expect(SampleMean(volumes.map { [$0, $0 * $0] }).agrees(with: [0.5, 1.0 / 3]))
    #expect(SampleMean(points).agrees(with: [Double](repeating: 0, count: dimensions)))
  }
}
