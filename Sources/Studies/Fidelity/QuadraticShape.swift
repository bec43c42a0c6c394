import Landscape
import Statistics

/// The full quadratic that fits losses over a square of the plane best, objective by objective.
struct QuadraticShape {
  /// Points in the plane, in units of α.
  let points: [[Double]]
  let bootstrap: Bootstrap

  /// Eigenvalues of the fitted Hessian (descending), their condition number, how much of the variance the fit explains, and
  /// how far its minimiser lies from that of the truth. Intervals draw points.
  func rows(losses: [Objective: [Double]], objectives: [Objective], truth: Objective) throws -> [FidelityRow] {
    var rows: [FidelityRow] = []
    for (number, objective) in objectives.enumerated() {
      guard let values = losses[objective], let fit = try fit(values, Array(points.indices)) else { continue }
      let names = ["quadratic_eigenvalue_1", "quadratic_eigenvalue_2", "quadratic_condition", "quadratic_r2"]
      func figures(_ fit: QuadraticFit) -> [Double] {
        fit.eigenvalues.reversed() + [fit.conditionNumber, fit.determination]
      }
      let intervals = try bootstrap.intervals(units: points.count, key: 10_000 + number) { units -> [Double?] in
        try self.fit(values, units).map(figures) ?? names.map { _ in nil }
      }
      let count = values.count { $0.isFinite }
      for (index, value) in figures(fit).enumerated() where value.isFinite {
        // Of points drawn twice a fit explains more, so an interval of that share would not be one.
        let interval = names[index] == "quadratic_r2" ? nil : intervals[index]
        rows.append(row(names[index], objective, value, interval, count))
      }
      if objective != truth, let other = losses[truth], let exact = try self.fit(other, Array(points.indices)),
        let mine = fit.minimiser, let best = exact.minimiser
      {
        let apart = zip(mine, best).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        rows.append(row("quadratic_minimiser_distance", objective, apart, nil, count))
      }
    }
    return rows
  }

  private func fit(_ values: [Double], _ units: [Int]) throws -> QuadraticFit? {
    let finite = units.filter { values[$0].isFinite }
    guard !finite.isEmpty else { return nil }
    return try QuadraticFit(points: finite.map { points[$0] }, values: finite.map { values[$0] })
  }

  private func row(
    _ name: String, _ objective: Objective, _ value: Double, _ interval: ConfidenceInterval?, _ count: Int
  ) -> FidelityRow {
    FidelityRow(name, of: objective, value: value, interval: interval, count: count)
  }
}
