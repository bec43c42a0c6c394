import CKernels
import Cells
import Compute

/// Where a cell sends the gradient of one of its inputs.
struct InputGradient {
  /// One activation per concatenated tensor.
  let targets: [Activation]
  /// Whether this cell is the first to write them.
  let overwrite: Bool
}

extension CellPlan {
  /// Appends the cell's backward phases. The last phase in `phases` is open: per image it has completed ∂L/∂node of the last node.
  /// Phases that only the weights of the first cell and of the stem need are marked through `weightsOnlyFrom`.
  ///
  /// - Parameters:
  ///   - inputs: of the cell's two inputs.
  ///   - next: the cell after this one, whose farther input is this one's nearer: both send it their gradients in one phase,
  ///     while it is in the caches.
  func appendBackward(
    to phases: inout [Phase], inputs: [InputGradient], next: (cell: CellPlan, farther: InputGradient)?,
    markWeightsOnly: (Phase) -> Void
  ) {
    clearUnreadNodes(in: phases[phases.count - 1])
    let schedule = BackwardSchedule(edges: edges, topology: topology, isPacked: packed != nil)
    let nodes = (0..<topology.nodeCount).reversed()
    for step in 0..<schedule.count {
      if step > 0 { phases.append(Phase()) }
      let phase = phases[phases.count - 1]
      for node in nodes where schedule.completed[node] == step {
        if isRead(node) { appendFirstStageBackward(of: topology.inputCount + node, to: phase) }
        appendReduction(of: node, to: phase)
      }
      appendSecondStageBackward(into: nodes.filter { schedule.secondStage[$0] == step }, to: phase)
      appendPackedSecondStageBackward(
        of: nodes.filter { schedule.completed[$0] == step + 1 }.map { topology.inputCount + $0 }, to: phase)
    }

    if packed != nil {
      let phase = Phase()
      phases.append(phase)
      markWeightsOnly(phase)
      appendPackedSecondStageBackward(of: Array(0..<topology.inputCount), to: phase)
    }
    let inputPhase = Phase()
    phases.append(inputPhase)
    markWeightsOnly(inputPhase)
    for source in 0..<topology.inputCount {
      appendFirstStageBackward(of: source, to: inputPhase)
      preprocess[source].norm.appendReduction(
        of: gradients[source], values: normalisedValues(of: source), isNormalised: !layout.hasAffineNorms, to: inputPhase)
    }

    let preprocessPhase = Phase()
    phases.append(preprocessPhase)
    markWeightsOnly(preprocessPhase)
    if let next { next.cell.appendPreprocessBackward(of: 0, into: next.farther, to: preprocessPhase) }
    // The nearer input last: its gradient is what the next phase's reductions read.
    if layout.index == 0 { appendPreprocessBackward(of: 0, into: inputs[0], to: preprocessPhase) }
    appendPreprocessBackward(of: 1, into: inputs[1], to: preprocessPhase)
  }

  /// The sums that the backward maps of a node's terms need, once its gradient is complete.
  private func appendReduction(of node: Int, to phase: Phase) {
    appendSplit(of: node, to: phase)
    let sum = nodes[node]
    let offset = phase.reserveSums(sum.sumCount)
    phase.spend(floats: sum.terms.count * sum.output.floatsPerImage)
    phase.onImage { image, context in sum.reduce(image: image, sums: context.sums + offset, scratch: context.scratch) }
    phase.onFinish { sums, images in sum.finishBackward(sums: sums + offset, images: images) }
  }

  /// Gradients of a preprocessing convolution's weights and of what it reads.
  private func appendPreprocessBackward(of source: Int, into input: InputGradient, to phase: Phase) {
    let unit = preprocess[source]
    let partial = unit.reserveGradient(in: phase)
    let (gradient, values) = (gradients[source], normalisedValues(of: source))
    phase.spend(
      flops: unit.flops, weightFlops: unit.flops,
      floats: 2 * values.floatsPerImage + (input.overwrite ? 2 : 3) * unit.sourceFloats)
    phase.onImage { image, context in
      unit.backward(
        image: image, gradient: gradient, values: values, targets: input.targets, overwrite: input.overwrite,
        partial: partial, context: context)
    }
  }

  /// Nodes outside the cell's output have no gradient but what the edges that leave them add.
  private func clearUnreadNodes(in phase: Phase) {
    for target in topology.inputCount..<topology.stateCount where !layout.outputs.contains(target) {
      let gradient = gradients[target]
      phase.onImage { image, _ in gradient.clear(image: image) }
    }
  }

