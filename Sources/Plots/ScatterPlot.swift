import Figures
import Formats
import Foundation
import Landscape
import Studies

extension PlotKind {
  static let scatter = PlotKind(name: "scatter", sources: ["fidelity-samples.csv"], fileName: "fidelity") {
    try ScatterPlot.figure($0, $1)
  }
}

/// Approximations against the true loss, from `fidelity-samples.csv`, with the coefficients of `fidelity.csv`.
enum ScatterPlot {
  static func figure(_ folder: PlotFolder, _ style: PlotStyle) throws -> ScatterFigure {
    let text = PlotText(folder: folder)
    let table = try CSVTable(readingFrom: folder.file("fidelity-samples.csv"))
    try table.requireRows()
    let rows = try table.objectives()
    let values = try table.numbersOrGaps(style.quantity.rawValue)
    let (directions, radii) = (try table.column("direction"), try table.numbersOrGaps("radius"))
    guard let truth = rows.truth else {
      throw InputError(
        "no true loss to compare with", at: .file(table.path, "objective"),
        found: rows.unique().map(\.label).joined(separator: ", "), wanted: "true with at least 1 inner step")
    }
    let found = rows.unique()
    let wanted = style.objectives ?? found
    for objective in wanted where !found.contains(objective) {
      throw InputError(
        "was not sampled", at: .file(table.path, "objective \(objective.label)"),
        wanted: found.map(\.label).joined(separator: ", "))
    }
    let compared = wanted.filter { $0 != truth }
    guard !compared.isEmpty else {
      throw InputError(
        "nothing to compare with \(truth.label)", at: .file(table.path, "objective"),
        found: found.map(\.label).joined(separator: ", "), wanted: "another objective")
    }
    func points(_ objective: Objective) -> [String: (Double, Double)] {
      let mine = rows.indices.filter { rows[$0] == objective }
      return Dictionary(mine.map { ("\(directions[$0]) \(radii[$0])", (values[$0], radii[$0])) }, uniquingKeysWith: { $1 })
    }
    let (exact, order) = (points(truth), rows.indices.map { "\(directions[$0]) \(radii[$0])" }.unique())
    let coefficients = try self.coefficients(folder)
    let panels = try compared.map { objective in
      let mine = points(objective)
      let both = order.filter { mine[$0] != nil && exact[$0] != nil }
      let (x, y) = (both.compactMap { exact[$0]?.0 }, both.compactMap { mine[$0]?.0 })
      // Coefficients are those of losses.
      let notes = style.quantity == .loss ? coefficients.notes[objective] ?? [] : []
      return try ScatterPanel(
        title: Label(PlotText.title(objective, of: style.quantity)), x: x, y: y, shade: both.compactMap { exact[$0]?.1 },
        notes: notes, regression: ScatterPanel.leastSquares(x, y))
    }
    let isAccuracy = style.quantity == .accuracy
    var caption = [text.network, text.losses].compactMap { $0 }
    if !coefficients.intervals.isEmpty, panels.contains(where: { !$0.notes.isEmpty }) {
      caption.append("Brackets: \(text.intervals(coefficients.intervals)).")
    }
    var figure = try ScatterFigure(
      title: style.title.map(PlotText.plain) ?? text.around("Approximations and the truth"), panels: panels,
      xLabel: Label(PlotText.title(truth, of: style.quantity) + (isAccuracy ? "" : " (nats)")),
      yLabel: isAccuracy ? "approximation" : "approximation (nats)", shadeLabel: "distance from the centre",
      caption: style.showsCaption ? caption : [], width: style.width)
    figure.colourMap = style.maps.sequential
    figure.range = style.range
    figure.isLogarithmic = style.isLogarithmic
    return figure
  }

  private static let names = [("pearson", "Pearson"), ("spearman", "Spearman"), ("kendall", "Kendall τ")]

  /// Lines of text for each objective: coefficients over all radii, or of the only one. And the intervals among them.
  private static func coefficients(
    _ folder: PlotFolder
  ) throws -> (notes: [Objective: [Label]], intervals: [StatedInterval]) {
    guard folder.has("fidelity.csv") else { return ([:], []) }
    let table = try CSVTable(readingFrom: folder.file("fidelity.csv"))
    let (names, radii) = (try table.column("name"), try table.numbersOrGaps("radius"))
    let (values, intervals) = (try table.numbersOrGaps("value"), try StatedInterval.read(from: table))
    // Other statistics have objectives of other kinds.
    let kept = names.indices.filter { row in Self.names.contains { $0.0 == names[row] } }
    let objectives = try CSVTable(path: table.path, columns: table.columns, rows: kept.map { table.rows[$0] }).objectives()
    var (result, shown): ([Objective: [Label]], [StatedInterval]) = ([:], [])
    for objective in objectives.unique() {
      for (name, words) in Self.names {
        let mine = zip(kept, objectives).filter { $1 == objective && names[$0] == name }.map(\.0)
        // A row without a radius is over all of them; a single one says the same.
        guard let row = mine.first(where: { radii[$0].isNaN }) ?? (mine.count == 1 ? mine.first : nil) else { continue }
        var line = "\(words) \(Numeral.fixed(values[row], decimals: 2))"
        if let interval = intervals[row], interval.lower.isFinite, interval.upper.isFinite {
          line += " [\(Numeral.fixed(interval.lower, decimals: 2)), \(Numeral.fixed(interval.upper, decimals: 2))]"
          shown.append(interval)
        }
        result[objective, default: []].append(Label(plain: line))
      }
    }
    return (result, shown)
  }
}
