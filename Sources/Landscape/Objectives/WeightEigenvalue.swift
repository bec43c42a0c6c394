/// The largest eigenvalue of ∇²_ω L(ω, α) at a point: how sharp the loss is in the weights.
struct WeightEigenvalue: WeightCurvatureKind {
  static let word = "eigenvalue"
  let steps: Int

  var symbol: String { "λ₁(∇²_ω L)" }
  var formula: String { "λ_{1}(∇^{2}_{ω} L)" }
  var account: String { "the largest eigenvalue in ω, by at most \(steps) Hessian products" }
  static var quantity: ObjectiveQuantity { .init("largest Hessian eigenvalue in ω", word: "eigenvalue") }

  func value(of ends: WeightCurvature.Ends) -> Double { ends.largest }
}

extension Objective {
  /// The largest eigenvalue of ∇²_ω L, by at most so many products.
  public static func weightEigenvalue(products: Int = 30) -> Objective { Objective(WeightEigenvalue(steps: products)) }
}