  /// What the backward map of a preprocessed input's norm applies to besides the gradient: the raw output where it was kept,
  /// else the normalised one that took its place.
  private func normalisedValues(of source: Int) -> Activation {
    layout.hasAffineNorms ? preprocess[source].output : states[source]
  }

  /// Completes ∂L/∂state of a state from the edges that leave it.
  private func appendFirstStageBackward(of source: Int, to phase: Phase) {
    let leaving = edges(leaving: source)
    let isNode = source >= topology.inputCount
    let target = sourceGradients[source]
    appendConvolutionsBackward(of: source, to: phase)
    if leaving.allSatisfy({ $0.firstConvolutions.isEmpty }), !isNode || partial != nil {
      phase.onImage { image, _ in target.clear(image: image) }
    }
    appendPackedFirstStageBackward(of: source, to: phase)
    for edge in leaving {
      for unit in edge.factorised {
        let partial = unit.reserveGradient(in: phase)
        let gradient = mixtureGradients[edge.edge.node]
        let (state, path) = (state, edge.path(of: unit))
        phase.spend(
          flops: unit.flops, weightFlops: unit.flops, floats: 2 * unit.output.floatsPerImage)
        phase.onImage { image, context in
          unit.backward(
            image: image, gradient: gradient, keep: state.keep(path, image: image), values: unit.output, targets: [target],
            overwrite: false, partial: partial,
            context: context)
        }
      }
    }
    appendIdentityBackward(of: source, to: phase)
    appendDroppedBackward(of: source, to: phase)
    appendPoolBackward(of: source, to: phase)
    guard let partial else { return }
    phase.spend(floats: (leaving.count + 2) * gradients[source].floatsPerImage)
    phase.onImage { image, context in partial.addGradients(to: source, image: image, scratch: context.scratch) }
  }

  /// Partial channels: a node's complete gradient, taken apart, and those of the weights of its bypasses.
  private func appendSplit(of node: Int, to phase: Phase) {
    guard let partial else { return }
    let offset = phase.reserveSums(partial.sumCount(node: node))
    phase.spend(
      floats: (topology.edgesInto(node: node).count + 2) * states[topology.inputCount].floatsPerImage)
    phase.onImage { image, context in
      partial.split(node: node, image: image, scratch: context.scratch)
      partial.reduce(node: node, image: image, sums: context.sums + offset, scratch: context.scratch)
    }
    phase.onFinish { sums, _ in partial.finishReduction(node: node, sums: sums + offset) }
  }

  /// Skip connections with dropout: the mask of the forward pass is drawn again.
  private func appendDroppedBackward(of source: Int, to phase: Phase) {
    let (state, kind) = (state, layout.kindIndex)
    for edge in edges(leaving: source) {
      for case (let index, .dropped(_, let stream)) in edge.operations.enumerated() {
        let (gradient, target) = (mixtureGradients[edge.edge.node], sourceGradients[source])
        phase.spend(floats: target.floatsPerImage)
        phase.onImage { image, _ in
          state.drop(
            gradient,
            weight: state.keep(edge.paths[index], image: image) * state.mixing(kind, edge.mixingOffset + index),
            image: image, stream: stream, into: target, accumulate: true)
        }
      }
    }
  }

  private func appendConvolutionsBackward(of source: Int, to phase: Phase) {
    // First halves of separable convolutions find their gradient where the second half's output was.
    let jobs = edges(leaving: source).flatMap { edge in
      edge.operations.enumerated().compactMap {
        index, operation -> (unit: ConvolutionUnit, gradient: Activation, path: Int?, partials: (Int, Int))? in
        switch operation {
        case .convolution(let unit):
          (unit, mixtureGradients[edge.edge.node], edge.paths[index], unit.reserveGradient(in: phase))
        case .merged(let convolution):
          (
            convolution.unit, mixtureGradients[edge.edge.node], edge.paths[index],
            convolution.unit.reserveGradient(in: phase)
          )
        case .separable(let first, let second): (first, second.output, nil, first.reserveGradient(in: phase))
        default: nil
        }
      }
    }
    guard !jobs.isEmpty else { return }
    let target = sourceGradients[source]
    let isNode = source >= topology.inputCount && partial == nil
    for job in jobs {
      phase.spend(flops: job.unit.flops, weightFlops: job.unit.flops, floats: 2 * job.unit.output.floatsPerImage)
    }
    phase.spend(floats: (isNode ? 3 : 2) * target.floatsPerImage)
    phase.onImage { [self] image, context in
      let planes = reluPlanes(of: source, image: image, scratch: context.scratch)
      let sum = context.scratch.slices[0]
      for (index, job) in jobs.enumerated() {
        let next = index + 1 < jobs.count ? (jobs[index + 1], image) : (jobs[0], image + 1)
        job.unit.backward(
          image: image, gradient: job.gradient.image(image), keep: state.keep(job.path, image: image), planes: planes,
          into: sum, accumulate: index > 0, partials: job.partials,
          next: (next.0.gradient.ahead(next.1), next.0.unit.output.ahead(next.1)), context: context)
      }
      maskIntoGradient(target, image: image, sum: sum, planes: planes, adding: isNode)
    }
  }

