import CKernels
import Cells
import Compute

extension CellPlan {
  /// Appends the cell's forward phases. The last phase in `phases` is open: per image it has made the cell's inputs.
  ///
  /// - Parameter next: the cell after this one. What it makes of the input that both read is made here, while that is in the
  ///   caches.
  func appendForward(to phases: inout [Phase], next: CellPlan?) {
    let open = phases[phases.count - 1]
    if layout.index == 0 { preprocess[0].appendForward(to: open) }
    preprocess[1].appendForward(to: open)
    next?.preprocess[0].appendForward(to: open)

    let phase = Phase()
    phases.append(phase)
    for source in 0..<topology.inputCount {
      let unit = preprocess[source]
      if views[source] == nil { unit.norm.appendNormalisation(of: unit.output, into: states[source], to: phase) }
      appendTaking(of: source, to: phase)
    }
    // Of each state, the last phase that makes what its edges carry.
    var made = [Int](repeating: phases.count - 1, count: topology.stateCount)
    for source in 0..<topology.inputCount {
      appendFirstStage(of: source, to: phase, next: [preprocess[source].output])
    }
    appendSecondStage(of: Array(0..<topology.inputCount), to: &phases)
    for source in 0..<topology.inputCount where hasSecondStage(source) { made[source] = phases.count - 1 }

    func appendSums(of nodes: [Int]) {
      let sources = nodes.flatMap { edges(into: $0) }.filter(\.hasStatistics).map(\.edge.source)
      if sources.contains(where: { made[$0] == phases.count - 1 }) { phases.append(Phase()) }
      for node in nodes { appendSum(of: node, to: phases) }
    }
    for node in 0..<topology.nodeCount where isRead(node) {
      appendSums(of: [node])
      let source = topology.inputCount + node
      made[source] = phases.count - 1
      appendFirstStage(
        of: source, to: phases[phases.count - 1], next: nodes[node].terms.map(\.values))
      appendSecondStage(of: [source], to: &phases)
      if hasSecondStage(source) { made[source] = phases.count - 1 }
    }
    // What the cell does not read comes last, with what the next cells make of it.
    appendSums(of: (0..<topology.nodeCount).filter { !isRead($0) })
  }

  /// A node, in the last of the phases; its coefficients follow from statistics that the phase before finishes at the latest.
  private func appendSum(of node: Int, to phases: [Phase]) {
    let (phase, before) = (phases[phases.count - 1], phases[phases.count - 2])
    let sum = nodes[node]
    before.onFinish { _, _ in sum.updateCoefficients() }
    phase.spend(floats: (sum.terms.count + 1) * sum.output.floatsPerImage)
    phase.onImage { image, context in sum.forward(image: image, scratch: context.scratch) }
    appendBypass(into: node, to: phase)
  }

  /// Partial channels: what operations read of a complete state.
  private func appendTaking(of source: Int, to phase: Phase) {
    guard let partial else { return }
    phase.spend(floats: partial.floats(of: source))
    phase.onImage { image, context in partial.take(source, image: image, scratch: context.scratch) }
  }

  /// Partial channels: the rest of a node.
  private func appendBypass(into node: Int, to phase: Phase) {
    guard let partial else { return }
    phase.spend(
      floats: (topology.edgesInto(node: node).count + 1) * states[topology.inputCount].floatsPerImage)
    phase.onImage { image, context in partial.complete(node: node, image: image, scratch: context.scratch) }
    appendTaking(of: topology.inputCount + node, to: phase)
  }

