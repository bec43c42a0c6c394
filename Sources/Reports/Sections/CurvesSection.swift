import Figures
import Formats
import Foundation
import Landscape

/// Columns of metrics.csv by epoch: of one run several in a chart, of several runs a chart a column.
enum CurvesSection {
  private struct Panel {
    let title: String
    var unit = ""
    /// Columns and what a line of one run is called.
    let columns: [(column: String, label: String)]
    var isLogarithmic = false
  }

  private static let panels: [Panel] = [
    Panel(
      title: "Loss", unit: "nats",
      columns: [
        ("training_loss", "training"), ("validation_loss", "validation"), ("test_loss", "test"),
        ("auxiliary_loss", "auxiliary head"), ("baseline_loss", "true loss before updates"),
        ("validation_loss_running", "validation, running statistics"),
      ]),
    Panel(
      title: "Accuracy",
      columns: [
        ("training_accuracy", "training"), ("validation_accuracy", "validation"), ("test_accuracy", "test"),
        ("validation_accuracy_running", "validation, running statistics"),
      ]),
    Panel(
      title: "Skip connections",
      columns: [("skip_connections", "normal cell"), ("skip_connections_reduce", "reduction cell")]),
    Panel(
      title: "Entropy of α", unit: "nats",
      columns: [("alpha_entropy_normal", "normal cell"), ("alpha_entropy_reduce", "reduction cell")]),
    Panel(title: "Dominant eigenvalue in α", columns: [("dominant_eigenvalue", "eigenvalue")]),
    Panel(title: "α, length", columns: [("alpha_norm", "‖α‖")]),
    Panel(
      title: "Steps of α",
      columns: [("alpha_gradient_norm", "length of the gradient"), ("alpha_update_norm", "length of the update")],
      isLogarithmic: true),
    Panel(title: "σ of the candidates", columns: [("sigma", "σ")]),
    Panel(title: "Effective sample size", columns: [("ess", "effective sample size")]),
    Panel(title: "Learning rate of the weights", columns: [("learning_rate", "learning rate")]),
    Panel(title: "Drop-path probability", columns: [("drop_path", "drop path")]),
    Panel(title: "Weight gradient, length", columns: [("gradient_norm", "before clipping")]),
    Panel(title: "Wall time of an epoch", unit: "seconds", columns: [("seconds", "seconds")]),
  ]

  static func html(_ report: Report) throws -> HTML? {
    let runs = zip(report.runs, report.runLabels).filter { $0.0.metrics?.rows.isEmpty == false }
    guard !runs.isEmpty else { return nil }
    let only = runs.count == 1 ? runs[0].0.metrics : nil
    let charts = try only.map { table in try panels.compactMap { try chart($0, of: table) } } ?? overlays(runs)
    let tables = runs.enumerated().compactMap { index, run -> HTML? in
      guard let table = run.0.metrics else { return nil }
      return folded(
        "metrics.csv of \(run.1)", id: "metrics-\(index)", [DataTable(table, caption: "metrics.csv of \(run.1)").html()])
    }
    let legend =
      runs.count > 1
      ? [LineChart.legend(runs.enumerated().map { ($0.element.1, styles(runs)[$0.offset]) })] : []
    return section("Curves", id: "curves", legend + [.element("div", ["class": "panels"], charts)] + tables)
  }

  private static func chart(_ panel: Panel, of table: CSVTable) throws -> HTML? {
    let series = panel.columns.enumerated().compactMap { index, entry in
      line(table, entry.column, label: entry.label, style: index)
    }
    return try LineChart(
      title: panel.title, xLabel: "epoch", yLabel: panel.unit, series: series, isLogarithmic: panel.isLogarithmic
    ).html()
  }

  /// A chart a column, a line a run.
  private static func overlays(_ runs: [(ReportRun, String)]) throws -> [HTML] {
    let styles = styles(runs)
    return try panels.flatMap { panel in
      try panel.columns.compactMap { entry in
        let series = runs.enumerated().compactMap { index, run in
          run.0.metrics.flatMap { line($0, entry.column, label: run.1, style: styles[index]) }
        }
        let title = panel.columns.count == 1 ? panel.title : "\(panel.title), \(entry.label)"
        return try LineChart(
          title: title, xLabel: "epoch", yLabel: panel.unit, series: series, isLogarithmic: panel.isLogarithmic,
          hasLegend: false
        ).html()
      }
    }
  }

  /// Runs of one method look alike where there are more runs than colours.
  private static func styles(_ runs: [(ReportRun, String)]) -> [Int] {
    guard runs.count > LineChart.styles * 3 else { return Array(runs.indices) }
    var methods: [String] = []
    return runs.map { run in
      let method = run.0.settings["method"] ?? run.1
      if !methods.contains(method) { methods.append(method) }
      return methods.firstIndex(of: method) ?? 0
    }
  }

  private static func line(_ table: CSVTable, _ column: String, label: String, style: Int) -> LineChart.Series? {
    guard let epochs = try? table.column("epoch"), let values = try? table.column(column) else { return nil }
    let points = zip(epochs, values).compactMap { LineChart.Point($0, $1) }
    return points.isEmpty ? nil : LineChart.Series(label: label, points: points, style: style)
  }

  private static let diagnosisPanels: [Panel] = [
    Panel(title: "Skip connections", columns: [("skips_normal", "normal cell"), ("skips_reduce", "reduction cell")]),
    Panel(
      title: "Mixing weight of skip connections",
      columns: [("skip_weight_normal", "normal cell"), ("skip_weight_reduce", "reduction cell")]),
    Panel(
      title: "Dominant eigenvalue in α",
      columns: [("dominant_eigenvalue", "at the epoch"), ("eigenvalue_smoothed", "moving average")]),
    Panel(title: "Eigenvalue ratio of early stopping", columns: [("eigenvalue_ratio", "ratio")]),
    Panel(
      title: "Loss before and after derivation", unit: "nats",
      columns: [("supernet_loss", "supernet"), ("genotype_loss", "derived cells")]),
    Panel(title: "Discretisation gap", unit: "nats", columns: [("discretisation_gap", "gap")]),
  ]

  /// Those of the approximations that the diagnosis measured: a column each.
  private static func agreementPanels(of table: CSVTable) -> [Panel] {
    func columns(_ statistic: String) -> [(String, String)] {
      table.columns.filter { $0.hasPrefix(statistic) }.map { column in
        let name = column.dropFirst(statistic.count)
        return (column, Objective.approximations.first { $0.arrayName == name }?.symbol ?? String(name))
      }
    }
    return [
      Panel(title: "Rank correlation with the true loss", columns: columns("spearman_")),
      Panel(title: "Bias against the true loss", unit: "nats", columns: columns("bias_")),
    ]
  }

  /// Charts of a diagnosis.csv.
  static func charts(ofDiagnosis table: CSVTable) throws -> [HTML] {
    try (diagnosisPanels + agreementPanels(of: table)).compactMap { try chart($0, of: table) }
  }
}
