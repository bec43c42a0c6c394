import Formats
import Foundation
import Statistics

/// Principal components of the paths of one or more searches, over all their epochs together (Li et al., *Visualizing the
/// Loss Landscape of Neural Nets*, NeurIPS 2018, §7).
public struct PrincipalComponents: Equatable, Sendable {
  /// Unit vectors in the order of falling variance. Each points the way that the first path went from its first to its last
  /// epoch.
  public let components: [[Double]]
  /// Of the points along each component, the mean taken off; divided by the number of points.
  public let variances: [Double]
  /// How many of them are more than rounding.
  private let extent: Int

  /// - Throws: `InputError` where there are fewer than two points.
  public init(of trajectories: [AlphaTrajectory]) throws {
    let points = trajectories.flatMap(\.points)
    guard let mean = AlphaTrajectory.mean(of: trajectories), points.count >= 2, let path = trajectories.first?.points,
      let start = path.first, let end = path.last
    else {
      throw InputError(
        "principal components need a path of α", at: .setting("directions"),
        found: points.isEmpty ? "none" : "\(points.count) epoch", wanted: "the trajectory of a run with two epochs or more")
    }
    let centered = points.map { point in zip(point, mean).map { $0 - $1 } }
    // α that started at 1e-5 and squares of it: relative to the largest, nothing underflows.
    let scale = centered.reduce(0) { max($0, $1.reduce(0) { max($0, abs($1)) }) }
    guard scale > 0 else {
      throw InputError("α never moved", at: .setting("trajectory"), wanted: "a path with two different points")
    }
    let size = mean.count
    var covariance = [[Double]](repeating: [Double](repeating: 0, count: size), count: size)
    for point in centered {
      for row in 0..<size {
        let value = point[row] / scale
        for column in 0...row { covariance[row][column] += value * (point[column] / scale) }
      }
    }
    let solved = try SymmetricEigenproblem(covariance)
    let way = zip(end, start).map { $0 - $1 }
    components = solved.vectors.reversed().map { vector in
      let along = zip(vector, way).reduce(0.0) { $0 + $1.0 * $1.1 }
      let largest = vector.max { abs($0) < abs($1) } ?? 0
      return (along != 0 ? along < 0 : largest < 0) ? vector.map { -$0 } : vector
    }
    extent = solved.values.count { $0 > 1e-12 * (solved.values.last ?? 0) }
    variances = solved.values.reversed().map { max(0, $0) * scale * scale / Double(points.count) }
  }

  /// A component, counted from 1.
  ///
  /// - Throws: `InputError` where the points do not extend that way.
  public func component(_ index: Int) throws -> [Double] {
    guard index >= 1, index <= extent else {
      throw InputError(
        "the path of α does not extend in so many directions", at: .setting("directions"), found: "pca\(index)",
        wanted: "pca1 to pca\(extent)")
    }
    return components[index - 1]
  }
}
