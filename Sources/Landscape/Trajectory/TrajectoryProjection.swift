import Formats
import Foundation

/// Paths of α as seen in the plane of a landscape: the content of `trajectory.csv`.
public struct TrajectoryProjection: Equatable, Sendable {
  /// One epoch of one run.
  public struct Point: Equatable, Sendable {
    public var run: String
    /// Counted from 1.
    public var epoch: Int
    /// Coordinates of the foot in the plane.
    public var x: Double
    public var y: Double
    /// ‖α − foot‖.
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

  /// The smallest range of a square grid that holds every point, with a tenth to spare.
  ///
  /// - Throws: `InputError` where every point lies on the centre.
  public func enclosingRange() throws -> Double {
    let farthest = points.reduce(0) { max($0, abs($1.x), abs($1.y)) }
    guard farthest > 0, farthest.isFinite else {
      throw InputError("the path of α has no extent in this plane", at: .setting("range"), found: "auto", wanted: "a number")
    }
    return 1.1 * farthest
  }

  public static let columns = ["run", "epoch", "x", "y", "distance_from_plane"]

  /// The rows of `trajectory.csv`.
  public var rows: [[CSVField]] {
    points.map { [.text($0.run), .integer($0.epoch), .real($0.x), .real($0.y), .real($0.distance)] }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
}
