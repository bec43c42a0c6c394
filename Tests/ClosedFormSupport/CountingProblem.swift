import Cells
import Compute
import Formats
import Problems

/// The quadratic problem, counting passes, with one running statistic: the first value of ω, so that it shows which weights
/// moved it. The loss with statistics is the loss plus that statistic.
final class CountingProblem: BilevelProblem {
  typealias Batch = QuadraticBilevelProblem.Batch
  let inner: QuadraticBilevelProblem
  var forwards = 0
  var steps = 0
  var moves = 0

  init(_ inner: QuadraticBilevelProblem) { self.inner = inner }

  var initialAlphas: ArchitectureParameters { inner.initialAlphas }
  func makeInitialWeights() -> ParameterVector { inner.makeInitialWeights() }
  func makeVector() -> ParameterVector { inner.makeVector() }
  func makeInitialStatistics() -> ParameterVector { ParameterVector(count: 1) }
  var stepsPerEpoch: Int { inner.stepsPerEpoch }
  func trainingBatch(epoch: Int, step: Int) -> Batch { inner.trainingBatch(epoch: epoch, step: step) }
  func validationBatch(epoch: Int, step: Int) -> Batch { inner.validationBatch(epoch: epoch, step: step) }
  var validationSplitCount: Int { 3 }
  func validationSplitBatch(_ index: Int) -> Batch { inner.validationBatch(epoch: 90, step: index) }

  func evaluate(weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch) -> BatchLoss {
    forwards += 1
    return inner.evaluate(weights: weights, alphas: alphas, batch: batch)
  }

  func evaluate(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, statistics: ParameterVector
  ) -> BatchLoss {
    var result = evaluate(weights: weights, alphas: alphas, batch: batch)
    result.loss += Double(statistics[0])
    return result
  }

  func moveStatistics(
    _ statistics: ParameterVector, momentum: Float, weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch
  ) {
    moves += 1
    statistics[0] += momentum * (weights[0] + Float(batch.shift[0]) - statistics[0])
  }

  func gradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, weightGradient: ParameterVector?,
    wantsAlphaGradient: Bool, statistics: ParameterVector?
  ) -> BatchGradient {
    steps += 1
    if let statistics { statistics[0] += 0.1 * (weights[0] + Float(batch.shift[0]) - statistics[0]) }
    return inner.gradient(
      weights: weights, alphas: alphas, batch: batch, weightGradient: weightGradient,
      wantsAlphaGradient: wantsAlphaGradient, statistics: nil)
  }

  func export(_ vector: ParameterVector) -> [NamedTensor] { inner.export(vector) }
  func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor] {
    [NamedTensor(name: "running", shape: [1], values: .float32(statistics.values))]
  }
  func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector {
    try inner.importVector(from: file, prefix: prefix)
  }
  func importStatistics(from file: TensorFile) throws -> ParameterVector? { nil }
}
