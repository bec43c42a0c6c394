import Cells
import Problems

extension SearchMethod {
  /// ZARTS with importance-weighted candidates.
  public static let zartsMGS = SearchMethod(ZARTSMGSMethod())
}

struct ZARTSMGSMethod: MethodDefinition {
  var name: String { "zarts-mgs" }
  var summary: String { "the mean of candidates around the descent of DARTS, weighted by their true losses" }
  var settings: Set<String> {
    SearchConfiguration.candidateTrainingSettings.union(
      ["inner_steps", "candidates", "sigma", "sigma_decay", "tau", "lambda", "proposal"])
  }
  var estimators: [StudiedEstimator] { [.mgs] }

  func setDefaults(_ configuration: inout SearchConfiguration) { configuration.warmup = 10 }

  func plan(_ configuration: SearchConfiguration) -> UpdatePlan { MGSSettings(configuration).plan }

  func lossesAtOnce(_ configuration: SearchConfiguration) -> Int { configuration.candidates }

  func makeOptimiser<Problem: BilevelProblem>(
    _ configuration: SearchConfiguration, for problem: Problem
  ) -> any ArchitectureOptimiser<Problem> {
    ZARTSMGS(problem: problem, settings: MGSSettings(configuration))
  }
}

/// Settings of an update of MGS; the defaults are the paper's.
public struct MGSSettings: Equatable, Sendable {
  /// M.
  public var innerSteps: Int
  /// N.
  public var candidates: Int
  /// τ.
  public var temperature: Double
  /// λ.
  public var lambda: Double
  public var weighting: ProposalWeighting
  public var training: CandidateTraining

  public init(
    innerSteps: Int = 10, candidates: Int = 4, temperature: Double = 0.01, lambda: Double = 1e-3,
    weighting: ProposalWeighting = .flattened, training: CandidateTraining = CandidateTraining()
  ) {
    self.innerSteps = innerSteps
    self.candidates = candidates
    self.temperature = temperature
    self.lambda = lambda
    self.weighting = weighting
    self.training = training
  }

  init(_ configuration: SearchConfiguration) {
    self.init(
      innerSteps: configuration.innerSteps, candidates: configuration.candidates, temperature: configuration.tau,
      lambda: configuration.lambda, weighting: configuration.proposal, training: configuration.candidateTraining)
  }

  /// The candidates and the gradient that guides them.
  public var plan: UpdatePlan { UpdatePlan(training: candidates, innerSteps: innerSteps, alphaGradients: 1) }

  /// What MGS makes of losses, whoever evaluates them: Σ c_i u_i / Σ c_i (Wang et al., ZARTS, §3.3).
  ///
  /// - Parameters:
  ///   - candidates: u_i, drawn from `proposal`.
  ///   - losses: L_M(α + u_i).
  /// - Returns: the update and its weights; nil where no loss is finite.
  public static func update(
    _ candidates: [[Double]], losses: [Double], proposal: MixtureProposal, temperature: Double,
    weighting: ProposalWeighting
  ) -> (update: [Double], weights: ImportanceWeights)? {
    let densities = weighting == .exact ? candidates.map(proposal.logDensity) : nil
    guard let weights = ImportanceWeights(losses: losses, temperature: temperature, logDensities: densities) else {
      return nil
    }
    var update = [Double](repeating: 0, count: candidates[0].count)
    for (weight, candidate) in zip(weights.normalised, candidates) where weight > 0 {
      for index in update.indices { update[index] += weight * candidate[index] }
    }
    return (update, weights)
  }
}

/// An update of MGS as a search would make it after so many epochs.
public struct MGSMoment: Equatable, Sendable {
  public var settings: MGSSettings
  /// σ.
  public var sigma: Double

