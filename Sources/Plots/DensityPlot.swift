import Figures
import Formats
import Foundation
import Runs
import Studies

extension PlotKind {
  static let density = PlotKind(name: "density", sources: ["spectrum-curve.csv"], fileName: "density") {
    try DensityPlot.figure($0, $1)
  }
}

/// The density of the eigenvalues of ∇²_ω L, from `spectrum-curve.csv`, with the eigenvalues of `spectrum.csv` marked.
enum DensityPlot {
  /// What a logarithmic axis shows of a density that is 0; PyHessian adds as much to each (density_plot.py, line 30).
  private static let floor = 1e-7
  /// Checkpoints that can be told apart.
  private static let mostLines = 6

  static func isOfWeights(_ folder: PlotFolder) -> Bool {
    folder.settings[WeightSpectrumSettings.kind.key] == WeightSpectrumSettings.kind.value
  }

  static var hessian: String { "∇^{2}_{ω} L" }

  /// "Curvature of the training loss in ω".
  static func curvature(_ folder: PlotFolder) -> String { "Curvature of the \(data(folder)) loss in ω" }

  private static func data(_ folder: PlotFolder) -> String { folder.settings["data"] ?? "validation" }

  static func figure(_ folder: PlotFolder, _ style: PlotStyle) throws -> LinePanels {
    let text = PlotText(folder: folder)
    let table = try CSVTable(readingFrom: folder.file("spectrum-curve.csv"))
    try table.requireRows()
    let epochs = try table.optionalIntegers("epoch", RunBounds.start)
    let (places, density) = (try table.doubles("eigenvalue", .finite), try table.doubles("density", .notNegative))
    let widths = try table.doubles("width", .notNegative)
    let found = epochs.unique()
    let shown = Array(found.suffix(mostLines))
    let series = try shown.map { epoch in
      let mine = epochs.indices.filter { epochs[$0] == epoch }
      let name = found.count == 1 ? "" : epoch.map { $0 == 1 ? "1 epoch" : "\($0) epochs" } ?? "no epoch"
      return try LineSeries(
        label: Label(name), x: mine.map { places[$0] }, y: mine.map { max(floor, density[$0]) })
    }
    var figure = try LineFigure(
      title: "", series: series, xLabel: Label("eigenvalue of \(hessian)"), yLabel: "density", yScale: .logarithmic)
    let highest = series.flatMap(\.y).max() ?? 1
    figure.yRange = style.range ?? floor...max(10 * floor, 3 * highest)
    let what = "Hessian eigenvalues of the \(data(folder)) loss in ω"
    var caption = [text.network, rule(folder, widths)].compactMap { $0 }
    if found.count == 1 {
      let marks = try marks(folder, within: (places.min() ?? 0)...(places.max() ?? 0))
      figure.references = marks.lines
      caption += marks.sentences
    } else if shown.count < found.count {
      caption.append("The last \(shown.count) of \(found.count) checkpoints.")
    }
    caption.append("Densities below \(Numeral.short(floor)) are drawn there.")
    return try Panels.figure(
      [figure],
      title: style.title.map(PlotText.plain) ?? (found.count == 1 ? text.around(what) : "\(what) by epoch"),
      caption: style.showsCaption ? caption : [], style)
  }

  /// What the density was made of.
  private static func rule(_ folder: PlotFolder, _ widths: [Double]) -> String? {
    guard let starts = folder.settings["density_starts"], let steps = folder.settings["density_steps"],
      let least = widths.min(), let most = widths.max()
    else { return nil }
    let sigma = least == most ? PlotText.decimal(least) : "\(PlotText.decimal(least)) to \(PlotText.decimal(most))"
    let over = folder.settings["loss_batches"].map {
      "; loss over \($0 == "1" ? "1 \(data(folder)) batch" : "\($0) \(data(folder)) batches")"
    }
    return "Stochastic Lanczos quadrature: \(starts == "1" ? "1 random start" : "\(starts) random starts"), "
      + "\(steps) steps, Gaussians of σ = \(sigma)\(over ?? "")."
  }

  /// Lines at the eigenvalues that were found themselves, and what to say of them and of the trace.
  private static func marks(
    _ folder: PlotFolder, within range: ClosedRange<Double>
  ) throws -> (lines: [ReferenceLine], sentences: [String]) {
    guard folder.has("spectrum.csv") else { return ([], []) }
    let table = try CSVTable(readingFrom: folder.file("spectrum.csv"))
    let (quantities, indices) = (try table.column("quantity"), try table.integers("index", SpectrumRow.indices))
    let (values, errors) = (try table.doubles("value"), try table.optionalDoubles("error", .notNegative))
    var (lines, sentences, count): ([ReferenceLine], [String], Int) = ([], [], 0)
    for row in quantities.indices {
      let isShown = range.contains(values[row])
      switch SpectrumRow.Quantity(rawValue: quantities[row]) {
      case .eigenvalue:
        count += 1
        if isShown { lines.append(ReferenceLine(.upright, at: values[row], label: indices[row] == 1 ? "λ_{1}" : "")) }
      case .smallest: if isShown { lines.append(ReferenceLine(.upright, at: values[row], label: "λ_{min}")) }
      case .trace where values[row].isFinite:
        let error = errors[row].map { " ± \(Numeral.short($0, digits: 2))" } ?? ""
        sentences.append("Trace \(Numeral.short(values[row]))\(error).")
      default: break
      }
    }
    guard !lines.isEmpty else { return ([], sentences) }
    let largest = count == 1 ? "the largest eigenvalue" : "the \(count) largest eigenvalues"
    return (lines, ["Dashed: \(largest) and the smallest, by Lanczos' process."] + sentences)
  }
}
