/// Where everything in a line chart goes, measured before it is drawn.
struct LineLayout {
  private let figure: LineFigure
  private let ruler: Ruler
  private let x: Axis
  private let y: Axis
  private let xTicks: Ticks
  private let yTicks: Ticks
  private let frame: Rectangle
  private let title: (Label, Double)
  private let caption: [String]
  private let captionTop: Double
  /// The free corner of the frame that takes the legend; nil when it stands below.
  private let legendBox: Rectangle?
  private let legendTop: Double
  let size: Size

  private static let lineHeight = 10.0
  private static let signWidth = 18.0
  private static let lineWidth = 1.2
  /// Lines differ in dashes as well as in colour, for print without colour.
  private static let dashes: [[Double]] = [[], [4, 1.5], [1.2, 1.2], [5, 1.5, 1.2, 1.5]]

  init(_ figure: LineFigure) throws {
    self.figure = figure
    let ruler = try Ruler()
    self.ruler = ruler
    (x, y) = try figure.axes()
    let guess = 0.62 * figure.width
    yTicks = y.ticks(target: max(3, Int(guess / 28)))
    let widest = yTicks.labels.map { ruler.width($0, size: Theme.tickSize) }.max() ?? 0
    let left = Theme.margin + Theme.labelSize + 4 + widest + Theme.tickGap + Theme.tickLength
    let width = figure.width - left - Theme.margin - 6
    xTicks = x.ticks(along: width, size: Theme.tickSize, target: 6, ruler: ruler)
    title = ruler.fitted(
      Label(figure.title), size: Theme.titleSize, least: 7, bold: true, room: figure.width - 2 * Theme.margin)
    var top = Theme.margin + 2
    if !figure.title.isEmpty { top += title.1 * Theme.capHeight + 5 }
    frame = Rectangle(x: left, y: top, width: width, height: 0.62 * width)

    var bottom = frame.bottom + Frame.belowWithLabel
    legendBox = Self.freeCorner(figure, frame: frame, x: x, y: y, ruler: ruler)
    legendTop = bottom + 5
    if legendBox == nil, Self.hasLegend(figure) {
      bottom = legendTop + Double(Self.legendLines(figure, ruler).count) * Self.lineHeight
    }
    caption = ruler.wrapped(
      figure.caption.joined(separator: " "), size: Theme.captionSize, room: figure.width - 2 * Theme.margin)
    captionTop = bottom + 7
    if !caption.isEmpty { bottom = captionTop + Double(caption.count) * Theme.captionSize * Theme.lineHeight }
    size = Size(width: figure.width, height: (bottom + Theme.margin).rounded(.up))
  }

  private static func hasLegend(_ figure: LineFigure) -> Bool { figure.series.contains { !$0.label.isEmpty } }

  private static func entryWidth(_ series: LineSeries, _ ruler: Ruler) -> Double {
    signWidth + ruler.width(series.label, size: Theme.tickSize)
  }

  /// A corner of the frame in which the legend covers no line and no band.
  private static func freeCorner(
    _ figure: LineFigure, frame: Rectangle, x: Axis, y: Axis, ruler: Ruler
  ) -> Rectangle? {
    guard hasLegend(figure) else { return nil }
    let width = 8 + (figure.series.map { entryWidth($0, ruler) }.max() ?? 0)
    let height = 4 + Double(figure.series.count) * lineHeight
    guard width < 0.7 * frame.width, height < 0.6 * frame.height else { return nil }
    let map = PageMap(frame: frame, x: x, y: y)
    let obstacles = figure.series.flatMap { series in
      pieces(series.x, series.y, map)
        + (series.band.map { pieces(series.x, $0.lower, map) + pieces(series.x, $0.upper, map) } ?? [])
    }
    let inset = 4.0
    for right in [true, false] {
      for top in [true, false] {
        let box = Rectangle(
          x: right ? frame.right - inset - width : frame.x + inset,
          y: top ? frame.y + inset : frame.bottom - inset - height, width: width, height: height)
        if !obstacles.contains(where: { box.isCrossed(by: $0) }) { return box }
      }
    }
    return nil
  }

  private static func legendLines(_ figure: LineFigure, _ ruler: Ruler) -> [[Int]] {
    let room = figure.width - 2 * Theme.margin
    var lines: [[Int]] = []
    var used = 0.0
    for index in figure.series.indices {
      let needed = entryWidth(figure.series[index], ruler) + 12
      if let last = lines.indices.last, used + needed <= room {
        lines[last].append(index)
        used += needed
      } else {
        lines.append([index])
        used = needed
      }
    }
    return lines
  }

