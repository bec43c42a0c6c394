import Foundation
import Landscape
import Problems

/// What a landscape says, as tables.
enum LandscapeSummary {
  /// - Throws: `InputError`, which a landscape that was sampled never causes.
  static func text<Problem: BilevelProblem>(_ result: LandscapeRun<Problem>.Result) throws -> String {
    if let lines = result.lines { return text(lines) }
    guard let landscape = result.landscape else { return "" }
    var tables = [centre(landscape)]
    if let refinement = result.refinement { tables.append(refined(refinement, landscape)) }
    let comparisons = try LandscapeComparison.all(in: landscape)
    if !comparisons.isEmpty, landscape.grid.count > 1 {
      tables.append(
        TextTable.text(
          header: [
            "against " + comparisons[0].truth.label, "points", "Pearson", "Spearman", "Kendall", "bias", "RMSE",
            "minimisers apart",
          ],
          rows: comparisons.map { row in
            let figures = [row.pearson, row.spearman, row.kendall, row.bias, row.rootMeanSquare, row.minimiserDistance]
            return [row.approximation.label, "\(row.points)"] + figures.map { decimal($0) }
          }, rightAligned: [1, 2, 3, 4, 5, 6, 7]))
    }
    return tables.joined(separator: "\n\n")
  }

  /// What a reader of the tables must know of points that are not finite; nil where all are.
  static func gaps<Problem: BilevelProblem>(_ result: LandscapeRun<Problem>.Result) -> String? {
    let gaps = result.gaps.map { "\($0.objective.label) at \($0.count) of \($0.total) points" }
    return gaps.isEmpty
      ? nil
      : "note: not finite: \(gaps.joined(separator: ", ")); nan or inf in the tables, hatched or "
        + "left out in figures, left out of comparisons"
  }

  private static func centre(_ landscape: LandscapePlane) -> String {
    // One validation batch tells no error.
    let hasErrors = landscape.samples.values.contains { $0.contains { $0.lossError != nil } }
    let rows = landscape.objectives.map { objective in
      let minimiser = landscape.minimiser(of: objective)
      let sample = landscape.centre(of: objective)
      return [objective.label, decimal(sample?.loss)] + (hasErrors ? [decimal(sample?.lossError)] : []) + [
        decimal(sample?.accuracy), decimal(minimiser?.loss),
        minimiser.map { "(\(decimal($0.point.x, 3)), \(decimal($0.point.y, 3)))" } ?? "-",
      ]
    }
    let error = hasErrors ? ["error over batches"] : []
    let value = value(landscape.objectives)
    return TextTable.text(
      header: ["objective", "\(value) at centre"] + error + ["accuracy", "least \(value)", "at"],
      rows: rows, rightAligned: hasErrors ? [1, 2, 3, 4] : [1, 2, 3])
  }

  private static func refined(_ refinement: LandscapeRefinement, _ landscape: LandscapePlane) -> String {
    let rows = landscape.objectives.map { objective in
      let found = refinement.minimiser(of: objective, in: landscape)
      return [
        objective.label, decimal(found?.loss, 6), found.map { "(\(decimal($0.x, 6)), \(decimal($0.y, 6)))" } ?? "-",
      ]
    }
    return TextTable.text(header: ["refined", "least \(value(landscape.objectives))", "at"], rows: rows, rightAligned: [1])
  }

  private static func text(_ lines: LandscapeLines) -> String {
    let rows = lines.lines.indices.flatMap { index in
      lines.objectives.map { objective in
        let least = lines.least(of: objective, line: index)
        return [
          "\(index + 1)", objective.label, decimal(least?.sample.loss), decimal(least?.sample.lossError),
          decimal(least?.t, 3),
        ]
      }
    }
    return TextTable.text(
      header: ["direction", "objective", "least \(value(lines.objectives))", "error over batches", "at"], rows: rows,
      rightAligned: [0, 2, 3, 4])
  }

  /// What values of objectives are, in a word.
  private static func value(_ objectives: [Objective]) -> String {
    let words = Set(objectives.map(\.quantity.word))
    return words.count == 1 ? words.first ?? "value" : "value"
  }

  private static func decimal(_ value: Double?, _ digits: Int = 4) -> String {
    value.map { $0.isFinite ? String(format: "%.\(digits)f", $0) : StudyCommand.notFinite } ?? "-"
  }
}
