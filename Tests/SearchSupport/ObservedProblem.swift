import Cells
import Compute
import Formats
import Problems

/// Passes everything on to a problem, counts it, and can interfere.
package final class ObservedProblem<Base: BilevelProblem>: BilevelProblem {
  package typealias Batch = Base.Batch
  package let base: Base
  package var weightGradients = 0
  package var alphaGradients = 0
  package var evaluations = 0
  package var hessianProducts = 0
  package var trainingPositions: [[Int]] = []
  package var validationPositions: [[Int]] = []
  /// Whether there are running statistics, of two values that a training step moves.
  package var hasStatistics = false
  /// Called before each loss with the number of losses so far; what it returns replaces the loss.
  package var interfere: (Int) -> Double? = { _ in nil }
  /// Called likewise; what it returns takes the place of the first entry of ∂L/∂ω, and the loss stays as it is.
  package var spoilWeightGradient: (Int) -> Float? = { _ in nil }

  /// Told of α before each evaluation.
  package var sees: (ArchitectureParameters) -> Void = { _ in }

  /// Factor of ∂L/∂α and of Hessian products, which makes the loss sharper in α as the weights move; the loss stays as it is.
  package var sharpen: (ParameterVector) -> Float = { _ in 1 }

  /// Names data that the problem hasn't got.
  package var dataChecksum: String?
  /// Called before each batch with the number of batches so far; what it throws there is thrown.
  package var spoilBatch: (Int) throws -> Void = { _ in }
  package private(set) var batches = 0
  /// Called before each Hessian product with the number of products so far; what it throws there is thrown.
  package var spoilProduct: (Int) throws -> Void = { _ in }

  package init(_ base: Base) { self.base = base }

  private func countBatch() throws {
    batches += 1
    try spoilBatch(batches - 1)
  }

  /// Losses, gradients and Hessian products that were asked for.
  package var calls: Int { weightGradients + alphaGradients + evaluations + hessianProducts }

  package var initialAlphas: ArchitectureParameters { base.initialAlphas }
  package func makeInitialWeights() -> ParameterVector { base.makeInitialWeights() }
  package func makeVector() -> ParameterVector { base.makeVector() }
  package func makeInitialStatistics() -> ParameterVector {
    hasStatistics ? ParameterVector(count: 2, kernels: Kernels.sets[0]) : base.makeInitialStatistics()
  }
  package var stepsPerEpoch: Int { base.stepsPerEpoch }

  package func trainingBatch(epoch: Int, step: Int) throws -> Batch {
    try countBatch()
    trainingPositions.append([epoch, step])
    return try base.trainingBatch(epoch: epoch, step: step)
  }

  package func validationBatch(epoch: Int, step: Int) throws -> Batch {
    try countBatch()
    validationPositions.append([epoch, step])
    return try base.validationBatch(epoch: epoch, step: step)
  }

  /// Batches of the validation split that were made.
  package var validationSplitBatches = 0
  /// Takes the place of the validation split's.
  package var splitBatches: [Batch]?
  package var validationSplitCount: Int { splitBatches?.count ?? base.validationSplitCount }
  package func validationSplitBatch(_ index: Int) throws -> Batch {
    try countBatch()
    validationSplitBatches += 1
    if let splitBatches { return splitBatches[index] }
    return try base.validationSplitBatch(index)
  }

  package func evaluate(weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch) -> BatchLoss {
    let replacement = interfere(calls)
    evaluations += 1
    sees(alphas)
    var result = base.evaluate(weights: weights, alphas: alphas, batch: batch)
    if let replacement { result.loss = replacement }
    return result
  }

  package func evaluate(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, statistics: ParameterVector
  ) -> BatchLoss {
    // Its own statistics are none of the base's.
    guard !hasStatistics else { return evaluate(weights: weights, alphas: alphas, batch: batch) }
    let replacement = interfere(calls)
    evaluations += 1
    sees(alphas)
    var result = base.evaluate(weights: weights, alphas: alphas, batch: batch, statistics: statistics)
    if let replacement { result.loss = replacement }
    return result
  }

  package func gradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, weightGradient: ParameterVector?,
    wantsAlphaGradient: Bool, statistics: ParameterVector?
  ) -> BatchGradient {
    let replacement = interfere(calls)
    let spoilt = spoilWeightGradient(calls)
    if wantsAlphaGradient { alphaGradients += 1 } else { weightGradients += 1 }
    var result = base.gradient(
      weights: weights, alphas: alphas, batch: batch, weightGradient: weightGradient,
      wantsAlphaGradient: wantsAlphaGradient, statistics: statistics)
    if let spoilt, let weightGradient { weightGradient[0] = spoilt }
    if hasStatistics, let statistics {
      statistics[0] = 0.9 * statistics[0] + 0.1 * Float(result.loss.loss)
      statistics[1] += 1
    }
    if let replacement { result.loss.loss = replacement }
    let factor = sharpen(weights)
    if factor != 1, var alphas = result.alphas {
      alphas.flat = alphas.flat.map { factor * $0 }
      result.alphas = alphas
    }
    return result
  }

  package func hessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: [Double], coordinates: HessianCoordinates,
    batch: Batch
  ) throws -> BatchHessianProduct {
    let replacement = interfere(calls)
    try spoilProduct(hessianProducts)
    hessianProducts += 1
    var result = try base.hessianProduct(
      weights: weights, alphas: alphas, direction: direction, coordinates: coordinates, batch: batch)
    if let replacement { result.loss = replacement }
    let factor = Double(sharpen(weights))
    if factor != 1 {
      result.gradient = result.gradient.map { factor * $0 }
      result.product = result.product.map { factor * $0 }
    }
    return result
  }
  package var mixingCount: Int { base.mixingCount }

  /// Gradients of mixing weights that were asked for.
  package var mixingGradients = 0
  package var mixingRule: MixingRule { base.mixingRule }
  package func mixingGradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, statistics: ParameterVector?
  ) -> BatchMixingGradient {
    mixingGradients += 1
    return base.mixingGradient(
      weights: weights, alphas: alphas, batch: batch, statistics: hasStatistics ? nil : statistics)
  }

  package func weightHessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: ParameterVector, batch: Batch,
    product: ParameterVector
  ) throws -> BatchLoss {
    hessianProducts += 1
    return try base.weightHessianProduct(
      weights: weights, alphas: alphas, direction: direction, batch: batch, product: product)
  }

  package func export(_ vector: ParameterVector) -> [NamedTensor] { base.export(vector) }
  package func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor] {
    guard hasStatistics else { return base.exportStatistics(statistics) }
    return [NamedTensor(name: "omega.running_mean", shape: [2], values: .float32(statistics.values))]
  }
  package func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector {
    try base.importVector(from: file, prefix: prefix)
  }
  package func importStatistics(from file: TensorFile) throws -> ParameterVector? {
    guard hasStatistics else { return try base.importStatistics(from: file) }
    guard file.contains("omega.running_mean") else { return nil }
    let result = ParameterVector(count: 2, kernels: Kernels.sets[0])
    for (index, value) in try file.floats("omega.running_mean", shape: [2]).enumerated() { result[index] = value }
    return result
  }
}

extension ObservedProblem: DerivableProblem where Base: DerivableProblem {
  package func evaluate(weights: ParameterVector, genotype: Genotype, batch: Batch) throws -> BatchLoss {
    let replacement = interfere(calls)
    evaluations += 1
    var result = try base.evaluate(weights: weights, genotype: genotype, batch: batch)
    if let replacement { result.loss = replacement }
    return result
  }

  package func evaluate(
    weights: ParameterVector, alphas: ArchitectureParameters, without removal: MixingRemoval, batch: Batch
  ) -> BatchLoss {
    let replacement = interfere(calls)
    evaluations += 1
    sees(alphas)
    var result = base.evaluate(weights: weights, alphas: alphas, without: removal, batch: batch)
    if let replacement { result.loss = replacement }
    return result
  }
}