  private func maskIntoGradient(_ target: Activation, image: Int, sum: Floats, planes: Floats, adding: Bool) {
    let shape = target.shape
    let stride = (shape.height + 2 * pad) * (shape.width + 2 * pad) * Lanes.count
    for block in 0..<shape.blocks {
      let to = target.block(block, image: image)
      state.kernels.pointee.mask(
        to, sum + block * shape.floatsPerBlock, planes + block * stride, adding ? to : nil,
        ck_plane(of: shape, pad: pad, memoryLanes: target.memoryLanes(block)))
    }
  }

  /// Skip connections at full resolution: ∂L/∂state += w · ∂L/∂node.
  private func appendIdentityBackward(of source: Int, to phase: Phase) {
    let skips = edges(leaving: source).flatMap { edge in
      edge.operations.enumerated().compactMap { index, operation -> (gradient: Activation, mixingIndex: Int, path: Int?)? in
        guard case .identity = operation else { return nil }
        return (mixtureGradients[edge.edge.node], edge.mixingOffset + index, edge.paths[index])
      }
    }
    guard !skips.isEmpty else { return }
    let target = sourceGradients[source]
    let shape = target.shape
    let (state, kind) = (state, layout.kindIndex)
    phase.spend(floats: skips.count * target.floatsPerImage)
    phase.onImage { image, context in
      let coefficients = context.scratch.coefficients
      for (index, skip) in skips.enumerated() {
        let weight = state.keep(skip.path, image: image) * state.mixing(kind, skip.mixingIndex)
        (coefficients + index * Lanes.count).update(repeating: weight, count: Lanes.count)
      }
      for block in 0..<shape.blocks {
        for (index, skip) in skips.enumerated() {
          context.scratch.terms[index] = UnsafePointer(skip.gradient.block(block, image: image))
        }
        state.kernels.pointee.combine(
          target.block(block, image: image), target.memoryLanes(block), ck_terms(context.scratch, count: skips.count),
          ck_coefficients(values: coefficients, stride: Int64(Lanes.count), shift: nil), Int32(shape.pixels))
      }
    }
  }

  /// The pools of a state: the edges' gradients are summed first, so that each pool flows back once.
  private func appendPoolBackward(of source: Int, to phase: Phase) {
    guard let pool = pools[source] else { return }
    var maxima: [PooledEdge] = []
    var averages: [PooledEdge] = []
    for edge in edges(leaving: source) {
      for (index, operation) in edge.operations.enumerated() {
        let gradient = mixtureGradients[edge.edge.node]
        func pooled(_ norm: BatchNorm?) -> PooledEdge {
          PooledEdge(gradient: gradient, norm: norm, mixingIndex: edge.mixingOffset + index, path: edge.paths[index])
        }
        if case .maximum(_, let norm) = operation { maxima.append(pooled(norm)) }
        if case .average(_, let norm) = operation { averages.append(pooled(norm)) }
      }
    }
    let target = sourceGradients[source]
    phase.spend(floats: pool.outputFloats)
    phase.onImage { [self, maxima, averages] image, context in
      let maximum = pool.maximum.map {
        poolGradient(
          image: image, edges: maxima, pooled: $0.values, into: context.scratch.slices[1], scratch: context.scratch)
      }
      let average = pool.average.map {
        poolGradient(
          image: image, edges: averages, pooled: $0.values, into: context.scratch.slices[2], scratch: context.scratch)
      }
      pool.backward(image: image, maximumGradient: maximum, averageGradient: average, into: target)
    }
  }

