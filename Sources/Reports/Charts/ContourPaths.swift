import Figures

/// Lines of equal value over a plane, at the round numbers of a colour scale, each with its number where it is longest, on a plate that
/// is dark enough on any colour.
struct ContourPaths {
  /// Values by row from below, and column.
  let values: [[Double]]
  let scale: ColourScale
  /// From column and row, counted in cells from the centre of the first, to the drawing.
  let place: (_ column: Double, _ row: Double) -> (x: Double, y: Double)

  /// Width of a digit in the units of the drawing: lines that are shorter than their number stay without.
  private static let digit = 20.0

  /// nil where no line crosses the plane.
  func group(class name: String) -> HTML? {
    let (rows, columns) = (values.count, values.first?.count ?? 0)
    guard rows > 1, columns > 1,
      let grid = try? Grid(
        x: (0..<columns).map(Double.init), y: (0..<rows).map(Double.init), values: values.flatMap { $0 })
    else { return nil }
    var (paths, labels): ([HTML], [HTML]) = ([], [])
    for level in scale.ticks(target: 6).values where level > scale.low && level < scale.high {
      let lines = Contours.lines(of: grid, level: level).map { line in
        (points: line.points.map { place($0.x, $0.y) }, isClosed: line.isClosed)
      }
      guard !lines.isEmpty else { continue }
      let path = lines.map { polyline($0.points) + ($0.isClosed ? "Z" : "") }.joined()
      paths += ["contour halo", "contour"].map { .element("path", ["class": $0, "d": path]) }
      let text = LineChart.short(level)
      guard let longest = lines.max(by: { Self.length($0.points) < Self.length($1.points) }),
        Self.length(longest.points) > Self.digit * Double(text.count + 2)
      else { continue }
      let middle = longest.points[longest.points.count / 2]
      // Numbers of lines at the border stay inside of the plane.
      let margin = Self.digit * Double(text.count) / 2
      let (left, right) = (place(-0.5, 0).x + margin, place(Double(columns) - 0.5, 0).x - margin)
      let x = max(left, min(right, middle.x))
      let (width, height) = (2 * margin + 14, 40.0)
      labels += [
        .element(
          "rect",
          [
            "class": "plate", "x": number(x - width / 2), "y": number(middle.y - height / 2), "width": number(width),
            "height": number(height), "rx": "8",
          ]),
        .element("text", ["class": "level middle", "x": number(x), "y": number(middle.y + 12)], [.text(text)]),
      ]
    }
    return paths.isEmpty ? nil : .element("g", ["class": name, "aria-hidden": "true"], paths + labels)
  }

  private static func length(_ points: [(x: Double, y: Double)]) -> Double {
    zip(points, points.dropFirst()).reduce(0) { sum, pair in
      let (dx, dy) = (pair.1.x - pair.0.x, pair.1.y - pair.0.y)
      return sum + (dx * dx + dy * dy).squareRoot()
    }
  }
}
