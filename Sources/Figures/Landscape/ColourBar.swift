/// A colour scale beside a row of panels, with ticks, a label and arrows where values were clipped.
struct ColourBar {
  var scale: ColourScale
  var label: Label

  static let width = 8.0
  static let arrow = 6.0

  func ticks(height: Double) -> Ticks { scale.ticks(target: max(3, Int(height / 24))) }

  /// Width of bar, tick labels and label together.
  func extent(height: Double, ruler: Ruler) -> Double {
    let ticks = ticks(height: height)
    let widest = ticks.labels.map { ruler.width($0, size: Theme.tickSize) }.max() ?? 0
    return Self.width + Theme.tickLength + Theme.tickGap + widest + 4 + Theme.labelSize
  }

  func draw(on canvas: Canvas, x: Double, top: Double, height: Double, ruler: Ruler) {
    let whole = Rectangle(x: x, y: top, width: Self.width, height: height)
    let above = scale.extendsAbove ? Self.arrow : 0
    let below = scale.extendsBelow ? Self.arrow : 0
    let body = canvas.snapped(Rectangle(x: x, y: top + above, width: Self.width, height: height - above - below))
    let steps = 256
    let colours = (0..<steps).map { scale.map.colour(at: 1 - (Double($0) + 0.5) / Double(steps)) }
    let edges = (0...steps).map { body.y + body.height * Double($0) / Double(steps) }
    canvas.cells(colours, edgesX: [body.x, body.right], edgesY: edges)
    var outline = [Point(body.x, body.bottom), Point(body.x, body.y)]
    if scale.extendsAbove {
      canvas.fill(
        [Point(body.x, body.y), Point(body.centre.x, whole.y), Point(body.right, body.y)], scale.map.colour(at: 1))
      outline.append(Point(body.centre.x, whole.y))
    }
    outline += [Point(body.right, body.y), Point(body.right, body.bottom)]
    if scale.extendsBelow {
      canvas.fill(
        [Point(body.x, body.bottom), Point(body.centre.x, whole.bottom), Point(body.right, body.bottom)],
        scale.map.colour(at: 0))
      outline.append(Point(body.centre.x, whole.bottom))
    }
    canvas.stroke(outline, .ink, width: Theme.frameWidth, closed: true)

    let ticks = ticks(height: height)
    for (value, label) in zip(ticks.values, ticks.labels) {
      let y = body.bottom - scale.fraction(value) * body.height
      let end = body.right + Theme.tickLength
      canvas.stroke([Point(body.right, y), Point(end, y)], .ink, width: Theme.frameWidth)
      canvas.text(label, at: Point(end + Theme.tickGap, y), size: Theme.tickSize, vertical: .middle)
    }
    let (text, size) = ruler.fitted(ticks.annotating(label), size: Theme.labelSize, least: 6, room: height + 8)
    canvas.text(
      text, at: Point(x + extent(height: height, ruler: ruler), whole.centre.y), size: size, horizontal: .centre,
      vertical: .bottom, angle: -.pi / 2)
  }
}
