import CKernels
import Cells
import Compute

/// One cell of a network of stages, lowered: it reads one tensor, raw, and its output is its last node (Dong and Yang,
/// NAS-Bench-201, ICLR 2020, §2.1).
///
/// Node after node: what reads a state is computed in the phase that completes it, its statistics end the phase, and the next
/// phase sums the next node.
final class StageCellPlan: StagePart {
  let edges: [MixedEdge]
  /// The input, then the nodes.
  private let states: [Activation]
  /// ∂L/∂state.
  private let gradients: [Activation]
  private let nodes: [NodeSum]
  private let pools: [PoolUnit?]
  private let layout: CellLayout
  private let state: PlanState

  var output: Activation { states[states.count - 1] }
  var outputGradient: Activation { gradients[gradients.count - 1] }

  init(_ layout: CellLayout, input: Activation, gradient: Activation, in lowering: Lowering) {
    precondition(layout.topology.inputCount == 1, "a cell of a stage reads one tensor")
    self.layout = layout
    state = lowering.state
    let topology = layout.topology
    let states = [input] + (0..<topology.nodeCount).map { _ in lowering.activation(input.shape) }
    let gradients = [gradient] + (0..<topology.nodeCount).map { _ in lowering.activation(input.shape) }
    self.states = states
    self.gradients = gradients
    lowering.need {
      $0.slice = max($0.slice, input.shape.floatsPerImage)
      $0.lanes = max($0.lanes, input.shape.lanes)
    }
    let lowered = EdgeLowering(layout, states: states, packed: nil, in: lowering)
    pools = lowered.pools
    let edges = lowered.edges
    self.edges = edges
    nodes = (0..<topology.nodeCount).map { node in
      let terms = topology.edgesInto(node: node).flatMap { edge in
        edges[edge].terms(source: states[edges[edge].edge.source], view: nil)
      }
      return NodeSum(
        output: states[node + 1], gradient: gradients[node + 1], terms: terms, kind: layout.kindIndex, in: lowering)
    }
  }

  func prepareBackward() -> [() -> Void] { edges.flatMap(\.dense).map { unit in { unit.prepareBackward() } } }

  func appendForward(to phases: inout [Phase]) {
    for node in 0..<nodes.count {
      appendReading(of: node, to: phases[phases.count - 1])
      let (sum, before, phase) = (nodes[node], phases[phases.count - 1], Phase())
      phases.append(phase)
      before.onFinish { _, _ in sum.updateCoefficients() }
      phase.spend(floats: (sum.terms.count + 1) * sum.output.floatsPerImage)
      // A node into which nothing but `none` leads is zero.
      phase.onImage { image, context in
        if sum.terms.isEmpty { sum.output.clear(image: image) } else { sum.forward(image: image, scratch: context.scratch) }
      }
    }
  }

  /// Pools and convolutions of a state that the phase has completed.
  private func appendReading(of source: Int, to phase: Phase) {
    if let pool = pools[source] {
      let activation = states[source]
      let offset = phase.reserveSums(4 * activation.shape.lanes)
      phase.spend(floats: pool.outputFloats)
      phase.onImage { image, context in pool.forward(image: image, from: activation, sums: context.sums + offset) }
    }
    for edge in edges where edge.edge.source == source {
      for unit in edge.dense { unit.appendForward(to: phase) }
    }
  }

  func appendBackward(to phases: inout [Phase], weightsOnly: ((Phase) -> Void)?) {
    let first = phases[phases.count - 1]
    for gradient in gradients.dropLast() { first.onImage { image, _ in gradient.clear(image: image) } }
    for node in nodes.indices.reversed() {
      let (sum, complete) = (nodes[node], phases[phases.count - 1])
      if !sum.terms.isEmpty {
        let offset = complete.reserveSums(sum.sumCount)
        complete.spend(floats: sum.terms.count * sum.output.floatsPerImage)
        complete.onImage { image, context in
          sum.reduce(image: image, sums: context.sums + offset, scratch: context.scratch)
        }
        complete.onFinish { sums, images in sum.finishBackward(sums: sums + offset, images: images) }
      }
      let phase = Phase()
      phases.append(phase)
      if node == 0 { weightsOnly?(phase) }
      // From the farthest source to the nearest, whose gradient the next reduction reads.
      for index in layout.topology.edgesInto(node: node) { appendBackward(through: edges[index], to: phase) }
    }
  }

  /// Adds what an edge gives to ∂L/∂source, from ∂L/∂node.
  private func appendBackward(through edge: MixedEdge, to phase: Phase) {
    let (gradient, target) = (gradients[edge.edge.target], gradients[edge.edge.source])
    for (index, operation) in edge.operations.enumerated() {
      let (mixingIndex, path) = (edge.mixingOffset + index, edge.paths[index])
      switch operation {
      case .nothing: break
      case .identity:
        phase.spend(floats: 2 * target.floatsPerImage)
        phase.onImage { [self] image, context in
          for block in 0..<target.shape.blocks {
            add(
              gradient, mixingIndex, path, block: block, image: image, into: target.block(block, image: image),
              accumulate: true, scratch: context.scratch)
          }
        }
      case .average(let pool, nil):
        phase.spend(floats: 2 * target.floatsPerImage)
        phase.onImage { [self] image, context in
          let slice = context.scratch.slices[0]
          for block in 0..<target.shape.blocks {
            add(
              gradient, mixingIndex, path, block: block, image: image,
              into: slice + block * target.shape.floatsPerBlock,
              accumulate: false, scratch: context.scratch)
          }
          pool.backward(image: image, maximumGradient: nil, averageGradient: slice, into: target)
        }
      case .dense(let unit): unit.appendBackward(to: phase, gradient: gradient, path: path, target: target)
      default: preconditionFailure("no such operation in a cell of a stage")
      }
    }
  }

  /// to ← (accumulate ? to : 0) + mixing weight · a block of an activation, which is on a path.
  private func add(
    _ values: Activation, _ mixingIndex: Int, _ path: Int?, block: Int, image: Int, into target: Floats, accumulate: Bool,
    scratch: WorkerScratch
  ) {
    let zeros = scratch.coefficients + Lanes.count
    let weight = state.keep(path, image: image) * state.mixing(layout.kindIndex, mixingIndex)
    scratch.coefficients.update(repeating: weight, count: Lanes.count)
    zeros.update(repeating: 0, count: Lanes.count)
    scratch.terms[0] = UnsafePointer(values.block(block, image: image))
    state.kernels.pointee.combine(
      target, values.memoryLanes(block), ck_terms(scratch, count: 1),
      ck_coefficients(values: scratch.coefficients, stride: Int64(Lanes.count), shift: accumulate ? nil : zeros),
      Int32(values.shape.pixels))
  }
}
