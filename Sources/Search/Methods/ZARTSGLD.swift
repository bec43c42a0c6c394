import Cells
import Compute
import Foundation
import Problems

/// Where GLD draws a candidate of radius r from.
public enum RadialDistribution: String, CaseIterable, Codable, Sendable {
  /// Uniform in the ball.
  case ball
  /// Uniform on its surface.
  case sphere
  /// In each matrix of α by itself uniform on the sphere of radius r.
  case matrixSphere = "matrix-sphere"
}

extension RadialDistribution {
  /// A change of α, flat.
  ///
  /// - Parameter matrices: where the values of each matrix of α stand.
  func point(_ matrices: [Range<Int>], radius: Double, from stream: inout RandomStream) -> [Double] {
    let count = matrices.reduce(0) { $0 + $1.count }
    return switch self {
    case .ball: stream.ballPoint(count, radius: radius)
    case .sphere: stream.unitVector(count).map { radius * $0 }
    case .matrixSphere: matrices.flatMap { stream.unitVector($0.count).map { radius * $0 } }
    }
  }
}

extension SearchMethod {
  /// ZARTS with the best of candidates at halving radii.
  public static let zartsGLD = SearchMethod(ZARTSGLDMethod())
}

struct ZARTSGLDMethod: MethodDefinition {
  var name: String { "zarts-gld" }
  var summary: String { "a step to the best of candidates in balls of halving radii, where it is better" }
  var settings: Set<String> {
    SearchConfiguration.candidateTrainingSettings.union(
      ["inner_steps", "radius", "radii", "gld_distribution", "untrained_baseline"])
  }
  var estimators: [StudiedEstimator] { [.gld] }

  func setDefaults(_ configuration: inout SearchConfiguration) { configuration.warmup = 10 }

  private func settings(_ configuration: SearchConfiguration) -> GLDSettings {
    .init(
      innerSteps: configuration.innerSteps, radius: configuration.radius, radii: configuration.radii,
      distribution: configuration.gldDistribution, hasUntrainedBaseline: configuration.untrainedBaseline,
      training: configuration.candidateTraining)
  }

  func plan(_ configuration: SearchConfiguration) -> UpdatePlan { settings(configuration).plan }

  func lossesAtOnce(_ configuration: SearchConfiguration) -> Int {
    configuration.radii + (configuration.untrainedBaseline ? 0 : 1)
  }

  func makeOptimiser<Problem: BilevelProblem>(
    _ configuration: SearchConfiguration, for problem: Problem
  ) -> any ArchitectureOptimiser<Problem> {
    ZARTSGLD(problem: problem, settings: settings(configuration))
  }
}

/// Settings of an update of GLD. The paper has no values for R and K; docs/methods.md says where the run's defaults come from,
/// and which ones the authors' figure of paths has.
public struct GLDSettings: Equatable, Sendable {
  /// M.
  public var innerSteps: Int
  /// R > 0, in units of α.
  public var radius: Double
  /// K.
  public var radii: Int
  public var distribution: RadialDistribution
  /// Whether a candidate has to be better than L_val(ω, α), for which nothing is trained, and not than L_M(α).
  public var hasUntrainedBaseline: Bool
  public var training: CandidateTraining

  public init(
    innerSteps: Int = 10, radius: Double, radii: Int = 4, distribution: RadialDistribution = .ball,
    hasUntrainedBaseline: Bool = false, training: CandidateTraining = CandidateTraining()
  ) {
    self.innerSteps = innerSteps
    self.radius = radius
    self.radii = radii
    self.distribution = distribution
    self.hasUntrainedBaseline = hasUntrainedBaseline
    self.training = training
  }

  /// The candidates and α itself.
  public var plan: UpdatePlan {
    var plan = UpdatePlan(training: radii + (hasUntrainedBaseline ? 0 : 1), innerSteps: innerSteps)
    plan.evaluations = radii + 1
    return plan
  }
}

