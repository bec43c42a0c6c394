import Foundation
import Problems
import Statistics

/// When finite differences of float32 networks say more about their kinks than about their slope or curvature. Ties of ReLU and
/// pooling that a displacement crosses change a difference by steps that no displacement makes small (docs/fidelity.md).
public enum NumericalNoise {
  /// Relative difference of two second-order gradients, one with half the ε of the other, above which both are doubtful.
  public static let gradientThreshold = 0.05
  /// ‖H − Hᵀ‖/‖H‖ above which a Hessian is doubtful: 0 of a quadratic, √2 of nothing but noise, rounding alone where
  /// products are exact.
  public static let asymmetryThreshold = ProductAsymmetry.doubtful
  /// Relative change of the largest eigenvalue as ε is halved above which it is doubtful.
  public static let eigenvalueThreshold = 0.25

  /// A warning about a second-order gradient; nil where there is nothing to warn of.
  ///
  /// - Parameter change: `SecondOrderGradient.halfStepDifference`.
  public static func gradientWarning(_ change: Double?) -> String? {
    guard let change, !(change <= gradientThreshold) else { return nil }
    return "warning: second-order gradient: \(percent(change)) apart with ε and ε/2 (warned above "
      + "\(percent(gradientThreshold))): ties of ReLU or pooling lie within ε, so its implicit term is partly noise"
  }

  /// A warning about the curvature at a checkpoint; nil where there is nothing to warn of.
  public static func curvatureWarning(
    _ place: String, asymmetry: Double?, largest: Double?, atHalf: Double?, products: HessianProducts
  ) -> String? {
    var reasons: [String] = []
    if let asymmetry, !(asymmetry <= asymmetryThreshold) {
      reasons.append("asymmetry \(number(asymmetry)) (warned above \(number(asymmetryThreshold)))")
    }
    if let largest, let atHalf, let displacement = products.displacement,
      !(abs(atHalf - largest) <= eigenvalueThreshold * abs(largest))
    {
      reasons.append(
        "largest eigenvalue \(number(largest)) at ε = \(number(displacement)) and \(number(atHalf)) at "
          + "\(number(displacement / 2)) (warned above a change of \(percent(eigenvalueThreshold)))")
    }
    guard !reasons.isEmpty else { return nil }
    let account = reasons.joined(separator: "; ")
    return products.displacement == nil
      ? "warning: \(place): the Hessian is partly rounding: \(account); more batches make less"
      : "warning: \(place): the difference Hessian is partly noise: \(account); more batches or a larger displacement make less"
  }

  private static func percent(_ value: Double) -> String {
    value.isFinite ? String(format: "%.1f %%", 100 * value) : "not finite"
  }
  private static func number(_ value: Double) -> String { value.isFinite ? String(format: "%.3g", value) : "not finite" }
}
