import Formats

/// Diagrams of cells side by side: how a search's result is shown in a paper.
public struct CellFigure: Figure, Sendable {
  /// Empty for none.
  public var title: String
  public var cells: [CellDiagram]
  /// Sentences below the diagrams, as `Label` markup.
  public var caption: [String]

  public var name: String { title.isEmpty ? cells.map(\.title.plain).joined(separator: " and ") : title }

  /// - Throws: `InputError` where there is no cell to show.
  public init(title: String = "", cells: [CellDiagram], caption: [String] = []) throws {
    guard !cells.isEmpty else {
      throw InputError.undrawable("cell figure", found: "no cells", wanted: "at least one")
    }
    self.title = title
    self.cells = cells
    self.caption = caption
  }

  public func pageSize() throws -> Size { try CellFigureLayout(self).size }

  public func draw(on canvas: Canvas) throws { try CellFigureLayout(self).draw(on: canvas) }

  /// What each cell draws where: boxes of states and labels, and lines with the boxes at their ends.
  package func geometry() throws -> [(boxes: [Rectangle], lines: [(points: [Point], ends: [Rectangle])])] {
    try CellFigureLayout(self).geometry
  }
}

/// Where everything in a figure of cells goes, measured before it is drawn.
struct CellFigureLayout {
  private let figure: CellFigure
  private let cells: [CellDrawing]
  private let origins: [Point]
  private let title: (Label, Double)
  private let caption: [String]
  private let captionTop: Double
  let size: Size

  private static let gap = 26.0
  /// From the top of a cell's title to the cell.
  private static let titleHeight = Theme.panelTitleSize * Theme.capHeight + 9

  init(_ figure: CellFigure) throws {
    self.figure = figure
    let ruler = try Ruler()
    cells = figure.cells.map { CellDrawing($0, ruler: ruler) }
    let titles = figure.cells.map { ruler.width($0.title, size: Theme.panelTitleSize, bold: true) }
    let widths = zip(cells, titles).map { max($0.size.width, $1) }
    let width = widths.reduce(0, +) + Double(cells.count - 1) * Self.gap
    title = ruler.fitted(Label(figure.title), size: Theme.titleSize, least: 7, bold: true, room: width)
    var top = Theme.margin
    if !figure.title.isEmpty { top += title.1 * Theme.capHeight + 9 }
    if figure.cells.contains(where: { !$0.title.isEmpty }) { top += Self.titleHeight }
    var origins: [Point] = []
    var x = Theme.margin
    for (cell, room) in zip(cells, widths) {
      origins.append(Point(x + (room - cell.size.width) / 2, top))
      x += room + Self.gap
    }
    self.origins = origins
    var bottom = top + (cells.map(\.size.height).max() ?? 0)
    caption = ruler.wrapped(figure.caption.joined(separator: " "), size: Theme.captionSize, room: width)
    captionTop = bottom + 9
    if !caption.isEmpty { bottom = captionTop + Double(caption.count) * Theme.captionSize * Theme.lineHeight }
    size = Size(width: (width + 2 * Theme.margin).rounded(.up), height: (bottom + Theme.margin).rounded(.up))
  }

  var geometry: [(boxes: [Rectangle], lines: [(points: [Point], ends: [Rectangle])])] {
    zip(cells, origins).map { $0.geometry(at: $1) }
  }

  func draw(on canvas: Canvas) {
    canvas.text(
      title.0, at: Point(size.width / 2, Theme.margin), size: title.1, bold: true, horizontal: .centre, vertical: .top)
    for (cell, origin) in zip(cells, origins) {
      canvas.text(
        cell.diagram.title, at: Point(origin.x + cell.size.width / 2, origin.y - Self.titleHeight),
        size: Theme.panelTitleSize, bold: true, horizontal: .centre, vertical: .top)
      cell.draw(on: canvas, at: origin)
    }
    for (index, line) in caption.enumerated() {
      let y = captionTop + Double(index) * Theme.captionSize * Theme.lineHeight
      canvas.text(Label(line), at: Point(Theme.margin, y), size: Theme.captionSize, vertical: .top)
    }
  }
}
