import Foundation

/// One surface in its box.
struct SurfaceDrawing {
  let grid: Grid
  let scale: ColourScale
  let view: Projection
  let labels: (x: Label, y: Label, z: Label)
  let centre: Point
  let seeksMaximum: Bool
  let ruler: Ruler

  /// About so many facets along a side, so that a coarse grid bends smoothly.
  private static let facets = 40
  /// Outlines of facets in their own colour, in points, so that no gap shows between them.
  private static let seam = 0.45

  func draw(on canvas: Canvas) {
    drawWalls(on: canvas)
    drawFloor(on: canvas)
    drawSurface(on: canvas)
    drawMarks(on: canvas)
    drawAxes(on: canvas)
  }

  // MARK: From values to the box

  private func boxX(_ x: Double) -> Double { Self.span(x, grid.x) }
  private func boxY(_ y: Double) -> Double { Self.span(y, grid.y) }
  private static func span(_ value: Double, _ list: [Double]) -> Double {
    -1 + 2 * (value - list[0]) / (list[list.count - 1] - list[0])
  }
  private func boxZ(_ value: Double) -> Double { Projection.height * scale.fraction(value) }

  // MARK: Box

  private func drawWalls(on canvas: Canvas) {
    let (x, y, floor, top) = (-view.nearX, -view.nearY, view.floor, Projection.height)
    let wall = Colour(red: 0.965, green: 0.965, blue: 0.965)
    let sides = [
      [view.page(x, -1, floor), view.page(x, 1, floor), view.page(x, 1, top), view.page(x, -1, top)],
      [view.page(-1, y, floor), view.page(1, y, floor), view.page(1, y, top), view.page(-1, y, top)],
      [view.page(-1, -1, floor), view.page(1, -1, floor), view.page(1, 1, floor), view.page(-1, 1, floor)],
    ]
    for side in sides {
      canvas.fill(side, wall)
      canvas.stroke(side, Colour(red: 0.75, green: 0.75, blue: 0.75), width: 0.4, closed: true)
    }
    let (light, width) = (Theme.grid, 0.35)
    for tick in ticksX.values.map(boxX) {
      canvas.stroke([view.page(tick, -view.nearY, floor), view.page(tick, -view.nearY, top)], light, width: width)
      canvas.stroke([view.page(tick, -1, floor), view.page(tick, 1, floor)], light, width: width)
    }
    for tick in ticksY.values.map(boxY) {
      canvas.stroke([view.page(-view.nearX, tick, floor), view.page(-view.nearX, tick, top)], light, width: width)
      canvas.stroke([view.page(-1, tick, floor), view.page(1, tick, floor)], light, width: width)
    }
    for tick in ticksZ.values.map(boxZ) {
      canvas.stroke([view.page(-1, y, tick), view.page(1, y, tick)], light, width: width)
      canvas.stroke([view.page(x, -1, tick), view.page(x, 1, tick)], light, width: width)
    }
  }

  private func drawFloor(on canvas: Canvas) {
    let levels = scale.ticks(target: 9).values
    for level in levels where level > scale.low && level < scale.high {
      let colour = scale.colour(level) ?? .ink
      for line in Contours.lines(of: grid, level: level) {
        let points = line.points.map { view.page(boxX($0.x), boxY($0.y), view.floor) }
        canvas.stroke(points, colour, width: 0.9, closed: line.isClosed)
      }
    }
    if let best = grid.clearBest(isHighest: seeksMaximum), let value = grid.value(at: best) {
      let foot = view.page(boxX(best.x), boxY(best.y), view.floor)
      let head = view.page(boxX(best.x), boxY(best.y), boxZ(value))
      canvas.stroke([foot, head], Colour.ink.with(opacity: 0.6), width: 0.5, dash: [1.5, 1.2])
      canvas.fillCircle(foot, radius: 1.5, .ink)
    }
    if isInside(centre) {
      let foot = view.page(boxX(centre.x), boxY(centre.y), view.floor)
      canvas.stroke([Point(foot.x - 2, foot.y), Point(foot.x + 2, foot.y)], .ink, width: 0.8)
      canvas.stroke([Point(foot.x, foot.y - 2), Point(foot.x, foot.y + 2)], .ink, width: 0.8)
    }
  }

  // MARK: Surface

