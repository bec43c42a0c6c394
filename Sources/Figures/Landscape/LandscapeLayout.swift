import Foundation

/// Where everything in a landscape figure goes, measured before it is drawn.
struct LandscapeLayout {
  private struct Row {
    var panels: [LandscapePanel]
    var bar: ColourBar
    /// Top of the frames.
    var top: Double
  }

  private let figure: LandscapeFigure
  private let ruler: Ruler
  private let lossScale: ColourScale
  private let differenceScale: ColourScale
  private var rows: [Row] = []
  private let columns: Int
  private let width: Double
  private let side: Double
  private let left: Double
  private let gap: Double
  private let title: TitleText
  private let caption: [String]
  private let legend: LandscapeLegend
  /// Top left of the legend: beside the last row when it fits there, else below, centred.
  private var legendOrigin: Point
  private var legendIsList: Bool
  private var captionTop: Double
  let size: Size

  private static let rowGap = 9.0
  private static let titleRoom = Theme.panelTitleSize * Theme.capHeight + 4

  init(_ figure: LandscapeFigure) throws {
    self.figure = figure
    let ruler = try Ruler()
    self.ruler = ruler
    lossScale = figure.lossScale()
    differenceScale = figure.differenceScale()
    columns = Self.columns(max(figure.losses.count, figure.differences.count))
    width = figure.width ?? (columns == 1 ? 252 : columns == 2 ? 396 : 504)

    // Widths first: the panels share what labels and bars leave.
    let axes = try figure.panels.map { try Self.axes($0.grid, figure) }
    let bars = [
      figure.losses.isEmpty ? nil : ColourBar(scale: lossScale, label: figure.lossLabel),
      figure.differences.isEmpty ? nil : ColourBar(scale: differenceScale, label: figure.differenceLabel),
    ]
    var widths = Widths()
    // Which ticks there are depends on the side, and the side on the room that their labels take.
    for _ in 0..<4 {
      widths = Widths(page: width, columns: columns, axes: axes, bars: bars.compactMap { $0 }, side: widths.side, ruler)
    }
    (side, left, gap) = (widths.side, widths.left, widths.gap)

    // Then heights, from the top.
    title = TitleText(figure.title, size: Theme.titleSize, room: width - 2 * Theme.margin, ruler: ruler)
    var y = Theme.margin
    if !figure.title.isEmpty { y += title.height + 9 }
    for (panels, bar) in zip([figure.losses, figure.differences], bars) {
      guard let bar else { continue }
      for start in stride(from: 0, to: panels.count, by: columns) {
        y += Self.titleRoom
        rows.append(Row(panels: Array(panels[start..<min(start + columns, panels.count)]), bar: bar, top: y))
        y += side + Frame.belowWithLabel + Self.rowGap
      }
    }
    y -= Self.rowGap
    legend = LandscapeLegend(figure: figure)
    let lastRow = rows[rows.count - 1]
    let barRight =
      left + Double(lastRow.panels.count) * (side + gap) - gap + Widths.barGap
      + lastRow.bar.extent(height: side, ruler: ruler)
    let besideLeft = barRight + 14
    let listSize = legend.listSize(ruler)
    legendIsList = lastRow.panels.count < columns && width - Theme.margin - besideLeft >= listSize.width
    if legendIsList {
      legendOrigin = Point(besideLeft, lastRow.top + (side - listSize.height) / 2)
    } else {
      let lines = legend.lines(room: width - 2 * Theme.margin, ruler)
      y += 8
      legendOrigin = Point(0, y)
      y += Double(lines.count) * LandscapeLegend.lineHeight
    }
    let sentences = figure.caption + figure.notes(loss: lossScale, difference: differenceScale)
    caption = ruler.wrapped(sentences.joined(separator: " "), size: Theme.captionSize, room: width - 2 * Theme.margin)
    if !caption.isEmpty { y += 7 }
    captionTop = y
    y += Double(caption.count) * Theme.captionSize * Theme.lineHeight
    size = Size(width: width, height: (y + Theme.margin).rounded(.up))
  }

  /// How a row of the page is shared out.
  private struct Widths {
    static let barGap = 6.0
    var side = 110.0
    var left = 0.0
    var gap = 0.0

    init() {}

    init(page: Double, columns: Int, axes: [(x: Axis, y: Axis)], bars: [ColourBar], side guess: Double, _ ruler: Ruler) {
      func labels(_ axis: Axis) -> [Double] {
        axis.ticks(along: guess, size: Theme.tickSize, target: 5, ruler: ruler).labels
          .map { ruler.width($0, size: Theme.tickSize) }
      }
      let widest = axes.flatMap { labels($0.y) }.max() ?? 0
      left = Theme.margin + Theme.labelSize + 4 + widest + Theme.tickGap + Theme.tickLength
      // The last number of one panel and the first of the next reach half into the gap.
      let reach = axes.map { labels($0.x) }.map { (($0.first ?? 0) + ($0.last ?? 0)) / 2 }.max() ?? 0
      gap = max(10, reach + 3)
      let bar = bars.map { $0.extent(height: guess, ruler: ruler) }.max() ?? 0
      side = max(30, (page - left - Self.barGap - bar - Theme.margin - Double(columns - 1) * gap) / Double(columns))
    }
  }

