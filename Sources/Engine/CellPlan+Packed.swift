import CKernels
import Cells
import Compute

/// The phases of convolutions that share blocks.
extension CellPlan {
  /// First convolutions that read a complete state.
  func appendPackedFirstStage(of source: Int, to phase: Phase) {
    guard let packed, source < packed.packs.count else { return }
    let units = packed.packs[source].flatMap(\.firsts)
    guard !units.isEmpty else { return }
    let offset = phase.reserveSums(units.count * 32)
    for unit in units { phase.spend(flops: unit.flops, floats: unit.output.floatsPerImage) }
    phase.onImage { [self] image, context in
      let planes = reluPlanes(of: packed.replicas[source], through: nil, image: image, scratch: context.scratch)
      for (index, unit) in units.enumerated() {
        unit.forward(image: image, planes: planes, sums: context.sums + offset + index * 32, scratch: context.scratch)
      }
    }
    finishStatistics(of: units, in: phase, offset: offset)
  }

  /// Before the first stage of some states flows back: gradients side by side, and the second halves of separable
  /// convolutions that leave the states, whose input gradient replaces their output.
  func appendPackedSecondStageBackward(of sources: [Int], to phase: Phase) {
    guard let packed else { return }
    let packs = sources.filter { $0 < packed.packs.count }.flatMap { packed.packs[$0] }
    guard packs.contains(where: { !$0.firsts.isEmpty }) else { return }
    let partials = packs.map { $0.separables.map { $0.second.reserveGradient(in: phase) } }
    let offset = phase.reserveSums(packs.reduce(0) { $0 + 32 * $1.separables.count })
    for pack in packs {
      phase.spend(floats: pack.gradient.floatsPerImage)
      for pair in pack.separables {
        phase.spend(
          flops: pair.second.flops, weightFlops: pair.second.flops, floats: 3 * pair.second.output.floatsPerImage)
      }
    }
    phase.onImage { [self] image, context in
      var at = offset
      for (index, pack) in packs.enumerated() {
        gatherGradient(of: pack, image: image, scratch: context.scratch)
        for (pair, partials) in zip(pack.separables, partials[index]) {
          flowBack(
            pair, gradient: pack.gradient.image(image), keep: state.scale(pack.paths[0]), image: image, partials: partials,
            sums: context.sums + at, context: context)
          at += 32
        }
      }
    }
    phase.onFinish { sums, images in
      for (index, pair) in packs.flatMap(\.separables).enumerated() {
        let at = sums + offset + 32 * index
        pair.first.norm.finishBackward(gradientSum: at + 16, product: at, images: images, weight: 1)
      }
    }
  }

  /// An edge that the image drops leaves zeros; the others wait for their scale, which is one for all.
  private func gatherGradient(of pack: PackedConvolutions.Pack, image: Int, scratch: WorkerScratch) {
    guard let part = packed?.part else { return }
    for lane in 0..<16 {
      let position = lane / part
      let isKept = position < pack.edges.count && state.keep(pack.paths[position], image: image) != 0
      scratch.terms[lane] =
        isKept
        ? UnsafePointer(mixtureGradients[topology.edges[pack.edges[position]].node].image(image) + lane % part) : nil
    }
    state.kernels.pointee.gather_lanes(pack.gradient.image(image), scratch.terms, Int32(pack.gradient.shape.pixels))
  }

  private func flowBack(
    _ pair: (first: ConvolutionUnit, second: ConvolutionUnit), gradient: Floats, keep: Float, image: Int,
    partials: (depthwise: Int, pointwise: Int), sums: Doubles, context: ChunkContext
  ) {
    let shape = pair.second.output.shape
    let slice = context.scratch.slices[0]
    let planes = reluPlanes(after: pair.first, image: image, scratch: context.scratch)
    pair.second.backward(
      image: image, gradient: gradient, keep: keep, planes: planes, into: slice, accumulate: false, partials: partials,
      next: nil, context: context)
    state.kernels.pointee.mask_reduce(
      pair.second.output.image(image), slice, planes, pair.first.output.image(image),
      ck_plane(of: shape, pad: pad, memoryLanes: Int32(ck_lanes)), sums, sums + Lanes.count)
  }

  /// Adds what first convolutions give to the gradient of what operations read of a state.
  func appendPackedFirstStageBackward(of source: Int, to phase: Phase) {
    guard let packed, source < packed.packs.count else { return }
    let jobs = packed.packs[source].flatMap { pack in
      pack.singles.map {
        (unit: $0, gradient: pack.gradient, path: pack.paths[0], partials: $0.reserveGradient(in: phase))
      }
        + pack.separables.map {
          (unit: $0.first, gradient: $0.second.output, path: Int?.none, partials: $0.first.reserveGradient(in: phase))
        }
    }
    guard !jobs.isEmpty else { return }
    let (replica, target, part) = (packed.replicas[source], sourceGradients[source], packed.part)
    for job in jobs {
      phase.spend(flops: job.unit.flops, weightFlops: job.unit.flops, floats: 2 * job.unit.output.floatsPerImage)
    }
    phase.onImage { [self] image, context in
      let planes = reluPlanes(of: replica, through: nil, image: image, scratch: context.scratch)
      let sum = context.scratch.slices[0]
      for (index, job) in jobs.enumerated() {
        job.unit.backward(
          image: image, gradient: job.gradient.image(image), keep: state.scale(job.path), planes: planes, into: sum,
          accumulate: index > 0, partials: job.partials,
          next: index + 1 < jobs.count
            ? (jobs[index + 1].gradient.ahead(image), jobs[index + 1].unit.output.ahead(image)) : nil, context: context)
      }
      let shape = replica.shape
      state.kernels.pointee.mask(
        sum, sum, planes, nil, ck_plane(of: shape, pad: pad, memoryLanes: Int32(ck_lanes)))
      state.kernels.pointee.fold_lanes(target.image(image), sum, Int32(part), Int32(shape.pixels), 1)
    }
  }
}
