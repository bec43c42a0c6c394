import Cells
import Formats
import Problems

/// −∇L_M at the checkpoint, by central differences [L_M(α − h e_k) − L_M(α + h e_k)]/2h along every coordinate of α: the gradient
/// that studies of estimators have for their reference. It takes two evaluations for each value of α.
public enum TrueLossDescent {
  /// h where the disagreement between steps is least for supernets (docs/fidelity.md has the measurement).
  public static let displacement = 0.2

  /// - Parameter walk: of evaluators on batches that all points share.
  /// - Throws: `InputError` where a loss is not finite; what evaluations throw.
  static func direction<Problem: BilevelProblem>(
    of objective: Objective, at alphas: ArchitectureParameters, walk: PointWalk<Problem>
  ) throws -> AlphaDirection {
    func side(_ index: Int) -> ArchitectureParameters {
      var away = [Double](repeating: 0, count: alphas.count)
      away[index / 2] = index % 2 == 0 ? displacement : -displacement
      return alphas.moved(by: away)
    }
    let table = PointTable<Int>(places: ["side"]) {
      [.integer($0)]
    } keys: {
      try $0.integers("side")
    }
    let journal = try PointJournal(table, objectives: [objective])
    let sides = 0..<2 * alphas.count
    try walk.run(
      sides.map { index in WalkPoint(index, [objective]) { side(index) } }, journal: journal, watch: WalkWatch())
    let losses = sides.map { journal.loss($0, objective) }
    guard losses.allSatisfy(\.isFinite) else {
      throw InputError(
        "diverged", at: .words("the direction \(objective.label)"), found: "losses that are not finite",
        wanted: "finite losses: a smaller inner_learning_rate may help")
    }
    return AlphaDirection(
      flat: (0..<alphas.count).map { (losses[2 * $0 + 1] - losses[2 * $0]) / (2 * displacement) }, like: alphas)
  }
}