  /// Of the last epoch's σ where the search is over, since the one after would be 0. Where the search is by another method
  /// its settings of MGS are nobody's choice, and the published ones of its space take their place, at their first σ.
  public init(_ configuration: SearchConfiguration, epoch: Int) {
    guard configuration.method == .zartsMGS else {
      let published = SearchConfiguration(method: .zartsMGS, space: configuration.space, dataset: configuration.dataset)
      (settings, sigma) = (MGSSettings(published), published.sigma)
      return
    }
    settings = MGSSettings(configuration)
    sigma = Schedules(configuration).sigma(epoch: min(epoch, configuration.epochs - 1))
  }
}

/// ZARTS with maximum-likelihood guided parameter search: candidates drawn around −∇_α L₁, weighted by how well the
/// weights that each of them trains do (Wang et al., ZARTS, NeurIPS 2022, §3.3, alg. 1).
///
/// An update costs N·M training steps, N forward passes and one α-gradient.
public final class ZARTSMGS<Problem: BilevelProblem>: ArchitectureOptimiser {
  public typealias Settings = MGSSettings

  public let settings: Settings
  private let gradient: FirstOrderGradient<Problem>
  private let evaluation: CandidateEvaluation<Problem>

  public init(problem: Problem, settings: Settings = Settings()) {
    self.settings = settings
    gradient = FirstOrderGradient(problem: problem)
    evaluation = CandidateEvaluation(problem: problem, training: settings.training)
  }

  public var plan: UpdatePlan { settings.plan }

  public func update(_ alphas: inout ArchitectureParameters, at step: ArchitectureStep<Problem>) throws -> ArchitectureReport
  {
    let guide = gradient.estimate(weights: step.weights, alphas: alphas, validation: step.validationBatch)
    let norm = guide.gradient.norm
    guard guide.loss.loss.isFinite, norm.isFinite else {
      throw Divergence(
        "the α gradient that guides the candidates is not finite: validation loss \(guide.loss.loss), ‖∇α‖ \(norm), "
          + "‖α‖ \(alphas.norm), ‖ω‖ \(step.weights.norm)")
    }
    let proposal = MixtureProposal(
      gradient: guide.gradient.flat.map(Double.init), sigma: step.sigma, lambda: settings.lambda)
    let updates = (0..<settings.candidates).map { candidate in
      var stream = step.candidateStream(candidate)
      return proposal.sample(from: &stream)
    }
    let losses = try evaluation.trueLosses(of: updates.map { alphas.moved(by: $0) }, at: step)
    guard
      let (update, weights) = MGSSettings.update(
        updates, losses: losses, proposal: proposal, temperature: settings.temperature, weighting: settings.weighting)
    else { throw evaluation.noFiniteCandidate(losses, alphas, step) }
    alphas = alphas.moved(by: update)
    return ArchitectureReport(
      gradientNorm: norm, updateNorm: update.length,
      effectiveSampleSize: weights.effectiveSampleSize, validationLoss: guide.loss.loss, candidateLosses: losses)
  }
}

extension StudiedEstimator {
  /// The negative update of MGS, which stands where a step along the gradient would.
  public static let mgs = StudiedEstimator(MGSEstimator())
}

private struct MGSEstimator: EstimatorDefinition {
  var name: String { "mgs" }
  var summary: String { "the negative update of MGS" }
  var guide: GradientEstimator? { .first }
  var isGradientOfFidelity: Bool { true }

  private func proposal(_ draw: CandidateDraw) -> MixtureProposal {
    MixtureProposal(gradient: draw.guide, sigma: draw.sigma, lambda: draw.mgs.lambda)
  }

  private func update(_ candidate: Int, _ draw: CandidateDraw) -> [Double] {
    var stream = draw.stream(candidate)
    return proposal(draw).sample(from: &stream)
  }

  func families(candidates: Int) -> [CandidateFamily] {
    [CandidateFamily(name, count: candidates) { draw, candidate in update(candidate, draw) }]
  }

  func estimate(_ draw: CandidateDraw, _ losses: CandidateLosses) -> [Double]? {
    MGSSettings.update(
      (0..<draw.candidates).map { update($0, draw) }, losses: losses[name], proposal: proposal(draw),
      temperature: draw.mgs.temperature, weighting: draw.mgs.weighting
    ).map { $0.update.map { 0 - $0 } }
  }
}