  private func drawSurface(on canvas: Canvas) {
    let intervals = max(grid.columns, grid.rows) - 1
    let factor = max(1, Int((Double(Self.facets) / Double(intervals)).rounded()))
    // Heights are cut off before they are refined, so that a point that exploded is a slope and not a tower.
    let shares = grid.values.map { $0.isNaN ? Double.nan : scale.fraction($0) }
    guard let fine = try? Grid(x: grid.x, y: grid.y, values: shares).refined(by: factor) else { return }
    let heights = fine.values.map { Projection.height * $0 }
    let (xs, ys) = (fine.x.map(boxX), fine.y.map(boxY))
    func height(_ column: Int, _ row: Int) -> Double { heights[row * fine.columns + column] }
    func point(_ column: Int, _ row: Int) -> Point { view.page(xs[column], ys[row], height(column, row)) }
    let shading = Shading(xs: xs, ys: ys, heights: heights, reach: factor, view: view)
    // Far to near: what lies nearer is drawn later and hides what lies behind it.
    let columns = view.nearX > 0 ? Array(0..<grid.columns - 1) : Array((0..<grid.columns - 1).reversed())
    let rows = view.nearY > 0 ? Array(0..<grid.rows - 1) : Array((0..<grid.rows - 1).reversed())
    let inner = (0..<factor).map { $0 }
    let (innerX, innerY) = (view.nearX > 0 ? inner : inner.reversed(), view.nearY > 0 ? inner : inner.reversed())
    let line = Colour.ink.with(opacity: 0.28)
    for row in rows {
      for column in columns {
        let corners = [(0, 0), (factor, 0), (factor, factor), (0, factor)]
          .map { height(column * factor + $0.0, row * factor + $0.1) }
        guard corners.allSatisfy(\.isFinite) else { continue }
        for y in innerY.map({ row * factor + $0 }) {
          for x in innerX.map({ column * factor + $0 }) {
            let places = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)]
            let share = places.reduce(0.0) { $0 + fine[$1.0, $1.1] / 4 }
            let colour = shading.lit(scale.map.colour(at: share), column: x, row: y)
            let corners = places.map { point($0.0, $0.1) }
            canvas.fill(corners, colour)
            canvas.stroke(corners, colour, width: Self.seam, closed: true)
          }
        }
        let steps = (0...factor).map { $0 }
        let outline =
          steps.map { point(column * factor + $0, row * factor) }
          + steps.dropFirst().map { point((column + 1) * factor, row * factor + $0) }
          + steps.reversed().dropFirst().map { point(column * factor + $0, (row + 1) * factor) }
          + steps.reversed().dropFirst().dropLast().map { point(column * factor, row * factor + $0) }
        canvas.stroke(outline, line, width: 0.3, closed: true)
      }
    }
  }

  // MARK: Marks

  private func isInside(_ point: Point) -> Bool { abs(boxX(point.x)) <= 1 && abs(boxY(point.y)) <= 1 }

  private func drawMarks(on canvas: Canvas) {
    var marks: [(Marker, Point)] = []
    if isInside(centre) { marks.append((.centre, centre)) }
    if let best = grid.clearBest(isHighest: seeksMaximum) { marks.append((.minimiser, best)) }
    for (marker, place) in marks {
      guard let value = grid.value(at: place), isVisible(place) else { continue }
      marker.draw(on: canvas, at: view.page(boxX(place.x), boxY(place.y), boxZ(value)))
    }
  }

  /// Whether no other part of the surface lies between a point of it and the viewer.
  private func isVisible(_ place: Point) -> Bool {
    guard let value = grid.value(at: place) else { return false }
    let flat = hypot(view.towards.x, view.towards.y)
    guard flat > 1e-9 else { return true }
    let step = 0.01
    let (x, y, z) = (boxX(place.x), boxY(place.y), boxZ(value))
    for count in 2..<400 {
      let way = Double(count) * step / flat
      let (u, v) = (x + way * view.towards.x, y + way * view.towards.y)
      guard abs(u) <= 1, abs(v) <= 1 else { return true }
      let there = Point(
        grid.x[0] + (u + 1) / 2 * (grid.x[grid.columns - 1] - grid.x[0]),
        grid.y[0] + (v + 1) / 2 * (grid.y[grid.rows - 1] - grid.y[0]))
      if let other = grid.value(at: there), boxZ(other) > z + way * view.towards.z + 0.01 { return false }
    }
    return true
  }

  // MARK: Axes

  private var ticksX: Ticks { Ticks.linear(grid.x[0], grid.x[grid.columns - 1], target: 4) }
  private var ticksY: Ticks { Ticks.linear(grid.y[0], grid.y[grid.rows - 1], target: 4) }
  private var ticksZ: Ticks { scale.ticks(target: 4) }

  private func drawAxes(on canvas: Canvas) {
    let (nearX, nearY, floor) = (view.nearX, view.nearY, view.floor)
    axis(
      from: view.page(-1, nearY, floor), to: view.page(1, nearY, floor), inwards: view.page(0, 0, floor),
      zip(ticksX.values, ticksX.labels).map { (view.page(boxX($0), nearY, floor), $1) }, ticksX.annotating(labels.x),
      on: canvas)
    axis(
      from: view.page(nearX, -1, floor), to: view.page(nearX, 1, floor), inwards: view.page(0, 0, floor),
      zip(ticksY.values, ticksY.labels).map { (view.page(nearX, boxY($0), floor), $1) }, ticksY.annotating(labels.y),
      on: canvas)
    // The upright edge at the left end of the picture.
    let sides = [(nearX, -nearY), (-nearX, nearY)].min { view.page($0.0, $0.1, 0).x < view.page($1.0, $1.1, 0).x }
    guard let (x, y) = sides else { return }
    canvas.stroke([view.page(x, y, floor), view.page(x, y, Projection.height)], .ink, width: Theme.frameWidth)
    for (value, label) in zip(ticksZ.values, ticksZ.labels) {
      let at = view.page(x, y, boxZ(value))
      canvas.stroke([at, Point(at.x - Theme.tickLength, at.y)], .ink, width: Theme.frameWidth)
      canvas.text(
        label, at: Point(at.x - Theme.tickLength - 1.5, at.y), size: 6, horizontal: .right, vertical: .middle)
    }
  }

  /// An axis along an edge of the floor, its numbers and name on the outer side.
  private func axis(
    from start: Point, to end: Point, inwards: Point, _ ticks: [(Point, Label)], _ label: Label, on canvas: Canvas
  ) {
    canvas.stroke([start, end], .ink, width: Theme.frameWidth)
    let (left, right) = start.x < end.x ? (start, end) : (end, start)
    let angle = atan2(right.y - left.y, right.x - left.x)
    let middle = Point((start.x + end.x) / 2, (start.y + end.y) / 2)
    // Across the edge, away from the floor.
    var (nx, ny) = (-sin(angle), cos(angle))
    if (inwards.x - middle.x) * nx + (inwards.y - middle.y) * ny > 0 { (nx, ny) = (-nx, -ny) }
    for (point, text) in ticks {
      canvas.stroke(
        [point, Point(point.x + nx * Theme.tickLength, point.y + ny * Theme.tickLength)], .ink, width: Theme.frameWidth)
      // Away from the corner that the edges share.
      let away = Theme.tickLength + 1.5 + abs(ny) * 2.2
      canvas.text(
        text, at: Point(point.x + nx * away, point.y + ny * away), size: 6, horizontal: nx < 0 ? .right : .left,
        vertical: .middle)
    }
    let widest = ticks.map { ruler.width($0.1, size: 6) }.max() ?? 0
    let away = Theme.tickLength + 1.5 + abs(nx) * widest + abs(ny) * 4.4 + 5.5
    let (text, size) = ruler.fitted(label, size: 7, least: 5, room: 1.15 * left.distance(to: right))
    canvas.text(
      text, at: Point(middle.x + nx * away, middle.y + ny * away), size: size, horizontal: .centre, vertical: .middle,
      angle: angle)
  }
}

