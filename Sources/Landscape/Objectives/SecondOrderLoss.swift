import Problems

/// L₂(α) = L_val(ω − ξ∇_ω L_train(ω, α), α): what second-order DARTS descends.
struct SecondOrderLoss: ObjectiveKind {
  static let form = "second"
  init() {}
  init?(argument: Substring?, in text: String, setting: String) { if argument != nil { return nil } }
  init?(name: String, innerSteps: Int) { if name != Self.form { return nil } }

  var name: String { Self.form }
  var innerSteps: Int { 1 }
  var mark: String { "2" }
  var symbol: String { "L₂" }
  var account: String { "what second-order DARTS descends" }

  static var approximations: [Self] { [.init()] }

  static func cost(of group: [Self]) -> ObjectiveCost { .init(losses: group.count, steps: group.count, vectors: 3) }

  /// The step of the optimiser at rate ξ and without clipping, as in the gradient of second-order DARTS.
  func losses<Problem: BilevelProblem>(at point: ObjectivePoint<Problem>) throws -> [BatchLoss] {
    let second = point.tool { SecondOrderGradient(problem: $0) }
    let running = point.startingStatistics()
    let ahead = point.measure {
      second.unroll(
        weights: point.weights, velocity: point.velocity, alphas: point.alphas, training: point.training[0],
        step: point.unrolledStep, statistics: running)
    }
    return try point.losses(weights: ahead, running: running)
  }
}

extension Objective {
  /// L₂.
  public static let secondOrder = Objective(SecondOrderLoss())
}