  /// An edge through a pool, and how ∂L/∂node reaches the pooled values.
  private struct PooledEdge {
    let gradient: Activation
    let norm: BatchNorm?
    let mixingIndex: Int
    let path: Int?
  }

  private func poolGradient(
    image: Int, edges: [PooledEdge], pooled: Activation, into slice: Floats, scratch: WorkerScratch
  ) -> Floats {
    let shape = pooled.shape
    let coefficients = scratch.coefficients
    // The pooled values take part through the norms alone.
    let count = edges.count + (edges.contains { $0.norm != nil } ? 1 : 0)
    for block in 0..<shape.blocks {
      let own = coefficients + edges.count * 16
      let shift = coefficients + (edges.count + 1) * 16
      for lane in 0..<16 { (own[lane], shift[lane]) = (0, 0) }
      for (index, edge) in edges.enumerated() {
        scratch.terms[index] = UnsafePointer(edge.gradient.block(block, image: image))
        let keep = state.keep(edge.path, image: image)
        let mixing = state.mixing(layout.kindIndex, edge.mixingIndex)
        for lane in 0..<16 {
          guard let norm = edge.norm else {
            coefficients[index * 16 + lane] = keep * mixing
            continue
          }
          coefficients[index * 16 + lane] = keep * norm.gradientScale[block * 16 + lane]
          own[lane] += norm.outputScale[block * 16 + lane]
          shift[lane] += norm.gradientShift[block * 16 + lane]
        }
      }
      scratch.terms[edges.count] = UnsafePointer(pooled.block(block, image: image))
      state.kernels.pointee.combine(
        slice + block * shape.floatsPerBlock, pooled.memoryLanes(block), ck_terms(scratch, count: count),
        ck_coefficients(values: coefficients, stride: Int64(Lanes.count), shift: shift), Int32(shape.pixels))
    }
    return slice
  }

  /// Second halves of the separable convolutions into some nodes; their input gradient replaces their output.
  private func appendSecondStageBackward(into targets: [Int], to phase: Phase) {
    let jobs = targets.flatMap { node in
      let edges = edges(into: node)
      return zip(edges.flatMap(\.separables), edges.flatMap(\.separablePaths)).map { pair, path in
        (
          first: pair.first, second: pair.second, path: path, gradient: nodes[node].gradient,
          partials: pair.second.reserveGradient(in: phase)
        )
      }
    }
    guard let shape = jobs.first?.gradient.shape else { return }
    let lanes = shape.lanes
    let offset = phase.reserveSums(jobs.count * 2 * lanes)
    for job in jobs {
      phase.spend(flops: job.second.flops, weightFlops: job.second.flops, floats: 3 * job.second.output.floatsPerImage)
    }
    phase.spend(floats: targets.count * jobs[0].gradient.floatsPerImage)
    phase.onImage { [self] image, context in
      let slice = context.scratch.slices[0]
      for (index, job) in jobs.enumerated() {
        let planes = reluPlanes(after: job.first, image: image, scratch: context.scratch)
        let next = index + 1 < jobs.count ? (jobs[index + 1], image) : (jobs[0], image + 1)
        job.second.backward(
          image: image, gradient: job.gradient.image(image), keep: state.keep(job.path, image: image), planes: planes,
          into: slice, accumulate: false, partials: job.partials,
          next: (next.0.first.output.ahead(next.1), next.0.second.output.ahead(next.1)), context: context)
        let target = job.second.output
        let sums = context.sums + offset + index * 2 * lanes
        let stride = (shape.height + 2 * pad) * (shape.width + 2 * pad) * Lanes.count
        for block in 0..<shape.blocks {
          state.kernels.pointee.mask_reduce(
            target.block(block, image: image), slice + block * shape.floatsPerBlock, planes + block * stride,
            job.first.output.block(block, image: image),
            ck_plane(of: shape, pad: pad, memoryLanes: target.memoryLanes(block)), sums + block * Lanes.count,
            sums + lanes + block * Lanes.count)
        }
      }
    }
    phase.onFinish { sums, images in
      for (index, job) in jobs.enumerated() {
        let at = sums + offset + index * 2 * lanes
        job.first.norm.finishBackward(gradientSum: at + lanes, product: at, images: images, weight: 1)
      }
    }
  }
}
