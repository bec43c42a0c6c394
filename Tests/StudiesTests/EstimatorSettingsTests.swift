import Cells
import Compute
import Foundation
import Problems
import Search
import Statistics
import Studies
import TestSupport
import Testing

/// The defaults of a search and the settings of the ZARTS authors' figure of paths (`vis_optimzation.py` in their released
/// code), as estimates of ∇L_M where it is known: a quadratic of s2's 56 values, M = 10 steps at η = 0.025 with momentum 0.9.
@Suite struct EstimatorSettingsTests {
  private static let steps = 10
  private static let repeats = 40
  /// Without a clip, since the closed form has none.
  private let step = WeightStep(learningRate: 0.025, momentum: 0.9, weightDecay: 3e-4, gradientClip: 1e6)
  private let problem: QuadraticBilevelProblem
  private let alphas: ArchitectureParameters

  init() throws {
    var stream = RandomStream(seed: 3, purpose: .alphas)
    var alphas = SearchSpace.s2.zeroAlphas
    alphas.flat = stream.normals(alphas.count).map { Float(0.3 * $0) }
    self.alphas = alphas
    problem = try .random(seed: 3, weightCount: 6, alphas: alphas, stepsPerEpoch: 6, noise: 0)
  }

  /// N counts trainings: 16 for either set.
  private func rows(
    _ estimators: [StudiedEstimator], sigma: Double, temperature: Double = 0.01, lambda: Double = 1e-3,
    zeroOrder: ZeroOrderSettings = ZeroOrderSettings(), training: CandidateTraining = CandidateTraining()
  ) throws -> [EstimatorRow] {
    try EstimatorRun(
      problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: alphas,
      settings: EstimatorSettings(
        estimators: estimators, innerSteps: [Self.steps], candidates: [16], sigmas: [sigma], repeats: Self.repeats,
        temperature: temperature, lambda: lambda, zeroOrder: zeroOrder, training: training, step: step, seed: 5,
        bootstrap: Bootstrap(method: .student, replicates: 2))
    ).rows()
  }

  private func gradient(_ step: WeightStep) -> [Double] {
    problem.trueLossGradient(
      weights: [Double](repeating: 0, count: 6), alphas: alphas.flat.map(Double.init), step: step,
      batches: (0..<Self.steps).map { problem.trainingBatch(epoch: $0 / 6, step: $0 % 6) })
  }

  private func value(
    _ rows: [EstimatorRow], _ estimator: StudiedEstimator, _ statistic: EstimatorStatistic
  ) throws -> Double {
    try #require(rows.first { $0.estimator == estimator.rawValue && $0.statistic == statistic.rawValue }).value
  }

  @Test("Candidates with the steps of the authors' figure estimate a gradient near that of L₁, those of the run that of L_M")
  func settings() throws {
    let own = CandidateTraining(learningRate: 0.001, momentum: 0)
    let spheres = ZeroOrderSettings(
      rsDistribution: .matrixSphere, gldDistribution: .matrixSphere, hasUntrainedBaseline: true)
    let usual = SearchConfiguration(method: .zartsMGS, space: .s2, dataset: "")
    let radius = 0.13 / 56.0.squareRoot()
    let tables: [(name: String, estimators: [StudiedEstimator], rows: [EstimatorRow])] = try [
      ("defaults", [.darts1, .rs, .pairs, .mgs, .gld], rows([.darts1, .rs, .pairs, .mgs, .gld], sigma: usual.sigma)),
      ("authors' figure", [.pairs], rows([.pairs], sigma: 0.1, zeroOrder: spheres, training: own)),
      (
        "authors' figure", [.mgs],
        rows([.mgs], sigma: 0.001, temperature: 1, lambda: 0.1, zeroOrder: spheres, training: own)
      ),
      ("authors' figure", [.gld], rows([.gld], sigma: radius, zeroOrder: spheres, training: own)),
    ]
    print("settings, estimator: cosine, of the mean, relative bias, relative variance")
    for table in tables {
      for estimator in table.estimators {
        let values = [EstimatorStatistic.cosine, .meanCosine, .relativeBias, .relativeVariance].map { statistic in
          let row = table.rows.first { $0.estimator == estimator.rawValue && $0.statistic == statistic.rawValue }
          return row.map { String(format: "%.3f", $0.value) } ?? "-"
        }
        print("\(table.name), \(estimator): \(values.joined(separator: ", "))")
      }
    }
    // What the closed form says of either set.
    let truth = gradient(step)
    let theirs = gradient(own.step(step))
    let first = problem.firstOrderGradient(alphas: alphas.flat.map(Double.init))
    #expect(distance(theirs, first) < 0.2 * distance(truth, first), "so little training leaves ω near where it is")
    #expect(distance(truth, first) > 0.2 * norm(truth), "first-order DARTS is wrong here")
    for (rows, expected) in [(tables[0].rows, truth), (tables[1].rows, theirs)] {
      let square = pow(distance(expected, truth) / norm(truth), 2)
      let found = pow(try value(rows, .pairs, .relativeBias), 2)
      // The covariance of a mean of n pairs is (‖g‖²I + ggᵀ)/n for normal directions, and less for those on spheres: its
      // largest eigenvalue is 2‖g‖²/n, the trace of its square (d + 3)‖g‖⁴/n². So the square of a bias b, cleared of noise,
      // has the variance 4bᵀΣb/R + 2 tr Σ²/R² at most. Four deviations, and what float32 leaves.
      let (pairs, repeats) = (8.0, Double(Self.repeats))
      let length = pow(norm(expected) / norm(truth), 2)
      let variance: Double = 4 * square * 2 * length / pairs / repeats
      let floor: Double = 2 * 59 * length * length / (pairs * pairs) / (repeats * repeats)
      let bound = 4 * (variance + floor).squareRoot() + 1e-3
      #expect(abs(found - square) < bound, "\(found), \(square) ± \(bound)")
    }
    #expect(abs(try value(tables[0].rows, .darts1, .relativeBias) - distance(first, truth) / norm(truth)) < 1e-4)
  }
}
