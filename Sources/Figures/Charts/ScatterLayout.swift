import Foundation

/// Where everything in a scatter figure goes.
struct ScatterLayout {
  private let figure: ScatterFigure
  private let ruler: Ruler
  private let axis: (x: Axis, y: Axis)
  private let bar: ColourBar?
  private let text: PageText
  private let frames: [Rectangle]
  private let left: Double
  private let columns: Int
  private let bottom: Double
  let size: Size

  private static let gap = 12.0
  private static let legendHeight = 13.0

  init(_ figure: ScatterFigure) throws {
    self.figure = figure
    let ruler = try Ruler()
    self.ruler = ruler
    let (low, high) = try figure.limits()
    let scale: Axis.Scale = figure.isLogarithmic ? .logarithmic : .linear
    let air = figure.range == nil ? 0.05 : 0
    let x = try Axis.around(low, high, label: figure.xLabel, scale: scale, air: air)
    let y = try Axis.around(low, high, label: figure.yLabel, scale: scale, air: air)
    axis = (x, y)
    columns = figure.panels.count == 4 ? 2 : min(figure.panels.count, 3)
    let width = figure.width ?? (columns == 1 ? 252 : columns == 2 ? 396 : 504)
    let shades = figure.panels.flatMap(\.shade)
    let several = Set(shades.filter(\.isFinite)).count > 1
    bar = several ? ColourBar(scale: .sequential(shades, map: figure.colourMap), label: figure.shadeLabel) : nil
    text = PageText(title: figure.title, caption: figure.caption + figure.notes(x), width: width, ruler: ruler)
    let widest = y.ticks(target: 5).labels.map { ruler.width($0, size: Theme.tickSize) }.max() ?? 0
    left = Theme.margin + Theme.labelSize + 4 + widest + Theme.tickGap + Theme.tickLength
    let right =
      Theme.margin
      + (bar.map { bar in 8 + ([90, 130, 180].map { bar.extent(height: $0, ruler: ruler) }.max() ?? 0) } ?? 6)
    let side = max(40, (width - left - right - Double(columns - 1) * Self.gap) / Double(columns))
    let titleRoom = Theme.panelTitleSize * Theme.capHeight + 4
    var (frames, top): ([Rectangle], Double) = ([], text.top)
    for start in stride(from: 0, to: figure.panels.count, by: columns) {
      for column in 0..<min(columns, figure.panels.count - start) {
        frames.append(
          Rectangle(x: left + Double(column) * (side + Self.gap), y: top + titleRoom, width: side, height: side))
      }
      top += titleRoom + side + Frame.belowWithLabel + 6
    }
    self.frames = frames
    bottom = top + Self.legendHeight - 4
    size = Size(width: width, height: (bottom + text.captionHeight + Theme.margin).rounded(.up))
  }

  func draw(on canvas: Canvas) {
    for (index, panel) in figure.panels.enumerated() {
      draw(panel, in: canvas.snapped(frames[index]), isFirst: index.isMultiple(of: columns), on: canvas)
    }
    if let bar, let last = frames.last {
      let row = frames.filter { $0.y == last.y }
      bar.draw(
        on: canvas, x: (row.last?.right ?? 0) + 8, top: last.y, height: last.height, ruler: ruler)
    }
    drawLegend(on: canvas)
    text.draw(on: canvas, bottom: bottom)
  }

  private static let identityDash = [3.0, 2]
  private static let regressionColour = Colour(hex: 0xD55E00)

