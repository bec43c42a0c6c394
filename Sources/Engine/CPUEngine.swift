import Compute
import Datasets
import Formats

extension EngineKind {
  /// The processor, with the instruction set that the program has chosen.
  public static let cpu = EngineKind("cpu", summary: "the processor, all instruction sets the same bits") {
    try CPUEngine($0, batch: $1, threads: $2, kernels: $3)
  }
}

/// The engine of the processor: a network as a static plan of phases, run by a pool of threads with the kernels of one
/// instruction set.
public final class CPUEngine: NetworkEngine {
  public let network: NetworkDescription
  public let tensors: NetworkTensors
  public var device: String { kernels.name }
  public var threadCount: Int { pool.threadCount }
  public var batch: Int { plan.batch }
  public var byteCount: Int { plan.byteCount + (tangentNetwork?.byteCount ?? 0) + (weightTangentNetwork?.byteCount ?? 0) }

  private var plan: NetworkPlan
  private let layout: any NetworkLayout
  private let mixingCounts: [Int]
  private let pool: ThreadPool
  private let kernels: KernelSet
  /// Laid out when derivatives are first asked for.
  private var tangentNetwork: TangentNetwork?
  private var weightTangentNetwork: TangentNetwork?

  /// - Parameters:
  ///   - batch: images of the largest batch.
  ///   - threads: threads that share one batch; no result depends on their number.
  /// - Throws: `InputError` for a batch or a number of threads out of bounds and for an operation that no kernel computes,
  ///   `MemoryShortage` where it needs more memory than there is.
  public init(_ network: NetworkDescription, batch: Int, threads: Int, kernels: KernelSet) throws {
    try BatchLoader.batchSizes.require(batch, at: .setting("batch"), "unsupported size")
    try ThreadPool.counts.require(threads, at: .setting("threads"), "unsupported size")
    try Self.requireComputed(network)
    self.network = network
    self.kernels = kernels
    layout = network.layout
    tensors = layout.tensors
    mixingCounts = network.mixingCounts
    pool = ThreadPool(threadCount: threads, isBound: true)
    plan = try NetworkPlan(layout, tensors: tensors, batch: batch, pool: pool, kernels: kernels)
  }

  public func run(
    _ input: NetworkInput, weights: ParameterVector, weightGradient: ParameterVector?, wantsMixingGradient: Bool,
    statistics: NetworkStatistics
  ) -> NetworkResult {
    check(input, weights, weightGradient, statistics)
    reserve(input.batch.count)
    return input.batch.images.withUnsafeBufferPointer { images in
      input.batch.labels.withUnsafeBufferPointer { labels in
        guard let images = images.baseAddress, let labels = labels.baseAddress else {
          preconditionFailure("a batch has images")
        }
        return plan.run(
          input, images: images, labels: labels, weights: weights.storage, weightGradient: weightGradient?.storage,
          wantsMixingGradient: wantsMixingGradient, statistics: statistics)
      }
    }
  }

  private func check(
    _ input: NetworkInput, _ weights: ParameterVector, _ weightGradient: ParameterVector?, _ statistics: NetworkStatistics
  ) {
    let (batch, side) = (input.batch, layout.imageSize)
    precondition(weights.count == plan.parameters.count, "weights of another network")
    precondition(
      weightGradient.map { $0.count == plan.parameters.count } ?? true, "room for the gradient of another network")
    precondition(
      statistics.vector.map { $0.count == plan.statistics.count } ?? true, "statistics of another network")
    precondition(
      batch.channels == 3 && batch.height == side && batch.width == side, "images of another size than the network's")
    precondition(
      input.mixing.count == mixingCounts.count && zip(input.mixing, mixingCounts).allSatisfy { $0.count == $1 },
      "mixing weights of another network")
    precondition(
      input.drops.map { $0.images == batch.count && $0.isKept.count == layout.pathCount * batch.count } ?? true,
      "dropped paths are [paths, images]")
  }

  /// Lays out buffers for a larger batch.
  private func reserve(_ images: Int) {
    guard images > plan.batch else { return }
    do throws(MemoryShortage) {
      plan = try NetworkPlan(layout, tensors: tensors, batch: images, pool: pool, kernels: kernels)
    } catch {
      error.end()
    }
  }

  public func tangents(_ input: NetworkInput, along direction: [[Float]], weights: ParameterVector) throws -> NetworkTangents
  {
    check(input, weights, nil, .ofBatch)
    precondition(
      input.smoothing == 0 && input.drops == nil && direction.map(\.count) == mixingCounts,
      "derivatives are of the plain cross-entropy, along a direction of the mixing weights")
    try prepareTangents(images: input.batch.count)
    guard let tangentNetwork else { preconditionFailure("a network with derivatives was laid out") }
    return tangentNetwork.run(input, along: direction, weights: named(weights))
  }

