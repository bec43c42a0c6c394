import Foundation
import Search
import Supernet
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

  private func result(_ method: SearchMethod) throws -> (problem: QuadraticBilevelProblem, alphas: [Double]) {
    let folder = try TemporaryFolder()
    let problem = try problem()
    let files = try search(problem, configuration(method), in: folder.file("run"), space: nil)
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

  @Test func zartsConvergesToTheOptimum() throws {
    let (problem, alphas) = try result(.zartsMGS)
    let biased = problem.bilevelLoss(alphas: problem.firstOrderFixedPoint)
    let best = problem.bilevelLoss(alphas: problem.optimum)
    #expect(distance(alphas, problem.optimum) < 0.15 * distance(problem.firstOrderFixedPoint, problem.optimum))
    #expect(problem.bilevelLoss(alphas: alphas) - best < 0.03 * (biased - best))
  }
}
