import Cells
import Compute
import Formats
import Foundation
import Problems
import Search

extension SearchMethod {
  /// A method that the package does not have: all that it takes to add one is this file, and in the package its name in
  /// `SearchMethod.all`.
  package static let signum = SearchMethod(SignumMethod())
}

/// α moves by the learning rate against the signs of an averaged ∇_α L₁ (Bernstein et al., signSGD, ICML 2018, alg. 2).
struct SignumMethod: MethodDefinition {
  var name: String { "signum" }
  var summary: String { "the signs of the averaged gradient of the validation loss" }
  var settings: Set<String> { ["alpha_learning_rate", "alpha_beta1"] }
  var estimators: [StudiedEstimator] { [.signum, .zeroOrderSignum] }

  func setDefaults(_ configuration: inout SearchConfiguration) { configuration.alphaLearningRate = 0.01 }

  func validate(_ configuration: SearchConfiguration) throws {
    guard configuration.alphaBeta1 > 0 else {
      throw InputError("no average", at: .setting("alpha_beta1"), found: "\(configuration.alphaBeta1)", wanted: "above 0")
    }
  }

  func plan(_ configuration: SearchConfiguration) -> UpdatePlan { .signum }

  func makeOptimiser<Problem: BilevelProblem>(
    _ configuration: SearchConfiguration, for problem: Problem
  ) -> any ArchitectureOptimiser<Problem> {
    Signum(problem: problem, rate: configuration.alphaLearningRate, decay: configuration.alphaBeta1)
  }
}

extension UpdatePlan {
  fileprivate static let signum = UpdatePlan(interval: 2, alphaGradients: 1)
}

final class Signum<Problem: BilevelProblem>: ArchitectureOptimiser {
  let plan = UpdatePlan.signum
  private let gradient: FirstOrderGradient<Problem>
  private let rate: Double
  private let decay: Double
  private var average: [Double]

  init(problem: Problem, rate: Double, decay: Double) {
    gradient = FirstOrderGradient(problem: problem)
    (self.rate, self.decay) = (rate, decay)
    average = [Double](repeating: 0, count: problem.initialAlphas.count)
  }

  func update(_ alphas: inout ArchitectureParameters, at step: ArchitectureStep<Problem>) throws -> ArchitectureReport {
    let estimate = gradient.estimate(weights: step.weights, alphas: alphas, validation: step.validationBatch)
    average = zip(average, estimate.gradient.flat).map { decay * $0 + (1 - decay) * Double($1) }
    let moves = average.map { $0 == 0 ? 0 : ($0 > 0 ? -rate : rate) }
    alphas.flat = zip(alphas.flat, moves).map { Float(Double($0) + $1) }
    return ArchitectureReport(
      gradientNorm: estimate.gradient.norm, updateNorm: moves.reduce(0) { $0 + $1 * $1 }.squareRoot(),
      validationLoss: estimate.loss.loss)
  }

  func exportState() -> [NamedTensor] {
    [NamedTensor(name: "signum.average", shape: [average.count], values: .float64(average))]
  }

  func importState(from file: TensorFile) throws { average = try file.doubles("signum.average", shape: [average.count]) }
}

extension StudiedEstimator {
  package static let signum = StudiedEstimator(SignumEstimator())
  package static let zeroOrderSignum = StudiedEstimator(ZeroOrderSignumEstimator())
}

/// The first step of Signum: the signs of ∇L₁.
private struct SignumEstimator: EstimatorDefinition {
  var name: String { "signum" }
  var summary: String { "signs of ∇L₁" }
  var dependence: EstimatorDependence { .place }
  var guide: GradientEstimator? { .first }

  func estimate(_ draw: CandidateDraw, _ losses: CandidateLosses) -> [Double]? { draw.guide.map(Self.sign) }

  static func sign(_ value: Double) -> Double { value == 0 ? 0 : value > 0 ? 1 : -1 }
}

/// The signs of slopes along random directions (Liu et al., signSGD via zeroth-order oracle, ICLR 2019).
private struct ZeroOrderSignumEstimator: EstimatorDefinition {
  var name: String { "zo-signum" }
  var summary: String { "signs of slopes of the true loss" }
  var needsBaseline: Bool { true }

  private func direction(_ candidate: Int, _ draw: CandidateDraw) -> [Double] {
    var stream = draw.stream(candidate)
    return stream.unitVector(draw.count)
  }

  func families(candidates: Int) -> [CandidateFamily] {
    [
      CandidateFamily(name, count: candidates) { draw, candidate in
        direction(candidate, draw).map { draw.sigma * $0 }
      }
    ]
  }

  func estimate(_ draw: CandidateDraw, _ losses: CandidateLosses) -> [Double]? {
    RandomSlopes.oneSided(
      (0..<draw.candidates).map { direction($0, draw) }, losses: losses[name], baseline: losses.baseline,
      smoothing: draw.sigma
    )?.map(SignumEstimator.sign)
  }
}
