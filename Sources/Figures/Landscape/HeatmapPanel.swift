import Foundation

/// One grid of values as coloured cells with contour lines and marks.
struct HeatmapPanel {
  var title: Label
  var grid: Grid
  var scale: ColourScale
  /// Levels shared by all panels of the scale.
  var levels: Ticks
  var marks: [(marker: Marker, at: Point)]
  var smooth: Bool
  var paths: [LandscapePath] = []

  /// Edges between the cells around the coordinates: halfway to the neighbours, and as far outwards at the ends.
  static func edges(_ centres: [Double]) -> [Double] {
    guard centres.count > 1, let first = centres.first, let last = centres.last else {
      let centre = centres.first ?? 0
      return [centre - 0.5, centre + 0.5]
    }
    let inner = zip(centres, centres.dropFirst()).map { $0 / 2 + $1 / 2 }
    return [2 * first - inner[0]] + inner + [2 * last - inner[inner.count - 1]]
  }

  func draw(on canvas: Canvas, frame: Rectangle, x: Axis, y: Axis, ruler: Ruler) {
    let map = PageMap(frame: frame, x: x, y: y)
    let ways = paths.enumerated().map { PathDrawing($1, index: $0, map.point) }
    var taken: [Rectangle] = []
    canvas.clipped(to: [frame]) {
      drawCells(on: canvas, map)
      taken = drawContours(on: canvas, map, ruler, avoiding: ways.map(\.points))
      for way in ways { way.draw(on: canvas) }
    }
    for mark in marks where frame.contains(map.point(mark.at)) {
      mark.marker.draw(on: canvas, at: map.point(mark.at))
    }
    for way in ways { way.drawNumbers(on: canvas, within: frame.inset(by: 1), taken: &taken, ruler) }
    canvas.stroke(frame, .ink, width: Theme.frameWidth)
  }

  private func markAreas(_ map: PageMap) -> [Rectangle] {
    marks.map { mark in
      let point = map.point(mark.at)
      let reach = Marker.radius
      return Rectangle(x: point.x - reach, y: point.y - reach, width: 2 * reach, height: 2 * reach)
    }
  }

  private func drawCells(on canvas: Canvas, _ map: PageMap) {
    let finest = max(grid.columns, grid.rows)
    let cells = smooth ? grid.refined(by: max(1, (64 + finest - 1) / finest)) : grid
    // From the top row down, as a page is read.
    let edgesX = Self.edges(cells.x).map(map.x)
    let edgesY = Array(Self.edges(cells.y).map(map.y).reversed())
    var (colours, holes): ([Colour], [Rectangle]) = ([], [])
    for row in 0..<cells.rows {
      for column in 0..<cells.columns {
        let colour = scale.colour(cells[column, cells.rows - 1 - row])
        colours.append(colour ?? Theme.notFinite)
        guard colour == nil else { continue }
        let (x, y) = (canvas.snapped(edgesX[column]), canvas.snapped(edgesY[row]))
        holes.append(
          Rectangle(
            x: x, y: y, width: canvas.snapped(edgesX[column + 1]) - x, height: canvas.snapped(edgesY[row + 1]) - y))
      }
    }
    canvas.cells(colours, edgesX: edgesX, edgesY: edgesY)
    if !holes.isEmpty { Self.hatch(on: canvas, holes, within: map.frame) }
  }

  static func hatch(on canvas: Canvas, _ areas: [Rectangle], within frame: Rectangle) {
    canvas.clipped(to: areas) {
      for offset in stride(from: 0, to: frame.width + frame.height, by: 3) {
        canvas.stroke(
          [Point(frame.x + offset, frame.y), Point(frame.x + offset - frame.height, frame.bottom)], Theme.hatch, width: 0.5)
      }
    }
  }

  /// - Returns: the areas of marks and numbers.
  private func drawContours(
    on canvas: Canvas, _ map: PageMap, _ ruler: Ruler, avoiding ways: [[Point]]
  ) -> [Rectangle] {
    var labels = ContourLabels(frame: map.frame, taken: markAreas(map))
    let levels = ownLevels()
    let lines = zip(levels.values, levels.labels).flatMap { level, text in
      Contours.lines(of: grid, level: level).map { (level: level, text: text, line: $0, points: $0.points.map(map.point)) }
    }
    for (index, item) in lines.enumerated() {
      let ink = scale.map.lightness(at: scale.fraction(item.level)) < 0.66 ? Colour.white : Colour.black
      let colour = ink.with(opacity: 0.85)
      let closed = item.line.isClosed
      let measured = MeasuredLine(closed ? item.points + item.points.prefix(1) : item.points)
      let others = lines.indices.filter { $0 != index }.map { lines[$0].points } + ways
      let spot = labels.place(
        on: measured, avoiding: others, width: ruler.width(item.text, size: Theme.contourSize),
        height: Theme.contourSize)
      guard let spot else {
        canvas.stroke(item.points, colour, width: 0.6, closed: closed)
        continue
      }
      let before = measured.part(from: 0, to: spot.start)
      let after = measured.part(from: spot.end, to: measured.total)
      if closed {
        canvas.stroke(after + before.dropFirst(), colour, width: 0.6)
      } else {
        canvas.stroke(before, colour, width: 0.6)
        canvas.stroke(after, colour, width: 0.6)
      }
      canvas.text(
        item.text, at: spot.centre, size: Theme.contourSize, colour: ink, horizontal: .centre, vertical: .middle,
        angle: spot.angle)
    }
    return labels.taken
  }

  /// The shared levels, or finer ones of this panel alone where fewer than two of the shared ones cross it.
  private func ownLevels() -> Ticks {
    let finite = grid.finite
    guard let least = finite.min(), let most = finite.max() else { return Ticks(values: [], labels: []) }
    let (low, high) = (max(least, scale.low), min(most, scale.high))
    guard high - low > 1e-9 * max(abs(low), abs(high)) else { return Ticks(values: [], labels: []) }
    if levels.values.count(where: { $0 > low && $0 < high }) >= 2 { return levels }
    var own = scale.isLogarithmic ? Ticks.logarithmic(low, high, target: 4) : Ticks.linear(low, high, target: 4)
    // Contour labels stand alone: they can't leave a power of ten to an annotation.
    if own.annotation != nil { own.labels = own.values.map { Label(Numeral.short($0, digits: 6)) } }
    return own
  }
}

/// From the coordinates of a panel to the page.
struct PageMap {
  let frame: Rectangle
  private let xAxis: Axis
  private let yAxis: Axis

  init(frame: Rectangle, x: Axis, y: Axis) {
    self.frame = frame
    xAxis = x
    yAxis = y
  }

  func x(_ value: Double) -> Double { frame.x + xAxis.fraction(value) * frame.width }
  func y(_ value: Double) -> Double { frame.bottom - yAxis.fraction(value) * frame.height }
  func point(_ point: Point) -> Point { Point(x(point.x), y(point.y)) }
}
