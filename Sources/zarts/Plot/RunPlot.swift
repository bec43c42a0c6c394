import Figures
import Formats
import Foundation
import Search
import Supernet

/// Figures of one search: its curves, its eigenvalues, its α.
enum RunPlot {
  private static let eigenvalueColumn = "dominant_eigenvalue"

  /// Holds the run's files against each other; tables without checkpoints beside them are taken as they are.
  private static func check(_ folder: PlotFolder) throws {
    let run = try SearchRunFolder(existing: folder.path)
    guard !run.checkpoints().isEmpty else { return }
    if ResultFolder(folder.path)?.kind == .retrain { try run.checkRetrainingHistory() } else { try run.checkHistory() }
  }

  static func hasEigenvalues(_ folder: PlotFolder) -> Bool {
    guard let table = try? CSVTable(readingFrom: folder.file("metrics.csv")) else { return false }
    return (try? table.column(eigenvalueColumn))?.contains { Double($0)?.isFinite == true } ?? false
  }

  private static func title(_ folder: PlotFolder, _ what: String, _ options: PlotOptions) -> String {
    if let title = options.title { return PlotText.plain(title) }
    guard let method = folder.settings["method"], let space = folder.settings["space"] else { return what }
    return "\(what) of \(method) on \(space)"
  }

  /// Losses, accuracies, entropies and skip connections by epoch: panels for what the run has.
  static func curves(_ folder: PlotFolder, _ options: PlotOptions) throws -> LinePanels {
    try check(folder)
    let table = try CSVTable(readingFrom: folder.file("metrics.csv"))
    try table.requireRows()
    try MetricsColumn.check(table)
    let epochs = try table.doubles("epoch")
    let groups: [(label: Label, columns: [String])] = [
      ("loss (nats)", ["training_loss", "validation_loss", "", ""]),
      ("accuracy", ["training_accuracy", "validation_accuracy", "", ""]),
      ("entropy of α (nats)", ["", "", "alpha_entropy_normal", "alpha_entropy_reduce"]),
      ("skip connections", ["", "", "skip_connections", "skip_connections_reduce"]),
    ]
    let names: [Label] = ["training", "validation", "normal cell", "reduction cell"]
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
        yScale: LineScale.suiting(series.flatMap(\.y).filter { $0 != 0 }, isLogarithmic: options.log))
      panel.isWholeX = true
      panel.isWholeY = group.columns.contains("skip_connections")
      panel.yRange = try options.limits()
      panels.append(panel)
    }
    guard !panels.isEmpty else {
      throw FormatError(
        file: table.path, problem: "no curve to draw", found: table.columns.joined(separator: ", "),
        expected: "training_loss or validation_loss with a finite value")
    }
    return try Panels.figure(
      panels, title: title(folder, "Course", options),
      caption: options.caption ? [PlotText(folder: folder).network].compactMap { $0 } : [], options, columns: 2)
  }

  /// The largest eigenvalue by epoch, with its moving mean and the limit of early stopping.
  static func eigenvalues(_ folder: PlotFolder, _ options: PlotOptions) throws -> LinePanels {
    try check(folder)
    let table = try CSVTable(readingFrom: folder.file("metrics.csv"))
    try MetricsColumn.check(table)
    let epochs = try table.integers("epoch")
    let values = try table.numbersOrGaps(eigenvalueColumn)
    let known = epochs.indices.filter { values[$0].isFinite }
    guard !known.isEmpty else {
      throw FormatError(
        file: table.path, item: eigenvalueColumn, problem: "no eigenvalue was measured",
        expected: "a run with --eigenvalue-every")
    }
    var series = [
      try LineSeries(label: "λ_{1}", x: known.map { Double(epochs[$0]) }, y: known.map { values[$0] })
    ]
    let half = EarlyStopping().window / 2
    let at = Dictionary(known.map { (epochs[$0], values[$0]) }, uniquingKeysWith: { $1 })
    let smoothed = at.keys.sorted().compactMap { epoch -> (epoch: Int, value: Double)? in
      let around = (epoch - half...epoch + half).compactMap { at[$0] }
      guard around.count == 2 * half + 1 else { return nil }
      return (epoch, around.reduce(0, +) / Double(around.count))
    }
    var caption = [PlotText(folder: folder).network].compactMap { $0 }
    if !smoothed.isEmpty {
      series.append(
        try LineSeries(label: "λ_{1}, moving mean", x: smoothed.map { Double($0.epoch) }, y: smoothed.map(\.value)))
    }
    let limit = SpectrumPlot.threshold(smoothed)
    if let line = limit.line {
      series.append(line)
      caption.append(limit.sentence)
    }
    let panel = try SpectrumPlot.panel(
      series, yLabel: "eigenvalue of ∇^{2}_{α} L_{val}", references: limit.references, options)
    return try Panels.figure(
      [panel], title: title(folder, "Dominant eigenvalue", options), caption: options.caption ? caption : [], options)
  }

  /// Mixing weights by epoch: a panel an operation, a row an edge; the normal cell above, the reduction cell below.
  static func alphas(_ folder: PlotFolder, _ options: PlotOptions) throws -> StripFigure {
    try check(folder)
    let run = try SearchRunFolder(existing: folder.path)
    let (shape, history) = (try run.configuration().alphaShape, try run.alphaHistory())
    guard !history.isEmpty else {
      throw FormatError(file: run.alphasPath, problem: "no α to draw", found: "no epoch", expected: "one at least")
    }
    let epochs = history.count
    let cells: [(name: String, edges: [[Supernet.Operation]], matrices: [ArchitectureParameters.Matrix])] = [
      ("normal", shape.operations.normal, history.map(\.normal)),
      ("reduction", shape.operations.reduce, history.map(\.reduce)),
    ]
    var panels: [StripPanel] = []
    let operations = cells.flatMap { $0.edges.flatMap { $0 } }.unique()
    for (name, edges, matrices) in cells {
      let weights = matrices.map { $0.softmaxRows() }
      let perEdge = shape.operations.operationsPerEdge
      for operation in operations {
        let rows = edges.enumerated().map { edge, candidates -> [Double] in
          guard let column = candidates.firstIndex(of: operation) else { return Array(repeating: .nan, count: epochs) }
          return weights.map { $0[edge * perEdge + column] }
        }
        panels.append(StripPanel(title: Label(plain: "\(name): \(operation.rawValue)"), values: rows))
      }
      if shape.hasEdgeColumn {
        let edgeWeights = matrices.map { $0.edgeWeights() }
        panels.append(
          StripPanel(
            title: Label(plain: "\(name): edge (β)"), values: edges.indices.map { edge in edgeWeights.map { $0[edge] } }))
      }
    }
    let isMany = operations.count > 4
    var figure = try StripFigure(
      title: title(folder, "Mixing weights", options), panels: panels,
      rows: CellTopology.edges.map { Label("\($0.source) → \($0.target)") }, epochs: Array(1...epochs),
      columns: isMany ? 4 : operations.count + (shape.hasEdgeColumn ? 1 : 0), valueLabel: "mixing weight",
      caption: options.caption
        ? [
          PlotText(folder: folder).network,
          "Softmax over the operations of an edge; rows are edges from one state to another, 0 and 1 being the cell's inputs."
            + (shape.hasEdgeColumn ? " β: softmax over the edges into a node." : ""),
        ].compactMap { $0 } : [], width: options.points() ?? (isMany ? 504 : 432))
    figure.colourMap = try options.maps().sequential
    figure.range = try options.limits()
    figure.isLogarithmic = options.log
    return figure
  }
}
