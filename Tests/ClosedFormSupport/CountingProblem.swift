import Cells
import Compute
import Formats
import Problems

/// The quadratic problem, counting passes, with one running statistic: the first value of ω, so that it shows which weights
/// moved it. The loss with statistics is the loss plus that statistic.
package final class CountingProblem: BilevelProblem {
  package typealias Batch = QuadraticBilevelProblem.Batch
  package let inner: QuadraticBilevelProblem
  package var forwards = 0
  package var steps = 0
  package var moves = 0
  package var hessianProducts = 0
  /// Whether the loss with statistics is infinite.
  package var spoilsStatistics = false
  /// Told of each loss, gradient and Hessian product before it is computed.
  package var beforePass: () -> Void = {}
  /// What reading a batch of the validation split ends in; nil where it can be read.
  package var damage: (any Error)?

  package init(_ inner: QuadraticBilevelProblem) { self.inner = inner }

  package var initialAlphas: ArchitectureParameters { inner.initialAlphas }
  package func makeInitialWeights() -> ParameterVector { inner.makeInitialWeights() }
  package func makeVector() -> ParameterVector { inner.makeVector() }
  package func makeInitialStatistics() -> ParameterVector { ParameterVector(count: 1, kernels: Kernels.sets[0]) }
  package var stepsPerEpoch: Int { inner.stepsPerEpoch }
  package func trainingBatch(epoch: Int, step: Int) -> Batch { inner.trainingBatch(epoch: epoch, step: step) }
  package func validationBatch(epoch: Int, step: Int) -> Batch { inner.validationBatch(epoch: epoch, step: step) }
  package var validationSplitCount: Int { 3 }
  package func validationSplitBatch(_ index: Int) throws -> Batch {
    if let damage { throw damage }
    return inner.validationBatch(epoch: 90, step: index)
  }

  package func evaluate(weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch) -> BatchLoss {
    beforePass()
    forwards += 1
    return inner.evaluate(weights: weights, alphas: alphas, batch: batch)
  }

  package func evaluate(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, statistics: ParameterVector
  ) -> BatchLoss {
    var result = evaluate(weights: weights, alphas: alphas, batch: batch)
    result.loss += spoilsStatistics ? .infinity : Double(statistics[0])
    return result
  }

  package func moveStatistics(
    _ statistics: ParameterVector, momentum: Float, weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch
  ) {
    moves += 1
    statistics[0] += momentum * (weights[0] + Float(batch.shift[0]) - statistics[0])
  }

  package func gradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, weightGradient: ParameterVector?,
    wantsAlphaGradient: Bool, statistics: ParameterVector?
  ) -> BatchGradient {
    beforePass()
    steps += 1
    if let statistics { statistics[0] += 0.1 * (weights[0] + Float(batch.shift[0]) - statistics[0]) }
    return inner.gradient(
      weights: weights, alphas: alphas, batch: batch, weightGradient: weightGradient,
      wantsAlphaGradient: wantsAlphaGradient, statistics: nil)
  }

  package func hessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: [Double], coordinates: HessianCoordinates,
    batch: Batch
  ) throws -> BatchHessianProduct {
    beforePass()
    hessianProducts += 1
    return try inner.hessianProduct(
      weights: weights, alphas: alphas, direction: direction, coordinates: coordinates, batch: batch)
  }
  package var mixingCount: Int { inner.mixingCount }

  package func weightHessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: ParameterVector, batch: Batch,
    product: ParameterVector
  ) throws -> BatchLoss {
    beforePass()
    hessianProducts += 1
    return try inner.weightHessianProduct(
      weights: weights, alphas: alphas, direction: direction, batch: batch, product: product)
  }

  package func export(_ vector: ParameterVector) -> [NamedTensor] { inner.export(vector) }
  package func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor] {
    [NamedTensor(name: "running", shape: [1], values: .float32(statistics.values))]
  }
  package func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector {
    try inner.importVector(from: file, prefix: prefix)
  }
  package func importStatistics(from file: TensorFile) throws -> ParameterVector? { nil }
}
