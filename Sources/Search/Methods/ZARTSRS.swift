import Cells
import Compute
import Formats
import Problems

extension SearchMethod {
  /// ZARTS with a finite-difference gradient of the smoothed true loss.
  public static let zartsRS = SearchMethod(ZARTSRSMethod())
}

/// Where ZARTS-RS draws its directions from.
public enum DirectionDistribution: String, CaseIterable, Codable, Sendable {
  /// u ~ N(0, I), φ = 1.
  case gaussian
  /// u uniform on the unit sphere, φ = d, the count of α.
  case sphere
  /// u uniform on the unit sphere of each matrix of α by itself, φ = the count of the matrix.
  case matrixSphere = "matrix-sphere"
}

extension DirectionDistribution {
  /// A direction u, flat.
  ///
  /// - Parameter matrices: where the values of each matrix of α stand.
  func direction(_ matrices: [Range<Int>], from stream: inout RandomStream) -> [Double] {
    let count = matrices.reduce(0) { $0 + $1.count }
    return switch self {
    case .gaussian: stream.normals(count)
    case .sphere: stream.unitVector(count)
    case .matrixSphere: matrices.flatMap { stream.unitVector($0.count) }
    }
  }

  /// φ at each value of α, which makes E[φ u uᵀ] the identity.
  func factors(_ matrices: [Range<Int>]) -> [Double] {
    let count = matrices.reduce(0) { $0 + $1.count }
    return switch self {
    case .gaussian: [Double](repeating: 1, count: count)
    case .sphere: [Double](repeating: Double(count), count: count)
    case .matrixSphere: matrices.flatMap { [Double](repeating: Double($0.count), count: $0.count) }
    }
  }
}

struct ZARTSRSMethod: MethodDefinition {
  var name: String { "zarts-rs" }
  var summary: String { "descent along finite differences of the true loss in random directions" }
  var settings: Set<String> {
    SearchConfiguration.candidateTrainingSettings.union(
      ["inner_steps", "candidates", "rs_distribution", "mu", "xi", "antithetic"])
  }
  var estimators: [StudiedEstimator] { [.rs, .pairs] }

  func setDefaults(_ configuration: inout SearchConfiguration) { configuration.warmup = 10 }

  func validate(_ configuration: SearchConfiguration) throws {
    guard configuration.antithetic else { return }
    try InputError.require(
      configuration.candidates.isMultiple(of: 2), "candidates", configuration.candidates,
      "an even number, since antithetic makes pairs")
  }

  private func settings(_ configuration: SearchConfiguration) -> RSSettings {
    .init(
      innerSteps: configuration.innerSteps, candidates: configuration.candidates,
      distribution: configuration.rsDistribution, smoothing: configuration.mu, stepSize: configuration.xi,
      isAntithetic: configuration.antithetic, training: configuration.candidateTraining)
  }

  func plan(_ configuration: SearchConfiguration) -> UpdatePlan { settings(configuration).plan }

  func lossesAtOnce(_ configuration: SearchConfiguration) -> Int {
    configuration.candidates + (configuration.antithetic ? 0 : 1)
  }

  func makeOptimiser<Problem: BilevelProblem>(
    _ configuration: SearchConfiguration, for problem: Problem
  ) -> any ArchitectureOptimiser<Problem> {
    ZARTSRS(problem: problem, settings: settings(configuration))
  }
}

/// Settings of an update of RS. The paper has no values for μ and ξ; docs/methods.md says where the run's defaults come from,
/// and which ones the authors' figure of paths has.
public struct RSSettings: Equatable, Sendable {
  /// M.
  public var innerSteps: Int
  /// N, even with antithetic pairs.
  public var candidates: Int
  public var distribution: DirectionDistribution
  /// μ > 0: how far along a direction a candidate lies.
  public var smoothing: Double
  /// ξ > 0: step along the negative gradient estimate.
  public var stepSize: Double
  public var isAntithetic: Bool
  public var training: CandidateTraining

