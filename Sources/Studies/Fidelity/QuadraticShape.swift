import Landscape
import Statistics

/// The full quadratic that fits losses over a square of the plane best, objective by objective. Points of a grid are no
/// sample: another run has the same ones, so nothing here has an interval; `quadratic_r2` says what the fit leaves.
struct QuadraticShape {
  /// Points in the plane, in units of α.
  let points: [[Double]]

  /// Eigenvalues of the fitted Hessian (descending), their condition number, how much of the variance the fit explains, and
  /// how far its minimiser lies from that of the truth.
  func rows(losses: [Objective: [Double]], objectives: [Objective], truth: Objective) throws -> [FidelityRow] {
    let exact = try losses[truth].flatMap(fit)
    var rows: [FidelityRow] = []
    for objective in objectives {
      guard let values = losses[objective], let fit = try fit(values) else { continue }
      let count = values.count { $0.isFinite }
      let found: [(String, Double?)] = [
        ("quadratic_eigenvalue_1", fit.eigenvalues.last), ("quadratic_eigenvalue_2", fit.eigenvalues.first),
        ("quadratic_condition", fit.conditionNumber), ("quadratic_r2", fit.determination),
      ]
      for case (let name, let value?) in found where value.isFinite {
        rows.append(FidelityRow(name, of: objective, value: value, count: count))
      }
      if objective != truth, let mine = fit.minimiser, let best = exact?.minimiser {
        let apart = zip(mine, best).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        rows.append(FidelityRow("quadratic_minimiser_distance", of: objective, value: apart, count: count))
      }
    }
    return rows
  }

  private func fit(_ values: [Double]) throws -> QuadraticFit? {
    let finite = points.indices.filter { values[$0].isFinite }
    guard !finite.isEmpty else { return nil }
    return try QuadraticFit(points: finite.map { points[$0] }, values: finite.map { values[$0] })
  }
}
