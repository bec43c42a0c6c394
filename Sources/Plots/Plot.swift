import Figures
import Foundation

/// The figures of a folder, drawn from its files alone.
public struct Plot {
  public let folder: PlotFolder
  public var style: PlotStyle

  public init(_ folder: PlotFolder, style: PlotStyle = PlotStyle()) {
    (self.folder, self.style) = (folder, style)
  }

  /// The figure of a kind.
  ///
  /// - Throws: `InputError` where the files don't hold what it needs.
  public func figure(_ kind: PlotKind) throws -> any Figure {
    try kind.draw(folder, style)
  }

  /// Writes the figure to `stem` with each format's ending, and returns the paths.
  @discardableResult
  public func write(_ kind: PlotKind, to stem: String, formats: [FigureFile.Format]) throws -> [String] {
    let (figure, metadata) = (try figure(kind), folder.metadata(kind, style))
    return try formats.map { format in
      let path = "\(stem).\(format.rawValue)"
      try FigureFile.write(figure, to: path, metadata: metadata, letters: style.file.letters)
      return path
    }
  }

  /// What figures of the files are known by, whichever command draws them.
  public static let maker = "zarts plot"

  /// The figure as an `<svg>` element for an HTML page.
  ///
  /// - Parameter idPrefix: a letter first, and different for each figure of a page.
  public func svgElement(_ kind: PlotKind, idPrefix: String) throws -> String {
    try FigureFile.svgElement(figure(kind), idPrefix: idPrefix, metadata: folder.metadata(kind, style))
  }

  /// The figure that the command which made the folder's files draws beside them.
  @discardableResult
  public static func writeBeside(
    _ path: String, formats: [FigureFile.Format], _ file: FigureFile.Style = .init()
  ) throws -> [String] {
    var plot = Plot(try PlotFolder(path))
    plot.style.file = file
    // The first kind that fits is the main one.
    return try plot.folder.kinds.prefix(1).flatMap { kind in
      try plot.write(kind, to: plot.folder.file(kind.fileName), formats: formats)
    }
  }
}