  public init(
    innerSteps: Int = 10, candidates: Int = 4, distribution: DirectionDistribution = .gaussian, smoothing: Double,
    stepSize: Double, isAntithetic: Bool = false, training: CandidateTraining = CandidateTraining()
  ) {
    self.innerSteps = innerSteps
    self.candidates = candidates
    self.distribution = distribution
    self.smoothing = smoothing
    self.stepSize = stepSize
    self.isAntithetic = isAntithetic
    self.training = training
  }

  /// The candidates, and α itself unless they come in pairs.
  public var plan: UpdatePlan { UpdatePlan(training: candidates + (isAntithetic ? 0 : 1), innerSteps: innerSteps) }
}

/// What RS makes of losses, whoever evaluates them: the mean of slopes along directions, over those that are finite
/// (Wang et al., ZARTS, §3.2), without φ.
public enum RandomSlopes {
  /// Mean of [L(α + μu) − L(α)]/μ · u; nil where none is finite.
  public static func oneSided(
    _ directions: [[Double]], losses: [Double], baseline: Double, smoothing: Double
  ) -> [Double]? {
    mean(losses.map { ($0 - baseline) / smoothing }, along: directions)
  }

  /// Mean of [L(α + μu) − L(α − μu)]/(2μ) · u; nil where none is finite.
  public static func pairs(_ directions: [[Double]], above: [Double], below: [Double], smoothing: Double) -> [Double]? {
    mean(zip(above, below).map { ($0 - $1) / (2 * smoothing) }, along: directions)
  }

  private static func mean(_ slopes: [Double], along directions: [[Double]]) -> [Double]? {
    let usable = slopes.indices.filter { slopes[$0].isFinite }
    guard !usable.isEmpty else { return nil }
    var result = [Double](repeating: 0, count: directions[0].count)
    for index in usable {
      let weight = slopes[index] / Double(usable.count)
      for entry in result.indices { result[entry] += weight * directions[index][entry] }
    }
    return result
  }
}

/// ZARTS with random search: descent along a finite-difference estimate of the gradient of the smoothed true loss
/// (Wang et al., ZARTS, NeurIPS 2022, §3.2).
///
///     u* = −ξ · φ/(N μ) · Σ_i [L_M(α + μ u_i) − L_M(α)] u_i
///
/// With antithetic pairs the second half of the u_i are the first half's negatives. L_M(α) then cancels and is not
/// computed: u* = −ξ · φ/(N/2) · Σ_k [L_M(α + μ u_k) − L_M(α − μ u_k)]/(2μ) · u_k, free of the second-order error in μ.
/// An update costs (N + 1)·M training steps and as many evaluations, N·M with antithetic pairs.
public final class ZARTSRS<Problem: BilevelProblem>: ArchitectureOptimiser {
  public typealias Settings = RSSettings

  public let settings: Settings
  private let evaluation: CandidateEvaluation<Problem>

  public init(problem: Problem, settings: Settings) {
    precondition(!settings.isAntithetic || settings.candidates.isMultiple(of: 2), "pairs need an even number of candidates")
    self.settings = settings
    evaluation = CandidateEvaluation(problem: problem, training: settings.training)
  }

  public var plan: UpdatePlan { settings.plan }

  public func update(_ alphas: inout ArchitectureParameters, at step: ArchitectureStep<Problem>) throws -> ArchitectureReport
  {
    let estimate = try settings.isAntithetic ? pairs(alphas, step) : oneSided(alphas, step)
    let gradient = zip(settings.distribution.factors(alphas.ranges), estimate.gradient).map { $0 * $1 }
    let update = gradient.map { -settings.stepSize * $0 }
    alphas = alphas.moved(by: update)
    return ArchitectureReport(
      gradientNorm: gradient.length, updateNorm: update.length, baselineLoss: estimate.baseline,
      candidateLosses: estimate.losses)
  }

  private typealias Estimate = (gradient: [Double], baseline: Double?, losses: [Double])

  private func oneSided(_ alphas: ArchitectureParameters, _ step: ArchitectureStep<Problem>) throws -> Estimate {
    let directions = (0..<settings.candidates).map { direction($0, alphas, step) }
    let (baseline, losses) = try evaluation.trueLosses(
      of: directions.map { moved(alphas, $0, by: settings.smoothing) }, besides: alphas, at: step)
    guard
      let gradient = RandomSlopes.oneSided(
        directions, losses: losses, baseline: baseline, smoothing: settings.smoothing)
    else { throw evaluation.noFiniteCandidate(losses, alphas, step) }
    return (gradient, baseline, losses)
  }

