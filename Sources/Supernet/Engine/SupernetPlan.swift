import CKernels
import Compute
import Foundation

/// A supernet lowered once for a batch size: a static list of phases over preallocated buffers. A run allocates nothing.
///
/// Not for concurrent use: one plan, one run at a time.
final class SupernetPlan {
  let batch: Int
  let parameters: ParameterLayout
  let statistics: StatisticsLayout
  /// Bytes of activations, scratch and partial sums.
  var byteCount: Int { memory.arena.byteCount }

  private let memory: PlanMemory
  private let state: PlanState
  private let pool: ThreadPool
  private let head: HeadPlan
  private let forwardPhases: [Phase]
  private let backwardPhases: [Phase]
  private let weightsOnly: Set<ObjectIdentifier>
  private let prepare: [() -> Void]
  private let runner: PhaseRunner
  private let gradientTarget: GradientTarget

  private final class GradientTarget {
    var pointer: Floats?
  }

  init(architecture: SupernetArchitecture, batch: Int, pool: ThreadPool, kernels: KernelSet) {
    self.batch = batch
    self.pool = pool
    let memory = PlanMemory(batch: batch)
    self.memory = memory
    let state = PlanState(kernels: kernels.table, placeholder: UnsafePointer(memory.arena.allocate(Float.self, 16)))
    self.state = state
    let space = architecture.space
    let pad = Self.padding(of: space)
    memory.need { $0.pad = pad }

    let stem = StemPlan(
      channels: 3 * architecture.channels, height: architecture.imageSize, width: architecture.imageSize, memory: memory,
      state: state)
    var cells: [CellPlan] = []
    var outputs: [[Activation]] = [[stem.output], [stem.output]]
    var outputGradients: [[Activation]] = [[stem.gradient], [stem.gradient]]
    var channels = architecture.channels
    var afterReduction = false
    for index in 0..<architecture.layers {
      let reduction = architecture.isReduction(index)
      if reduction { channels *= 2 }
      let cell = CellPlan(
        index: index, channels: channels, reduction: reduction, afterReduction: afterReduction,
        inputs: (outputs[index], outputs[index + 1]), candidates: reduction ? space.reduce : space.normal, pad: pad,
        memory: memory, state: state)
      cells.append(cell)
      outputs.append(cell.outputs)
      outputGradients.append(cell.outputGradients)
      afterReduction = reduction
    }
    let head = HeadPlan(
      nodes: outputs[architecture.layers + 1], gradients: outputGradients[architecture.layers + 1],
      classes: architecture.classes, memory: memory, state: state)
    self.head = head

    let entries = memory.statistics.entries
    var forward: [Phase] = []
    stem.appendForward(to: &forward, entries: entries)
    for cell in cells { cell.appendForward(to: &forward, entries: entries) }
    head.appendForward(to: forward[forward.count - 1])

    let target = GradientTarget()
    gradientTarget = target
    var backward: [Phase] = []
    var weightsOnly: Set<ObjectIdentifier> = []
    head.appendBackward(to: &backward)
    for index in (0..<architecture.layers).reversed() {
      // Cell i reads outputs[i] and outputs[i + 1]; the first two entries are both the stem's. In backward order the
      // first to reach an output is the cell that reads it as its farther input, except for the neighbour of the last cell;
      // the stem is first reached as the farther input of cell 1.
      let inputs = [
        InputGradient(targets: outputGradients[index], overwrite: index > 0),
        InputGradient(targets: outputGradients[index + 1], overwrite: index == architecture.layers - 1),
      ]
      cells[index].appendBackward(to: &backward, inputs: inputs) { phase in
        if index == 0 { weightsOnly.insert(ObjectIdentifier(phase)) }
      }
    }
    let stemPhase = stem.appendBackward(to: &backward) { target.pointer }
    weightsOnly.insert(ObjectIdentifier(stemPhase))

    forwardPhases = forward
    backwardPhases = backward
    self.weightsOnly = weightsOnly
    prepare = cells.flatMap { $0.prepareBackward() }
    parameters = memory.parameters
    statistics = memory.statistics
    let scratch = (0..<pool.threadCount).map { _ in WorkerScratch(memory.scratch, arena: memory.arena) }
    runner = PhaseRunner(phases: forward + backward, pool: pool, kernels: kernels, scratch: scratch, arena: memory.arena)
  }

  /// Largest reach of a convolution of the space.
  private static func padding(of space: SearchSpace) -> Int {
    (space.normal + space.reduce).joined().map { operation in
      switch operation {
      case .dilatedConv5x5: 4
      case .dilatedConv3x3, .separableConv5x5: 2
      case .separableConv3x3: 1
      case .none, .maxPool3x3, .averagePool3x3, .skipConnect, .noise: 1
      }
    }.max() ?? 1
  }

  struct Input {
    let images: UnsafePointer<Float>
    let labels: UnsafePointer<Int32>
    let count: Int
    let noiseKey: UInt64
  }

  struct Mixing {
    var normal: [Float]
    var reduce: [Float]
  }

  struct Result {
    var loss: Double
    var correct: Int
    /// ∂L/∂(mixing weight) of each cell kind; empty when no gradient was wanted.
    var normalMixingGradient: [Double] = []
    var reduceMixingGradient: [Double] = []
  }

  /// Loss and, where wanted, gradients. `weightGradient` is overwritten; `running` is moved.
  func run(
    _ input: Input, weights: UnsafePointer<Float>, mixing: Mixing, weightGradient: Floats?, wantsMixingGradient: Bool,
    running: Floats?
  ) -> Result {
    precondition(input.count >= 1 && input.count <= batch, "a plan for \(batch) images cannot run \(input.count)")
    state.weights = weights
    state.images = input.images
    state.noiseKey = input.noiseKey
    state.statistics = running
    state.normalMixing = mixing.normal
    state.reduceMixing = mixing.reduce
    for phase in forwardPhases { runner.run(phase, images: input.count, weightGradient: nil) }
    let (loss, correct) = head.loss(images: input.count, labels: input.labels)
    var result = Result(loss: loss, correct: correct)
    guard weightGradient != nil || wantsMixingGradient else { return result }

    state.normalGradient = [Double](repeating: 0, count: mixing.normal.count)
    state.reduceGradient = [Double](repeating: 0, count: mixing.reduce.count)
    gradientTarget.pointer = weightGradient
    head.backward(images: input.count, labels: input.labels, weightGradient: weightGradient)
    pool.run(prepare.count) { index, _ in prepare[index]() }
    for phase in backwardPhases where weightGradient != nil || !weightsOnly.contains(ObjectIdentifier(phase)) {
      runner.run(phase, images: input.count, weightGradient: weightGradient)
    }
    result.normalMixingGradient = state.normalGradient
    result.reduceMixingGradient = state.reduceGradient
    return result
  }

  /// Of one image, forward alone.
  var forwardCost: PlanCost { forwardPhases.reduce(PlanCost()) { $0 + $1.cost } }

  /// Of one image, forward and backward; without weight gradients the phases that only they need are left out.
  func gradientCost(wantsWeights: Bool) -> PlanCost {
    backwardPhases.filter { wantsWeights || !weightsOnly.contains(ObjectIdentifier($0)) }.reduce(forwardCost) {
      $0 + $1.cost + PlanCost(flops: wantsWeights ? $1.weightFlops : 0)
    }
  }

  /// [count, classes] of the last run.
  func logits(count: Int) -> [Float] { Array(UnsafeBufferPointer(start: head.logits, count: count * head.classes)) }
}