/// What GLD makes of losses, whoever evaluates them (Golovin et al., ICLR 2020, alg. 1).
public enum GradientlessDescent {
  /// Candidate k (from 0), of radius R·2^(−k).
  ///
  /// - Parameter matrices: where the values of each matrix of α stand.
  public static func candidate(
    _ index: Int, matrices: [Range<Int>], radius: Double, distribution: RadialDistribution = .ball,
    from stream: inout RandomStream
  ) -> [Double] {
    distribution.point(matrices, radius: radius * exp2(-Double(index)), from: &stream)
  }

  /// The number of the candidate to move to: the one of the smallest finite loss below the baseline, L_M(α) or, without
  /// inner training, L_val(ω, α); nil where none is.
  public static func choice(of losses: [Double], baseline: Double) -> Int? {
    losses.indices.filter { losses[$0].isFinite && losses[$0] < baseline }.min { losses[$0] < losses[$1] }
  }
}

/// ZARTS with gradientless descent: candidates in balls of halving radii around α, of which the best is taken if it is
/// better than α itself (Wang et al., ZARTS, NeurIPS 2022, §3.4; Golovin et al., ICLR 2020, alg. 1).
///
/// Candidate k is uniform in the ball of radius R·2^(−k), or on its surface, k = 0…K−1. Only the order of losses counts, so nothing has to be
/// tuned to their scale. An update costs (K + 1)·M training steps and as many evaluations.
public final class ZARTSGLD<Problem: BilevelProblem>: ArchitectureOptimiser {
  public typealias Settings = GLDSettings

  public let settings: Settings
  private let evaluation: CandidateEvaluation<Problem>

  public init(problem: Problem, settings: Settings) {
    self.settings = settings
    evaluation = CandidateEvaluation(problem: problem, training: settings.training)
  }

  public var plan: UpdatePlan { settings.plan }

  public func update(_ alphas: inout ArchitectureParameters, at step: ArchitectureStep<Problem>) throws -> ArchitectureReport
  {
    let isUntrained = settings.hasUntrainedBaseline
    let untrained = try isUntrained ? evaluation.untrainedLoss(of: alphas, at: step) : nil
    let updates = (0..<settings.radii).map { index in
      var stream = step.candidateStream(index)
      return GradientlessDescent.candidate(
        index, matrices: alphas.ranges, radius: settings.radius, distribution: settings.distribution, from: &stream)
    }
    let candidates = updates.map { alphas.moved(by: $0) }
    let (baseline, losses) =
      try untrained.map { ($0, try evaluation.trueLosses(of: candidates, at: step)) }
      ?? evaluation.trueLosses(of: candidates, besides: alphas, at: step)
    let best = GradientlessDescent.choice(of: losses, baseline: baseline)
    if let best { alphas = alphas.moved(by: updates[best]) }
    return ArchitectureReport(
      gradientNorm: nil, updateNorm: best.map { updates[$0].length } ?? 0, validationLoss: isUntrained ? baseline : nil,
      baselineLoss: isUntrained ? nil : baseline, candidateLosses: losses)
  }
}

extension StudiedEstimator {
  /// The negative accepted step of GLD, N being the number of radii and σ√d the largest.
  public static let gld = StudiedEstimator(GLDEstimator())
}

private struct GLDEstimator: EstimatorDefinition {
  var name: String { "gld" }
  var summary: String { "the negative step of GLD" }
  var needsBaseline: Bool { true }
  var mayStay: Bool { true }
  var mayCompareUntrained: Bool { true }

  private func update(_ candidate: Int, _ draw: CandidateDraw) -> [Double] {
    var stream = draw.stream(candidate)
    return GradientlessDescent.candidate(
      candidate, matrices: draw.matrices, radius: draw.sigma * Double(draw.count).squareRoot(),
      distribution: draw.zeroOrder.gldDistribution, from: &stream)
  }

  func families(candidates: Int) -> [CandidateFamily] {
    [CandidateFamily(name, count: candidates) { draw, candidate in update(candidate, draw) }]
  }

  /// Zeros where GLD stays; nil where L(α) is not finite.
  func estimate(_ draw: CandidateDraw, _ losses: CandidateLosses) -> [Double]? {
    guard losses.baseline.isFinite else { return nil }
    guard let best = GradientlessDescent.choice(of: losses[name], baseline: losses.baseline) else {
      return [Double](repeating: 0, count: draw.count)
    }
    return update(best, draw).map { -$0 }
  }
}
