import Compute
import Formats
import Runs

/// The points of a square n × n grid over [−range, range]² in the plane of two directions.
public struct LandscapeGrid: Equatable, Sendable {
  /// Points along each side.
  public let size: Int
  /// Largest coordinate, in units of the directions' length.
  public let range: Double

  /// One point: i counts along the first direction, j along the second, both from 0.
  public struct Point: Equatable, Sendable {
    public let i: Int
    public let j: Int
    public let x: Double
    public let y: Double

    public init(i: Int, j: Int, x: Double, y: Double) {
      self.i = i
      self.j = j
      self.x = x
      self.y = y
    }
  }

  /// Largest number of points along a side.
  public static let largestSize = 10_001

  /// - Parameter setting: what the size belongs to, for messages.
  /// - Throws: `InputError` where the size is below 1 or beyond `largestSize`, or the range not positive and finite.
  public init(size: Int, range: Double, setting: String = "grid") throws {
    try CountBounds(1...Self.largestSize).require(size, at: .setting(setting), "not a number of points along a side")
    try RealBounds.length.require(range, at: .setting("range"), "not a range")
    self.size = size
    self.range = range
  }

  public var count: Int { size * size }

  /// Coordinate of an index: −range at 0, range at size − 1, symmetric to the last bit; 0 where the grid is one point.
  public func coordinate(_ index: Int) -> Double {
    size == 1 ? 0 : range * (Double(2 * index - (size - 1)) / Double(size - 1))
  }

  /// The point in row-major order: j varies fastest.
  public func point(_ index: Int) -> Point {
    let (i, j) = (index / size, index % size)
    return Point(i: i, j: j, x: coordinate(i), y: coordinate(j))
  }
}
