import Compute
import Foundation
import Search

/// Gradient estimates from losses of candidates: the arithmetic of ZARTS' updates (Wang et al., §3.2–3.4), apart from the
/// evaluation, so that one set of losses serves every number of candidates.
enum CandidateEstimates {
  /// Mean over the finite candidates of [L(α + μu) − L(α)]/μ · u; nil where none is finite.
  static func oneSided(directions: [[Double]], losses: [Double], baseline: Double, smoothing: Double) -> [Double]? {
    mean(losses.map { ($0 - baseline) / smoothing }, along: directions)
  }

  /// Mean over the finite pairs of [L(α + μu) − L(α − μu)]/(2μ) · u.
  static func pairs(directions: [[Double]], above: [Double], below: [Double], smoothing: Double) -> [Double]? {
    mean(zip(above, below).map { ($0 - $1) / (2 * smoothing) }, along: directions)
  }

  /// The negative update of MGS.
  static func guided(
    updates: [[Double]], losses: [Double], proposal: MixtureProposal, temperature: Double, weighting: ProposalWeighting
  ) -> [Double]? {
    let densities = weighting == .exact ? updates.map(proposal.logDensity) : nil
    guard let weights = ImportanceWeights(losses: losses, temperature: temperature, logDensities: densities) else {
      return nil
    }
    var result = [Double](repeating: 0, count: updates[0].count)
    for (weight, update) in zip(weights.normalised, updates) where weight > 0 {
      for index in result.indices { result[index] -= weight * update[index] }
    }
    return result
  }

  /// The negative of the step that GLD accepts, zeros where it stays; nil where L(α) is not finite.
  static func gradientless(updates: [[Double]], losses: [Double], baseline: Double) -> [Double]? {
    guard baseline.isFinite else { return nil }
    let better = losses.indices.filter { losses[$0].isFinite && losses[$0] < baseline }
    guard let best = better.min(by: { losses[$0] < losses[$1] }) else {
      return [Double](repeating: 0, count: updates[0].count)
    }
    return updates[best].map { -$0 }
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
    return stream.ballPoint(count, radius: radius * exp2(-Double(candidate)))
  }
}
