/// Ticks and labels around a plotting area.
enum Frame {
  /// From the frame down to the lowest ink of the axis label.
  static let belowWithLabel = Theme.tickLength + Theme.tickGap + Theme.tickSize + 3 + Theme.labelSize
  static let belowTicksOnly = Theme.tickLength + Theme.tickGap + Theme.tickSize

  static func drawX(
    _ axis: Axis, _ ticks: Ticks, on canvas: Canvas, frame: Rectangle, ruler: Ruler, hasLabel: Bool = true
  ) {
    for value in ticks.minor {
      let x = frame.x + axis.fraction(value) * frame.width
      canvas.stroke([Point(x, frame.bottom), Point(x, frame.bottom + Theme.tickLength * 0.6)], .ink, width: 0.4)
    }
    for (value, label) in zip(ticks.values, ticks.labels) {
      let x = frame.x + axis.fraction(value) * frame.width
      let end = frame.bottom + Theme.tickLength
      canvas.stroke([Point(x, frame.bottom), Point(x, end)], .ink, width: Theme.frameWidth)
      canvas.text(
        label, at: Point(x, end + Theme.tickGap), size: Theme.tickSize, horizontal: .centre, vertical: .top)
    }
    guard hasLabel else { return }
    let (label, size) = ruler.fitted(
      ticks.annotating(axis.label), size: Theme.labelSize, least: 6, room: frame.width + 8)
    canvas.text(
      label, at: Point(frame.centre.x, frame.bottom + belowTicksOnly + 2), size: size, horizontal: .centre,
      vertical: .top)
  }

  /// - Parameter labelX: where the baseline of the turned axis label runs.
  static func drawY(
    _ axis: Axis, _ ticks: Ticks, on canvas: Canvas, frame: Rectangle, labelX: Double, ruler: Ruler
  ) {
    for value in ticks.minor {
      let y = frame.bottom - axis.fraction(value) * frame.height
      canvas.stroke([Point(frame.x, y), Point(frame.x - Theme.tickLength * 0.6, y)], .ink, width: 0.4)
    }
    drawYTicks(axis, ticks, on: canvas, frame: frame)
    for (value, label) in zip(ticks.values, ticks.labels) {
      let y = frame.bottom - axis.fraction(value) * frame.height
      canvas.text(
        label, at: Point(frame.x - Theme.tickLength - Theme.tickGap, y), size: Theme.tickSize, horizontal: .right,
        vertical: .middle)
    }
    let (label, size) = ruler.fitted(
      ticks.annotating(axis.label), size: Theme.labelSize, least: 6, room: frame.height + 8)
    canvas.text(
      label, at: Point(labelX, frame.centre.y), size: size, horizontal: .centre, vertical: .baseline, angle: -.pi / 2)
  }

  static func drawYTicks(_ axis: Axis, _ ticks: Ticks, on canvas: Canvas, frame: Rectangle) {
    for value in ticks.values {
      let y = frame.bottom - axis.fraction(value) * frame.height
      canvas.stroke([Point(frame.x, y), Point(frame.x - Theme.tickLength, y)], .ink, width: Theme.frameWidth)
    }
  }
}
