import Landscape
import Studies

/// What a study of fidelity says, as tables.
enum FidelityText {
  static func text(_ rows: [FidelityRow], settings: FidelitySettings) -> String {
    let truth = settings.truth.label
    var tables = [agreement(rows, settings, radius: nil, title: "all radii against \(truth)")]
    for radius in settings.radii where settings.radii.count > 1 {
      tables.append(agreement(rows, settings, radius: radius, title: "radius \(radius)"))
    }
    tables.append(corrected(rows, settings))
    tables.append(minimisers(rows, settings))
    tables.append(shapes(rows, settings))
    tables.append(gradients(rows, truth: truth))
    tables.append(StudyCommand.brackets(rows.compactMap(\.interval), level: settings.bootstrap.level))
    return tables.compactMap { $0 }.joined(separator: "\n\n")
  }

  private static func agreement(
    _ rows: [FidelityRow], _ settings: FidelitySettings, radius: Double?, title: String
  ) -> String? {
    let names = ["pearson", "spearman", "kendall", "concordance", "bias", "rmse", "slope"]
    let header = ["Pearson", "Spearman", "Kendall", "pairs alike", "bias", "RMSE", "slope"]
    // A single radius is all radii.
    let place = settings.radii.count > 1 ? radius : settings.radii.first
    return table(
      title, header,
      settings.approximations.map { objective in
        (objective.label, names.map { rows.first($0, objective, radius: place) })
      })
  }

  private static func corrected(_ rows: [FidelityRow], _ settings: FidelitySettings) -> String? {
    let place = settings.radii.count > 1 ? nil : settings.radii.first
    return table(
      "cleared of noise between batches", ["slope", "Pearson", "reliability of the truth"],
      settings.approximations.map { objective in
        let names = ["slope_corrected", "pearson_corrected", "reference_reliability"]
        return (objective.label, names.map { rows.first($0, objective, radius: place) })
      })
  }

  private static func minimisers(_ rows: [FidelityRow], _ settings: FidelitySettings) -> String? {
    let names = [
      "minimiser_distance", "minimiser_regret", "minimiser_distance_along", "quadratic_minimiser_distance",
    ]
    return table(
      "minimisers", ["apart in α", "true loss given up", "apart along a ray", "apart in the quadratic"],
      settings.approximations.map { objective in (objective.label, names.map { rows.first($0, objective) }) })
  }

  private static func shapes(_ rows: [FidelityRow], _ settings: FidelitySettings) -> String? {
    let names = ["roughness", "quadratic_eigenvalue_1", "quadratic_eigenvalue_2", "quadratic_condition", "quadratic_r2"]
    let dominant = FidelityRow.name("dominant_eigenvalue", by: settings.hessian)
    let header = [
      "roughness", "λ1 of the fit", "λ2", "condition", "R²", "perturbation condition",
      "dominant eigenvalue (\(settings.hessian.rawValue))",
    ]
    return table(
      "shape", header,
      settings.objectives.map { objective in
        let condition = settings.radii.first.flatMap { rows.first("perturbation_condition", objective, radius: $0) }
        return (
          objective.label,
          names.map { rows.first($0, objective) } + [condition, rows.first(dominant, objective)]
        )
      })
  }

  private static func gradients(_ rows: [FidelityRow], truth: String) -> String? {
    let names = ["gradient_cosine", "gradient_sign_agreement", "gradient_norm_ratio"]
    var labels: [String] = []
    for row in rows where row.name == names[0] {
      // A gradient that is of no objective is an estimator's.
      labels.append(
        Objective(name: row.objective, innerSteps: row.innerSteps)?.label ?? "\(row.objective):\(row.innerSteps)")
    }
    let entries = names.map { name in rows.filter { $0.name == name } }
    guard entries.allSatisfy({ $0.count == labels.count }) else { return nil }
    return table(
      "gradient against \(truth)", ["cosine", "signs alike", "relative length"],
      labels.indices.map { index in (labels[index], entries.map { $0[index] }) })
  }

  private static func table(
    _ title: String, _ header: [String], _ lines: [(label: String, cells: [FidelityRow?])]
  ) -> String? {
    guard lines.contains(where: { $0.cells.contains { $0 != nil } }) else { return nil }
    return TextTable.text(
      header: [title] + header,
      rows: lines.map { line in
        [line.label] + line.cells.map { cell in cell.map { StudyCommand.decimal($0.value, $0.lower, $0.upper) } ?? "-" }
      })
  }
}
