import Foundation

/// A line on the page that can be asked by length along it.
struct MeasuredLine {
  let points: [Point]
  /// Length from the start to each point.
  let lengths: [Double]

  init(_ points: [Point]) {
    self.points = points
    var sum = 0.0
    var lengths = [0.0]
    for (a, b) in zip(points, points.dropFirst()) {
      sum += a.distance(to: b)
      lengths.append(sum)
    }
    self.lengths = lengths
  }

  var total: Double { lengths.last ?? 0 }

  func point(at length: Double) -> Point {
    let next = min(max(1, lengths.firstIndex { $0 >= length } ?? lengths.count - 1), points.count - 1)
    let (a, b) = (points[next - 1], points[next])
    let span = lengths[next] - lengths[next - 1]
    let t = span > 0 ? min(max((length - lengths[next - 1]) / span, 0), 1) : 0
    return Point(a.x + t * (b.x - a.x), a.y + t * (b.y - a.y))
  }

  func part(from start: Double, to end: Double) -> [Point] {
    guard end > start else { return [] }
    let inner = points.indices.filter { lengths[$0] > start && lengths[$0] < end }.map { points[$0] }
    return [point(at: start)] + inner + [point(at: end)]
  }
}

/// Finds room for the numbers on contour lines.
struct ContourLabels {
  /// Where a number stands: its middle, its direction and the stretch of the line that it replaces.
  struct Spot {
    var centre: Point
    var angle: Double
    var start: Double
    var end: Double
  }

  let frame: Rectangle
  /// Areas that later labels must leave free.
  private(set) var taken: [Rectangle]

  init(frame: Rectangle, taken: [Rectangle]) {
    self.frame = frame
    self.taken = taken
  }

  /// The straightest free stretch of `line` for a text `width` wide and `height` high; nil when there is none.
  ///
  /// - Parameter others: lines that must not run through the text.
  mutating func place(
    on line: MeasuredLine, avoiding others: [[Point]], width: Double, height: Double
  ) -> Spot? {
    let half = width / 2 + 1.5
    guard line.total > 3 * half else { return nil }
    // A stub of line beyond the text would read as a sign.
    let rest = half + 4
    var best: (spot: Spot, box: Rectangle, score: Double)?
    for position in stride(from: rest, through: line.total - rest, by: 2) {
      let (a, b) = (line.point(at: position - half), line.point(at: position + half))
      let straightness = a.distance(to: b) / (2 * half)
      guard straightness > 0.94 else { continue }
      var angle = atan2(b.y - a.y, b.x - a.x)
      if angle > .pi / 2 { angle -= .pi }
      if angle <= -.pi / 2 { angle += .pi }
      let middle = line.point(at: position)
      let centre = Point((a.x + b.x) / 4 + middle.x / 2, (a.y + b.y) / 4 + middle.y / 2)
      let reachX = abs(cos(angle)) * half + abs(sin(angle)) * height / 2
      let reachY = abs(sin(angle)) * half + abs(cos(angle)) * height / 2
      let box = Rectangle(x: centre.x - reachX, y: centre.y - reachY, width: 2 * reachX, height: 2 * reachY)
      let inside = frame.inset(by: 2)
      guard box.x >= inside.x, box.right <= inside.right, box.y >= inside.y, box.bottom <= inside.bottom,
        !taken.contains(where: box.intersects), !others.contains(where: { box.isCrossed(by: $0) })
      else { continue }
      // Level text reads best; straightness comes first.
      let score = straightness - 0.02 * abs(angle)
      if score > best?.score ?? -.infinity {
        best = (Spot(centre: centre, angle: angle, start: position - half, end: position + half), box, score)
      }
    }
    guard let best else { return nil }
    taken.append(best.box)
    return best.spot
  }
}
