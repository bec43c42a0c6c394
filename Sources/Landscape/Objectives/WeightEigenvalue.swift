import Problems

/// The largest eigenvalue of ∇²_ω L(ω, α) at a point: how sharp the loss is in the weights.
struct WeightEigenvalue: ObjectiveKind {
  private static let word = "eigenvalue"
  static let form = "eigenvalue:PRODUCTS"
  /// Products at most.
  let steps: Int

  init(steps: Int = WeightCurvature.usualSteps) { self.steps = steps }

  init?(argument: Substring?, in text: String, setting: String) throws {
    steps = try WeightCurvature.steps(argument, in: text, setting: setting)
  }

  init?(name: String, innerSteps: Int) {
    guard innerSteps == 0, let steps = WeightCurvature.steps(ofName: name, word: Self.word) else { return nil }
    self.steps = steps
  }

  var name: String { WeightCurvature.name(Self.word, steps) }
  var innerSteps: Int { 0 }
  var mark: String { "λ" }
  var symbol: String { "λ₁(∇²_ω L)" }
  var formula: String { "λ_{1}(∇^{2}_{ω} L)" }
  var account: String { "the largest eigenvalue in ω, by at most \(steps) Hessian products" }
  static var quantity: ObjectiveQuantity { .init("largest Hessian eigenvalue in ω", word: "eigenvalue") }
  var hessianVariable: HessianVariable? { .weights }

  static func cost(of group: [Self]) -> ObjectiveCost { WeightCurvature.cost(of: group.map(\.steps)) }

  func losses<Problem: BilevelProblem>(at point: ObjectivePoint<Problem>) throws -> [BatchLoss] {
    let ends = try WeightCurvature.ends(at: point, steps: steps)
    return ends.valued(ends.largest)
  }
}

extension Objective {
  /// The largest eigenvalue of ∇²_ω L, by at most so many products.
  public static func weightEigenvalue(products: Int = 30) -> Objective { Objective(WeightEigenvalue(steps: products)) }
}