  /// The values of a vector under the public names of its tensors.
  private func named(_ vector: ParameterVector) -> [String: [Float]] {
    Dictionary(uniqueKeysWithValues: zip(tensors.parameters.map(\.name), values(of: vector)))
  }

  public func weightTangents(
    _ input: NetworkInput, along direction: ParameterVector, weights: ParameterVector, gradientTangent: ParameterVector
  ) throws -> (loss: Double, correct: Int) {
    check(input, weights, gradientTangent, .ofBatch)
    precondition(direction.count == plan.parameters.count, "a direction of another network")
    precondition(input.smoothing == 0 && input.drops == nil, "derivatives are of the plain cross-entropy")
    try prepareWeightTangents(images: input.batch.count)
    guard let weightTangentNetwork else { preconditionFailure("a network with derivatives was laid out") }
    let result = weightTangentNetwork.run(
      input, weights: TangentWeights(values: named(weights), tangents: named(direction)))
    gradientTangent.copy(
      from: makeVector(
        tensors.parameters.map { result.product[$0.name] ?? [Float](repeating: 0, count: $0.count) }))
    return (result.loss, result.correct)
  }

  public func prepareWeightTangents(images: Int) throws {
    guard (weightTangentNetwork?.batch ?? 0) < images else { return }
    weightTangentNetwork = nil
    weightTangentNetwork = try TangentNetwork(layout, along: .weights, batch: images, pool: pool, kernels: kernels)
  }

  public func prepareTangents(images: Int) throws {
    guard case .supernet = network else {
      throw InputError(
        "no mixing weights to differentiate by", at: "the network", found: "a derived network", wanted: "a supernet")
    }
    guard (tangentNetwork?.batch ?? 0) < images else { return }
    // The smaller one makes room first.
    tangentNetwork = nil
    tangentNetwork = try TangentNetwork(layout, along: .mixing, batch: images, pool: pool, kernels: kernels)
  }

  public func logits(count: Int) -> [Float] { plan.logits(count: count) }

  public var forwardCost: PlanCost { plan.forwardCost }
  public func gradientCost(wantsWeights: Bool) -> PlanCost { plan.gradientCost(wantsWeights: wantsWeights) }
}

/// How the tensors are stored.
extension CPUEngine {
  public func makeVector() -> ParameterVector { ParameterVector(count: plan.parameters.count, kernels: kernels) }

  public func makeVector(_ values: [[Float]]) -> ParameterVector {
    let vector = makeVector()
    let entries = plan.parameters.entries
    precondition(values.count == entries.count, "values of another network")
    for (entry, values) in zip(entries, values) {
      precondition(values.count == entry.parameter.count, "values of another shape: \(entry.parameter.name)")
      var next = 0
      entry.forEachStorageIndex {
        vector.storage[$0] = values[next]
        next += 1
      }
    }
    return vector
  }

  public func values(of vector: ParameterVector) -> [[Float]] {
    precondition(vector.count == plan.parameters.count, "a vector of another network")
    return plan.parameters.entries.map { entry in
      var values: [Float] = []
      values.reserveCapacity(entry.parameter.count)
      entry.forEachStorageIndex { values.append(vector.storage[$0]) }
      return values
    }
  }

  public func makeStatistics(_ moments: [NormMoments]) -> ParameterVector {
    let statistics = ParameterVector(count: plan.statistics.count, kernels: kernels)
    let entries = plan.statistics.entries
    precondition(moments.count == entries.count, "statistics of another network")
    for (entry, moments) in zip(entries, moments) {
      let channels = entry.norm.channels
      precondition(
        moments.means.count == channels && moments.variances.count == channels,
        "statistics of another shape: \(entry.norm.names[0])")
      for channel in 0..<channels {
        statistics.storage[entry.offset + channel] = moments.means[channel]
        statistics.storage[entry.offset + entry.lanes + channel] = moments.variances[channel]
      }
    }
    return statistics
  }

  public func moments(of statistics: ParameterVector) -> [NormMoments] {
    precondition(statistics.count == plan.statistics.count, "statistics of another network")
    return plan.statistics.entries.map { entry in
      func values(_ offset: Int) -> [Float] { (0..<entry.norm.channels).map { statistics.storage[offset + $0] } }
      return NormMoments(means: values(entry.offset), variances: values(entry.offset + entry.lanes))
    }
  }
}

extension NetworkStatistics {
  /// The running statistics that a run reads or moves.
  var vector: ParameterVector? {
    switch self {
    case .ofBatch: nil
    case .moving(let vector, _), .running(let vector): vector
    }
  }
}
