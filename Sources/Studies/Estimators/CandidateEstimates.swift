import Compute
import Search

/// Gradient estimates from losses of candidates: what the methods of ZARTS make of them, apart from the evaluation, so that
/// one set of losses serves every number of candidates.
enum CandidateEstimates {
  /// Of RS (`RandomSlopes`); nil where no candidate is finite.
  static func oneSided(directions: [[Double]], losses: [Double], baseline: Double, smoothing: Double) -> [Double]? {
    RandomSlopes.oneSided(directions, losses: losses, baseline: baseline, smoothing: smoothing)
  }

  /// Of RS in pairs; nil where no pair is finite.
  static func pairs(directions: [[Double]], above: [Double], below: [Double], smoothing: Double) -> [Double]? {
    RandomSlopes.pairs(directions, above: above, below: below, smoothing: smoothing)
  }

  /// The negative update of MGS (`MGSSettings.update`).
  static func guided(
    updates: [[Double]], losses: [Double], proposal: MixtureProposal, temperature: Double, weighting: ProposalWeighting
  ) -> [Double]? {
    MGSSettings.update(updates, losses: losses, proposal: proposal, temperature: temperature, weighting: weighting)
      .map { $0.update.map { 0 - $0 } }
  }

  /// The negative of the step that GLD accepts (`GradientlessDescent`), zeros where it stays; nil where L(α) is not finite.
  static func gradientless(updates: [[Double]], losses: [Double], baseline: Double) -> [Double]? {
    guard baseline.isFinite else { return nil }
    guard let best = GradientlessDescent.choice(of: losses, baseline: baseline) else {
      return [Double](repeating: 0, count: updates[0].count)
    }
    return updates[best].map { -$0 }
  }
}

/// The random numbers of a study's candidates: those that a search meets with epoch 0 and the draw's number for its step.
struct CandidateDraw {
  let seed: UInt64
  let number: Int

  private func stream(_ candidate: Int) -> RandomStream {
    RandomStream(seed: seed, purpose: .candidates, epoch: 0, step: number, index: candidate)
  }

  /// u of RS.
  func direction(_ candidate: Int, count: Int) -> [Double] {
    var stream = stream(candidate)
    return stream.normals(count)
  }

  /// u of MGS.
  func guided(_ candidate: Int, _ proposal: MixtureProposal) -> [Double] {
    var stream = stream(candidate)
    return proposal.sample(from: &stream)
  }

  /// u of GLD, in the ball of radius R·2^(−candidate).
  func ball(_ candidate: Int, count: Int, radius: Double) -> [Double] {
    var stream = stream(candidate)
    return GradientlessDescent.candidate(candidate, count: count, radius: radius, from: &stream)
  }
}
