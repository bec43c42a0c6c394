import Foundation
import Landscape

/// What a landscape says, as two tables.
enum LandscapeSummary {
  /// - Throws: `StatisticsError`, which a landscape that was sampled never causes.
  static func text(_ landscape: Landscape) throws -> String {
    let size = landscape.grid.size
    let center = size % 2 == 1 ? landscape.grid.count / 2 : nil
    let rows = landscape.objectives.map { objective in
      let minimiser = landscape.minimiser(of: objective)
      let sample = center.flatMap { landscape.samples[objective]?[$0] }
      return [
        objective.label, decimal(sample?.loss), decimal(sample?.accuracy), decimal(minimiser?.loss),
        minimiser.map { "(\(decimal($0.point.x, 3)), \(decimal($0.point.y, 3)))" } ?? "-",
      ]
    }
    var tables = [
      TextTable.text(
        header: ["objective", "loss at centre", "accuracy", "least loss", "at"], rows: rows, rightAligned: [1, 2, 3])
    ]
    let comparisons = try LandscapeComparison.all(in: landscape)
    if !comparisons.isEmpty, landscape.grid.count > 1 {
      tables.append(
        TextTable.text(
          header: [
            "against " + comparisons[0].truth.label, "Pearson", "Spearman", "Kendall", "bias", "RMSE", "minimisers apart",
          ],
          rows: comparisons.map { row in
            let figures = [row.pearson, row.spearman, row.kendall, row.bias, row.rootMeanSquare, row.minimiserDistance]
            return [row.approximation.label] + figures.map { decimal($0) }
          }, rightAligned: [1, 2, 3, 4, 5, 6]))
    }
    return tables.joined(separator: "\n\n")
  }

  private static func decimal(_ value: Double?, _ digits: Int = 4) -> String {
    value.map { String(format: "%.\(digits)f", $0) } ?? "-"
  }
}
