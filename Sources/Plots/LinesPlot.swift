import Figures
import Formats

extension PlotKind {
  static let lines = PlotKind(
    name: "lines", sources: ["lines.csv", PlotFolder.surfaceFiles], fileName: "lines", fits: SurfaceFilePlot.isLine
  ) {
    try SurfaceFilePlot($0, $1)?.lines() ?? LinesPlot.figure($0, $1)
  }
}

/// Losses along directions, from `lines.csv`: a panel a direction, a line an objective.
enum LinesPlot {
  static func figure(_ folder: PlotFolder, _ style: PlotStyle) throws -> LinePanels {
    let text = PlotText(folder: folder)
    let table = try CSVTable(readingFrom: folder.file("lines.csv"))
    try table.requireRows()
    let (directions, t) = (try table.integers("direction"), try table.doubles("t"))
    let (rows, name) = (try table.objectives(), style.quantity.rawValue)
    let (values, errors) = (try table.numbersOrGaps(name), try table.numbersOrGaps("\(name)_error"))
    let found = rows.unique()
    let objectives = try PlotText.ofOneQuantity(style.objectives ?? found, style, path: table.path)
    let quantity = objectives.first?.quantity ?? .loss
    for objective in objectives where !found.contains(objective) {
      throw InputError(
        "was not sampled", at: .file(table.path, "objective \(objective.label)"),
        wanted: found.map(\.label).joined(separator: ", "))
    }
    let isAccuracy = style.quantity == .accuracy
    let yLabel = Label(text.valueLabel(style.quantity, quantity))
    let range = style.range
    let shown = rows.indices.filter { objectives.contains(rows[$0]) }
    let edges = shown.flatMap { row in
      errors[row].isFinite ? [values[row] - errors[row], values[row] + errors[row]] : [values[row]]
    }
    let limits = range ?? (style.isLogarithmic ? nil : LineScale.bulk(edges))
    let panels = try directions.unique().sorted().map { direction in
      let series = try objectives.map { objective in
        let mine = rows.indices.filter { directions[$0] == direction && rows[$0] == objective }.sorted { t[$0] < t[$1] }
        let hasErrors = mine.contains { errors[$0].isFinite }
        let reach = mine.map { errors[$0].isFinite ? errors[$0] : 0 }
        return try LineSeries(
          label: Label(PlotText.title(objective, of: style.quantity, over: text.space)), x: mine.map { t[$0] },
          y: mine.map { values[$0] },
          band: hasErrors
            ? .init(
              lower: zip(mine, reach).map { values[$0] - $1 }, upper: zip(mine, reach).map { values[$0] + $1 }) : nil)
      }
      var panel = try LineFigure(
        title: "", series: series, xLabel: Label(text.axis(direction)), yLabel: yLabel,
        yScale: style.isLogarithmic ? .logarithmic : .linear)
      panel.yRange = limits
      return panel
    }
    var caption = [text.network, text.directions, text.evaluation(of: isAccuracy ? .loss : quantity)].compactMap { $0 }
    if errors.contains(where: \.isFinite) { caption.append("Bands are ± 1 standard error over the \(text.data) batches.") }
    let shownValues = shown.map { values[$0] }
    if let note = PlotText.note(ofOthers: found.filter { $0.quantity != quantity }), !isAccuracy { caption.append(note) }
    if let limits, let note = LineScale.note(shownValues, limits) { caption.append(note) }
    return try Panels.figure(
      panels,
      title: style.title.map(PlotText.plain) ?? text.around(text.what(style.quantity, quantity)),
      caption: style.showsCaption ? caption : [], style)
  }
}

/// Panels of lines on a page of the width that is usual for so many.
enum Panels {
  static func figure(
    _ panels: [LineFigure], title: String, caption: [String], _ style: PlotStyle, columns: Int? = nil,
    showsTitles: Bool = false
  ) throws -> LinePanels {
    let columns = columns ?? (panels.count == 4 ? 2 : min(panels.count, 3))
    var figure = try LinePanels(
      title: title, panels: panels, columns: columns, caption: caption,
      width: style.width ?? [252, 432, 504, 576][min(columns, 4) - 1])
    figure.showsTitles = showsTitles
    figure.aspect = style.aspect ?? 0.8
    return figure
  }
}

/// Scales of the axis of values.
enum LineScale {
  /// Limits around the bulk of the values where a few explode, with a little air; nil where all can be shown.
  static func bulk(_ values: [Double]) -> ClosedRange<Double>? {
    let scale = ColourScale.sequential(values)
    guard scale.extendsAbove || scale.extendsBelow else { return nil }
    let air = 0.05 * (scale.high - scale.low)
    return scale.low - air...scale.high + air
  }

  /// A sentence for the caption where values lie outside of the limits.
  static func note(_ values: [Double], _ limits: ClosedRange<Double>) -> String? {
    let beyond = values.filter { !$0.isNaN && !limits.contains($0) }
    guard let most = beyond.max(by: { abs($0) < abs($1) }) else { return nil }
    return "Lines leave the panels at \(beyond.count) \(beyond.count == 1 ? "value" : "values") beyond the axis "
      + "(up to \(Numeral.short(most)))."
  }

  /// Logarithmic for positive values over more than two decades, logarithmic on both sides of 0 for such of both signs.
  static func suiting(_ values: [Double], isLogarithmic: Bool) -> Axis.Scale {
    let sizes = values.filter { $0.isFinite && $0 != 0 }.map(abs).sorted()
    guard let least = sizes.first, let most = sizes.last else { return .linear }
    if values.allSatisfy({ !$0.isFinite || $0 > 0 }) {
      return isLogarithmic || most > 100 * least ? .logarithmic : .linear
    }
    // A crossing of 0 alone makes small values: the typical one has to be small.
    guard isLogarithmic || most > 100 * sizes[sizes.count / 2] else { return .linear }
    // Down to what is a thousandth of the largest; less is near 0.
    return .symmetric(threshold: max(sizes[sizes.count / 10], most / 1000))
  }
}
