import Formats

/// Line charts side by side, of the same lines: one legend for all below.
public struct LinePanels: Figure, Sendable {
  public var title: String
  /// Their titles, captions and legends are not drawn, and all have one size. Line n has the same colour in all.
  public var panels: [LineFigure]
  /// Panels in a row.
  public var columns: Int
  /// Sentences below the figure, as `Label` markup.
  public var caption: [String]
  /// Panels keep their titles.
  public var showsTitles = false
  /// Height of the plotting areas in units of their width.
  public var aspect = 0.8
  /// Page width in points.
  public var width: Double

  public var name: String { title }

  /// - Throws: `InputError` where there is no panel, or panels would be narrower than 144 points.
  public init(
    title: String, panels: [LineFigure], columns: Int = 3, caption: [String] = [], width: Double = 504
  ) throws {
    guard !panels.isEmpty, columns > 0 else {
      throw InputError.undrawable(
        "line panels", found: "\(panels.count) panels in rows of \(columns)", wanted: "at least 1 of each")
    }
    guard width <= 2000, width / Double(min(columns, panels.count)) >= 144 else {
      throw InputError.undrawable("line panels width", found: "\(width)", wanted: "144 points a column, 2000 in all at most")
    }
    self.title = title
    self.panels = panels
    self.columns = min(columns, panels.count)
    self.caption = caption
    self.width = width
  }

  public func pageSize() throws -> Size { try layout().size }

  public func draw(on canvas: Canvas) throws {
    let layout = try layout()
    layout.title.draw(on: canvas, centre: width / 2, top: Theme.margin)
    for panel in layout.panels { try canvas.translated(to: panel.origin) { try panel.layout.draw(on: canvas) } }
    layout.legend.drawLines(
      from: layout.legendTop, across: width, room: width - 2 * Theme.margin, on: canvas, layout.ruler)
    for (index, line) in layout.caption.enumerated() {
      let y = layout.captionTop + Double(index) * Theme.captionSize * Theme.lineHeight
      canvas.text(Label(line), at: Point(Theme.margin, y), size: Theme.captionSize, vertical: .top)
    }
  }

  private struct Layout {
    let ruler: Ruler
    let title: TitleText
    let panels: [(origin: Point, layout: LineLayout)]
    let legend: LineLegend
    let legendTop: Double
    let caption: [String]
    let captionTop: Double
    let size: Size
  }

  private func layout() throws -> Layout {
    let ruler = try Ruler()
    let room = width - 2 * Theme.margin
    let title = TitleText(title, size: Theme.titleSize, room: room, ruler: ruler)
    var top = self.title.isEmpty ? 0 : Theme.margin + title.height + 3
    let bare = panels.map { panel in
      var bare = panel
      (bare.caption, bare.showsLegend, bare.width) = ([], false, width / Double(columns))
      if !showsTitles { bare.title = "" }
      bare.aspect = aspect
      return bare
    }
    // Plotting areas of one width and height, whatever the tick labels.
    let left = try bare.map { try LineLayout($0, isPanel: true).left }.max() ?? 0
    var placed: [(origin: Point, layout: LineLayout)] = []
    for start in stride(from: 0, to: bare.count, by: columns) {
      let row = try bare[start..<min(start + columns, bare.count)].map { try LineLayout($0, left: left, isPanel: true) }
      for (column, layout) in row.enumerated() {
        placed.append((Point(Double(column) * width / Double(columns), top), layout))
      }
      top += row.map(\.size.height).max() ?? 0
    }
    let legend = LineLegend(Self.lines(of: bare))
    let legendTop = top
    top += legend.height(room: room, ruler)
    let caption = ruler.wrapped(caption.joined(separator: " "), size: Theme.captionSize, room: room)
    let captionTop = top + 5
    if !caption.isEmpty { top = captionTop + Double(caption.count) * Theme.captionSize * Theme.lineHeight }
    return Layout(
      ruler: ruler, title: title, panels: placed, legend: legend, legendTop: legendTop, caption: caption,
      captionTop: captionTop, size: Size(width: width, height: (top + Theme.margin).rounded(.up)))
  }

  /// Line n of the first panel that has points for it, so that a line missing in one is still named.
  private static func lines(of panels: [LineFigure]) -> [LineSeries] {
    let count = panels.map(\.series.count).max() ?? 0
    return (0..<count).compactMap { index in
      let candidates = panels.filter { index < $0.series.count }.map { $0.series[index] }
      return candidates.first { !$0.x.isEmpty } ?? candidates.first
    }
  }
}
