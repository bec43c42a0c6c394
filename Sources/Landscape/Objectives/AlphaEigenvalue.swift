import Formats
import Problems

/// The largest eigenvalue of ∇²_α L(ω, α) at a point: what RobustDARTS stops by (Zela et al., ICLR 2020, §4), over a plane.
///
/// By `ArchitectureHessian.dominantEigenvalue` on exact products, from the same random start at every point.
struct AlphaEigenvalue: ObjectiveKind {
  static let form = "alpha-eigenvalue"
  init() {}
  init?(argument: Substring?, in text: String, setting: String) { if argument != nil { return nil } }
  init?(name: String, innerSteps: Int) { if name != Self.form || innerSteps != 0 { return nil } }

  var name: String { Self.form }
  var innerSteps: Int { 0 }
  var mark: String { "λ" }
  var symbol: String { "λ₁(∇²_α L)" }
  var formula: String { "λ_{1}(∇^{2}_{α} L)" }
  var account: String { "the largest eigenvalue in α" }
  static var quantity: ObjectiveQuantity { .init("largest Hessian eigenvalue in α", word: "eigenvalue") }
  var hessianVariable: HessianVariable? { .alphas }

  static func cost(of group: [Self]) -> ObjectiveCost {
    .init(losses: 1, stepsPerBatch: Int(HessianProducts.exact.usualCost.rounded(.up)))
  }

  func losses<Problem: BilevelProblem>(at point: ObjectivePoint<Problem>) throws -> [BatchLoss] {
    guard point.alphas.count > 0 else {
      throw InputError(
        "there is no α", at: .setting("objectives"), found: Self.form, wanted: "objectives of ω, or a supernet")
    }
    let examples = BatchLoss(summing: try point.losses())
    let value: Double
    do {
      let hessian = ArchitectureHessian(
        problem: point.problem, weights: point.weights, alphas: point.alphas, batchCount: point.batchCount,
        batch: point.batch)
      value = try point.measure { try hessian.dominantEigenvalue(seed: 0, epoch: 0).largest }
    } catch is Divergence {
      value = .nan
    }
    return [BatchLoss(loss: value, correct: examples.correct, count: examples.count)]
  }
}

extension Objective {
  /// The largest eigenvalue of ∇²_α L.
  public static let alphaEigenvalue = Objective(AlphaEigenvalue())
}