/// Light from behind the viewer's left shoulder on a surface over a lattice.
private struct Shading {
  let xs: [Double]
  let ys: [Double]
  let heights: [Double]
  /// Slopes are taken over so many lattice steps: the distance between the points that were measured.
  let reach: Int
  private let light: (x: Double, y: Double, z: Double)
  private let towards: (x: Double, y: Double, z: Double)

  init(xs: [Double], ys: [Double], heights: [Double], reach: Int, view: Projection) {
    (self.xs, self.ys, self.heights, self.reach) = (xs, ys, heights, reach)
    towards = view.towards
    let flat = max(hypot(view.towards.x, view.towards.y), 1e-9)
    let (fx, fy) = (view.towards.x / flat, view.towards.y / flat)
    let raw = (x: 0.45 * fx + 0.65 * fy, y: 0.45 * fy - 0.65 * fx, z: 1.1)
    let length = (raw.x * raw.x + raw.y * raw.y + raw.z * raw.z).squareRoot()
    light = (raw.x / length, raw.y / length, raw.z / length)
  }

  /// The colour under that light: no darker than two thirds, so that the colour bar still holds.
  func lit(_ colour: Colour, column: Int, row: Int) -> Colour {
    let (columns, rows) = (xs.count, ys.count)
    let (left, right) = (max(0, column - reach / 2), min(columns - 1, column + 1 + reach / 2))
    let (near, far) = (max(0, row - reach / 2), min(rows - 1, row + 1 + reach / 2))
    func height(_ column: Int, _ row: Int) -> Double {
      let value = heights[row * columns + column]
      return value.isFinite ? value : heights[min(row, rows - 1) * columns + column]
    }
    let slopeX = (height(right, row) - height(left, row)) / (xs[right] - xs[left])
    let slopeY = (height(column, far) - height(column, near)) / (ys[far] - ys[near])
    guard slopeX.isFinite, slopeY.isFinite else { return colour }
    let length = (slopeX * slopeX + slopeY * slopeY + 1).squareRoot()
    let cosine = (-slopeX * light.x - slopeY * light.y + light.z) / length
    var tone = OKLab(colour)
    // The side that looks down is seen where a rim stands before the viewer.
    let isBelow = -slopeX * towards.x - slopeY * towards.y + towards.z < 0
    tone.lightness *= isBelow ? 0.6 : min(1.06, max(0.68, 0.66 + 0.40 * cosine))
    return tone.colour
  }
}
