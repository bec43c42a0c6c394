/// Where everything in a line chart goes, measured before it is drawn.
struct LineLayout {
  private let figure: LineFigure
  private let ruler: Ruler
  private let x: Axis
  private let y: Axis
  private let xTicks: Ticks
  private let yTicks: Ticks
  private let frame: Rectangle
  private let isPanel: Bool
  private let title: TitleText
  private let caption: [String]
  private let captionTop: Double
  /// nil where the figure has none.
  private let legend: LineLegend?
  /// The free corner of the frame that takes the legend; nil when it stands below.
  private let legendBox: Rectangle?
  private let legendTop: Double
  let size: Size

  /// Where the plotting area begins.
  var left: Double { frame.x }

  /// - Parameter least: the plotting area begins no further left, so that those of several panels are alike.
  /// - Parameter isPanel: its title is that of one of several panels.
  init(_ figure: LineFigure, left least: Double = 0, isPanel: Bool = false) throws {
    self.figure = figure
    self.isPanel = isPanel
    let ruler = try Ruler()
    self.ruler = ruler
    (x, y) = try figure.axes()
    let guess = figure.aspect * figure.width
    let targetY = max(4, Int(guess / 28))
    let isWholeY = figure.isWholeY && y.scale == .linear
    yTicks = isWholeY ? Ticks.whole(y.low, y.high, target: targetY) : y.ticks(target: targetY)
    let widest = yTicks.labels.map { ruler.width($0, size: Theme.tickSize) }.max() ?? 0
    let left = max(least, Theme.margin + Theme.labelSize + 4 + widest + Theme.tickGap + Theme.tickLength)
    let width = figure.width - left - Theme.margin - 6
    xTicks = x.ticks(along: width, size: Theme.tickSize, target: 6, ruler: ruler, whole: figure.isWholeX)
    title = TitleText(
      figure.title, size: isPanel ? Theme.panelTitleSize : Theme.titleSize, bold: !isPanel,
      room: figure.width - 2 * Theme.margin, ruler: ruler)
    var top = Theme.margin + 2
    if !figure.title.isEmpty { top += title.height + 5 }
    frame = Rectangle(x: left, y: top, width: width, height: figure.aspect * width)

    var bottom = frame.bottom + Frame.belowWithLabel
    legend = figure.hasLegend ? LineLegend(figure.series) : nil
    if let legend {
      legendBox = Self.freeCorner(figure, legend, frame: frame, map: PageMap(frame: frame, x: x, y: y), ruler)
    } else {
      legendBox = nil
    }
    legendTop = bottom + 5
    if legendBox == nil, let legend {
      bottom = legendTop + legend.height(room: figure.width - 2 * Theme.margin, ruler)
    }
    caption = ruler.wrapped(
      figure.caption.joined(separator: " "), size: Theme.captionSize, room: figure.width - 2 * Theme.margin)
    captionTop = bottom + 7
    if !caption.isEmpty { bottom = captionTop + Double(caption.count) * Theme.captionSize * Theme.lineHeight }
    size = Size(width: figure.width, height: (bottom + Theme.margin).rounded(.up))
  }

