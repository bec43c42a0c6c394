import Problems

/// L₁(α) = L_val(ω, α): what first-order DARTS descends.
struct FirstOrderLoss: ObjectiveKind {
  static let form = "first"
  init() {}
  init?(argument: Substring?, in text: String, setting: String) { if argument != nil { return nil } }
  init?(name: String, innerSteps: Int) { if name != Self.form { return nil } }

  var name: String { Self.form }
  var innerSteps: Int { 0 }
  var mark: String { "1" }
  var symbol: String { "L₁" }
  var account: String { "what first-order DARTS descends" }

  static var approximations: [Self] { [.init()] }

  static func cost(of group: [Self]) -> ObjectiveCost { .init(losses: group.count) }

  func losses<Problem: BilevelProblem>(at point: ObjectivePoint<Problem>) throws -> [BatchLoss] { try point.losses() }
}

extension Objective {
  /// L₁.
  public static let firstOrder = Objective(FirstOrderLoss())
}