  /// As many columns as there are panels, up to four; more are broken into the rows that leave fewer gaps.
  private static func columns(_ count: Int) -> Int {
    guard count > 4 else { return max(1, count) }
    return (4 - count % 4) % 4 < (3 - count % 3) % 3 ? 4 : 3
  }

  private static func axes(_ grid: Grid, _ figure: LandscapeFigure) throws -> (x: Axis, y: Axis) {
    // Smooth panels end at the outermost points: there is nothing to interpolate beyond.
    func span(_ list: [Double]) -> [Double] { figure.smooth && list.count > 1 ? list : HeatmapPanel.edges(list) }
    let (x, y) = (span(grid.x), span(grid.y))
    return (
      try Axis(label: figure.xLabel, low: x[0], high: x[x.count - 1]),
      try Axis(label: figure.yLabel, low: y[0], high: y[y.count - 1])
    )
  }

  func draw(on canvas: Canvas) throws {
    title.draw(on: canvas, centre: width / 2, top: Theme.margin)
    for row in rows { try draw(row, on: canvas) }
    if legendIsList {
      legend.drawList(on: canvas, at: legendOrigin)
    } else {
      legend.drawLines(
        legend.lines(room: width - 2 * Theme.margin, ruler), on: canvas, centre: width / 2, top: legendOrigin.y, ruler)
    }
    for (index, line) in caption.enumerated() {
      let y = captionTop + Double(index) * Theme.captionSize * Theme.lineHeight
      canvas.text(Label(line), at: Point(Theme.margin, y), size: Theme.captionSize, vertical: .top)
    }
  }

  private func draw(_ row: Row, on canvas: Canvas) throws {
    let levels = self.levels(row.bar.scale)
    for (column, panel) in row.panels.enumerated() {
      let frame = canvas.snapped(
        Rectangle(x: left + Double(column) * (side + gap), y: row.top, width: side, height: side))
      let axes = try Self.axes(panel.grid, figure)
      HeatmapPanel(
        title: panel.title, grid: panel.grid, scale: row.bar.scale, levels: levels, marks: marks(panel),
        smooth: figure.smooth, paths: figure.paths
      ).draw(on: canvas, frame: frame, x: axes.x, y: axes.y, ruler: ruler)
      let (title, size) = ruler.fitted(panel.title, size: Theme.panelTitleSize, least: 6, room: side + 4)
      canvas.text(title, at: Point(frame.centre.x, frame.y - 4), size: size, horizontal: .centre)
      let ticks = axes.y.ticks(along: side, size: Theme.tickSize, target: 5, ruler: ruler)
      Frame.drawX(
        axes.x, axes.x.ticks(along: side, size: Theme.tickSize, target: 5, ruler: ruler), on: canvas, frame: frame,
        ruler: ruler)
      if column == 0 {
        Frame.drawY(
          axes.y, ticks, on: canvas, frame: frame, labelX: Theme.margin + Theme.labelSize * Theme.capHeight, ruler: ruler)
      } else {
        Frame.drawYTicks(axes.y, ticks, on: canvas, frame: frame)
      }
    }
    let barX = left + Double(row.panels.count) * (side + gap) - gap + Widths.barGap
    row.bar.draw(on: canvas, x: barX, top: row.top, height: side, ruler: ruler)
  }

  private func levels(_ scale: ColourScale) -> Ticks {
    var levels = scale.ticks(target: 8)
    if scale.isLogarithmic, !levels.minor.isEmpty, levels.values.count < 5 {
      // Few decades: lines at 2 and 5 of each too.
      let minor = levels.minor.filter { ["2", "5"].contains(String(format: "%.0e", $0).prefix(1)) }
      levels.values = (levels.values + minor).sorted()
      levels.labels = levels.values.map { Label(Numeral.short($0)) }
    }
    if levels.annotation != nil { levels.labels = levels.values.map { Label(Numeral.short($0)) } }
    return levels
  }

  private func marks(_ panel: LandscapePanel) -> [(marker: Marker, at: Point)] {
    var marks: [(marker: Marker, at: Point)] = []
    if !panel.isDifference {
      let isHighest = figure.seeksMaximum
      if let own = panel.grid.clearBest(isHighest: isHighest) { marks.append((.minimiser, own)) }
      if let reference = figure.reference, panel != figure.panels[reference],
        let truth = figure.panels[reference].grid.clearBest(isHighest: isHighest)
      {
        marks.append((.reference, truth))
      }
    }
    if !figure.centreLabel.isEmpty { marks.append((.centre, figure.centre)) }
    return marks
  }
}
