import Compute
import Formats
import Runs

/// The points of a grid in the plane of two directions, over [−range x, range x] × [−range y, range y] or between bounds that need not
/// lie about 0; also the points of one line, which are those of `x`.
public struct LandscapeGrid: Equatable, Sendable {
  /// The coordinates along one direction.
  public struct Axis: Equatable, Sendable {
    /// Points along it.
    public let size: Int
    /// Largest coordinate by magnitude, in units of the direction's length.
    public let range: Double
    /// The least coordinate and the largest where the axis does not lie about 0; nil where it reaches as far either way.
    public let bounds: ClosedRange<Double>?

    /// - Parameter setting: what the size belongs to, for messages.
    /// - Throws: `InputError` where the size is below 1 or beyond `largestSize`, or the range not positive and finite.
    public init(size: Int, range: Double, setting: String = "grid") throws {
      try CountBounds(1...LandscapeGrid.largestSize).require(
        size, at: .setting(setting), "not a number of points along a side")
      try RealBounds.length.require(range, at: .setting("range"), "not a range")
      (self.size, self.range, bounds) = (size, range, nil)
    }

    /// - Throws: `InputError` where the size is below 1 or beyond `largestSize`, or the bounds are not finite.
    public init(size: Int, bounds: ClosedRange<Double>, setting: String = "grid") throws {
      let (lower, upper) = (bounds.lowerBound, bounds.upperBound)
      for bound in [lower, upper] { try RealBounds.finite.require(bound, at: .setting("range"), "not a range") }
      try InputError.require(
        lower < upper && (upper - lower).isFinite, "range", "\(lower):\(upper)", "a smaller number before a larger one",
        "not a range")
      let symmetric = try Axis(size: size, range: max(abs(lower), abs(upper)), setting: setting)
      (self.size, range) = (size, symmetric.range)
      self.bounds = lower == -upper ? nil : bounds
    }

    /// Coordinate of an index: −range at 0, range at size − 1, symmetric to the last bit; 0 where there is one point. Between bounds
    /// their ends are met, and one point lies in their middle.
    public func coordinate(_ index: Int) -> Double {
      size == 1 && bounds == nil ? 0 : coordinate(2 * index - (size - 1), of: size - 1)
    }

    /// Coordinate of a place on a lattice that is as fine as one likes and has the points of the axis among its own.
    ///
    /// - Parameters:
    ///   - place: counted from the middle, −extent to extent.
    ///   - extent: half of the spacings between the ends; 0 for the middle alone.
    func coordinate(_ place: Int, of extent: Int) -> Double {
      guard let bounds else { return range * (Double(place) / Double(extent)) }
      let (lower, upper) = (bounds.lowerBound, bounds.upperBound)
      guard extent > 0 else { return lower / 2 + upper / 2 }
      if place == extent { return upper }
      if place == -extent { return lower }
      let share = Double(place + extent) / Double(2 * extent)
      let value = lower * (1 - share) + upper * share
      // What is 0 but for rounding is the centre of the directions.
      return abs(value) < 1e-12 * (upper - lower) ? 0 : value
    }

    /// The reach as settings have it: one number, or two bounds with a colon between.
    var rangeText: String { bounds.map { "\($0.lowerBound):\($0.upperBound)" } ?? "\(range)" }

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
  /// Largest coordinate by magnitude along the first direction, or along a line.
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
