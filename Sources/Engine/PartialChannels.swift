import CKernels
import Cells
import Compute

/// Partial channels of one cell (Xu et al., PC-DARTS, ICLR 2020, §3.2): operations read the first C/K channels of a state; the
/// other channels of a node are the weighted sum of those of its sources, at stride 2 through 2×2 maxima.
///
/// The public code concatenates and shuffles the channels of every edge and then adds the edges up. The shuffle is the same
/// for all of them, so here the sum is shuffled, once a node: channel g·C/K + i becomes channel i·K + g.
final class PartialChannels {
  /// What operations read of each state, and the gradients of that.
  let sources: [Activation]
  let sourceGradients: [Activation]
  /// Per node the sum of its edges' mixtures, whose place the gradient takes in the backward pass. Where convolutions share
  /// blocks, the mixture is spread over the positions in a block, and the gradient stands at each of them.
  let mixtures: [Activation]
  /// The gradients of the mixtures, once.
  let mixtureGradients: [Activation]
  /// Copies of what operations read, side by side, where convolutions share blocks.
  var replicas: [Activation] = []

  private let ways: Int
  private let isPacked: Bool
  private let states: [Activation]
  private let gradients: [Activation]
  /// 2×2 maxima of the states that are read at stride 2.
  private let halved: [Activation?]
  /// Per node ∂L/∂(weighted sum of bypasses), in the order before the shuffle; channels of the mixture are zero.
  private let bypassGradients: [Activation]
  private let kind: Int
  private let topology: CellTopology
  /// Where the weights of the bypasses begin in the cell kind's mixing weights.
  private let mixingOffset: Int
  /// Which path each edge is, where it can be dropped, its bypass with it.
  private let paths: [Int?]
  private let state: PlanState

  init(
    ways: Int, isPacked: Bool, states: [Activation], gradients: [Activation], cell: CellLayout, mixingOffset: Int,
    in lowering: Lowering
  ) {
    self.ways = ways
    self.isPacked = isPacked
    self.states = states
    self.gradients = gradients
    kind = cell.kindIndex
    topology = cell.topology
    self.mixingOffset = mixingOffset
    paths = cell.topology.edges.indices.map { cell.path(ofEdge: $0) }
    state = lowering.state
    func part(_ shape: PlaneShape) -> PlaneShape {
      PlaneShape(channels: shape.channels / ways, height: shape.height, width: shape.width)
    }
    // No operation reads the last node.
    sources = states.dropLast().map { lowering.activation(part($0.shape)) }
    sourceGradients = states.dropLast().map { lowering.activation(part($0.shape)) }
    let nodes = states[cell.topology.inputCount...]
    mixtureGradients = nodes.map { lowering.activation(part($0.shape)) }
    let positions = isPacked ? cell.groupSize : 1
    mixtures =
      positions == 1
      ? mixtureGradients
      : nodes.map { node in
        let shape = part(node.shape)
        return lowering.activation(
          PlaneShape(channels: positions * shape.channels, height: shape.height, width: shape.width))
      }
    bypassGradients = nodes.map { lowering.activation($0.shape) }
    halved = states.indices.map { source in
      cell.stride(from: source) == 2 ? lowering.activation(states[source].shape.halved()) : nil
    }
  }

  private func part(of shape: PlaneShape) -> Int { shape.channels / ways }

  /// What bypasses the operations on an edge from a state.
  private func bypass(of source: Int) -> Activation { halved[source] ?? states[source] }

  /// Floats of one image that a state costs beside its operations.
  func floats(of source: Int) -> Int { 2 * states[source].floatsPerImage }

  /// Cuts what operations read out of a complete state, and halves it where it is read at stride 2.
  func take(_ source: Int, image: Int, scratch: WorkerScratch) {
    let state = states[source]
    if source < sources.count {
      gather(sources[source], image: image, scratch: scratch) { (state.image(image), $0) }
    }
    if source < replicas.count {
      let part = part(of: state.shape)
      gather(replicas[source], image: image, scratch: scratch) { (state.image(image), $0 % part) }
    }
    guard let halved = halved[source] else { return }
    for block in 0..<state.shape.blocks {
      self.state.kernels.pointee.halve_maximum(
        halved.image(image) + block * halved.shape.floatsPerBlock, state.image(image) + block * state.shape.floatsPerBlock,
        Int32(state.shape.height), Int32(state.shape.width))
    }
  }

