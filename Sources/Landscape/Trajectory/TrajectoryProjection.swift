import Compute
import Formats
import Foundation

/// Paths of α, or of ω, as seen in the plane of a landscape: the content of `trajectory.csv`.
public struct TrajectoryProjection: Equatable, Sendable {
  /// One epoch of one run.
  public struct Point: Equatable, Sendable {
    public var run: String
    /// Counted from 1.
    public var epoch: Int
    /// Coordinates of the foot in the plane.
    public var x: Double
    public var y: Double
    /// ‖α − foot‖, or ‖ω − foot‖.
    public var distance: Double
  }

  public let points: [Point]
  /// Share of the variance of all points, about their mean, that lies along each of the two directions; nil where they have
  /// none.
  public let explainedVariance: [Double]?

  /// - Throws: `InputError` where there are not two directions.
  public init(of trajectories: [AlphaTrajectory], on directions: Directions) throws {
    guard directions.directions.count == 2 else {
      throw InputError(
        "a path is seen in a plane", at: .setting("trajectory"), found: "\(directions.directions.count) directions",
        wanted: "two directions")
    }
    let center = directions.center.flat.map(Double.init)
    let axes = directions.directions.map(\.flat)
    let squares = axes.map { Self.dot($0, $0) }
    points = trajectories.flatMap { trajectory in
      trajectory.points.enumerated().map { epoch, alphas in
        let offset = zip(alphas, center).map { $0 - $1 }
        let coordinates = zip(axes, squares).map { Self.dot(offset, $0) / $1 }
        let rest = offset.indices.map { offset[$0] - coordinates[0] * axes[0][$0] - coordinates[1] * axes[1][$0] }
        return Point(
          run: trajectory.name, epoch: epoch + 1, x: coordinates[0], y: coordinates[1],
          distance: Self.dot(rest, rest).squareRoot())
      }
    }
    explainedVariance = AlphaTrajectory.mean(of: trajectories).flatMap { mean in
      let offsets = trajectories.flatMap(\.points).map { point in zip(point, mean).map { $0 - $1 } }
      let total = offsets.reduce(0.0) { $0 + Self.dot($1, $1) }
      guard total > 0 else { return nil }
      return zip(axes, squares).map { axis, square in
        offsets.reduce(0.0) { $0 + Self.dot($1, axis) * Self.dot($1, axis) } / square / total
      }
    }
  }

  /// The path of ω in a plane of directions of ω, which need not be orthogonal.
  ///
  /// - Parameter center: where the directions start.
  /// - Throws: `InputError` where there are not two directions, or they are dependent or of another network; what reading a
  ///   checkpoint throws.
  public init(
    of trajectory: WeightTrajectory, on directions: [ParameterVector], around center: ParameterVector
  ) throws {
    guard directions.count == 2 else {
      throw InputError(
        "a path is seen in a plane", at: .setting("trajectory"), found: "\(directions.count) directions",
        wanted: "two directions")
    }
    let feet = try trajectory.feet(on: directions, around: center)
    points = zip(trajectory.checkpoints, feet).map { checkpoint, foot in
      Point(
        run: checkpoint.run, epoch: checkpoint.epoch, x: foot.coordinates[0], y: foot.coordinates[1],
        distance: foot.distance)
    }
    // ⟨ω, d⟩ but for a constant, from the coordinates along both.
    let cross = directions[0].dot(directions[1])
    let squares = directions.map { $0.dot($0) }
    let along = feet.map { foot in
      let (x, y) = (foot.coordinates[0], foot.coordinates[1])
      return [x * squares[0] + y * cross, x * cross + y * squares[1]]
    }
    explainedVariance = directions.indices.map { axis in
      let values = along.map { $0[axis] }
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      return variance / squares[axis] / trajectory.variance
    }
  }

  /// The smallest range of a square grid that holds every point, with a tenth to spare.
  ///
  /// - Throws: `InputError` where every point lies on the centre.
  public func enclosingRange() throws -> Double { try range(farthest: points.reduce(0) { max($0, abs($1.x), abs($1.y)) }) }

  /// The same along one direction alone.
  ///
  /// - Parameter direction: 0 or 1.
  public func enclosingRange(along direction: Int) throws -> Double {
    try range(farthest: points.reduce(0) { max($0, abs(direction == 0 ? $1.x : $1.y)) })
  }

  /// The least interval along a direction that holds every point, with a tenth to spare; where all lie at one coordinate, as wide as
  /// that is far from the centre.
  ///
  /// - Throws: `InputError` where every point lies on the centre.
  public func enclosingBounds(along direction: Int) throws -> ClosedRange<Double> {
    let (middle, half) = spread(along: direction)
    let reach = half > 0 ? 1.1 * half : try range(farthest: abs(middle), asked: "path") / 2
    guard (middle - reach).isFinite, (middle + reach).isFinite else { throw Self.noExtent("path") }
    return middle - reach...middle + reach
  }

  /// The same for both directions, as long along one as along the other.
  public func enclosingSquare() throws -> [ClosedRange<Double>] {
    let spreads = (0..<2).map(spread)
    let reach = try range(farthest: spreads.map(\.half).max() ?? 0, asked: "path")
    guard spreads.allSatisfy({ (abs($0.middle) + reach).isFinite }) else { throw Self.noExtent("path") }
    return spreads.map { $0.middle - reach...$0.middle + reach }
  }

  /// The middle of the points' coordinates along a direction, and how far they reach from it.
  private func spread(along direction: Int) -> (middle: Double, half: Double) {
    let values = points.map { direction == 0 ? $0.x : $0.y }
    guard let low = values.min(), let high = values.max() else { return (0, 0) }
    return (low / 2 + high / 2, high / 2 - low / 2)
  }

  private static func noExtent(_ asked: String) -> InputError {
    InputError("the path has no extent in this plane", at: .setting("range"), found: asked, wanted: "a number")
  }

  private func range(farthest: Double, asked: String = "auto") throws -> Double {
    guard farthest > 0, farthest.isFinite else { throw Self.noExtent(asked) }
    return 1.1 * farthest
  }

  public static let columns = ["run", "epoch", "x", "y", "distance_from_plane"]

  /// The rows of `trajectory.csv`.
  public var rows: [[CSVField]] {
    points.map { [.text($0.run), .integer($0.epoch), .real($0.x), .real($0.y), .real($0.distance)] }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
}
