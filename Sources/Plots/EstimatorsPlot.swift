import Figures
import Formats
import Studies

extension PlotKind {
  static let estimators = PlotKind(name: "estimators", sources: ["estimators.csv"], fileName: "estimators") {
    try EstimatorsPlot.figure($0, $1)
  }
}

/// Cosine, bias and variance of gradient estimators against the number of candidates, inner steps and σ, from
/// `estimators.csv`: a row of panels a variable, a panel a statistic, a line an estimator.
enum EstimatorsPlot {
  private struct Row {
    var estimator: String
    /// Inner steps, candidates, σ; NaN where one does not apply.
    var at: [Double]
    var statistic: String
    var value: Double
    var interval: StatedInterval?
  }

  private static let variables: [(column: String, symbol: String, label: Label)] = [
    ("inner_steps", "M", "inner steps M"), ("candidates", "N", "candidates N"), ("sigma", "σ", "σ"),
  ]
  /// What is drawn of the statistics in the file, in this order: a row of panels holds them side by side.
  private static let drawn = ["cosine", "sign_agreement", "relative_bias", "relative_variance"]
  private static let mostLines = 12

  static func figure(_ folder: PlotFolder, _ style: PlotStyle) throws -> LinePanels {
    let text = PlotText(folder: folder)
    let table = try CSVTable(readingFrom: folder.file("estimators.csv"))
    try table.requireRows()
    let rows = try read(table)
    let found = rows.map(\.statistic).unique()
    let known = drawn.filter(found.contains)
    let statistics = known.isEmpty ? Array(found.prefix(4)) : known
    let varied = variables.indices.filter { index in Set(rows.map { $0.at[index] }.filter { !$0.isNaN }).count > 1 }
    // One setting: bars without a line, over the only number of candidates there is.
    let across = varied.isEmpty ? [1] : varied
    let estimators = rows.map(\.estimator).unique()
    var (panels, held): ([LineFigure], Set<String>) = ([], [])
    for variable in across {
      let others = variables.indices.filter { $0 != variable }
      // Where several of the others vary, lines are those at the largest M and N and the first σ.
      let chosen = others.map { other -> Double in
        let values = rows.map { $0.at[other] }.filter { !$0.isNaN }
        return (other == 2 ? values.first : values.max()) ?? .nan
      }
      for (other, value) in zip(others, chosen) where varied.contains(other) {
        held.insert("\(variables[other].symbol) = \(Numeral.short(value))")
      }
      let span = Set(rows.map { $0.at[variable] }.filter { !$0.isNaN }).sorted()
      for statistic in statistics {
        let series = try estimators.prefix(mostLines).map { name in
          let mine = rows.filter { row in
            row.estimator == name && row.statistic == statistic
              && zip(others, chosen).allSatisfy { row.at[$0].isNaN || $1.isNaN || row.at[$0] == $1 }
          }
          return try line(name, mine, variable, span)
        }
        var panel = try LineFigure(
          title: "", series: series, xLabel: variables[variable].label, yLabel: Label(plain: words(statistic)),
          xScale: span.count > 1 && (span.first ?? 0) > 0 && (span.last ?? 0) > 4 * (span.first ?? 1)
            ? .logarithmic : .linear,
          yScale: scale(series, statistic, style))
        panel.yRange = style.range
        if ["cosine", "relative_bias"].contains(statistic), panel.yScale == .linear {
          panel.references = [ReferenceLine(.across, at: 0)]
        }
        panels.append(panel)
      }
    }
    var caption = [text.network].compactMap { $0 }
    let intervals = rows.filter { statistics.contains($0.statistic) }.compactMap(\.interval)
    caption.append(
      "Against the finite-difference gradient of the true loss"
        + (intervals.isEmpty ? "." : "; bars: \(text.intervals(intervals))."))
    if !held.isEmpty { caption.append("Where another variable is drawn: \(held.sorted().joined(separator: ", ")).") }
    let left = found.filter { !statistics.contains($0) }.map(words)
    if !left.isEmpty { caption.append("In the file besides: \(left.joined(separator: ", ")).") }
    if estimators.count > mostLines { caption.append("The first \(mostLines) of \(estimators.count) estimators.") }
    return try Panels.figure(
      panels, title: style.title.map(PlotText.plain) ?? text.around("Estimates of the gradient"),
      caption: style.showsCaption ? caption : [], style, columns: min(statistics.count, 4))
  }

  private static func scale(_ series: [LineSeries], _ statistic: String, _ style: PlotStyle) -> Axis.Scale {
    if ["cosine", "sign_agreement"].contains(statistic) { return .linear }
    return LineScale.suiting(series.flatMap(\.y), isLogarithmic: style.isLogarithmic)
  }

  /// An estimator at the values of a variable; one to which it does not apply is the same at all of them.
  private static func line(_ name: String, _ rows: [Row], _ variable: Int, _ span: [Double]) throws -> LineSeries {
    let applied = rows.filter { !$0.at[variable].isNaN }.sorted { $0.at[variable] < $1.at[variable] }
    let points: [(Double, Row)] =
      applied.isEmpty
      ? rows.first.map { row in (span.isEmpty ? [1] : span).map { ($0, row) } } ?? [] : applied.map { ($0.at[variable], $0) }
    let hasBand = points.contains { $0.1.interval != nil }
    var series = try LineSeries(
      label: Label(plain: name), x: points.map(\.0), y: points.map(\.1.value),
      band: hasBand
        ? .init(
          lower: points.map { $0.1.interval?.lower ?? $0.1.value },
          upper: points.map { $0.1.interval?.upper ?? $0.1.value }) : nil)
    series.marksPoints = true
    return series
  }

  private static func read(_ table: CSVTable) throws -> [Row] {
    let (names, statistics) = (try table.column("estimator"), try table.column("statistic"))
    let places = try variables.map { try table.numbersOrGaps($0.column) }
    let (values, intervals) = (try table.numbersOrGaps("value"), try StatedInterval.read(from: table))
    return names.indices.map { row in
      Row(
        estimator: names[row], at: places.map { $0[row] }, statistic: statistics[row], value: values[row],
        interval: intervals[row])
    }
    // The gradient itself with another displacement has no place among the estimators' σ.
    .filter { $0.estimator != "reference" }
  }

  private static func words(_ statistic: String) -> String { statistic.replacing("_", with: " ") }
}
