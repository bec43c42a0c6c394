import Cells
import Foundation
import Problems
import Search
import SearchSupport
import TestSupport
import Testing

/// Where whole searches end on a problem whose true optimum and biased fixed points are known.
struct ConvergenceTests {
  private func problem() throws -> QuadraticBilevelProblem {
    let matrix = ArchitectureParameters.Matrix(rows: 1, columns: 2, values: [0.1, -0.1])
    return try .random(
      seed: 11, weightCount: 4, alphas: .init(normal: matrix, reduce: matrix), stepsPerEpoch: 60, noise: 0)
  }

  private func configuration(_ method: SearchMethod) -> SearchConfiguration {
    var configuration = SearchConfiguration(method: method, space: .s2, dataset: "closed-form")
    configuration.epochs = 60
    configuration.warmup = 0
    // A has eigenvalues 1 to 4: without momentum, 20 steps bring ω within 0.75^20 of ω*(α).
    configuration.learningRate = 0.25
    configuration.minimumLearningRate = 0.25
    configuration.momentum = 0
    configuration.weightDecay = 0
    configuration.gradientClip = 1e6
    configuration.alphaLearningRate = 0.01
    configuration.alphaWeightDecay = 0
    configuration.innerSteps = 20
    configuration.candidates = 32
    configuration.lambda = 0.5
    configuration.tau = 1e-3
    configuration.sigma = 0.2
    return configuration
  }

  private func result(
    _ method: SearchMethod, change: (inout SearchConfiguration) -> Void = { _ in }
  ) throws -> (problem: QuadraticBilevelProblem, alphas: [Double]) {
    let folder = try ScratchFolder()
    let problem = try problem()
    var configuration = configuration(method)
    change(&configuration)
    let files = try search(problem, configuration, in: folder.file("run"), space: nil)
    let last = try SearchCheckpoint(readingFrom: files.checkpointPath(epoch: 60), for: problem)
    return (problem, doubles(try #require(last.alphas).flat))
  }

  @Test func firstOrderDARTSConvergesToTheWrongPoint() throws {
    let (problem, alphas) = try result(.darts1)
    let gap = distance(problem.firstOrderFixedPoint, problem.optimum)
    #expect(gap > 0.3)
    #expect(distance(alphas, problem.firstOrderFixedPoint) < 0.02 * gap)
    #expect(distance(alphas, problem.optimum) > 0.95 * gap)
  }

  @Test func secondOrderDARTSStopsWhereItsOneStepBiasPutsIt() throws {
    let (problem, alphas) = try result(.darts2)
    let expected = problem.secondOrderFixedPoint(learningRate: 0.25)
    let gap = distance(expected, problem.optimum)
    #expect(distance(expected, problem.firstOrderFixedPoint) > 0.05)
    #expect(distance(alphas, expected) < 0.05 * gap)
  }

  /// α away from the optimum, as a part of the way that first-order DARTS stays away; and the same of the loss.
  private func remainder(_ result: (problem: QuadraticBilevelProblem, alphas: [Double])) -> (way: Double, loss: Double) {
    let (problem, alphas) = result
    let biased = problem.bilevelLoss(alphas: problem.firstOrderFixedPoint)
    let best = problem.bilevelLoss(alphas: problem.optimum)
    return (
      distance(alphas, problem.optimum) / distance(problem.firstOrderFixedPoint, problem.optimum),
      (problem.bilevelLoss(alphas: alphas) - best) / (biased - best)
    )
  }

  @Test(arguments: [Decay.cosine, .linear])
  func mgsConvergesToTheOptimum(decay: Decay) throws {
    let left = remainder(try result(.zartsMGS) { $0.sigmaDecay = decay })
    #expect(left.way < 0.15)
    #expect(left.loss < 0.03)
  }

  @Test func mgsOfConstantSigmaStaysWithinItsNoise() throws {
    let left = remainder(try result(.zartsMGS) { $0.sigmaDecay = .constant })
    #expect(left.loss < 0.5)
  }

  @Test(arguments: DirectionDistribution.allCases, [false, true])
  func randomSearchConvergesToTheOptimum(distribution: DirectionDistribution, isAntithetic: Bool) throws {
    let left = remainder(
      try result(.zartsRS) {
        ($0.rsDistribution, $0.antithetic) = (distribution, isAntithetic)
        ($0.mu, $0.xi, $0.candidates) = (0.01, 0.1, 8)
      })
    #expect(left.way < (isAntithetic ? 0.01 : 0.03))
    #expect(left.loss < (isAntithetic ? 1e-4 : 3e-3))
  }

  /// N, μ and ξ as a run has them where nobody says otherwise. One-sided differences end in the noise that so large a μ
  /// leaves, still far nearer than first-order DARTS.
  @Test(arguments: DirectionDistribution.allCases, [false, true])
  func randomSearchConvergesWithItsDefaults(distribution: DirectionDistribution, isAntithetic: Bool) throws {
    let defaults = SearchConfiguration(method: .zartsRS, space: .s2, dataset: "closed-form")
    let left = remainder(
      try result(.zartsRS) {
        ($0.rsDistribution, $0.antithetic) = (distribution, isAntithetic)
        // The problem has 4 values of α, not the 56 of s2.
        $0.mu = distribution == .gaussian ? defaults.mu : 2 * defaults.mu
        ($0.xi, $0.candidates) = (defaults.xi, defaults.candidates)
      })
    #expect(left.way < (isAntithetic ? 0.02 : 0.5))
    #expect(left.loss < (isAntithetic ? 1e-3 : 0.5))
  }

  @Test(arguments: [4, 8])
  func gradientlessDescentConvergesToTheOptimum(radii: Int) throws {
    let left = remainder(try result(.zartsGLD) { ($0.radius, $0.radii) = (1, radii) })
    #expect(left.way < 0.1)
    #expect(left.loss < 0.02)
  }
}
