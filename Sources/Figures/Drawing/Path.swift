/// Lines and cubic curves, one after another, in points.
public struct Path: Equatable, Sendable {
  enum Step: Equatable, Sendable {
    case line(Point)
    case curve(Point, Point, Point)
  }

  let start: Point
  private(set) var steps: [Step] = []

  public init(from start: Point) { self.start = start }

  var end: Point {
    switch steps.last {
    case .line(let point), .curve(_, _, let point): point
    case nil: start
    }
  }

  public mutating func line(to point: Point) { steps.append(.line(point)) }

  public mutating func curve(_ first: Point, _ second: Point, to point: Point) {
    steps.append(.curve(first, second, point))
  }

  /// Goes on where another path ends: that path must begin there.
  mutating func append(_ other: Path) { steps += other.steps }

  /// Replaces the end of the last line.
  mutating func end(at point: Point) {
    guard case .line = steps.last else { return }
    steps[steps.count - 1] = .line(point)
  }

  func moved(by offset: Point) -> Path {
    func moved(_ point: Point) -> Point { Point(point.x + offset.x, point.y + offset.y) }
    var path = Path(from: moved(start))
    for step in steps {
      switch step {
      case .line(let point): path.line(to: moved(point))
      case .curve(let a, let b, let c): path.curve(moved(a), moved(b), to: moved(c))
      }
    }
    return path
  }

  /// The path as straight pieces, `pieces` for each curve.
  func points(perCurve pieces: Int = 24) -> [Point] {
    var points = [start]
    for step in steps {
      switch step {
      case .line(let point): points.append(point)
      case .curve(let b, let c, let d):
        guard let a = points.last else { continue }
        for piece in 1...pieces {
          let t = Double(piece) / Double(pieces)
          let s = 1 - t
          func mix(_ coordinate: (Point) -> Double) -> Double {
            s * s * (s * coordinate(a) + 3 * t * coordinate(b)) + t * t * (3 * s * coordinate(c) + t * coordinate(d))
          }
          points.append(Point(mix(\.x), mix(\.y)))
        }
      }
    }
    return points
  }

  /// A rectangle with quarter circles for corners, closed.
  static func rounded(_ box: Rectangle, radius: Double) -> Path {
    let r = min(radius, box.width / 2, box.height / 2)
    // The cubic that stays within 0.03 % of a quarter circle.
    let k = r * (1 - 0.5522847498)
    var path = Path(from: Point(box.x + r, box.y))
    path.line(to: Point(box.right - r, box.y))
    path.curve(Point(box.right - k, box.y), Point(box.right, box.y + k), to: Point(box.right, box.y + r))
    path.line(to: Point(box.right, box.bottom - r))
    path.curve(Point(box.right, box.bottom - k), Point(box.right - k, box.bottom), to: Point(box.right - r, box.bottom))
    path.line(to: Point(box.x + r, box.bottom))
    path.curve(Point(box.x + k, box.bottom), Point(box.x, box.bottom - k), to: Point(box.x, box.bottom - r))
    path.line(to: Point(box.x, box.y + r))
    path.curve(Point(box.x, box.y + k), Point(box.x + k, box.y), to: Point(box.x + r, box.y))
    return path
  }
}