  /// The stretches of a line between values that can't be shown.
  private static func pieces(_ xs: [Double], _ ys: [Double], _ map: PageMap) -> [[Point]] {
    var pieces: [[Point]] = [[]]
    for point in zip(xs, ys).map({ map.point(Point($0, $1)) }) {
      if point.x.isFinite, point.y.isFinite {
        pieces[pieces.count - 1].append(point)
      } else if !pieces[pieces.count - 1].isEmpty {
        pieces.append([])
      }
    }
    return pieces.filter { !$0.isEmpty }
  }

  func draw(on canvas: Canvas) throws {
    canvas.text(
      title.0, at: Point(frame.centre.x, Theme.margin), size: title.1, bold: true, horizontal: .centre, vertical: .top)
    let frame = canvas.snapped(frame)
    let map = PageMap(frame: frame, x: x, y: y)
    for value in yTicks.values {
      canvas.stroke([Point(frame.x, map.y(value)), Point(frame.right, map.y(value))], Theme.grid, width: 0.4)
    }
    for value in xTicks.values {
      canvas.stroke([Point(map.x(value), frame.y), Point(map.x(value), frame.bottom)], Theme.grid, width: 0.4)
    }
    canvas.clipped(to: [frame]) {
      for (index, series) in figure.series.enumerated() { drawBand(series, index, on: canvas, map) }
      for (index, series) in figure.series.enumerated() { drawLine(series, index, on: canvas, map) }
    }
    canvas.stroke(frame, .ink, width: Theme.frameWidth)
    Frame.drawX(x, xTicks, on: canvas, frame: frame, ruler: ruler)
    Frame.drawY(
      y, yTicks, on: canvas, frame: frame, labelX: Theme.margin + Theme.labelSize * Theme.capHeight, ruler: ruler)
    drawLegend(on: canvas)
    for (index, line) in caption.enumerated() {
      let y = captionTop + Double(index) * Theme.captionSize * Theme.lineHeight
      canvas.text(Label(line), at: Point(Theme.margin, y), size: Theme.captionSize, vertical: .top)
    }
  }

  private func colour(_ index: Int) -> Colour { Theme.series[index % Theme.series.count] }
  private func dash(_ index: Int) -> [Double] { Self.dashes[index % Self.dashes.count] }

  private func drawBand(_ series: LineSeries, _ index: Int, on canvas: Canvas, _ map: PageMap) {
    guard let band = series.band else { return }
    var (lower, upper): ([Point], [Point]) = ([], [])
    func finish() {
      canvas.fill(lower + upper.reversed(), colour(index).with(opacity: 0.2))
      (lower, upper) = ([], [])
    }
    for position in series.x.indices {
      let low = map.point(Point(series.x[position], band.lower[position]))
      let high = map.point(Point(series.x[position], band.upper[position]))
      guard [low.x, low.y, high.y].allSatisfy(\.isFinite) else {
        finish()
        continue
      }
      lower.append(low)
      upper.append(high)
    }
    finish()
  }

  private func drawLine(_ series: LineSeries, _ index: Int, on canvas: Canvas, _ map: PageMap) {
    for piece in Self.pieces(series.x, series.y, map) {
      // A lone point has no line to show it.
      if piece.count == 1 { canvas.fillCircle(piece[0], radius: 1.6, colour(index)) }
      canvas.stroke(piece, colour(index), width: Self.lineWidth, dash: dash(index))
    }
  }

  private func drawLegend(on canvas: Canvas) {
    guard Self.hasLegend(figure) else { return }
    if let box = legendBox {
      canvas.fill(box, Colour.white.with(opacity: 0.85))
      canvas.stroke(box, Theme.grid, width: 0.5)
      for index in figure.series.indices {
        drawEntry(index, at: Point(box.x + 4, box.y + 2 + (Double(index) + 0.5) * Self.lineHeight), on: canvas)
      }
      return
    }
    for (number, line) in Self.legendLines(figure, ruler).enumerated() {
      let widths = line.map { Self.entryWidth(figure.series[$0], ruler) + 12 }
      var x = size.width / 2 - (widths.reduce(0, +) - 12) / 2
      for (index, width) in zip(line, widths) {
        drawEntry(index, at: Point(x, legendTop + (Double(number) + 0.5) * Self.lineHeight), on: canvas)
        x += width
      }
    }
  }

  private func drawEntry(_ index: Int, at point: Point, on canvas: Canvas) {
    canvas.stroke(
      [point, Point(point.x + 14, point.y)], colour(index), width: Self.lineWidth, dash: dash(index))
    canvas.text(
      figure.series[index].label, at: Point(point.x + Self.signWidth, point.y), size: Theme.tickSize, vertical: .middle)
  }
}
