import Cells
import Compute
import Formats
import Foundation
import Problems
import Runs
import Search

/// A folder that is removed with the value that holds it.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("zarts-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }
}

/// A quadratic whose α has the shape of a search space, and small random values.
func quadratic(
  space: SearchSpace = .s2, seed: UInt64 = 3, weightCount: Int = 6, stepsPerEpoch: Int = 6, noise: Double = 0.1
) throws -> QuadraticBilevelProblem {
  var stream = RandomStream(seed: seed, purpose: .alphas)
  var alphas = space.zeroAlphas
  alphas.flat = stream.normals(alphas.count).map { Float(0.3 * $0) }
  return try .random(seed: seed, weightCount: weightCount, alphas: alphas, stepsPerEpoch: stepsPerEpoch, noise: noise)
}

/// A point of a problem with weights and momentum away from zero.
func state(of problem: QuadraticBilevelProblem, seed: UInt64 = 17) -> (weights: ParameterVector, velocity: ParameterVector) {
  var stream = RandomStream(seed: seed, purpose: .test, index: 1)
  let (weights, velocity) = (problem.makeVector(), problem.makeVector())
  for index in 0..<weights.count {
    weights[index] = Float(stream.normal())
    velocity[index] = Float(0.5 * stream.normal())
  }
  return (weights, velocity)
}

func doubles(_ values: [Float]) -> [Double] { values.map(Double.init) }

func distance(_ left: [Double], _ right: [Double]) -> Double {
  precondition(left.count == right.count)
  return zip(left, right).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
}

func norm(_ values: [Double]) -> Double { distance(values, values.map { _ in 0 }) }

/// Passes everything on to a problem, counts it, and can interfere.
final class ObservedProblem<Base: BilevelProblem>: BilevelProblem {
  typealias Batch = Base.Batch
  let base: Base
  var weightGradients = 0
  var alphaGradients = 0
  var evaluations = 0
  var trainingPositions: [[Int]] = []
  var validationPositions: [[Int]] = []
  /// Whether there are running statistics, of two values that a training step moves.
  var hasStatistics = false
  /// Called before each loss with the number of losses so far; what it returns replaces the loss.
  var interfere: (Int) -> Double? = { _ in nil }
  /// Called likewise; what it returns takes the place of the first entry of ∂L/∂ω, and the loss stays as it is.
  var spoilWeightGradient: (Int) -> Float? = { _ in nil }

  /// Factor of ∂L/∂α, which makes the loss sharper in α as the weights move; the loss stays as it is.
  var sharpen: (ParameterVector) -> Float = { _ in 1 }

  /// Names data that the problem hasn't got.
  var dataChecksum: String?
  /// Called before each batch with the number of batches so far; what it throws there is thrown.
  var spoilBatch: (Int) throws -> Void = { _ in }
  private(set) var batches = 0

  init(_ base: Base) { self.base = base }

  private func countBatch() throws {
    batches += 1
    try spoilBatch(batches - 1)
  }

  private var calls: Int { weightGradients + alphaGradients + evaluations }

  var initialAlphas: ArchitectureParameters { base.initialAlphas }
  func makeInitialWeights() -> ParameterVector { base.makeInitialWeights() }
  func makeVector() -> ParameterVector { base.makeVector() }
  func makeInitialStatistics() -> ParameterVector {
    hasStatistics ? ParameterVector(count: 2) : base.makeInitialStatistics()
  }
  var stepsPerEpoch: Int { base.stepsPerEpoch }

  func trainingBatch(epoch: Int, step: Int) throws -> Batch {
    try countBatch()
    trainingPositions.append([epoch, step])
    return try base.trainingBatch(epoch: epoch, step: step)
  }

  func validationBatch(epoch: Int, step: Int) throws -> Batch {
    try countBatch()
    validationPositions.append([epoch, step])
    return try base.validationBatch(epoch: epoch, step: step)
  }

  /// Batches of the validation split that were made.
  var validationSplitBatches = 0
  var validationSplitCount: Int { base.validationSplitCount }
  func validationSplitBatch(_ index: Int) throws -> Batch {
    try countBatch()
    validationSplitBatches += 1
    return try base.validationSplitBatch(index)
  }

  func evaluate(weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch) -> BatchLoss {
    let replacement = interfere(calls)
    evaluations += 1
    var result = base.evaluate(weights: weights, alphas: alphas, batch: batch)
    if let replacement { result.loss = replacement }
    return result
  }

  func gradient(
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

  func export(_ vector: ParameterVector) -> [NamedTensor] { base.export(vector) }
  func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor] {
    guard hasStatistics else { return base.exportStatistics(statistics) }
    return [NamedTensor(name: "omega.running_mean", shape: [2], values: .float32(statistics.values))]
  }
  func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector {
    try base.importVector(from: file, prefix: prefix)
  }
  func importStatistics(from file: TensorFile) throws -> ParameterVector? {
    guard hasStatistics, file.contains("omega.running_mean") else { return nil }
    let result = ParameterVector(count: 2)
    for (index, value) in try file.floats("omega.running_mean", shape: [2]).enumerated() { result[index] = value }
    return result
  }
}

/// A short search on a quadratic.
func shortConfiguration(_ method: SearchMethod, seed: UInt64 = 5) -> SearchConfiguration {
  var configuration = SearchConfiguration(method: method, space: .s2, dataset: "closed-form")
  configuration.seed = seed
  configuration.epochs = 4
  configuration.warmup = 2
  configuration.innerSteps = 4
  configuration.candidates = 3
  configuration.learningRate = 0.1
  return configuration
}

/// Runs a search into a new folder.
@discardableResult
func search<Problem: BilevelProblem>(
  _ problem: Problem, _ configuration: SearchConfiguration, in path: String, stop: StopRequest = StopRequest(),
  space: SearchSpace? = .s2
) throws -> SearchRunFolder {
  let run = try SearchRun(
    starting: problem, configuration: configuration, folder: .create(at: path), space: space, stop: stop)
  try run.run()
  return run.files
}

func bytes(_ path: String) throws -> [UInt8] { try FileBytes.read(path) }
