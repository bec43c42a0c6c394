import Cells
import Compute

/// The box of mixing weights within ε of those of an α, in which a perturbation moves them (Chen & Hsieh, SmoothDARTS, ICML 2020;
/// attacker/perturb.py of its code). A point is a list for each matrix of α, as `MixingRule.weights` has it.
///
/// Points are made weights of operations again after every move (`MixingRule.clipped`), which divides by a sum and may take them out
/// of the box again, as in the published code. Edges that are switched off stay so.
public struct MixingBox {
  public let alphas: ArchitectureParameters
  /// ε.
  public let size: Double
  /// The mixing weights of α.
  public let center: [[Double]]
  private let rule: MixingRule

  public init(around alphas: ArchitectureParameters, size: Double, rule: MixingRule) {
    (self.alphas, self.size, self.rule) = (alphas, size, rule)
    center = rule.weights(of: alphas)
  }

  /// The α whose mixing weights are those of a point.
  public func alphas(at point: [[Double]]) -> ArchitectureParameters { rule.alphas(of: point, like: alphas) }

  /// p + δ, each δ uniform in [−ε, ε): `Random_alpha` of the published code.
  public func randomPoint(_ stream: inout RandomStream) -> [[Double]] {
    point(movedBy: center.map { $0.map { _ in size * (2 * stream.uniform() - 1) } })
  }

  /// p + δ for a δ in the box.
  package func point(movedBy change: [[Double]]) -> [[Double]] {
    clipped(zip(center, change).map { zip($0, $1).map { $0 + $1 } })
  }

  /// One step of projected sign ascent from a point: every weight by `rate` in the direction in which the loss rises, back into the
  /// box, then clipped. A weight whose slope is 0 or no number stays.
  public func ascended(_ point: [[Double]], along gradient: [[Double]], by rate: Double) -> [[Double]] {
    clipped(
      center.indices.map { kind in
        center[kind].indices.map { index in
          let slope = gradient[kind][index]
          let moved = point[kind][index] + (slope > 0 ? rate : slope < 0 ? -rate : 0)
          return center[kind][index] + min(size, max(-size, moved - center[kind][index]))
        }
      })
  }

  private func clipped(_ point: [[Double]]) -> [[Double]] {
    zip(alphas.matrices, point).map { rule.clipped($1, columns: $0.operationColumns) }
  }
}