  private func draw(_ panel: ScatterPanel, in frame: Rectangle, isFirst: Bool, on canvas: Canvas) {
    let map = PageMap(frame: frame, x: axis.x, y: axis.y)
    let ticksX = axis.x.ticks(along: frame.width, size: Theme.tickSize, target: 5, ruler: ruler)
    let ticksY = axis.y.ticks(along: frame.height, size: Theme.tickSize, target: 5, ruler: ruler)
    for value in ticksX.values {
      canvas.stroke([Point(map.x(value), frame.y), Point(map.x(value), frame.bottom)], Theme.grid, width: 0.4)
    }
    for value in ticksY.values {
      canvas.stroke([Point(frame.x, map.y(value)), Point(frame.right, map.y(value))], Theme.grid, width: 0.4)
    }
    let places = zip(panel.x, panel.y).map { map.point(Point($0, $1)) }
    canvas.clipped(to: [frame]) {
      canvas.stroke(
        [Point(frame.x, frame.bottom), Point(frame.right, frame.y)], Colour.ink.with(opacity: 0.7), width: 0.8,
        dash: Self.identityDash)
      for (index, place) in places.enumerated() where place.x.isFinite && place.y.isFinite {
        let colour = bar.flatMap { panel.shade.isEmpty ? nil : $0.scale.colour(panel.shade[index]) } ?? Theme.series[0]
        if frame.contains(place) {
          canvas.fillCircle(place, radius: 1.7, colour.with(opacity: 0.75))
        } else {
          drawBeyond(place, in: frame, colour, on: canvas)
        }
      }
      if let line = panel.regression {
        let points = (0...64).map { axis.x.value(at: Double($0) / 64) }.map {
          map.point(Point($0, line.intercept + line.slope * $0))
        }
        let shown = points.filter { $0.y.isFinite }
        canvas.stroke(shown, .white, width: 2.2)
        canvas.stroke(shown, Self.regressionColour, width: 1.2)
      }
    }
    canvas.stroke(frame, .ink, width: Theme.frameWidth)
    Frame.drawX(axis.x, ticksX, on: canvas, frame: frame, ruler: ruler)
    if isFirst {
      Frame.drawY(
        axis.y, ticksY, on: canvas, frame: frame, labelX: Theme.margin + Theme.labelSize * Theme.capHeight, ruler: ruler)
    } else {
      Frame.drawYTicks(axis.y, ticksY, on: canvas, frame: frame)
    }
    let (title, size) = ruler.fitted(panel.title, size: Theme.panelTitleSize, least: 6, room: frame.width + 4)
    canvas.text(title, at: Point(frame.centre.x, frame.y - 4), size: size, horizontal: .centre)
    let inner = frame.inset(by: 3)
    let shown = places.map { Point(min(max($0.x, inner.x), inner.right), min(max($0.y, inner.y), inner.bottom)) }
    drawNotes(panel, in: frame, shown, on: canvas)
  }

  /// A triangle on the border that points to where the point would be.
  private func drawBeyond(_ place: Point, in frame: Rectangle, _ colour: Colour, on canvas: Canvas) {
    let inner = frame.inset(by: 3)
    let at = Point(min(max(place.x, inner.x), inner.right), min(max(place.y, inner.y), inner.bottom))
    let angle = atan2(place.y - at.y, place.x - at.x)
    let corners = [0, 2.3, -2.3].map { turn in
      Point(at.x + 2.6 * cos(angle + turn), at.y + 2.6 * sin(angle + turn))
    }
    canvas.fill(corners, colour)
    canvas.stroke(corners, .ink, width: 0.4, closed: true)
  }

  /// In the corner with the fewest points below the text.
  private func drawNotes(_ panel: ScatterPanel, in frame: Rectangle, _ places: [Point], on canvas: Canvas) {
    guard !panel.notes.isEmpty else { return }
    let (lineHeight, inset) = (8.5, 3.0)
    let lines = panel.notes.map { ruler.fitted($0, size: 6.5, least: 4.5, room: frame.width - 12) }
    let width = 6 + (lines.map { ruler.width($0.0, size: $0.1) }.max() ?? 0)
    let height = 4 + lineHeight * Double(lines.count)
    let boxes = [(false, true), (true, false), (true, true), (false, false)].map { right, top in
      Rectangle(
        x: right ? frame.right - inset - width : frame.x + inset,
        y: top ? frame.y + inset : frame.bottom - inset - height, width: width, height: height)
    }
    let covered = boxes.map { box in places.count { box.inset(by: -1.5).contains($0) } }
    guard let best = covered.indices.min(by: { covered[$0] < covered[$1] }) else { return }
    canvas.fill(boxes[best], Colour.white.with(opacity: 0.85))
    canvas.stroke(boxes[best], Theme.grid, width: 0.5)
    for (index, line) in lines.enumerated() {
      canvas.text(
        line.0, at: Point(boxes[best].x + 3, boxes[best].y + 2 + (Double(index) + 0.5) * lineHeight), size: line.1,
        vertical: .middle)
    }
  }

  private func drawLegend(on canvas: Canvas) {
    let hasLine = figure.panels.contains { $0.regression != nil }
    let entries: [(Label, Colour, [Double], Double)] =
      [("approximation = truth", Colour.ink.with(opacity: 0.7), Self.identityDash, 0.8)]
      + (hasLine ? [("regression on the truth", Self.regressionColour, [], 1.2)] : [])
    let widths = entries.map { 18 + ruler.width($0.0, size: Theme.tickSize) + 14 }
    var x = size.width / 2 - (widths.reduce(0, +) - 14) / 2
    let y = bottom - 6
    for (entry, width) in zip(entries, widths) {
      canvas.stroke([Point(x, y), Point(x + 14, y)], entry.1, width: entry.3, dash: entry.2)
      canvas.text(entry.0, at: Point(x + 18, y), size: Theme.tickSize, vertical: .middle)
      x += width
    }
  }
}
