import Cells
import Compute
import Datasets
import Engine
import Formats

extension EngineKind {
  /// The network as the papers define it, in double precision and plain loops: supernets of a few channels, for tests.
  public static let reference = EngineKind("reference", summary: "double precision in plain loops, for tests") {
    try ReferenceEngine($0, batch: $1, threads: $2, kernels: $3)
  }
}

/// An engine that shares nothing with the fast one but the table of declared tensors. Its vectors hold every parameter
/// row-major, one behind the other; its statistics means and then variances of every batch norm.
public final class ReferenceEngine: NetworkEngine {
  public let network: NetworkDescription
  public let tensors: NetworkTensors
  public let device = "plain loops"
  /// It works on the caller's thread, however many it may have.
  public let threadCount = 1
  public private(set) var batch: Int
  private let architecture: SupernetArchitecture
  /// Of the algebra of its vectors.
  private let kernels: KernelSet
  /// [count, classes] of the last run.
  private var lastLogits: [Float] = []
  /// Of one image.
  private lazy var work = measuredWork()

  /// - Throws: `InputError` for a batch or a number of threads out of bounds, and for a derived network.
  public init(_ network: NetworkDescription, batch: Int, threads: Int, kernels: KernelSet) throws {
    try BatchLoader.batchSizes.require(batch, at: .setting("batch"), "unsupported size")
    try ThreadPool.counts.require(threads, at: .setting("threads"), "unsupported size")
    guard case .supernet(let architecture) = network else {
      throw InputError(
        "a network that the engine does not take", at: .setting("engine"), found: "a derived network",
        wanted: "a supernet")
    }
    self.network = network
    self.architecture = architecture
    self.batch = batch
    self.kernels = kernels
    tensors = network.tensors
  }

  public func run(
    _ input: NetworkInput, weights: ParameterVector, weightGradient: ParameterVector?, wantsMixingGradient: Bool,
    statistics: NetworkStatistics
  ) -> NetworkResult {
    let running: ParameterVector? = if case .running(let vector) = statistics { vector } else { nil }
    precondition(input.mixing.map(\.count) == network.mixingCounts, "mixing weights of another network")
    precondition(
      input.drops.map { $0.isKept.count == network.pathCount * input.batch.count } ?? true,
      "dropped paths are [paths, images]")
    batch = max(batch, input.batch.count)
    let pass = pass(input, weights, running: running)
    if case .moving(let vector, let momentum) = statistics { move(vector, towards: pass.statistics, momentum) }
    if let weightGradient {
      let gradients = tensors.parameters.map { parameter in
        pass.parameters[parameter.name].map { pass.tape.gradient($0).map(Float.init) } ?? []
      }
      put(gradients, into: weightGradient)
    }
    lastLogits = pass.tape[pass.logits].map(Float.init)
    return NetworkResult(
      loss: pass.tape[pass.loss][0], correct: pass.correct,
      mixingGradient: wantsMixingGradient ? pass.mixtureGradients : [])
  }

  public func tangents(_ input: NetworkInput, along direction: [[Float]], weights: ParameterVector) -> NetworkTangents {
    let moving = zip(input.mixing, direction).map { zip($0, $1).map { Dual(Double($0), derivative: Double($1)) } }
    let pass: ReferencePass<Dual> = pass(input, moving, weights, running: nil)
    let (loss, gradients) = (pass.tape[pass.loss][0], pass.mixtureGradients)
    return NetworkTangents(
      loss: loss.value, lossTangent: loss.derivative, mixingGradient: gradients.map { $0.map(\.value) },
      mixingGradientTangent: gradients.map { $0.map(\.derivative) })
  }

  public func weightTangents(
    _ input: NetworkInput, along direction: ParameterVector, weights: ParameterVector, gradientTangent: ParameterVector
  ) -> (loss: Double, correct: Int) {
    let named = Dictionary(
      uniqueKeysWithValues: zip(tensors.parameters, values(of: direction)).map { ($0.name, $1.map(Double.init)) })
    let supernet = supernet(weights)
    let pass = ReferencePass<Dual>(
      supernet, .weights(input.mixing.map { $0.map { Dual(Double($0)) } }), weights: supernet.moving(along: named),
      batch: input.batch, running: nil)
    let product = tensors.parameters.map { parameter in
      pass.parameters[parameter.name].map { pass.tape.gradient($0).map { Float($0.derivative) } } ?? []
    }
    put(product, into: gradientTangent)
    return (pass.tape[pass.loss][0].value, pass.correct)
  }

  /// Plain loops make room as they go.
  public func prepareTangents(images: Int) {}
  public func prepareWeightTangents(images: Int) {}

  private func pass(_ input: NetworkInput, _ weights: ParameterVector, running: ParameterVector?) -> ReferencePass<Double> {
    pass(input, input.mixing.map { $0.map(Double.init) }, weights, running: running)
  }

