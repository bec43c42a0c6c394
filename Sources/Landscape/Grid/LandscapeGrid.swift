import Compute
import Formats
import Runs

/// The points of a grid over [−range x, range x] × [−range y, range y] in the plane of two directions; also the points of one
/// line, which are those of `x`.
public struct LandscapeGrid: Equatable, Sendable {
  /// The coordinates along one direction.
  public struct Axis: Equatable, Sendable {
    /// Points along it.
    public let size: Int
    /// Largest coordinate, in units of the direction's length.
    public let range: Double

    /// - Parameter setting: what the size belongs to, for messages.
    /// - Throws: `InputError` where the size is below 1 or beyond `largestSize`, or the range not positive and finite.
    public init(size: Int, range: Double, setting: String = "grid") throws {
      try CountBounds(1...LandscapeGrid.largestSize).require(
        size, at: .setting(setting), "not a number of points along a side")
      try RealBounds.length.require(range, at: .setting("range"), "not a range")
      (self.size, self.range) = (size, range)
    }

    /// Coordinate of an index: −range at 0, range at size − 1, symmetric to the last bit; 0 where there is one point.
    public func coordinate(_ index: Int) -> Double {
      size == 1 ? 0 : range * (Double(2 * index - (size - 1)) / Double(size - 1))
    }

    /// All coordinates, in their order.
    public var coordinates: [Double] { (0..<size).map(coordinate) }
  }

  /// Along the first direction.
  public let x: Axis
  /// Along the second direction.
  public let y: Axis

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

  public init(x: Axis, y: Axis) { (self.x, self.y) = (x, y) }

  /// A square of size × size points over [−range, range]², or a line.
  ///
  /// - Parameter setting: what the size belongs to, for messages.
  /// - Throws: `InputError` where the size is below 1 or beyond `largestSize`, or the range not positive and finite.
  public init(size: Int, range: Double, setting: String = "grid") throws {
    let axis = try Axis(size: size, range: range, setting: setting)
    self.init(x: axis, y: axis)
  }

  /// Points along the first direction, or along a line.
  public var size: Int { x.size }
  /// Largest coordinate along the first direction, or along a line.
  public var range: Double { x.range }
  public var count: Int { x.size * y.size }

  /// Coordinate of an index along the first direction, or along a line.
  public func coordinate(_ index: Int) -> Double { x.coordinate(index) }

  /// The point in row-major order: j varies fastest.
  public func point(_ index: Int) -> Point {
    let (i, j) = (index / y.size, index % y.size)
    return Point(i: i, j: j, x: x.coordinate(i), y: y.coordinate(j))
  }
}
