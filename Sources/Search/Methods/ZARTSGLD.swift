import Cells
import Foundation
import Problems

/// ZARTS with gradientless descent: candidates in balls of halving radii around α, of which the best is taken if it is
/// better than α itself (Wang et al., ZARTS, NeurIPS 2022, §3.4; Golovin et al., ICLR 2020, alg. 1).
///
/// Candidate k is uniform in the ball of radius R·2^(−k), k = 0…K−1. Only the order of losses counts, so nothing has to be
/// tuned to their scale. An update costs (K + 1)·M training steps and as many evaluations.
public final class ZARTSGLD<Problem: BilevelProblem>: ArchitectureOptimiser {
  /// Settings; those of the paper are not known for R and K (see docs/methods.md for where the run's defaults come from).
  public struct Settings: Equatable, Sendable {
    /// M.
    public var innerSteps: Int
    /// R > 0, in units of α.
    public var radius: Double
    /// K.
    public var radii: Int

    public init(innerSteps: Int = 10, radius: Double, radii: Int = 4) {
      self.innerSteps = innerSteps
      self.radius = radius
      self.radii = radii
    }
  }

  public let settings: Settings
  private let evaluation: CandidateEvaluation<Problem>

  public init(problem: Problem, settings: Settings) {
    self.settings = settings
    evaluation = CandidateEvaluation(problem: problem)
  }

  public var interval: Int { settings.innerSteps }
  public var trainingBatchCount: Int { settings.innerSteps }
  public var updateCost: Double { Double(settings.radii + 1) * CandidateEvaluation<Problem>.cost(settings.innerSteps) }

  public func update(_ alphas: inout ArchitectureParameters, at step: ArchitectureStep<Problem>) throws -> ArchitectureReport
  {
    let baseline = try evaluation.baseline(of: alphas, at: step)
    let updates = (0..<settings.radii).map { index in
      var stream = step.candidateStream(index)
      return stream.ballPoint(alphas.count, radius: settings.radius * exp2(-Double(index)))
    }
    let losses = try updates.map { try evaluation.trueLoss(of: alphas.moved(by: $0), at: step) }
    let best = losses.indices.filter { losses[$0].isFinite && losses[$0] < baseline }.min { losses[$0] < losses[$1] }
    if let best { alphas = alphas.moved(by: updates[best]) }
    return ArchitectureReport(
      gradientNorm: nil, updateNorm: best.map { updates[$0].length } ?? 0, baselineLoss: baseline, candidateLosses: losses)
  }
}
