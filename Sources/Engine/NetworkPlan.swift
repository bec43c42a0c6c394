import CKernels
import Compute
import Foundation

/// A network lowered once for a batch size: a static list of phases over preallocated buffers. A run allocates nothing.
///
/// Not for concurrent use: one plan, one run at a time.
final class NetworkPlan {
  let batch: Int
  let parameters: ParameterLayout
  let statistics: StatisticsLayout
  /// Bytes of activations, scratch and partial sums.
  var byteCount: Int { memory.arena.byteCount }

  private let memory: PlanMemory
  private let state: PlanState
  private let pool: ThreadPool
  private let head: HeadPlan
  private let auxiliary: AuxiliaryPlan?
  private let auxiliaryPhases: [Phase]
  private let forwardPhases: [Phase]
  private let backwardPhases: [Phase]
  private let weightsOnly: Set<ObjectIdentifier>
  private let prepare: [() -> Void]
  private let merged: [MergedConvolution]
  /// Where weight gradients go that only mixing weights need.
  private let ownGradient: Floats?
  private let runner: PhaseRunner

  /// Vectors of the weights' size that any training holds: weights, momentum, gradient, and one of a caller's own.
  private static let fewestVectors = 4

  /// - Throws: `MemoryShortage` where buffers and weights need more memory than there is.
  init(
    _ layout: any NetworkLayout, tensors: NetworkTensors, batch: Int, pool: ThreadPool, kernels: KernelSet
  ) throws(MemoryShortage) {
    self.batch = batch
    self.pool = pool
    let memory = PlanMemory(batch: batch, narrowsBlocks: layout.narrowsBlocks)
    self.memory = memory
    let state = PlanState(kernels: kernels.table, placeholder: UnsafePointer(memory.arena.allocate(Float.self, Lanes.count)))
    self.state = state
    let lowering = Lowering(tensors, memory: memory, state: state, pad: layout.padding)
    let network = layout.lower(in: lowering)
    if let missing = lowering.parameters.missing ?? lowering.statistics.missing {
      preconditionFailure("\(missing) is declared and not placed")
    }
    head = network.head
    auxiliary = network.auxiliary
    auxiliaryPhases = network.auxiliaryForward
    forwardPhases = network.forward
    backwardPhases = network.backward
    weightsOnly = network.weightsOnly
    prepare = network.prepare
    merged = network.merged
    ownGradient = merged.isEmpty ? nil : memory.arena.allocate(Float.self, lowering.parameters.count)
    parameters = lowering.parameters
    statistics = lowering.statistics
    let scratch = (0..<pool.threadCount).map { _ in WorkerScratch(memory.scratch, arena: memory.arena) }
    runner = PhaseRunner(
      phases: forwardPhases + auxiliaryPhases + backwardPhases, pool: pool, kernels: kernels, scratch: scratch,
      arena: memory.arena)
    let vectors = Int.saturatingProduct(Self.fewestVectors, parameters.count, MemoryLayout<Float>.stride)
    let (needed, overflow) = memory.arena.byteCount.addingReportingOverflow(vectors)
    guard !overflow, needed <= memory.availableBytes, !memory.arena.isShort else {
      throw MemoryShortage(
        "\(layout.text) and batches of \(batch)",
        neededBytes: overflow ? .max : needed, availableBytes: memory.availableBytes,
        advice: "a smaller batch, fewer channels, layers or threads")
    }
  }

  /// Loss and, where wanted, gradients of a batch whose images, NCHW, and labels are at these places.
  func run(
    _ input: NetworkInput, images: UnsafePointer<Float>, labels: UnsafePointer<Int32>, weights: UnsafePointer<Float>,
    weightGradient: Floats?, wantsMixingGradient: Bool, statistics: NetworkStatistics
  ) -> NetworkResult {
    let count = input.batch.count
    precondition(count >= 1 && count <= batch, "a plan for \(batch) images cannot run \(count)")
    let wantsGradient = weightGradient != nil || wantsMixingGradient
    // The mixing weights of merged convolutions follow from the gradient of their kernels.
    let weightGradient = weightGradient ?? (wantsMixingGradient ? ownGradient : nil)
    state.weights = weights
    state.weightGradient = weightGradient
    state.wantsMixingGradient = wantsMixingGradient
    state.images = images
    state.noiseKey = input.batch.noiseKey
    state.drops = input.drops
    state.skipDropout = input.batch.skipDropout
    state.use(statistics)
    state.mixing = input.mixing
    pool.run(merged.count) { index, _ in merged[index].prepareForward() }
    if state.usesRunningStatistics {
      runner.runIndependently(forwardPhases, images: count)
    } else {
      for phase in forwardPhases { runner.run(phase, images: count, weightGradient: nil) }
    }
    let (loss, correct) = head.loss(
      images: count, labels: labels, smoothing: input.smoothing, pool: pool)
    var result = NetworkResult(loss: loss, correct: correct)
    guard wantsGradient else { return result }

    state.mixingGradient = input.mixing.map { [Double](repeating: 0, count: $0.count) }
    head.backward(
      images: count, labels: labels, smoothing: input.smoothing, weightGradient: weightGradient, pool: pool)
    if let auxiliary {
      for phase in auxiliaryPhases { runner.run(phase, images: count, weightGradient: nil) }
      result.auxiliaryLoss =
        auxiliary.head.loss(images: count, labels: labels, smoothing: input.smoothing, pool: pool).loss
      auxiliary.head.backward(
        images: count, labels: labels, factor: input.auxiliaryWeight, smoothing: input.smoothing,
        weightGradient: weightGradient, pool: pool)
    }
    pool.run(prepare.count) { index, _ in prepare[index]() }
    for phase in backwardPhases where weightGradient != nil || !weightsOnly.contains(ObjectIdentifier(phase)) {
      runner.run(phase, images: count, weightGradient: weightGradient)
    }
    if let weightGradient {
      pool.run(merged.count) { index, _ in merged[index].finishBackward(weightGradient) }
      for convolution in merged { convolution.addMixingGradients() }
    }
    if wantsMixingGradient {
      result.mixingGradient = state.mixingGradient
    }
    return result
  }

  /// Of one image, forward alone.
  var forwardCost: PlanCost { forwardPhases.reduce(PlanCost()) { $0 + $1.cost } }

  /// Of one image, forward and backward; without weight gradients the phases that only they need are left out.
  func gradientCost(wantsWeights: Bool) -> PlanCost {
    let wantsWeights = wantsWeights || !merged.isEmpty
    return backwardPhases.filter { wantsWeights || !weightsOnly.contains(ObjectIdentifier($0)) }.reduce(forwardCost) {
      $0 + $1.cost + PlanCost(flops: wantsWeights ? $1.weightFlops : 0)
    }
  }

  /// [count, classes] of the last run.
  func logits(count: Int) -> [Float] { Array(UnsafeBufferPointer(start: head.logits, count: count * head.classes)) }
}