  /// Completes a node from its mixture and what bypasses the operations.
  func complete(node: Int, image: Int, scratch: WorkerScratch) {
    let target = topology.inputCount + node
    let output = states[target]
    let sum = scratch.slices[0]
    let edges = topology.edgesInto(node: node)
    for block in 0..<output.shape.blocks {
      let at = block * output.shape.floatsPerBlock
      let zeros = scratch.coefficients + edges.count * Lanes.count
      zeros.update(repeating: 0, count: Lanes.count)
      setTerms(edges.map { (bypass(of: topology.edges[$0].source), $0) }, at: at, image: image, scratch: scratch)
      state.kernels.pointee.combine(
        sum + at, Int32(ck_lanes), ck_terms(scratch, count: edges.count), coefficients(scratch, shift: zeros),
        Int32(output.shape.pixels))
    }
    let (ways, part) = (ways, part(of: output.shape))
    var mixture = mixtures[node].image(image)
    if isPacked {
      let folded = scratch.slices[1]
      self.state.kernels.pointee.fold_lanes(folded, mixture, Int32(part), Int32(output.shape.pixels), 0)
      mixture = folded
    }
    gather(output, image: image, scratch: scratch) { channel in
      let before = channel % ways * part + channel / ways
      return (before < part ? mixture : sum, before)
    }
  }

  /// Takes a node's complete gradient apart: into that of its mixture and that of the bypasses.
  func split(node: Int, image: Int, scratch: WorkerScratch) {
    let gradient = gradients[topology.inputCount + node]
    let (ways, part, from) = (ways, part(of: gradient.shape), gradient.image(image))
    gather(mixtureGradients[node], image: image, scratch: scratch) { (from, $0 * ways) }
    if isPacked { gather(mixtures[node], image: image, scratch: scratch) { (from, $0 % part * ways) } }
    gather(bypassGradients[node], image: image, scratch: scratch) { channel in
      channel < part ? nil : (from, channel % part * ways + channel / part)
    }
  }

  /// Doubles that `reduce` adds to: of each edge into the node, every lane.
  func sumCount(node: Int) -> Int { topology.edgesInto(node: node).count * bypassGradients[node].shape.lanes }

  /// Σ gradient · bypass of each edge into a node that the image keeps.
  func reduce(node: Int, image: Int, sums: Doubles, scratch: WorkerScratch) {
    let gradient = bypassGradients[node]
    let edges = topology.edgesInto(node: node)
    for block in 0..<gradient.shape.blocks {
      let at = block * gradient.shape.floatsPerBlock
      func isKept(_ index: Int) -> Bool { state.keep(paths[edges.lowerBound + index], image: image) != 0 }
      var start = 0
      while let first = (start..<edges.count).first(where: isKept) {
        start = (first..<edges.count).first { !isKept($0) } ?? edges.count
        for index in first..<start {
          scratch.terms[index - first] = UnsafePointer(
            bypass(of: topology.edges[edges.lowerBound + index].source).image(image) + at)
        }
        state.kernels.pointee.reduce(
          gradient.image(image) + at, Int32(ck_lanes), ck_terms(scratch, count: start - first),
          ck_products(
            products: sums + first * gradient.shape.lanes + block * Lanes.count, stride: Int64(gradient.shape.lanes),
            gradient: nil), Int32(gradient.shape.pixels))
      }
    }
  }

  func finishReduction(node: Int, sums: Doubles) {
    let lanes = bypassGradients[node].shape.lanes
    for (index, edge) in topology.edgesInto(node: node).enumerated() {
      let inner = (0..<lanes).reduce(0.0) { $0 + sums[index * lanes + $1] }
      state.addGradient(kind, mixingOffset + edge, Double(state.scale(paths[edge])) * inner)
    }
  }