  private func pairs(_ alphas: ArchitectureParameters, _ step: ArchitectureStep<Problem>) throws -> Estimate {
    let directions = (0..<settings.candidates / 2).map { direction($0, alphas, step) }
    // One after the other along each direction: above, below.
    let losses = try evaluation.trueLosses(
      of: directions.flatMap { direction in
        [settings.smoothing, -settings.smoothing].map { moved(alphas, direction, by: $0) }
      }, at: step)
    guard
      let gradient = RandomSlopes.pairs(
        directions, above: directions.indices.map { losses[2 * $0] }, below: directions.indices.map { losses[2 * $0 + 1] },
        smoothing: settings.smoothing)
    else { throw evaluation.noFiniteCandidate(losses, alphas, step) }
    return (gradient, nil, losses)
  }

  private func direction(
    _ index: Int, _ alphas: ArchitectureParameters, _ step: ArchitectureStep<Problem>
  ) -> [Double] {
    var stream = step.candidateStream(index)
    return settings.distribution.direction(alphas.ranges, from: &stream)
  }

  private func moved(
    _ alphas: ArchitectureParameters, _ direction: [Double], by length: Double
  ) -> ArchitectureParameters {
    alphas.moved(by: direction.map { length * $0 })
  }
}

extension StudiedEstimator {
  /// RS, one-sided.
  public static let rs = StudiedEstimator(OneSidedEstimator())
  /// RS with antithetic pairs: N candidates are N/2 directions.
  public static let pairs = StudiedEstimator(PairsEstimator())
}

/// What RS descends along, one-sided, μ being the study's σ.
private struct OneSidedEstimator: EstimatorDefinition {
  var name: String { "rs" }
  var summary: String { "one-sided RS" }
  var needsBaseline: Bool { true }
  var isGradientOfFidelity: Bool { true }

  func families(candidates: Int) -> [CandidateFamily] { [.above(candidates)] }

  func estimate(_ draw: CandidateDraw, _ losses: CandidateLosses) -> [Double]? {
    draw.gradient(
      RandomSlopes.oneSided(
        draw.directions(draw.candidates), losses: losses["above"], baseline: losses.baseline, smoothing: draw.sigma))
  }
}

/// What RS descends along with antithetic pairs.
private struct PairsEstimator: EstimatorDefinition {
  var name: String { "pairs" }
  var summary: String { "RS in antithetic pairs" }
  var isUsual: Bool { false }

  func fault(candidates: Int) -> (problem: String, wanted: String)? {
    candidates.isMultiple(of: 2) ? nil : ("pairs need even numbers", "even numbers, or estimators without pairs")
  }

  func families(candidates: Int) -> [CandidateFamily] {
    let below = CandidateFamily("below", count: candidates / 2) { draw, candidate in
      draw.direction(candidate).map { -draw.sigma * $0 }
    }
    return [.above(candidates / 2), below]
  }

  func estimate(_ draw: CandidateDraw, _ losses: CandidateLosses) -> [Double]? {
    draw.gradient(
      RandomSlopes.pairs(
        draw.directions(draw.candidates / 2), above: losses["above"], below: losses["below"], smoothing: draw.sigma))
  }
}

extension CandidateFamily {
  /// α + μu of either form of RS.
  fileprivate static func above(_ count: Int) -> CandidateFamily {
    CandidateFamily("above", count: count) { draw, candidate in draw.direction(candidate).map { draw.sigma * $0 } }
  }
}

extension CandidateDraw {
  /// u of a candidate.
  fileprivate func direction(_ candidate: Int) -> [Double] {
    var stream = stream(candidate)
    return zeroOrder.rsDistribution.direction(matrices, from: &stream)
  }

  /// φ times a mean of slopes.
  fileprivate func gradient(_ mean: [Double]?) -> [Double]? {
    mean.map { zip(zeroOrder.rsDistribution.factors(matrices), $0).map { $0 * $1 } }
  }

  fileprivate func directions(_ number: Int) -> [[Double]] { (0..<number).map(direction) }
}
