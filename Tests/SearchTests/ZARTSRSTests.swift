import Compute
import Problems
import Search
import SearchSupport
import TestSupport
import Testing

/// RS against its formula, and against the gradient of the smoothed loss that it must follow on average.
struct ZARTSRSTests {
  typealias RS = ZARTSRS<QuadraticBilevelProblem>

  /// The directions of (seed, epoch 0, step 0) by their definition.
  private func directions(_ distribution: DirectionDistribution, count: Int, size: Int, seed: UInt64) -> [[Double]] {
    (0..<count).map { index in
      var stream = RandomStream(seed: seed, purpose: .candidates, epoch: 0, step: 0, index: index)
      // α has two matrices of equal size.
      let matrices = distribution == .matrixSphere ? 2 : 1
      let parts = (0..<matrices).map { _ in stream.normals(size / matrices) }
      return distribution == .gaussian ? parts[0] : parts.flatMap { part in part.map { $0 / norm(part) } }
    }
  }

  /// φ with six values of α, three in each matrix.
  private func factor(_ distribution: DirectionDistribution) -> Double {
    switch distribution {
    case .gaussian: 1
    case .sphere: 6
    case .matrixSphere: 3
    }
  }

  private func combine(_ vectors: [[Double]], _ weights: [Double]) -> [Double] {
    vectors[0].indices.map { index in zip(vectors, weights).reduce(0.0) { $0 + $1.0[index] * $1.1 } }
  }

  private func shifted(_ start: [Double], _ way: [Double], by length: Double) -> [Double] {
    zip(start, way).map { $0 + length * $1 }
  }

  @Test(arguments: DirectionDistribution.allCases)
  func updateIsTheFormulaOfThePaper(distribution: DirectionDistribution) throws {
    let frozen = try FrozenDescent.random(count: 6)
    let settings = RS.Settings(
      innerSteps: 3, candidates: 5, distribution: distribution, smoothing: 0.4, stepSize: 0.7)
    var alphas = frozen.problem.initialAlphas
    let report = try RS(problem: frozen.problem, settings: settings).update(&alphas, at: frozen.at(seed: 12))
    let ways = directions(distribution, count: 5, size: 6, seed: 12)
    let baseline = frozen.loss(frozen.initial)
    let losses = ways.map { frozen.loss(shifted(frozen.initial, $0, by: 0.4)) }
    let factor = factor(distribution)
    let expected = combine(ways, losses.map { -0.7 * factor / (5 * 0.4) * ($0 - baseline) })
    let found = zip(doubles(alphas.flat), frozen.initial).map { $0 - $1 }
    #expect(distance(found, expected) < 1e-4 * norm(expected))
    #expect(distance(report.candidateLosses, losses) < 1e-5 * norm(losses))
    #expect(abs(try #require(report.baselineLoss) - baseline) < 1e-5 * baseline)
    #expect(abs(report.updateNorm - norm(expected)) < 1e-4 * norm(expected))
    #expect(abs(try #require(report.gradientNorm) - norm(expected) / 0.7) < 1e-4 * norm(expected))
    #expect(report.effectiveSampleSize == nil)
  }

  /// The smoothed loss of a quadratic differs from it by a constant, so the smoothed gradient is ∇L_M, whatever μ is.
  @Test(arguments: DirectionDistribution.allCases, [false, true])
  func expectedUpdateIsMinusStepTimesTheGradientOfTheSmoothedLoss(
    distribution: DirectionDistribution, isAntithetic: Bool
  ) throws {
    let frozen = try FrozenDescent.random(count: 6)
    let optimiser = RS(
      problem: frozen.problem,
      settings: .init(
        innerSteps: 3, candidates: 4, distribution: distribution, smoothing: 0.3, stepSize: 0.5,
        isAntithetic: isAntithetic))
    let sample = SampleMean(try (0..<4000).map { try frozen.update(optimiser, seed: $0) })
    let expected = frozen.gradient(frozen.initial).map { -0.5 * $0 }
    #expect(norm(sample.errors) < 0.06 * norm(expected), "the bound must be tight for this test to mean anything")
    #expect(sample.agrees(with: expected), "\(sample.mean) ± \(sample.errors), not \(expected)")
  }