  private func pass<Scalar: ReferenceScalar>(
    _ input: NetworkInput, _ mixing: [[Scalar]], _ weights: ParameterVector, running: ParameterVector?
  ) -> ReferencePass<Scalar> {
    var statistics: [String: (means: [Double], variances: [Double])] = [:]
    for (norm, moments) in zip(tensors.norms, running.map { moments(of: $0) } ?? []) {
      for name in norm.names {
        statistics[name] = (moments.means.map(Double.init), moments.variances.map(Double.init))
      }
    }
    return ReferencePass(
      supernet(weights), .weights(mixing), batch: input.batch, running: running == nil ? nil : statistics,
      smoothing: input.smoothing, drops: input.drops)
  }

  private func supernet(_ weights: ParameterVector) -> ReferenceSupernet {
    var parameters: [String: (shape: [Int], values: [Double])] = [:]
    for (parameter, values) in zip(tensors.parameters, values(of: weights)) {
      parameters[parameter.name] = (parameter.shape, values.map(Double.init))
    }
    return ReferenceSupernet(architecture, weights: parameters)
  }

  private func move(
    _ vector: ParameterVector, towards batch: [String: (means: [Double], variances: [Double])], _ momentum: Float
  ) {
    func moved(_ from: [Float], _ to: [Double]) -> [Float] {
      zip(from, to).map { Float(Double($0) + Double(momentum) * ($1 - Double($0))) }
    }
    let result = zip(tensors.norms, moments(of: vector)).map { norm, moments -> NormMoments in
      guard let own = batch[norm.names[0]] else { preconditionFailure("no batch norm \(norm.names[0])") }
      return NormMoments(
        means: moved(moments.means, own.means), variances: moved(moments.variances, own.variances))
    }
    put(result.flatMap { [$0.means, $0.variances] }, into: vector)
  }

  public func logits(count: Int) -> [Float] { Array(lastLogits.prefix(count * network.classes)) }
}

/// What it costs: every product that is summed counts, and every value of the pass and its gradient is stored.
extension ReferenceEngine {
  private func measuredWork() -> (products: Int, values: Int) {
    let side = network.imageSize
    let image = ImageBatch(
      images: [Float](repeating: 0, count: 3 * side * side), labels: [0], channels: 3, height: side, width: side,
      noiseKey: 0)
    let mixing = network.mixingCounts.map { [Float](repeating: 1, count: $0) }
    let pass = pass(NetworkInput(batch: image, mixing: mixing), makeVector(), running: nil)
    return (pass.tape.products, pass.tape.valueCount)
  }

  public var byteCount: Int { 2 * batch * work.values * MemoryLayout<Double>.stride }

  public var forwardCost: PlanCost {
    PlanCost(flops: 2 * work.products, bytes: work.values * MemoryLayout<Double>.stride)
  }

  /// A product has two factors, and each flows back.
  public func gradientCost(wantsWeights: Bool) -> PlanCost {
    let forward = forwardCost
    return PlanCost(flops: forward.flops * (wantsWeights ? 3 : 2), bytes: 3 * forward.bytes)
  }
}

/// How the tensors are stored.
extension ReferenceEngine {
  private var weightCount: Int { tensors.parameters.reduce(0) { $0 + $1.count } }
  private var statisticsCount: Int { tensors.norms.reduce(0) { $0 + 2 * $1.channels } }

  private func put(_ parts: [[Float]], into vector: ParameterVector) {
    precondition(parts.reduce(0) { $0 + $1.count } == vector.count, "a vector of another network")
    for (index, value) in parts.joined().enumerated() { vector[index] = value }
  }

  private func split(_ vector: ParameterVector, into counts: [Int]) -> [[Float]] {
    precondition(counts.reduce(0, +) == vector.count, "a vector of another network")
    let values = vector.values
    var next = 0
    return counts.map { count in
      defer { next += count }
      return Array(values[next..<next + count])
    }
  }

  public func makeVector() -> ParameterVector { ParameterVector(count: weightCount, kernels: kernels) }

  public func makeVector(_ values: [[Float]]) -> ParameterVector {
    precondition(values.map(\.count) == tensors.parameters.map(\.count), "values of another network")
    let vector = makeVector()
    put(values, into: vector)
    return vector
  }

  public func values(of vector: ParameterVector) -> [[Float]] { split(vector, into: tensors.parameters.map(\.count)) }

  public func makeStatistics(_ moments: [NormMoments]) -> ParameterVector {
    precondition(
      moments.map(\.means.count) == tensors.norms.map(\.channels)
        && moments.map(\.variances.count) == tensors.norms.map(\.channels), "statistics of another network")
    let vector = ParameterVector(count: statisticsCount, kernels: kernels)
    put(moments.flatMap { [$0.means, $0.variances] }, into: vector)
    return vector
  }

  public func moments(of statistics: ParameterVector) -> [NormMoments] {
    let parts = split(statistics, into: tensors.norms.flatMap { [$0.channels, $0.channels] })
    return stride(from: 0, to: parts.count, by: 2).map { NormMoments(means: parts[$0], variances: parts[$0 + 1]) }
  }
}
