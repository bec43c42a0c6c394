import Cells
import Compute
import Formats
import Problems

/// Where a point of a landscape lies: α, and how far ω is moved along each of its directions.
public struct PointPlace: Equatable, Sendable {
  public var alphas: ArchitectureParameters
  /// Coordinates along the directions in ω (`WeightDirections`); empty where ω is the checkpoint's.
  public var weights: [Double]

  public init(alphas: ArchitectureParameters, weights: [Double] = []) { (self.alphas, self.weights) = (alphas, weights) }
}

/// The axes of a landscape: which of its coordinates move α and which ω.
public struct LandscapeAxes: Sendable {
  /// Those of α, around the α of every point; none where all axes are ω's.
  public let alphas: Directions
  /// Those of ω; nil where all axes are α's.
  public let weights: WeightDirections?
  /// Of each axis, whether it is ω's.
  private let movesWeights: [Bool]

  /// All axes are α's.
  public init(_ directions: Directions) {
    (alphas, weights) = (directions, nil)
    movesWeights = directions.directions.map { _ in false }
  }

  /// - Parameter movesWeights: of each axis, whether it is ω's; the directions are those of the axes of either kind, in order.
  init(alphas: Directions, weights: WeightDirections?, movesWeights: [Bool]) {
    precondition(
      movesWeights.count { $0 } == weights?.vectors.count ?? 0 && movesWeights.count { !$0 } == alphas.directions.count,
      "every direction is an axis")
    (self.alphas, self.weights, self.movesWeights) = (alphas, weights, movesWeights)
  }

  /// How many there are.
  public var count: Int { movesWeights.count }

  /// The point of coordinates, one an axis.
  public func place(at coordinates: [Double]) -> PointPlace {
    let pairs = zip(coordinates, movesWeights)
    return PointPlace(
      alphas: alphas.alphas(at: pairs.filter { !$0.1 }.map(\.0)), weights: pairs.filter(\.1).map(\.0))
  }

  /// `direction1.NAME`, …, counted over all axes: of α by kind of cell, float64; of ω by public name, float32. The centre's α as
  /// checkpoints have it.
  func tensors<Problem: BilevelProblem>(of problem: Problem) -> [NamedTensor] {
    var (alpha, weight) = (0, 0)
    let parts = movesWeights.enumerated().flatMap { axis, isWeight -> [NamedTensor] in
      let prefix = "direction\(axis + 1)."
      if isWeight, let weights {
        defer { weight += 1 }
        return problem.export(weights.vectors[weight]).map {
          NamedTensor(name: prefix + $0.name, shape: $0.shape, values: $0.values)
        }
      }
      defer { alpha += 1 }
      return alphas.tensors(of: alpha, prefix: prefix)
    }
    return parts + alphas.center.tensors
  }
}

extension WalkPoint {
  /// A point of a landscape by its coordinates, which are asked for when its turn comes.
  init(
    _ key: Key, _ objectives: [Objective], number: Int, on axes: LandscapeAxes, at coordinates: @escaping () -> [Double]
  ) {
    self.init(key, objectives, number: number, bench: 0, in: { axes.place(at: coordinates()) })
  }
}
