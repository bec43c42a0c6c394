import Figures
import Formats
import Foundation
import Search

extension PlotKind {
  static let eigenvalues = PlotKind(
    name: "eigenvalues", sources: ["spectrum.csv", "metrics.csv"], fileName: "eigenvalues",
    fits: { $1 != "metrics.csv" || EigenvaluesPlot.hasEigenvalues($0) },
    draw: { $0.has("spectrum.csv") ? try SpectrumPlot.figure($0, $1) : try EigenvaluesPlot.figure($0, $1) })
}

/// The dominant eigenvalue that a search measured, from `metrics.csv`.
enum EigenvaluesPlot {
  private static let eigenvalueColumn = "dominant_eigenvalue"

  static func hasEigenvalues(_ folder: PlotFolder) -> Bool {
    guard let table = try? CSVTable(readingFrom: folder.file("metrics.csv")) else { return false }
    return (try? table.column(eigenvalueColumn))?.contains { Double($0)?.isFinite == true } ?? false
  }

  /// The largest eigenvalue by epoch, with its moving mean and the limit of early stopping.
  static func figure(_ folder: PlotFolder, _ style: PlotStyle) throws -> LinePanels {
    let table = try RunPlot.metrics(folder)
    let epochs = try table.integers("epoch")
    let values = try table.numbersOrGaps(eigenvalueColumn)
    let known = epochs.indices.filter { values[$0].isFinite }
    guard !known.isEmpty else {
      throw InputError(
        "no eigenvalue was measured", at: .file(table.path, eigenvalueColumn),
        wanted: "a run whose setting eigenvalue_every is above 0")
    }
    var series = [
      try LineSeries(label: "λ_{1}", x: known.map { Double(epochs[$0]) }, y: known.map { values[$0] })
    ]
    let configuration = try? SearchRunFolder(existing: folder.path).configuration()
    let rule = configuration?.eigenvalueRule ?? EarlyStopping()
    let half = rule.window / 2
    let at = Dictionary(known.map { (epochs[$0], values[$0]) }, uniquingKeysWith: { $1 })
    let smoothed = at.keys.sorted().compactMap { epoch -> (epoch: Int, value: Double)? in
      let around = (-half...half).compactMap { at[epoch + $0 * rule.every] }
      guard around.count == 2 * half + 1 else { return nil }
      return (epoch, around.reduce(0, +) / Double(around.count))
    }
    var caption = [PlotText(folder: folder).network].compactMap { $0 }
    if !smoothed.isEmpty {
      series.append(
        try LineSeries(label: "λ_{1}, moving mean", x: smoothed.map { Double($0.epoch) }, y: smoothed.map(\.value)))
    }
    let limit = SpectrumPlot.threshold(smoothed, rule, warmup: configuration?.warmup ?? 0)
    if let line = limit.line {
      series.append(line)
      caption.append(limit.sentence)
    }
    let panel = try SpectrumPlot.panel(
      series, yLabel: "eigenvalue of ∇^{2}_{α} L_{val}", references: limit.references, style)
    return try Panels.figure(
      [panel], title: RunPlot.title(folder, "Dominant eigenvalue", style), caption: style.showsCaption ? caption : [], style)
  }
}
