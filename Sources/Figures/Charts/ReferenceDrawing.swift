/// Reference lines of a chart and their names.
enum ReferenceDrawing {
  private static let colour = Colour(red: 0.35, green: 0.35, blue: 0.35)

  static func stroke(_ line: ReferenceLine, on canvas: Canvas, _ map: PageMap) {
    let (frame, place) = (map.frame, self.place(line, map))
    guard place.isFinite else { return }
    let ends =
      line.direction == .across
      ? [Point(frame.x, place), Point(frame.right, place)] : [Point(place, frame.y), Point(place, frame.bottom)]
    canvas.stroke(ends, colour, width: 0.8, dash: [2, 1.5])
  }

  private static func place(_ line: ReferenceLine, _ map: PageMap) -> Double {
    line.direction == .across ? map.y(line.value) : map.x(line.value)
  }

  /// Beside the line, where no other line runs if there is such a place.
  static func label(
    _ line: ReferenceLine, on canvas: Canvas, _ map: PageMap, avoiding lines: [[Point]], _ legend: Rectangle?, _ ruler: Ruler
  ) {
    let (frame, place) = (map.frame.inset(by: 2), self.place(line, map))
    let isUpright = line.direction == .upright
    guard place.isFinite, !line.label.isEmpty else { return }
    let (text, size) = ruler.fitted(
      line.label, size: Theme.contourSize, least: 5, room: (isUpright ? frame.height : frame.width) - 4)
    let (length, height) = (ruler.width(text, size: size), size * Theme.capHeight)
    let boxes = [0.0, 1, 0.5].flatMap { share in
      [1.0, -1].map { side -> Rectangle in
        let near = side > 0 ? place + 2 : place - 2 - height
        return isUpright
          ? Rectangle(x: near, y: frame.y + share * (frame.height - length), width: height, height: length)
          : Rectangle(
            x: frame.right - length - share * (frame.width - length), y: side > 0 ? place - 2 - height : place + 2,
            width: length, height: height)
      }
    }
    .filter { $0.x >= frame.x && $0.right <= frame.right && $0.y >= frame.y && $0.bottom <= frame.bottom }
    let free = boxes.first { box in
      !(legend.map(box.intersects) ?? false) && !lines.contains { box.inset(by: -1).isCrossed(by: $0) }
    }
    guard let box = free ?? boxes.first else { return }
    canvas.text(
      text, at: box.centre, size: size, colour: colour, horizontal: .centre, vertical: .middle,
      angle: isUpright ? -.pi / 2 : 0, halo: .white)
  }
}
