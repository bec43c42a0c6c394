import Figures
import Formats

/// Heatmaps, surfaces and lines of a surface file of loss-landscape.
struct SurfaceFilePlot {
  private let folder: PlotFolder
  private let style: PlotStyle
  private let plane: SampledPlane
  private let shown: [(title: Label, values: [Double])]

  /// nil where the folder is none of such a file.
  ///
  /// - Throws: `InputError` where the file lacks what is asked for.
  init?(_ folder: PlotFolder, _ style: PlotStyle) throws {
    guard let file = folder.surfaceFile else { return nil }
    (self.folder, self.style, plane) = (folder, style, file.plane)
    if let objectives = style.objectives {
      throw InputError(
        "not asked of a surface file", at: .setting("objective"),
        found: objectives.map(\.label).joined(separator: ", "), wanted: "none: all of its losses are drawn")
    }
    let name = style.quantity.rawValue
    shown = plane.surfaces.compactMap { surface in surface[name].map { (Label("\(surface.title) \(name)"), $0) } }
    guard !shown.isEmpty else {
      throw InputError(
        "has no \(name)", at: .file(folder.namedPath),
        found: plane.surfaces.flatMap { surface in surface.columns.map { "\(surface.name) \($0.name)" } }
          .joined(separator: ", "))
    }
  }

  /// Whether a source of a kind can be drawn as a plane.
  static func isPlane(_ folder: PlotFolder, _ source: String) -> Bool { folder.surfaceFile?.plane.y.isEmpty != true }

  /// Whether a source of a kind can be drawn as lines.
  static func isLine(_ folder: PlotFolder, _ source: String) -> Bool { folder.surfaceFile?.plane.y.isEmpty != false }

  private var isAccuracy: Bool { style.quantity == .accuracy }
  private var name: String { PlotText.plain(folder.onlyFile ?? "") }
  private var title: String { style.title.map(PlotText.plain) ?? (isAccuracy ? "Accuracy" : "Loss") }
  private var valueLabel: Label { isAccuracy ? "accuracy" : "loss (nats)" }
  private var caption: [String] { style.showsCaption ? ["Values of \(name)."] : [] }
  private var gaps: [String] { plane.gaps(of: style.quantity.rawValue) }

  private func panels() throws -> [LandscapePanel] {
    try shown.map { surface in
      LandscapePanel(
        title: surface.title,
        grid: try Grid(x: plane.x, y: plane.y, values: surface.values.map { $0.isFinite ? $0 : .nan }))
    }
  }

  func heatmap() throws -> LandscapeFigure {
    var figure = try LandscapeFigure(
      title: title, panels: panels(), caption: caption, xLabel: "direction 1", yLabel: "direction 2",
      lossLabel: valueLabel, width: style.width)
    figure.gaps = gaps
    figure.centreLabel = "centre"
    figure.seeksMaximum = isAccuracy
    (figure.colourMap, figure.differenceMap) = style.maps
    (figure.range, figure.isLogarithmic) = (style.range, style.isLogarithmic)
    return figure
  }

  func surface() throws -> SurfaceFigure {
    var figure = try SurfaceFigure(
      title: title, panels: panels(), zLabel: valueLabel, caption: caption, width: style.width)
    figure.gaps = gaps
    figure.seeksMaximum = isAccuracy
    figure.colourMap = style.maps.sequential
    (figure.range, figure.isLogarithmic) = (style.range, style.isLogarithmic)
    (figure.azimuth, figure.elevation) = (style.azimuth, style.elevation)
    return figure
  }

  func lines() throws -> LinePanels {
    let values = shown.flatMap(\.values)
    let limits = style.range ?? (style.isLogarithmic ? nil : LineScale.bulk(values))
    var panel = try LineFigure(
      title: "", series: shown.map { try LineSeries(label: $0.title, x: plane.x, y: $0.values) }, xLabel: "direction 1",
      yLabel: valueLabel, yScale: style.isLogarithmic ? .logarithmic : .linear)
    panel.yRange = limits
    let note = limits.flatMap { LineScale.note(values, $0) }
    return try Panels.figure(
      [panel], title: title, caption: caption + (style.showsCaption ? [note].compactMap { $0 } : []), style)
  }
}
