import Figures
import Foundation

/// The figures of a folder, drawn from its files alone.
struct Plot {
  let folder: PlotFolder
  var options = PlotOptions.standard

  /// The figure of a kind.
  ///
  /// - Throws: `FormatError` or `FigureError` where the files don't hold what it needs.
  func figure(_ kind: PlotKind) throws -> any Figure {
    switch kind {
    case .heatmap: try LandscapePlot(folder, options).heatmap()
    case .surface: try LandscapePlot(folder, options).surface()
    case .lines: try LinesPlot.figure(folder, options)
    case .scatter: try ScatterPlot.figure(folder, options)
    case .eigenvalues:
      folder.has("spectrum.csv")
        ? try SpectrumPlot.figure(folder, options) : try RunPlot.eigenvalues(folder, options)
    case .estimators: try EstimatorsPlot.figure(folder, options)
    case .curves: try RunPlot.curves(folder, options)
    case .alphas: try RunPlot.alphas(folder, options)
    }
  }

  /// Writes the figure to `stem` with each format's ending, and returns the paths.
  @discardableResult
  func write(_ kind: PlotKind, to stem: String, formats: [FigureFile.Format]) throws -> [String] {
    let (figure, metadata) = (try figure(kind), folder.metadata(kind, options))
    return try formats.map { format in
      let path = "\(stem).\(format.rawValue)"
      try FigureFile.write(figure, to: path, metadata: metadata, letters: options.figure.letters)
      return path
    }
  }

  /// What figures of the files are known by, whichever command draws them.
  static let maker = "zarts plot"

  /// The figure as an `<svg>` element for an HTML page.
  ///
  /// - Parameter idPrefix: a letter first, and different for each figure of a page.
  func svgElement(_ kind: PlotKind, idPrefix: String) throws -> String {
    try FigureFile.svgElement(figure(kind), idPrefix: idPrefix, metadata: folder.metadata(kind, options))
  }

  /// The figure that the command which made the folder's files draws beside them.
  static func writeBeside(_ path: String, formats: [FigureFile.Format], _ flags: FigureFlags) throws -> [String] {
    var plot = Plot(folder: try PlotFolder(path))
    plot.options.figure = flags
    // The first kind that fits is the main one.
    return try plot.folder.kinds.prefix(1).flatMap { kind in
      try plot.write(kind, to: plot.folder.file(kind.fileName), formats: formats)
    }
  }
}
