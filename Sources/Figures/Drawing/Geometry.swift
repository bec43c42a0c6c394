import Foundation

/// A point in points (1/72 inch), y downwards.
public struct Point: Equatable, Sendable {
  public var x: Double
  public var y: Double

  public init(_ x: Double, _ y: Double) {
    self.x = x
    self.y = y
  }

  func distance(to other: Point) -> Double { hypot(x - other.x, y - other.y) }
}

/// Width and height in points.
public struct Size: Equatable, Sendable {
  public var width: Double
  public var height: Double

  public init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }
}

/// An axis-parallel rectangle in points, y downwards.
public struct Rectangle: Equatable, Sendable {
  public var x: Double
  public var y: Double
  public var width: Double
  public var height: Double

  public init(x: Double, y: Double, width: Double, height: Double) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }

  public var right: Double { x + width }
  public var bottom: Double { y + height }
  public var centre: Point { Point(x + width / 2, y + height / 2) }

  func contains(_ point: Point) -> Bool { point.x >= x && point.x <= right && point.y >= y && point.y <= bottom }

  func inset(by margin: Double) -> Rectangle {
    Rectangle(x: x + margin, y: y + margin, width: width - 2 * margin, height: height - 2 * margin)
  }

  func intersects(_ other: Rectangle) -> Bool {
    x < other.right && other.x < right && y < other.bottom && other.y < bottom
  }

  /// Whether a piece of the line through `points` lies inside (the method of Liang and Barsky, 1984).
  func isCrossed(by points: [Point]) -> Bool {
    zip(points, points.dropFirst()).contains { a, b in
      guard max(a.x, b.x) >= x, min(a.x, b.x) <= right, max(a.y, b.y) >= y, min(a.y, b.y) <= bottom else { return false }
      var (enter, leave) = (0.0, 1.0)
      for (start, step, low, high) in [(a.x, b.x - a.x, x, right), (a.y, b.y - a.y, y, bottom)] where step != 0 {
        let (first, second) = ((low - start) / step, (high - start) / step)
        enter = max(enter, min(first, second))
        leave = min(leave, max(first, second))
      }
      return enter <= leave
    }
  }
}
