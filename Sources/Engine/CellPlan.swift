import CKernels
import Cells
import Compute

/// One cell of a network, lowered: its tensors and units. `CellPlan+Forward` and `CellPlan+Backward` lay out its phases.
final class CellPlan {
  let isReduction: Bool
  let preprocess: [PointwiseUnit]
  /// States; the first are the preprocessed inputs, normalised in place where their norms have no γ and β.
  let states: [Activation]
  /// The norm that each state is seen through where it is not normalised in memory: an input with γ and β that only
  /// convolutions and identities read.
  let views: [BatchNorm?]
  /// ∂L/∂state.
  let gradients: [Activation]
  /// What operations read of the states, and its gradients: the states themselves unless channels are partial.
  let sources: [Activation]
  let sourceGradients: [Activation]
  /// ∂L/∂(sum of the edges' mixtures) of each node: ∂L/∂node unless channels are partial.
  let mixtureGradients: [Activation]
  let partial: PartialChannels?
  /// Where operations see so few channels that several convolutions fit into a block.
  let packed: PackedConvolutions?
  let edges: [MixedEdge]
  let nodes: [NodeSum]
  /// Pools of each state that feeds one.
  let pools: [PoolUnit?]
  let pad: Int
  let state: PlanState

  let layout: CellLayout
  var topology: CellTopology { layout.topology }

  /// The nodes whose concatenation is the cell's output, and their gradients.
  var outputs: [Activation] { layout.outputs.map { states[$0] } }
  var outputGradients: [Activation] { layout.outputs.map { gradients[$0] } }

  /// - Parameter inputs: the outputs of the cell before the last and of the last cell.
  init(
    _ layout: CellLayout, inputs: ([Activation], [Activation]), in lowering: Lowering
  ) {
    self.layout = layout
    let reduction = layout.isReduction
    isReduction = reduction
    pad = lowering.pad
    state = lowering.state
    let topology = layout.topology
    let name = "cells.\(layout.index)"
    func preprocessor(_ input: Int, _ sources: [Activation], reduction: Bool) -> PointwiseUnit {
      PointwiseUnit(
        name: "\(name).preprocess\(input)", sources: sources, outputChannels: layout.channels, reduction: reduction,
        isAffine: layout.hasAffineNorms, in: lowering)
    }
    let preprocess = [
      preprocessor(0, inputs.0, reduction: layout.isAfterReduction), preprocessor(1, inputs.1, reduction: false),
    ]
    self.preprocess = preprocess
    let inputShape = preprocess[1].output.shape
    let nodeShape = reduction ? inputShape.halved() : inputShape
    let nodeStates = (0..<topology.nodeCount).map { _ in lowering.activation(nodeShape) }
    let views: [BatchNorm?] =
      preprocess.indices.map { layout.readsThroughNorm(of: $0) ? preprocess[$0].norm : nil } + nodeStates.map { _ in nil }
    self.views = views
    let states =
      zip(preprocess, views).map { unit, view in
        layout.hasAffineNorms && view == nil ? lowering.activation(inputShape) : unit.output
      } + nodeStates
    let gradients =
      (0..<topology.inputCount).map { _ in lowering.activation(inputShape) }
      + (0..<topology.nodeCount).map { _ in lowering.activation(nodeShape) }
    self.states = states
    self.gradients = gradients
    let ways = layout.partialChannels
    let isPacked = layout.isGrouped
    partial =
      ways > 1
      ? PartialChannels(
        ways: ways, isPacked: isPacked, states: states, gradients: gradients, cell: layout,
        mixingOffset: layout.mixingCount, in: lowering) : nil
    let sources = partial?.sources ?? states
    self.sources = sources
    sourceGradients = partial?.sourceGradients ?? gradients
    mixtureGradients = partial?.mixtureGradients ?? Array(gradients[topology.inputCount...])
    let packed =
      isPacked ? PackedConvolutions(layout, sources: sources, in: lowering) : nil
    self.packed = packed
    partial?.replicas = packed?.replicas ?? []
    lowering.need {
      $0.slice = max($0.slice, inputShape.floatsPerImage)
      $0.lanes = max($0.lanes, inputShape.lanes)
    }
    let lowered = EdgeLowering(layout, states: sources, packed: packed, in: lowering)
    pools = lowered.pools
    let edges = lowered.edges
    self.edges = edges
    let mixtures = partial?.mixtures
    nodes = (0..<topology.nodeCount).map { node in
      var terms = topology.edgesInto(node: node).flatMap { edge in
        edges[edge].terms(source: sources[edges[edge].edge.source], view: views[edges[edge].edge.source])
      }
      // Tensors that no convolution packs stand at the first position.
      if let part = packed?.part { for index in terms.indices { terms[index].lanes = terms[index].lanes ?? 0..<part } }
      let target = topology.inputCount + node
      return NodeSum(
        output: mixtures?[node] ?? states[target], gradient: mixtures?[node] ?? gradients[target], terms: terms,
        kind: layout.kindIndex, in: lowering)
    }
  }

  func edges(leaving source: Int) -> [MixedEdge] { edges.filter { $0.edge.source == source } }

  func edges(into node: Int) -> [MixedEdge] { topology.edgesInto(node: node).map { edges[$0] } }

  /// Whether an edge that carries anything leaves a node.
  func isRead(_ node: Int) -> Bool {
    partial != nil && node + 1 < topology.nodeCount
      || edges(leaving: topology.inputCount + node).contains { edge in
        edge.operations.contains { if case .nothing = $0 { false } else { true } }
      }
  }

  func prepareBackward() -> [() -> Void] {
    preprocess.map { unit in { unit.prepareBackward() } }
      + edges.flatMap { edge in
        edge.firstConvolutions.map { unit in { unit.prepareBackward() } }
          + edge.separables.map { pair in { pair.second.prepareBackward() } }
          + edge.factorised.map { unit in { unit.prepareBackward() } }
      } + (packed?.units ?? []).map { unit in { unit.prepareBackward() } }
  }

  /// Writes relu(what operations read of a state) of an image into the worker's padded planes and returns them.
  func reluPlanes(of source: Int, image: Int, scratch: WorkerScratch) -> Floats {
    reluPlanes(of: sources[source], through: views[source], image: image, scratch: scratch)
  }

  /// Writes relu(an activation, or its normalised values) of an image into the worker's padded planes and returns them.
  func reluPlanes(of activation: Activation, through norm: BatchNorm?, image: Int, scratch: WorkerScratch) -> Floats {
    let shape = activation.shape
    let planes = scratch.inputPlanes(shape)
    let stride = (shape.height + 2 * pad) * (shape.width + 2 * pad) * Lanes.count
    for block in 0..<shape.blocks {
      state.kernels.pointee.relu_pad(
        planes + block * stride, activation.block(block, image: image), ck_map(of: norm, block: block),
        ck_plane(of: shape, pad: pad, memoryLanes: activation.memoryLanes(block)))
    }
    return planes
  }

  /// Writes relu(batch norm(first convolution)) of a separable convolution into the worker's padded planes.
  func reluPlanes(after first: ConvolutionUnit, image: Int, scratch: WorkerScratch) -> Floats {
    reluPlanes(of: first.output, through: first.norm, image: image, scratch: scratch)
  }
}
