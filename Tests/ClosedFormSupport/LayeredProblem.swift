import Cells
import Compute
import Formats
import Problems

/// The quadratic problem with ω in layers: a convolution, and a classifier with its bias. Vectors hold
/// the tensors in the opposite order of their names, with a value of padding before each, as an engine may.
package final class LayeredProblem: BilevelProblem {
  package typealias Batch = QuadraticBilevelProblem.Batch
  package let inner: QuadraticBilevelProblem
  /// Names and shapes, in the order of `export`.
  package static let shapes: [(name: String, shape: [Int])] = [
    ("conv.weight", [2, 2, 1, 1]), ("linear.weight", [2, 2]), ("linear.bias", [2]),
  ]
  /// Values of ω.
  package static let count = 10

  package init(seed: UInt64 = 5, noise: Double = 0) throws {
    inner = try .random(seed: seed, weightCount: Self.count, alphas: smallAlphas(), stepsPerEpoch: 4, noise: noise)
  }

  private static var places: [Int] {
    // bias at 1, classifier at 4, convolution at 9.
    Array(9..<13) + Array(4..<8) + Array(1..<3)
  }
  private static let size = 13

  /// A vector with these values in the order of `export`.
  package func vector(_ values: [Float]) -> ParameterVector {
    let result = makeVector()
    for (place, value) in zip(Self.places, values) { result[place] = value }
    return result
  }

  /// The values of a vector in the order of `export`.
  package func values(_ vector: ParameterVector) -> [Float] { Self.places.map { vector[$0] } }

  private func plain(_ vector: ParameterVector) -> ParameterVector {
    let result = inner.makeVector()
    for (index, value) in values(vector).enumerated() { result[index] = value }
    return result
  }

  package var initialAlphas: ArchitectureParameters { inner.initialAlphas }
  package func makeInitialWeights() -> ParameterVector { vector([3, 4, 0, 0, 1, 0, 2, 2, -1, 1]) }
  package func makeVector() -> ParameterVector { ParameterVector(count: Self.size, kernels: Kernels.sets[0]) }
  package func makeInitialStatistics() -> ParameterVector { inner.makeInitialStatistics() }
  package var stepsPerEpoch: Int { inner.stepsPerEpoch }
  package func trainingBatch(epoch: Int, step: Int) -> Batch { inner.trainingBatch(epoch: epoch, step: step) }
  package func validationBatch(epoch: Int, step: Int) -> Batch { inner.validationBatch(epoch: epoch, step: step) }
  package var validationSplitCount: Int { 1 }
  package func validationSplitBatch(_ index: Int) throws -> Batch { inner.validationSplitBatch(index) }

  package func evaluate(weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch) -> BatchLoss {
    inner.evaluate(weights: plain(weights), alphas: alphas, batch: batch)
  }

  package func gradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, weightGradient: ParameterVector?,
    wantsAlphaGradient: Bool, statistics: ParameterVector?
  ) -> BatchGradient {
    let slope = inner.makeVector()
    let result = inner.gradient(
      weights: plain(weights), alphas: alphas, batch: batch, weightGradient: slope,
      wantsAlphaGradient: wantsAlphaGradient, statistics: nil)
    if let weightGradient { weightGradient.copy(from: vector(slope.values)) }
    return result
  }

  package func hessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: [Double], coordinates: HessianCoordinates,
    batch: Batch
  ) throws -> BatchHessianProduct {
    try inner.hessianProduct(
      weights: plain(weights), alphas: alphas, direction: direction, coordinates: coordinates, batch: batch)
  }

  package func weightHessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: ParameterVector, batch: Batch,
    product: ParameterVector
  ) throws -> BatchLoss {
    let result = inner.makeVector()
    let loss = try inner.weightHessianProduct(
      weights: plain(weights), alphas: alphas, direction: plain(direction), batch: batch, product: result)
    product.copy(from: vector(result.values))
    return loss
  }

  package func export(_ vector: ParameterVector) -> [NamedTensor] {
    var left = values(vector)[...]
    return Self.shapes.map { name, shape in
      let count = shape.reduce(1, *)
      defer { left = left.dropFirst(count) }
      return NamedTensor(name: name, shape: shape, values: .float32(Array(left.prefix(count))))
    }
  }

  package func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor] { [] }

  package func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector {
    vector(try Self.shapes.flatMap { try file.floats(prefix + $0.name, shape: $0.shape) })
  }

  package func importStatistics(from file: TensorFile) throws -> ParameterVector? { nil }
}
