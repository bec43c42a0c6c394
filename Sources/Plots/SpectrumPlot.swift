import Figures
import Formats
import Foundation
import Runs
import Search
import Studies

/// Eigenvalues and trace of ∇²_α L_val, or of ∇²_ω L, by epoch, from `spectrum.csv`.
package enum SpectrumPlot {
  /// Eigenvalues that can be told apart.
  private static let mostLines = 4

  static func figure(_ folder: PlotFolder, _ style: PlotStyle) throws -> LinePanels {
    let text = PlotText(folder: folder)
    let isOfWeights = DensityPlot.isOfWeights(folder)
    let hessian = isOfWeights ? DensityPlot.hessian : "∇^{2}_{α} L_{val}"
    let table = try CSVTable(readingFrom: folder.file("spectrum.csv"))
    try table.requireRows()
    let epochs = try table.optionalIntegers("epoch", RunBounds.start).map { $0.map(Double.init) ?? .nan }
    let (quantities, indices) = (try table.column("quantity"), try table.integers("index", SpectrumRow.indices))
    let (values, errors) = (try table.numbersOrGaps("value"), try table.numbersOrGaps("error"))
    // A residual alone is no error bar; tables of earlier versions have nothing else for eigenvalues.
    let uncertainties =
      table.columns.contains("uncertainty") ? try table.numbersOrGaps("uncertainty") : quantities.map { _ in .nan }
    let reach = quantities.indices.map { quantities[$0] == "trace" ? errors[$0] : uncertainties[$0] }
    func rows(_ quantity: String, _ index: Int? = nil) -> [Int] {
      let mine = quantities.indices.filter { quantities[$0] == quantity && (index == nil || indices[$0] == index) }
      return mine.sorted { (epochs[$0], indices[$0]) < (epochs[$1], indices[$1]) }
    }
    for (row, quantity) in quantities.enumerated() where quantity == "smoothed" && !epochs[row].isFinite {
      throw table.failure("empty", row: row, column: "epoch", found: "", expected: "the epoch of a moving mean")
    }
    guard !rows("eigenvalue").isEmpty else {
      throw InputError(
        "no eigenvalues", at: .file(table.path, "quantity"), found: Set(quantities).sorted().joined(separator: ", "),
        wanted: "at least one row with eigenvalue")
    }
    func series(_ label: Label, _ rows: [Int], x: (Int) -> Double, style: Int? = nil) throws -> LineSeries {
      let hasErrors = rows.contains { reach[$0].isFinite }
      let reach = rows.map { reach[$0].isFinite ? reach[$0] : 0 }
      var series = try LineSeries(
        label: label, x: rows.map(x), y: rows.map { values[$0] },
        band: hasErrors
          ? .init(lower: zip(rows, reach).map { values[$0] - $1 }, upper: zip(rows, reach).map { values[$0] + $1 }) : nil)
      series.style = style
      return series
    }
    let times = Set(rows("eigenvalue").map { epochs[$0] }.filter(\.isFinite))
    var (panels, caption): ([LineFigure], [String]) = ([], [text.network].compactMap { $0 })
    if times.count > 1 {
      let present = Set(rows("eigenvalue").map { indices[$0] }).sorted()
      var lines = try present.prefix(mostLines).map { index in
        try series(Label("λ_{\(index)}"), rows("eigenvalue", index), x: { epochs[$0] }, style: index - 1)
      }
      if !rows("smoothed").isEmpty {
        lines.append(try series("λ_{1}, moving mean", rows("smoothed"), x: { epochs[$0] }, style: 4))
      }
      let smoothed = rows("smoothed").map { (epoch: Int(epochs[$0]), value: values[$0]) }
      let limit = threshold(smoothed)
      if let line = limit.line { lines.append(line) }
      panels.append(try panel(lines, yLabel: "eigenvalue of \(hessian)", references: limit.references, style))
      if !rows("trace").isEmpty {
        let trace = try series("", rows("trace"), x: { epochs[$0] })
        panels.append(try panel([trace], yLabel: "trace of \(hessian)", references: [], style))
      }
      if limit.line != nil { caption.append(limit.sentence) }
      if present.count > mostLines { caption.append("The largest \(mostLines) of \(present.count) eigenvalues.") }
    } else {
      // One checkpoint: its spectrum.
      var line = try series("", rows("eigenvalue"), x: { Double(indices[$0]) })
      line.marksPoints = true
      var figure = try LineFigure(
        title: "", series: [line], xLabel: "number of the eigenvalue", yLabel: "eigenvalue of \(hessian)",
        yScale: scale(line.y, style))
      (figure.isWholeX, figure.yRange) = (true, style.range)
      panels.append(figure)
      if let row = rows("trace").first {
        let error = errors[row].isFinite ? " ± \(Numeral.short(errors[row], digits: 2))" : ""
        caption.append("Trace \(Numeral.short(values[row]))\(error).")
      }
    }
    let bars = [
      quantities.indices.contains { quantities[$0] != "trace" && reach[$0].isFinite } ? "uncertainty of eigenvalues" : nil,
      rows("trace").contains { reach[$0].isFinite } ? "standard errors of traces over probes" : nil,
    ].compactMap { $0 }
    // Tables without the column are of versions that had differences alone.
    if table.columns.contains(SpectrumRow.kindColumn), let kind = try table.column(SpectrumRow.kindColumn).first {
      caption.append("Hessian products: \(kind).")
    }
    if !bars.isEmpty { caption.append("Bands and bars: \(bars.joined(separator: ", ")).") }
    return try Panels.figure(
      panels, title: style.title.map(PlotText.plain) ?? title(text, isOfWeights, isSeries: times.count > 1),
      caption: style.showsCaption ? caption : [], style)
  }

  private static func title(_ text: PlotText, _ isOfWeights: Bool, isSeries: Bool) -> String {
    guard !isOfWeights else {
      let what = DensityPlot.curvature(text.folder)
      return isSeries ? "\(what) by epoch" : text.around(what)
    }
    return isSeries ? "Curvature of the validation loss in α by epoch" : text.around("Curvature of the validation loss")
  }

  static func scale(_ values: [Double], _ style: PlotStyle) -> Axis.Scale {
    LineScale.suiting(values, isLogarithmic: style.isLogarithmic)
  }

  static func panel(
    _ series: [LineSeries], yLabel: Label, references: [ReferenceLine], _ style: PlotStyle
  ) throws -> LineFigure {
    var figure = try LineFigure(
      title: "", series: series, xLabel: "epoch", yLabel: yLabel, yScale: scale(series.flatMap(\.y), style))
    figure.isWholeX = true
    figure.references = references
    figure.yRange = style.range
    return figure
  }

  /// What the moving mean of the largest eigenvalue must not exceed, where it does first, and a sentence that says so.
  package struct Threshold {
    var line: LineSeries?
    var references: [ReferenceLine] = []
    var sentence = ""
    /// Where it does first, counted from 1.
    package var epoch: Int?
  }

  /// DARTS-ES stops where λ̄(t − k)/λ̄(t) < 0.75, k = 5 epochs (Zela et al., ICLR 2020): where λ̄(t) exceeds λ̄(t − k)/0.75.
  ///
  /// - Parameters:
  ///   - smoothed: λ̄, its epochs counted from 1.
  ///   - rule: that of a search which stops early, if it is another.
  ///   - warmup: epochs that the rule does not see.
  package static func threshold(
    _ smoothed: [(epoch: Int, value: Double)], _ rule: EarlyStopping = EarlyStopping(), warmup: Int = 0
  ) -> Threshold {
    let back = rule.distance * rule.every
    let means = Dictionary(smoothed.map { ($0.epoch, $0.value) }, uniquingKeysWith: { $1 })
    let epochs = means.keys.sorted().filter { (means[$0 - back] ?? 0) > 0 }
    guard !epochs.isEmpty else { return Threshold() }
    let limits = epochs.map { (means[$0 - back] ?? 0) / rule.ratio }
    var result = Threshold()
    result.line = try? LineSeries(label: "limit of early stopping", x: epochs.map(Double.init), y: limits)
    result.line?.style = 5
    // The first that may be returned has `start` epochs before it, and the average around it none of the warm-up.
    let earliest = warmup + 1 + max(rule.start, rule.window / 2 * rule.every)
    let stop = zip(epochs, limits).first { epoch, limit in
      epoch - back >= earliest && (means[epoch] ?? 0) > limit
    }?.0
    result.epoch = stop
    if let stop { result.references = [ReferenceLine(.upright, at: Double(stop), label: "limit passed: epoch \(stop)")] }
    result.sentence =
      "Limit: the moving mean \(back) epochs before, divided by \(rule.ratio); early stopping ends a search where the "
      + "mean passes it\(stop == nil ? ", which it does nowhere from epoch \(earliest + back) on" : "")."
    return result
  }
}
