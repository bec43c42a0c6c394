import Compute
import Problems

/// E_δ L_val(ω, p + δ), δ uniform in the ε-box around the mixing weights p of α: the mean over eight draws, the same at every point.
/// The validation loss as SDARTS-RS perturbs the training loss (Chen & Hsieh, SmoothDARTS, ICML 2020; `Random_alpha` in
/// attacker/perturb.py of its code).
struct RandomlyPerturbedLoss: PerturbedLoss {
  static let draws = 8
  static let word = "random"
  static let abbreviation = "rand"
  let size: Double

  var account: String { "the mean loss at mixing weights moved at random by up to \(size)" }

  static func cost(of group: [Self]) -> ObjectiveCost { .init(losses: draws * group.count) }

  func losses<Problem: BilevelProblem>(at point: ObjectivePoint<Problem>) throws -> [BatchLoss] {
    let box = try point.mixingBox(size: size, for: label)
    let draws = try (0..<Self.draws).map { draw in
      // No search has as many epochs.
      var stream = RandomStream(seed: 0, purpose: .perturbation, epoch: (1 << 24) - 1, index: draw)
      return try point.losses(alphas: box.alphas(at: box.randomPoint(&stream)))
    }
    return draws[0].indices.map { batch in
      BatchLoss(
        loss: draws.reduce(0) { $0 + $1[batch].loss } / Double(draws.count),
        correct: draws.reduce(0) { $0 + $1[batch].correct }, count: draws.reduce(0) { $0 + $1[batch].count })
    }
  }
}

extension Objective {
  /// The mean loss under random perturbations of the mixing weights by up to ε.
  public static func randomlyPerturbed(size: Double) -> Objective { Objective(RandomlyPerturbedLoss(size: size)) }
}