  /// Everything that reads a complete state: pools, noise, factorised reductions, first convolutions. `next` are tensors of
  /// which the phase reads the next image first, fetched on the way where they have the state's shape.
  private func appendFirstStage(
    of source: Int, to phase: Phase, next: [Activation]
  ) {
    let leaving = edges(leaving: source)
    let state = state
    if let pool = pools[source] {
      let norms: [BatchNorm?] = [pool.maximum?.norm, pool.average?.norm]
      let lanes = sources[source].shape.lanes
      let offset = phase.reserveSums(4 * lanes)
      let activation = sources[source]
      phase.spend(floats: pool.outputFloats)
      phase.onImage { image, context in
        pool.forward(image: image, from: activation, sums: context.sums + offset)
      }
      phase.onFinish { sums, images in
        for (index, norm) in norms.enumerated() {
          norm?.finishForward(
            sum: sums + offset + 2 * index * lanes, squares: sums + offset + (2 * index + 1) * lanes, images: images)
        }
      }
    }
    for edge in leaving {
      for case .dropped(let values, let stream) in edge.operations {
        let activation = sources[source]
        phase.spend(floats: values.floatsPerImage)
        phase.onImage { image, _ in
          state.drop(activation, weight: 1, image: image, stream: stream, into: values, accumulate: false)
        }
      }
      for case .noise(let values, let stream) in edge.operations {
        phase.spend(floats: values.floatsPerImage)
        phase.onImage { image, _ in
          for block in 0..<values.shape.blocks {
            state.kernels.pointee.normal_fill(
              values.block(block, image: image), values.memoryLanes(block), Int32(values.shape.pixels),
              Int32(block + 1 < values.shape.blocks ? Lanes.count : values.shape.lastLanes),
              ck_words(key: state.noiseKey, image: UInt32(image), stream: stream + UInt32(block)))
          }
        }
      }
      for unit in edge.factorised { unit.appendForward(to: phase) }
    }
    appendPackedFirstStage(of: source, to: phase)
    let units = leaving.flatMap(\.firstConvolutions)
    guard !units.isEmpty else { return }
    let lanes = sources[source].shape.lanes
    let offset = phase.reserveSums(units.count * 2 * lanes)
    for unit in units { phase.spend(flops: unit.flops, floats: unit.output.floatsPerImage) }
    let next = next.filter { $0.shape == sources[source].shape }
    phase.onImage { [self] image, context in
      let planes = reluPlanes(of: source, image: image, scratch: context.scratch)
      for (index, unit) in units.enumerated() {
        unit.forward(
          image: image, planes: planes, sums: context.sums + offset + index * 2 * lanes, scratch: context.scratch,
          next: index < next.count ? next[index].ahead(image + 1) : nil)
      }
    }
    finishStatistics(of: units, in: phase, offset: offset)
  }

  private func separables(leaving source: Int) -> [(first: ConvolutionUnit, second: ConvolutionUnit)] {
    edges(leaving: source).flatMap(\.separables) + (packed.map { $0.packs[source].flatMap(\.separables) } ?? [])
  }

  private func hasSecondStage(_ source: Int) -> Bool { !separables(leaving: source).isEmpty }

  /// Second halves of the separable convolutions that leave some states, as a phase of their own.
  private func appendSecondStage(of sources: [Int], to phases: inout [Phase]) {
    let pairs = sources.flatMap { separables(leaving: $0) }
    guard !pairs.isEmpty else { return }
    let phase = Phase()
    phases.append(phase)
    let lanes = pairs[0].second.norm.lanes
    let offset = phase.reserveSums(pairs.count * 2 * lanes)
    for pair in pairs { phase.spend(flops: pair.second.flops, floats: 2 * pair.second.output.floatsPerImage) }
    phase.onImage { [self] image, context in
      for (index, pair) in pairs.enumerated() {
        let planes = reluPlanes(after: pair.first, image: image, scratch: context.scratch)
        let next = index + 1 < pairs.count ? (pairs[index + 1], image) : (pairs[0], image + 1)
        pair.second.forward(
          image: image, planes: planes, sums: context.sums + offset + index * 2 * lanes, scratch: context.scratch,
          next: next.0.first.output.ahead(next.1))
      }
    }
    finishStatistics(of: pairs.map(\.second), in: phase, offset: offset)
  }

  func finishStatistics(of units: [ConvolutionUnit], in phase: Phase, offset: Int) {
    phase.onFinish { sums, images in
      for (index, unit) in units.enumerated() {
        let lanes = unit.norm.lanes
        let at = sums + offset + index * 2 * lanes
        unit.norm.finishForward(
          sum: at, squares: at + lanes, images: images)
      }
    }
  }
}