  /// A difference across α has no even terms: on a quadratic it is the slope itself, however far the pair lies apart. The
  /// one-sided difference has μ/2 uᵀHu besides.
  @Test(arguments: DirectionDistribution.allCases)
  func pairsCancelTheCurvatureThatOneSidedDifferencesFeel(distribution: DirectionDistribution) throws {
    let frozen = try FrozenDescent.random(count: 6)
    let ways = directions(distribution, count: 3, size: 6, seed: 5)
    let factor = factor(distribution)
    let slopes = ways.map { inner(frozen.gradient(frozen.initial), $0) }
    let bends = ways.map { 0.5 * 0.8 * inner($0, frozen.hessian * $0) }
    func update(candidates: Int, isAntithetic: Bool) throws -> [Double] {
      try frozen.update(
        RS(
          problem: frozen.problem,
          settings: .init(
            innerSteps: 3, candidates: candidates, distribution: distribution, smoothing: 0.8, stepSize: 1,
            isAntithetic: isAntithetic)), seed: 5)
    }
    let pairs = combine(ways, slopes.map { -factor / 3 * $0 })
    #expect(distance(try update(candidates: 6, isAntithetic: true), pairs) < 1e-4 * norm(pairs))
    let oneSided = combine(ways, zip(slopes, bends).map { -factor / 3 * ($0 + $1) })
    #expect(distance(try update(candidates: 3, isAntithetic: false), oneSided) < 1e-4 * norm(oneSided))
    #expect(distance(pairs, oneSided) > 0.1 * norm(pairs), "the curvature must show for this test to mean anything")
  }

  @Test(arguments: [(false, 20, 5), (true, 16, 4)])
  func updateCostsItsCandidatesAndTheBaselineThatPairsDoNotNeed(
    isAntithetic: Bool, trainingSteps: Int, evaluations: Int
  ) throws {
    let base = try quadratic()
    let problem = ObservedProblem(base)
    let point = state(of: base)
    let before = (point.weights.values, point.velocity.values)
    let optimiser = ZARTSRS(
      problem: problem,
      settings: .init(innerSteps: 4, candidates: 4, smoothing: 0.1, stepSize: 0.1, isAntithetic: isAntithetic))
    var alphas = base.initialAlphas
    let report = try optimiser.update(&alphas, at: observed(problem, point, innerSteps: 4))
    #expect(problem.weightGradients == trainingSteps)
    #expect(problem.evaluations == evaluations)
    #expect(problem.alphaGradients == 0, "a zero-order method asks for no gradient of α")
    #expect(abs(optimiser.updateCost - (Double(trainingSteps) + Double(evaluations) / 3)) < 1e-12)
    #expect(optimiser.interval == 4 && optimiser.trainingBatchCount == 4)
    #expect(point.weights.values == before.0 && point.velocity.values == before.1, "candidates must train copies")
    #expect((report.baselineLoss == nil) == isAntithetic)
    #expect(report.candidateLosses.count == 4)
  }

  private func observed<P: BilevelProblem>(
    _ problem: P, _ point: (weights: ParameterVector, velocity: ParameterVector), innerSteps: Int
  ) throws -> ArchitectureStep<P> {
    try ArchitectureStep(
      weights: point.weights, velocity: point.velocity, weightStep: WeightStep(learningRate: 0.1, gradientClip: 1e6),
      trainingBatches: (0..<innerSteps).map { try problem.trainingBatch(epoch: 0, step: $0) },
      validationBatch: problem.validationBatch(epoch: 0, step: 0), seed: 7)
  }

