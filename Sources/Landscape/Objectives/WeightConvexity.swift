/// |λ_min|/|λ_max| of ∇²_ω L(ω, α) at a point: near 0 where the loss is as good as convex there, 1 where its most negative
/// curvature is as strong as its most positive (Li et al. 2018, arXiv 1712.09913, §6; plot_2D.py of their code, line 162).
struct WeightConvexity: WeightCurvatureKind {
  static let word = "convexity"
  let steps: Int

  var symbol: String { "|λ_min/λ_max|" }
  var formula: String { "|λ_{min} / λ_{max}|" }
  var account: String { "smallest to largest eigenvalue in ω, by at most \(steps) Hessian products" }
  static var quantity: ObjectiveQuantity { .init("ratio of extreme eigenvalues in ω", word: "ratio") }

  func value(of ends: WeightCurvature.Ends) -> Double { abs(ends.smallest) / abs(ends.largest) }
}

extension Objective {
  /// |λ_min|/|λ_max| of ∇²_ω L, by at most so many products.
  public static func weightConvexity(products: Int = 30) -> Objective { Objective(WeightConvexity(steps: products)) }
}
