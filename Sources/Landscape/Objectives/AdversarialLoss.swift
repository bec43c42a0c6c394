import Problems

/// max_δ L_val(ω, p + δ) over ‖δ‖∞ ≤ ε, p the mixing weights of α: the largest loss that seven steps of projected sign ascent meet,
/// the loss of α itself among them. The validation loss as SDARTS-ADV perturbs the training loss (Chen & Hsieh, SmoothDARTS, ICML 2020;
/// `Linf_PGD_alpha` in attacker/perturb.py of its code).
///
/// One δ for all validation batches together, from δ = 0 and so without random numbers. It is a lower bound of the maximum, and never
/// below L₁.
struct AdversarialLoss: PerturbedLoss {
  static let steps = 7
  static let word = "adversarial"
  static let abbreviation = "adv"
  let size: Double

  var account: String { "the largest loss that ascent finds at mixing weights moved by up to \(size)" }

  static func cost(of group: [Self]) -> ObjectiveCost {
    .init(losses: group.count, gradients: steps * group.count)
  }

  func losses<Problem: BilevelProblem>(at point: ObjectivePoint<Problem>) throws -> [BatchLoss] {
    let box = try point.mixingBox(size: size, for: label)
    var place = box.center
    var alphas = point.alphas
    var largest: [BatchLoss] = []
    func keep(_ losses: [BatchLoss]) {
      if largest.isEmpty || BatchLoss(summing: losses).loss > BatchLoss(summing: largest).loss { largest = losses }
    }
    for _ in 0..<Self.steps {
      let found = try point.mixingGradients(alphas: alphas)
      keep(found.map(\.loss))
      place = box.ascended(place, along: Self.sum(found), by: 2 * size / Double(Self.steps))
      alphas = box.alphas(at: place)
    }
    keep(try point.losses(alphas: alphas))
    return largest
  }

  /// The gradient of the loss over all examples, but for their number: only its signs count.
  private static func sum(_ gradients: [BatchMixingGradient]) -> [[Double]] {
    var result = gradients[0].mixing.map { [Double](repeating: 0, count: $0.count) }
    for gradient in gradients {
      for (kind, values) in gradient.mixing.enumerated() {
        for (index, value) in values.enumerated() { result[kind][index] += Double(gradient.loss.count) * value }
      }
    }
    return result
  }
}

extension Objective {
  /// The largest loss that ascent finds within ε of the mixing weights.
  public static func adversarial(size: Double) -> Objective { Objective(AdversarialLoss(size: size)) }
}