  /// Adds what operations and bypasses give to ∂L/∂state. A node's gradient holds what later cells gave; an input's is
  /// overwritten.
  func addGradients(to source: Int, image: Int, scratch: WorkerScratch) {
    let target = gradients[source]
    let isNode = source >= topology.inputCount
    let leaving = topology.edges(leaving: source)
    let terms = leaving.map { (bypassGradients[topology.edges[$0].node], $0) }
    let partial = sourceGradients[source]
    for block in 0..<target.shape.blocks {
      let at = block * target.shape.floatsPerBlock
      // Bypasses of stride 2 have another resolution and come below.
      var count = halved[source] == nil ? setTerms(terms, at: at, image: image, scratch: scratch) : 0
      if block < partial.shape.blocks {
        scratch.terms[count] = UnsafePointer(partial.image(image) + at)
        (scratch.coefficients + count * Lanes.count).update(repeating: 1, count: Lanes.count)
        count += 1
      }
      let zeros = scratch.coefficients + count * Lanes.count
      zeros.update(repeating: 0, count: Lanes.count)
      state.kernels.pointee.combine(
        target.image(image) + at, Int32(ck_lanes), ck_terms(scratch, count: count),
        coefficients(scratch, shift: isNode ? nil : zeros), Int32(target.shape.pixels))
    }
    guard let halved = halved[source] else { return }
    let zeros = scratch.coefficients + leaving.count * Lanes.count
    zeros.update(repeating: 0, count: Lanes.count)
    for block in 0..<halved.shape.blocks {
      let at = block * halved.shape.floatsPerBlock
      setTerms(terms, at: at, image: image, scratch: scratch)
      state.kernels.pointee.combine(
        scratch.slices[1], Int32(ck_lanes), ck_terms(scratch, count: leaving.count), coefficients(scratch, shift: zeros),
        Int32(halved.shape.pixels))
      state.kernels.pointee.halve_maximum_backward(
        target.image(image) + block * target.shape.floatsPerBlock, scratch.slices[1],
        states[source].image(image) + block * target.shape.floatsPerBlock, Int32(target.shape.height),
        Int32(target.shape.width))
    }
  }

  /// The coefficients of a `combine`, one after another; their sum is added to what stands there where there is no shift.
  private func coefficients(_ scratch: WorkerScratch, shift: Floats?) -> ck_coefficients {
    ck_coefficients(values: scratch.coefficients, stride: Int64(Lanes.count), shift: shift)
  }

  /// Terms of a `combine`: blocks of tensors with the weights of the edges that they belong to.
  @discardableResult
  private func setTerms(_ terms: [(values: Activation, edge: Int)], at: Int, image: Int, scratch: WorkerScratch) -> Int {
    for (index, term) in terms.enumerated() {
      scratch.terms[index] = UnsafePointer(term.values.image(image) + at)
      (scratch.coefficients + index * Lanes.count).update(
        repeating: state.keep(paths[term.edge], image: image) * state.mixing(kind, mixingOffset + term.edge),
        count: Lanes.count)
    }
    return terms.count
  }

  /// Writes a tensor channel by channel from channels of other tensors of its resolution; nil and lanes that are no channel
  /// give zero.
  private func gather(
    _ target: Activation, image: Int, scratch: WorkerScratch, from: (_ channel: Int) -> (values: Floats, channel: Int)?
  ) {
    let shape = target.shape
    for block in 0..<shape.blocks {
      for lane in 0..<Lanes.count {
        let channel = block * Lanes.count + lane
        let place = channel < shape.channels ? from(channel) : nil
        scratch.terms[lane] = place.map {
          UnsafePointer($0.values + $0.channel / Lanes.count * shape.floatsPerBlock + $0.channel % Lanes.count)
        }
      }
      state.kernels.pointee.gather_lanes(
        target.image(image) + block * shape.floatsPerBlock, scratch.terms, Int32(shape.pixels))
    }
  }
}
