import Figures
import Formats
import Foundation

extension PlotKind {
  static let curves = PlotKind(name: "curves", sources: ["metrics.csv"], fileName: "curves") {
    try RunCurvesPlot.figure($0, $1)
  }
}

/// The course of a run, from `metrics.csv`.
enum RunCurvesPlot {
  /// Losses, accuracies, entropies and skip connections by epoch: panels for what the run has.
  static func figure(_ folder: PlotFolder, _ style: PlotStyle) throws -> LinePanels {
    let table = try RunPlot.metrics(folder)
    try table.requireRows()
    let epochs = try table.doubles("epoch")
    let groups: [(label: Label, columns: [String])] = [
      ("loss (nats)", ["training_loss", "validation_loss", "", "", "validation_loss_running"]),
      ("accuracy", ["training_accuracy", "validation_accuracy", "", "", "validation_accuracy_running"]),
      ("entropy of α (nats)", ["", "", "alpha_entropy_normal", "alpha_entropy_reduce", ""]),
      ("skip connections", ["", "", "skip_connections", "skip_connections_reduce", ""]),
    ]
    let names: [Label] = ["training", "validation", "normal cell", "reduction cell", "validation, running statistics"]
    var panels: [LineFigure] = []
    for group in groups {
      // A line keeps its colour and its place in the legend in all panels; without points it is not drawn.
      let series = try zip(names, group.columns).map { name, column in
        let values = table.columns.contains(column) ? try table.numbersOrGaps(column) : []
        let isKnown = values.contains(where: \.isFinite)
        return try LineSeries(label: name, x: isKnown ? epochs : [], y: isKnown ? values : [])
      }
      guard series.contains(where: { $0.y.contains(where: \.isFinite) }) else { continue }
      var panel = try LineFigure(
        title: "", series: series, xLabel: "epoch", yLabel: group.label,
        yScale: LineScale.suiting(series.flatMap(\.y).filter { $0 != 0 }, isLogarithmic: style.isLogarithmic))
      panel.isWholeX = true
      panel.isWholeY = group.columns.contains("skip_connections")
      panel.yRange = style.range
      panels.append(panel)
    }
    guard !panels.isEmpty else {
      throw InputError(
        "no curve to draw", at: .file(table.path), found: table.columns.joined(separator: ", "),
        wanted: "training_loss or validation_loss with a finite value")
    }
    return try Panels.figure(
      panels, title: RunPlot.title(folder, "Course", style),
      caption: style.showsCaption ? [PlotText(folder: folder).network].compactMap { $0 } : [], style, columns: 2)
  }
}
