import Problems

/// |λ_min|/|λ_max| of ∇²_ω L(ω, α) at a point: near 0 where the loss is as good as convex there, 1 where its most negative
/// curvature is as strong as its most positive (Li et al. 2018, arXiv 1712.09913, §6; plot_2D.py of their code, line 162).
struct WeightConvexity: ObjectiveKind {
  private static let word = "convexity"
  static let form = "convexity:PRODUCTS"
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
  var symbol: String { "|λ_min/λ_max|" }
  var formula: String { "|λ_{min} / λ_{max}|" }
  var account: String { "smallest to largest eigenvalue in ω, by at most \(steps) Hessian products" }
  static var quantity: ObjectiveQuantity { .init("ratio of extreme eigenvalues in ω", word: "ratio") }
  var hessianVariable: HessianVariable? { .weights }

  static func cost(of group: [Self]) -> ObjectiveCost { WeightCurvature.cost(of: group.map(\.steps)) }

  func losses<Problem: BilevelProblem>(at point: ObjectivePoint<Problem>) throws -> [BatchLoss] {
    let ends = try WeightCurvature.ends(at: point, steps: steps)
    return ends.valued(abs(ends.smallest) / abs(ends.largest))
  }
}

extension Objective {
  /// |λ_min|/|λ_max| of ∇²_ω L, by at most so many products.
  public static func weightConvexity(products: Int = 30) -> Objective { Objective(WeightConvexity(steps: products)) }
}
