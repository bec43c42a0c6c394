import Cells
import Compute
import Formats
import Problems

extension Directions {
  /// The coordinates of the foot of an α in the span of the directions, which are orthogonal.
  func coordinates(of alphas: ArchitectureParameters) -> [Double] {
    let offset = zip(alphas.flat, center.flat).map { Double($0) - Double($1) }
    return coordinates(along: offset)
  }

  /// The coordinates of a change of α along the directions, which are orthogonal.
  func coordinates(along change: [Double]) -> [Double] {
    directions.map { direction in
      let axis = direction.flat
      let (along, square) = zip(change, axis).reduce((0.0, 0.0)) { ($0.0 + $1.0 * $1.1, $0.1 + $1.1 * $1.1) }
      return along / square
    }
  }

  /// Σ coordinates[k] · direction k.
  func change(along coordinates: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: center.count)
    for (coordinate, direction) in zip(coordinates, directions) {
      for (index, value) in direction.flat.enumerated() { result[index] += coordinate * value }
    }
    return result
  }
}

/// A problem of which only a plane of α is left: every loss is that at the foot of α in the plane, so gradients by α lie in the
/// plane, and candidates of a method are judged where they fall upon it. ω is as free as it was.
final class ConfinedProblem<Base: BilevelProblem>: BilevelProblem {
  typealias Batch = Base.Batch
  private let base: Base
  private let plane: Directions

  init(_ base: Base, to plane: Directions) { (self.base, self.plane) = (base, plane) }

  private func foot(_ alphas: ArchitectureParameters) -> ArchitectureParameters {
    plane.alphas(at: plane.coordinates(of: alphas))
  }

  /// The part of a gradient that lies in the plane: the chain rule through the foot.
  private func inPlane(_ gradient: ArchitectureParameters) -> ArchitectureParameters {
    var result = gradient
    result.flat = inPlane(gradient.flat.map(Double.init)).map(Float.init)
    return result
  }

  private func inPlane(_ change: [Double]) -> [Double] { plane.change(along: plane.coordinates(along: change)) }

  func evaluate(weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch) -> BatchLoss {
    base.evaluate(weights: weights, alphas: foot(alphas), batch: batch)
  }

  func evaluate(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, statistics: ParameterVector
  ) -> BatchLoss {
    base.evaluate(weights: weights, alphas: foot(alphas), batch: batch, statistics: statistics)
  }

  func moveStatistics(
    _ statistics: ParameterVector, momentum: Float, weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch
  ) {
    base.moveStatistics(statistics, momentum: momentum, weights: weights, alphas: foot(alphas), batch: batch)
  }

  func gradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, weightGradient: ParameterVector?,
    wantsAlphaGradient: Bool, statistics: ParameterVector?
  ) -> BatchGradient {
    var result = base.gradient(
      weights: weights, alphas: foot(alphas), batch: batch, weightGradient: weightGradient,
      wantsAlphaGradient: wantsAlphaGradient, statistics: statistics)
    result.alphas = result.alphas.map(inPlane)
    return result
  }

  /// By α; there is no plane of mixing weights.
  func hessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: [Double], coordinates: HessianCoordinates,
    batch: Batch
  ) throws -> BatchHessianProduct {
    guard case .alphas = coordinates else {
      throw InputError("not known in a plane of α", at: "Hessian products", found: "by mixing weights", wanted: "by α")
    }
    var result = try base.hessianProduct(
      weights: weights, alphas: foot(alphas), direction: inPlane(direction), coordinates: coordinates, batch: batch)
    (result.gradient, result.product) = (inPlane(result.gradient), inPlane(result.product))
    return result
  }

  func weightHessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: ParameterVector, batch: Batch,
    product: ParameterVector
  ) throws -> BatchLoss {
    try base.weightHessianProduct(
      weights: weights, alphas: foot(alphas), direction: direction, batch: batch, product: product)
  }

  // MARK: What is as it was

  var initialAlphas: ArchitectureParameters { base.initialAlphas }
  func makeInitialWeights() -> ParameterVector { base.makeInitialWeights() }
  func makeVector() -> ParameterVector { base.makeVector() }
  func makeInitialStatistics() -> ParameterVector { base.makeInitialStatistics() }
  var dataChecksum: String? { base.dataChecksum }
  var stepsPerEpoch: Int { base.stepsPerEpoch }
  var mixingCount: Int { base.mixingCount }
  func trainingBatch(epoch: Int, step: Int) throws -> Batch { try base.trainingBatch(epoch: epoch, step: step) }
  func validationBatch(epoch: Int, step: Int) throws -> Batch { try base.validationBatch(epoch: epoch, step: step) }
  func trainingBatch(epoch: Int, step: Int, draw: Int) throws -> Batch {
    try base.trainingBatch(epoch: epoch, step: step, draw: draw)
  }
  func validationBatch(epoch: Int, step: Int, draw: Int) throws -> Batch {
    try base.validationBatch(epoch: epoch, step: step, draw: draw)
  }
  var validationSplitCount: Int { base.validationSplitCount }
  func validationSplitBatch(_ index: Int) throws -> Batch { try base.validationSplitBatch(index) }
  func splitCount(_ split: DataSplit) -> Int { base.splitCount(split) }
  func splitBatch(_ split: DataSplit, _ index: Int) throws -> Batch { try base.splitBatch(split, index) }
  func export(_ vector: ParameterVector) -> [NamedTensor] { base.export(vector) }
  func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor] { base.exportStatistics(statistics) }
  func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector {
    try base.importVector(from: file, prefix: prefix)
  }
  func importStatistics(from file: TensorFile) throws -> ParameterVector? { try base.importStatistics(from: file) }
}