  /// A corner of the frame in which the legend covers no line and no band.
  private static func freeCorner(
    _ figure: LineFigure, _ legend: LineLegend, frame: Rectangle, map: PageMap, _ ruler: Ruler
  ) -> Rectangle? {
    let (width, height) = (legend.columnSize(ruler).width, legend.columnSize(ruler).height)
    guard width < 0.7 * frame.width, height < 0.6 * frame.height else { return nil }
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
    title.draw(on: canvas, centre: isPanel ? frame.centre.x : size.width / 2, top: Theme.margin)
    let frame = canvas.snapped(frame)
    let map = PageMap(frame: frame, x: x, y: y)
    for value in yTicks.values {
      canvas.stroke([Point(frame.x, map.y(value)), Point(frame.right, map.y(value))], Theme.grid, width: 0.4)
    }
    for value in xTicks.values {
      canvas.stroke([Point(map.x(value), frame.y), Point(map.x(value), frame.bottom)], Theme.grid, width: 0.4)
    }
    canvas.clipped(to: [frame]) {
      for line in figure.references { ReferenceDrawing.stroke(line, on: canvas, map) }
      for (index, series) in figure.series.enumerated() { drawBand(series, index, on: canvas, map) }
      for (index, series) in figure.series.enumerated() { drawLine(series, index, on: canvas, map) }
    }
    let obstacles = figure.series.flatMap { Self.pieces($0.x, $0.y, map) }
    for line in figure.references {
      ReferenceDrawing.label(line, on: canvas, map, avoiding: obstacles, legendBox, ruler)
    }
    canvas.stroke(frame, .ink, width: Theme.frameWidth)
    Frame.drawX(x, xTicks, on: canvas, frame: frame, ruler: ruler)
    Frame.drawY(
      y, yTicks, on: canvas, frame: frame, labelX: Theme.margin + Theme.labelSize * Theme.capHeight, ruler: ruler)
    if let legend, let box = legendBox {
      legend.drawColumn(in: box, on: canvas)
    } else {
      legend?.drawLines(from: legendTop, across: size.width, room: size.width - 2 * Theme.margin, on: canvas, ruler)
    }
    for (index, line) in caption.enumerated() {
      let y = captionTop + Double(index) * Theme.captionSize * Theme.lineHeight
      canvas.text(Label(line), at: Point(Theme.margin, y), size: Theme.captionSize, vertical: .top)
    }
  }

  /// Points that stand out are set a little apart, so that bars at one x can be told from each other.
  private func shift(_ series: LineSeries, _ place: Int) -> Double {
    guard series.marksPoints else { return 0 }
    return 1.5 * (Double(place) - Double(figure.series.count - 1) / 2)
  }

  private func drawBand(_ series: LineSeries, _ place: Int, on canvas: Canvas, _ map: PageMap) {
    guard let band = series.band else { return }
    let (index, shift) = (series.style ?? place, shift(series, place))
    var (lower, upper): ([Point], [Point]) = ([], [])
    func finish() {
      let colour = LineStyle.colour(index).with(opacity: LineStyle.bandOpacity)
      if series.marksPoints {
        for (low, high) in zip(lower, upper) { drawBar(from: low, to: high, LineStyle.colour(index), on: canvas) }
      } else {
        // A lone point has no area to show its band.
        if lower.count == 1 { canvas.stroke([lower[0], upper[0]], colour, width: 3) }
        canvas.fill(lower + upper.reversed(), colour)
      }
      (lower, upper) = ([], [])
    }
    for position in series.x.indices {
      let low = map.point(Point(series.x[position], band.lower[position]))
      let high = map.point(Point(series.x[position], band.upper[position]))
      guard [low.x, low.y, high.y].allSatisfy(\.isFinite) else {
        finish()
        continue
      }
      lower.append(Point(low.x + shift, low.y))
      upper.append(Point(high.x + shift, high.y))
    }
    finish()
  }

  private func drawBar(from low: Point, to high: Point, _ colour: Colour, on canvas: Canvas) {
    canvas.stroke([low, high], colour, width: 0.7)
    for end in [low, high] { canvas.stroke([Point(end.x - 1.6, end.y), Point(end.x + 1.6, end.y)], colour, width: 0.7) }
  }

  private func drawLine(_ series: LineSeries, _ place: Int, on canvas: Canvas, _ map: PageMap) {
    let (index, shift) = (series.style ?? place, shift(series, place))
    for piece in Self.pieces(series.x, series.y, map).map({ $0.map { Point($0.x + shift, $0.y) } }) {
      // A lone point has no line to show it.
      if piece.count == 1 || series.marksPoints {
        for point in piece { canvas.fillCircle(point, radius: 1.6, LineStyle.colour(index)) }
      }
      canvas.stroke(piece, LineStyle.colour(index), width: LineStyle.width, dash: LineStyle.dash(index))
    }
  }
}
