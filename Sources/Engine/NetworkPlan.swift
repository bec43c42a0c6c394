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
  init(_ layout: any NetworkLayout, batch: Int, pool: ThreadPool, kernels: KernelSet) throws(MemoryShortage) {
    self.batch = batch
    self.pool = pool
    let memory = PlanMemory(batch: batch, narrowsBlocks: layout.narrowsBlocks)
    self.memory = memory
    let state = PlanState(kernels: kernels.table, placeholder: UnsafePointer(memory.arena.allocate(Float.self, 16)))
    self.state = state
    let pad = layout.padding
    memory.need { $0.pad = pad }

    let network = layout.lower(memory: memory, state: state)
    head = network.head
    auxiliary = network.auxiliary
    auxiliaryPhases = network.auxiliaryForward
    forwardPhases = network.forward
    backwardPhases = network.backward
    weightsOnly = network.weightsOnly
    prepare = network.prepare
    merged = network.merged
    ownGradient = merged.isEmpty ? nil : memory.arena.allocate(Float.self, memory.parameters.count)
    parameters = memory.parameters
    statistics = memory.statistics
    let scratch = (0..<pool.threadCount).map { _ in WorkerScratch(memory.scratch, arena: memory.arena) }
    runner = PhaseRunner(
      phases: forwardPhases + auxiliaryPhases + backwardPhases, pool: pool, kernels: kernels, scratch: scratch,
      arena: memory.arena)
    let vectors = Int.saturatingProduct(Self.fewestVectors, memory.parameters.count, MemoryLayout<Float>.stride)
    let (needed, overflow) = memory.arena.byteCount.addingReportingOverflow(vectors)
    guard !overflow, needed <= memory.availableBytes, !memory.arena.isShort else {
      throw MemoryShortage(
        "\(layout.text) and batches of \(batch)",
        neededBytes: overflow ? .max : needed, availableBytes: memory.availableBytes,
        advice: "a smaller batch, fewer channels, layers or threads")
    }
  }

  struct Input {
    let images: UnsafePointer<Float>
    let labels: UnsafePointer<Int32>
    let count: Int
    let noiseKey: UInt64
    /// ε of label smoothing.
    var smoothing = 0.0
    /// What the auxiliary head's loss counts in the gradient.
    var auxiliaryWeight = 0.0
    var drops: PathDrops?
    var skipDropout = 0.0
  }

  struct Result {
    var loss: Double
    var correct: Int
    /// The auxiliary head's loss, where a gradient was wanted and there is such a head.
    var auxiliaryLoss: Double?
    /// ∂L/∂(mixing weight) of each kind of cell; empty where it was not wanted.
    var mixingGradient: [[Double]] = []
  }

  /// Loss and, where wanted, gradients, from the mixing weights of each kind of cell. `weightGradient` is overwritten; `running` is moved by `statisticsMomentum`, or used
  /// in place of the batch's statistics and left as it is where `usesRunning`.
  func run(
    _ input: Input, weights: UnsafePointer<Float>, mixing: [[Float]], weightGradient: Floats?, wantsMixingGradient: Bool,
    running: Floats?, usesRunning: Bool = false, statisticsMomentum: Float = Float(BatchNorm.momentum)
  ) -> Result {
    precondition(input.count >= 1 && input.count <= batch, "a plan for \(batch) images cannot run \(input.count)")
    let wantsGradient = weightGradient != nil || wantsMixingGradient
    // The mixing weights of merged convolutions follow from the gradient of their kernels.
    let weightGradient = weightGradient ?? (wantsMixingGradient ? ownGradient : nil)
    precondition(!(usesRunning && wantsGradient), "gradients are of losses with the batch's statistics")
    state.weights = weights
    state.weightGradient = weightGradient
    state.wantsMixingGradient = wantsMixingGradient
    state.images = input.images
    state.noiseKey = input.noiseKey
    state.drops = input.drops
    state.skipDropout = input.skipDropout
    state.statistics = running
    state.usesRunningStatistics = usesRunning
    state.statisticsMomentum = statisticsMomentum
    state.mixing = mixing
    pool.run(merged.count) { index, _ in merged[index].prepareForward() }
    if usesRunning {
      runner.runIndependently(forwardPhases, images: input.count)
    } else {
      for phase in forwardPhases { runner.run(phase, images: input.count, weightGradient: nil) }
    }
    let (loss, correct) = head.loss(
      images: input.count, labels: input.labels, smoothing: input.smoothing, pool: pool)
    var result = Result(loss: loss, correct: correct)
    guard wantsGradient else { return result }

    state.mixingGradient = mixing.map { [Double](repeating: 0, count: $0.count) }
    head.backward(
      images: input.count, labels: input.labels, smoothing: input.smoothing, weightGradient: weightGradient, pool: pool)
    if let auxiliary {
      for phase in auxiliaryPhases { runner.run(phase, images: input.count, weightGradient: nil) }
      result.auxiliaryLoss =
        auxiliary.head.loss(images: input.count, labels: input.labels, smoothing: input.smoothing, pool: pool).loss
      auxiliary.head.backward(
        images: input.count, labels: input.labels, factor: input.auxiliaryWeight, smoothing: input.smoothing,
        weightGradient: weightGradient, pool: pool)
    }
    pool.run(prepare.count) { index, _ in prepare[index]() }
    for phase in backwardPhases where weightGradient != nil || !weightsOnly.contains(ObjectIdentifier(phase)) {
      runner.run(phase, images: input.count, weightGradient: weightGradient)
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
