import Cells
import Problems

/// ZARTS with maximum-likelihood guided parameter search: candidates drawn around −∇_α L₁, weighted by how well the
/// weights that each of them trains do (Wang et al., ZARTS, NeurIPS 2022, §3.3, alg. 1).
///
/// An update costs N·M training steps, N forward passes and one α-gradient.
public final class ZARTSMGS<Problem: BilevelProblem>: ArchitectureOptimiser {
  /// Settings; the defaults are the paper's.
  public struct Settings: Equatable, Sendable {
    /// M.
    public var innerSteps: Int
    /// N.
    public var candidates: Int
    /// τ.
    public var temperature: Double
    /// λ.
    public var lambda: Double
    public var weighting: ProposalWeighting

    public init(
      innerSteps: Int = 10, candidates: Int = 4, temperature: Double = 0.01, lambda: Double = 1e-3,
      weighting: ProposalWeighting = .flattened
    ) {
      self.innerSteps = innerSteps
      self.candidates = candidates
      self.temperature = temperature
      self.lambda = lambda
      self.weighting = weighting
    }
  }

  public let settings: Settings
  private let gradient: FirstOrderGradient<Problem>
  private let evaluation: CandidateEvaluation<Problem>

  public init(problem: Problem, settings: Settings = Settings()) {
    self.settings = settings
    gradient = FirstOrderGradient(problem: problem)
    evaluation = CandidateEvaluation(problem: problem)
  }

  public var interval: Int { settings.innerSteps }
  public var trainingBatchCount: Int { settings.innerSteps }
  public var updateCost: Double { Double(settings.candidates) * CandidateEvaluation<Problem>.cost(settings.innerSteps) + 1 }

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
    let losses = try updates.map { try evaluation.trueLoss(of: alphas.moved(by: $0), at: step) }
    let densities = settings.weighting == .exact ? updates.map(proposal.logDensity) : nil
    guard let weights = ImportanceWeights(losses: losses, temperature: settings.temperature, logDensities: densities) else {
      throw evaluation.noFiniteCandidate(losses, alphas, step)
    }
    var update = [Double](repeating: 0, count: alphas.count)
    for (weight, candidate) in zip(weights.normalised, updates) where weight > 0 {
      for index in update.indices { update[index] += weight * candidate[index] }
    }
    alphas = alphas.moved(by: update)
    return ArchitectureReport(
      gradientNorm: norm, updateNorm: update.length,
      effectiveSampleSize: weights.effectiveSampleSize, validationLoss: guide.loss.loss, candidateLosses: losses)
  }
}
