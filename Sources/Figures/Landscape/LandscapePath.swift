import Formats
import Foundation

/// The way that α or ω took, in the plane of a landscape.
public struct LandscapePath: Equatable, Sendable {
  /// As `Label` markup.
  public var label: Label
  /// In the coordinates of the grid, from the start on.
  public var points: [Point]
  /// Epoch of each point, or what else counts them.
  public var epochs: [Int]
  /// What counts the points, in the plural.
  public var counts: String

  /// - Throws: `InputError` where there are no points, one is not finite, or epochs are not as many as points.
  public init(label: Label, points: [Point], epochs: [Int], counts: String = "epochs") throws {
    guard !points.isEmpty, points.count == epochs.count else {
      throw InputError.undrawable(
        "path \(label.plain)", found: "\(points.count) points and \(epochs.count) epochs",
        wanted: "at least one point and an epoch for each")
    }
    guard points.allSatisfy({ $0.x.isFinite && $0.y.isFinite }) else {
      throw InputError.undrawable("path \(label.plain)", found: "a point that is not finite", wanted: "finite points")
    }
    self.label = label
    self.points = points
    self.epochs = epochs
    self.counts = counts
  }
}

/// Paths on a page: a line with a light outline, a dot each epoch, some numbered, and signs for the two ends.
struct PathDrawing {
  let points: [Point]
  let epochs: [Int]
  let colour: Colour
  let dash: [Double]

  init(_ path: LandscapePath, index: Int, _ place: (Point) -> Point) {
    points = path.points.map(place)
    epochs = path.epochs
    colour = Self.colours[index % Self.colours.count]
    dash = LineStyle.dash(index)
  }

  /// Told apart from each other and from the dark and light ends of the colour maps.
  private static let colours: [Colour] = [
    Colour(hex: 0xD55E00), Colour(hex: 0x56B4E9), Colour(hex: 0xCC79A7), Colour(hex: 0xE69F00), Colour(hex: 0x009E73),
    Colour(hex: 0x0072B2),
  ]

  static let startRadius = 2.8
  /// Dots closer than this would run together.
  private static let leastDistance = 4.0
  private static let mostNumbers = 6

  func draw(on canvas: Canvas) {
    canvas.stroke(points, .white, width: 2.8)
    canvas.stroke(points, .ink, width: 1.9)
    canvas.stroke(points, colour, width: 1.3, dash: dash)
    var last = points[0]
    for point in points.dropFirst().dropLast() where point.distance(to: last) >= Self.leastDistance {
      canvas.fillCircle(point, radius: 1.6, .ink)
      canvas.fillCircle(point, radius: 1.1, colour)
      last = point
    }
    Self.drawStart(on: canvas, at: points[0], colour)
    if points.count > 1 { Self.drawEnd(on: canvas, at: points[points.count - 1], colour) }
  }

  /// Numbers of some epochs beside the path, where there is room inside `frame` and beside what is `taken`.
  func drawNumbers(on canvas: Canvas, within frame: Rectangle, taken: inout [Rectangle], _ ruler: Ruler) {
    for index in numbered {
      let text = Label("\(epochs[index])")
      let (width, height) = (ruler.width(text, size: Theme.contourSize), Theme.contourSize * Theme.capHeight)
      for (dx, dy) in [(1.0, -1.0), (1, 1), (-1, -1), (-1, 1), (0, -1.4), (0, 1.4), (1.2, 0), (-1.2, 0)] {
        let centre = Point(points[index].x + dx * (width / 2 + 3), points[index].y + dy * (height / 2 + 2.5))
        let box = Rectangle(
          x: centre.x - width / 2 - 1, y: centre.y - height / 2 - 1, width: width + 2, height: height + 2)
        guard box.x >= frame.x, box.right <= frame.right, box.y >= frame.y, box.bottom <= frame.bottom,
          !taken.contains(where: box.intersects), !box.isCrossed(by: points)
        else { continue }
        taken.append(box)
        canvas.text(
          text, at: centre, size: Theme.contourSize, colour: .ink, horizontal: .centre, vertical: .middle,
          halo: Colour.white.with(opacity: 0.85))
        break
      }
    }
  }

  /// Round epochs, first and last: a few of them.
  private var numbered: [Int] {
    guard epochs.count > 1, let first = epochs.first, let last = epochs.last else { return Array(epochs.indices) }
    let span = Double(abs(last - first))
    let step =
      [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000].first { span / Double($0) <= Double(Self.mostNumbers) } ?? 5000
    let round = epochs.indices.filter { epochs[$0].isMultiple(of: step) }
    return [epochs.count - 1, 0] + round.filter { $0 != 0 && $0 != epochs.count - 1 }
  }

  static func drawStart(on canvas: Canvas, at point: Point, _ colour: Colour) {
    canvas.fillCircle(point, radius: startRadius, .white)
    canvas.strokeCircle(point, radius: startRadius, .ink, width: 1.9)
    canvas.strokeCircle(point, radius: startRadius, colour, width: 1.3)
  }

  static func drawEnd(on canvas: Canvas, at point: Point, _ colour: Colour) {
    let square = Rectangle(x: point.x - 2.6, y: point.y - 2.6, width: 5.2, height: 5.2)
    canvas.fill(square, colour)
    canvas.stroke(square, .ink, width: 0.7)
  }

  /// Line with both signs, for a legend.
  static func drawSign(_ index: Int, on canvas: Canvas, from point: Point, length: Double) {
    let colour = colours[index % colours.count]
    let end = Point(point.x + length, point.y)
    canvas.stroke([point, end], .ink, width: 1.9)
    canvas.stroke([point, end], colour, width: 1.3, dash: LineStyle.dash(index))
    drawStart(on: canvas, at: point, colour)
    drawEnd(on: canvas, at: end, colour)
  }
}