  /// Losses by number, M = 1: two a candidate, after two of the baseline where there is one.
  @Test func divergedCandidateIsLeftOutOfTheMean() throws {
    let frozen = try FrozenDescent.random(count: 6, innerSteps: 1)
    let problem = ObservedProblem(frozen.problem)
    problem.interfere = { $0 == 5 ? .nan : nil }
    var alphas = frozen.problem.initialAlphas
    let settings = ZARTSRS<ObservedProblem<QuadraticBilevelProblem>>.Settings(
      innerSteps: 1, candidates: 3, smoothing: 0.4, stepSize: 1)
    let report = try ZARTSRS(problem: problem, settings: settings).update(&alphas, at: wrapped(frozen, problem, seed: 3))
    #expect(report.divergedCandidates == 1)
    let ways = directions(.gaussian, count: 3, size: 6, seed: 3)
    let rises = ways.map { frozen.loss(shifted(frozen.initial, $0, by: 0.4)) - frozen.loss(frozen.initial) }
    let expected = combine([ways[0], ways[2]], [-rises[0] / 0.8, -rises[2] / 0.8])
    #expect(distance(zip(doubles(alphas.flat), frozen.initial).map { $0 - $1 }, expected) < 1e-4 * norm(expected))
  }

  @Test func divergedHalfOfAPairTakesTheOtherHalfWithIt() throws {
    let frozen = try FrozenDescent.random(count: 6, innerSteps: 1)
    let problem = ObservedProblem(frozen.problem)
    problem.interfere = { $0 == 3 ? .infinity : nil }
    var alphas = frozen.problem.initialAlphas
    let settings = ZARTSRS<ObservedProblem<QuadraticBilevelProblem>>.Settings(
      innerSteps: 1, candidates: 4, smoothing: 0.4, stepSize: 1, isAntithetic: true)
    let report = try ZARTSRS(problem: problem, settings: settings).update(&alphas, at: wrapped(frozen, problem, seed: 3))
    #expect(report.divergedCandidates == 1)
    let way = directions(.gaussian, count: 2, size: 6, seed: 3)[1]
    let slope = inner(frozen.gradient(frozen.initial), way)
    let expected = way.map { -slope * $0 }
    #expect(distance(zip(doubles(alphas.flat), frozen.initial).map { $0 - $1 }, expected) < 1e-4 * norm(expected))
  }

  private func wrapped(
    _ frozen: FrozenDescent, _ problem: ObservedProblem<QuadraticBilevelProblem>, seed: UInt64
  ) -> ArchitectureStep<ObservedProblem<QuadraticBilevelProblem>> {
    ArchitectureStep(
      weights: frozen.weights, velocity: frozen.velocity, weightStep: frozen.step, trainingBatches: frozen.batches,
      validationBatch: frozen.problem.validationBatch(epoch: 0, step: 0), seed: seed)
  }

  @Test(arguments: [(false, 1), (false, 2), (true, 0)])
  func nothingFiniteIsAnErrorAndLeavesAlphas(isAntithetic: Bool, firstBadLoss: Int) throws {
    let frozen = try FrozenDescent.random(count: 6, innerSteps: 1)
    let problem = ObservedProblem(frozen.problem)
    problem.interfere = { $0 >= firstBadLoss ? .nan : nil }
    var alphas = frozen.problem.initialAlphas
    let settings = ZARTSRS<ObservedProblem<QuadraticBilevelProblem>>.Settings(
      innerSteps: 1, candidates: 4, smoothing: 0.4, stepSize: 1, isAntithetic: isAntithetic)
    let error = #expect(throws: Divergence.self) {
      try ZARTSRS(problem: problem, settings: settings).update(&alphas, at: wrapped(frozen, problem, seed: 3))
    }
    let account = try #require(error).account
    #expect(account.contains("‖α‖") && account.contains("‖ω‖"))
    #expect(alphas == frozen.problem.initialAlphas)
  }
}
