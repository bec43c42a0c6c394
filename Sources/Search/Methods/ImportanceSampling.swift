import Compute
import Foundation

/// q = (1−λ)·N(−g, σ²I) + λ·N(0, σ²I): where MGS draws candidate updates from (Wang et al., ZARTS, §3.3).
public struct MixtureProposal: Sendable {
  /// g, flat.
  public let gradient: [Double]
  /// σ > 0.
  public let sigma: Double
  /// λ in [0, 1]: the share of candidates that ignore the gradient.
  public let lambda: Double

  public init(gradient: [Double], sigma: Double, lambda: Double) {
    self.gradient = gradient
    self.sigma = sigma
    self.lambda = lambda
  }

  /// One candidate update, of the size of the gradient.
  public func sample(from stream: inout RandomStream) -> [Double] {
    let drift = stream.uniform() < lambda ? 0.0 : -1.0
    return gradient.map { drift * $0 + sigma * stream.normal() }
  }

  /// log q(u).
  public func logDensity(_ update: [Double]) -> Double {
    let scale = 2 * sigma * sigma
    let around = zip(update, gradient).reduce(0.0) { $0 + ($1.0 + $1.1) * ($1.0 + $1.1) }
    let alone = update.reduce(0.0) { $0 + $1 * $1 }
    let guided = log(1 - lambda) - around / scale
    let blind = log(lambda) - alone / scale
    let top = max(guided, blind)
    let mixture = top + log(exp(guided - top) + exp(blind - top))
    return mixture - Double(update.count) * log(sigma * (2 * Double.pi).squareRoot())
  }
}

/// Which importance weights MGS gives its candidates.
public enum ProposalWeighting: String, CaseIterable, Codable, Sendable {
  /// c ∝ exp(−L/τ): in effect what the authors' released code computes, since there the unnormalised density underflows.
  case flattened
  /// c ∝ exp(−L/τ) / q(u), as the paper writes it; in hundreds of dimensions it tends to pick a single candidate.
  case exact
}

/// Self-normalised importance weights of candidates (Wang et al., ZARTS, §3.3).
public struct ImportanceWeights: Equatable, Sendable {
  /// c_i / Σc, which add up to 1; 0 for a candidate whose loss is not finite.
  public let normalised: [Double]

  /// c_i ∝ exp(−L_i / τ) / q(u_i), by log-sum-exp; without `logDensities` the densities count as equal. The baseline L(α)
  /// of the paper cancels in the normalisation.
  ///
  /// - Returns: nil where no loss is finite.
  public init?(losses: [Double], temperature: Double, logDensities: [Double]? = nil) {
    let logits = losses.indices.map { index in
      losses[index].isFinite ? -losses[index] / temperature - (logDensities?[index] ?? 0) : -Double.infinity
    }
    guard let top = logits.max(), top.isFinite else { return nil }
    let powers = logits.map { exp($0 - top) }
    let total = powers.reduce(0, +)
    normalised = powers.map { $0 / total }
  }

  /// (Σc)²/Σc²: between 1, where one candidate decides, and their number.
  public var effectiveSampleSize: Double { 1 / normalised.reduce(0) { $0 + $1 * $1 } }
}
