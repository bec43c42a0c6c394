import CKernels

/// The stem: 3×3 convolution from 3 to 3C channels and a batch norm with scale and shift (DARTS, appendix A.1).
final class StemPlan {
  let output: Activation
  let gradient: Activation
  private let convolved: Activation
  private let norm: BatchNorm
  private let weightOffset: Int
  private let scaleOffset: Int
  private let shiftOffset: Int
  private let forwardScale: Floats
  private let forwardShift: Floats
  private let tileRows: Int
  private let state: PlanState
  private static let patchFloatsPerPixel = 32
  private static let patchLanes = 27

  init(channels: Int, height: Int, width: Int, memory: PlanMemory, state: PlanState) {
    self.state = state
    let shape = PlaneShape(channels: channels, height: height, width: width)
    convolved = memory.activation(shape)
    output = memory.activation(shape)
    gradient = memory.activation(shape)
    weightOffset = memory.parameters.reserve(shape.blocks * Self.patchFloatsPerPixel * 16)
    memory.parameters.name(
      "stem.0.weight", shape: [channels, 3, 3, 3], arrangement: .stem, offset: weightOffset, fanIn: Self.patchLanes)
    scaleOffset = memory.parameters.vector("stem.1.weight", count: channels, constant: 1)
    shiftOffset = memory.parameters.vector("stem.1.bias", count: channels, constant: 0)
    norm = BatchNorm(shape: shape, entry: memory.statistics.add("stem.1", channels: channels), memory: memory)
    forwardScale = memory.arena.allocate(Float.self, shape.lanes)
    forwardShift = memory.arena.allocate(Float.self, shape.lanes)
    tileRows = max(1, Int(ck_tile_pixels) / width)
    let tile = tileRows * width * max(2, shape.blocks) * 16
    memory.need { $0.tile = max($0.tile, tile) }
  }

  private var shape: PlaneShape { output.shape }
  private var flops: Int { 2 * shape.pixels * shape.channels * Self.patchLanes }

  private func forEachBand(_ body: (_ row: Int, _ rows: Int) -> Void) {
    var row = 0
    while row < shape.height {
      body(row, min(tileRows, shape.height - row))
      row += tileRows
    }
  }

  /// The two forward phases; the second is left open with `output` made.
  func appendForward(to phases: inout [Phase], entries: [StatisticsLayout.Entry]) {
    let convolution = Phase()
    phases.append(convolution)
    let lanes = shape.lanes
    let offset = convolution.reserveSums(2 * lanes)
    convolution.spend(flops: flops, floats: shape.floatsPerImage)
    convolution.onImage { [self] image, context in
      forEachBand { row, rows in
        let pixels = rows * shape.width
        patches(image: image, row: row, rows: rows, tile: context.scratch.tileA)
        state.kernels.pointee.pointwise(
          convolved.image(image) + row * shape.width * 16, Int64(shape.floatsPerBlock), context.scratch.tileA,
          Int64(pixels * 16), state.weights + weightOffset, Int64(Self.patchFloatsPerPixel * 16), Int32(pixels), 2, 2,
          Int32(Self.patchLanes - 16), Int32(shape.blocks), context.sums + offset, Int64(lanes))
      }
    }
    convolution.onFinish { [self] sums, images in
      norm.finishForward(
        sum: sums + offset, squares: sums + offset + lanes, images: images, running: state.running(entries[norm.entry]))
      for lane in 0..<lanes {
        let scale = Double(state.weights[scaleOffset + lane]) * norm.exactRstd[lane]
        forwardScale[lane] = Float(scale)
        forwardShift[lane] = Float(Double(state.weights[shiftOffset + lane]) - scale * norm.mean[lane])
      }
    }
    let normalisation = Phase()
    phases.append(normalisation)
    normalisation.spend(floats: 2 * shape.floatsPerImage)
    normalisation.onImage { [self] image, _ in
      for block in 0..<shape.blocks {
        let at = block * shape.floatsPerBlock
        state.kernels.pointee.affine(
          output.image(image) + at, convolved.image(image) + at, forwardScale + block * 16, nil, nil,
          forwardShift + block * 16,
          Int32(shape.pixels))
      }
    }
  }

  /// Sums in the open phase, in which `gradient` is completed, then the weight gradient in a phase of its own.
  func appendBackward(to phases: inout [Phase], weightGradient: @escaping () -> Floats?) -> Phase {
    let open = phases[phases.count - 1]
    let lanes = shape.lanes
    let offset = open.reserveSums(2 * lanes)
    open.spend(floats: shape.floatsPerImage)
    open.onImage { [self] image, context in
      for block in 0..<shape.blocks {
        let at = block * shape.floatsPerBlock
        context.scratch.terms[0] = UnsafePointer(convolved.image(image) + at)
        state.kernels.pointee.reduce(
          gradient.image(image) + at, context.scratch.terms, 1, Int32(shape.pixels), context.sums + offset + block * 16,
          Int64(lanes), context.sums + offset + lanes + block * 16)
      }
    }
    open.onFinish { [self] sums, images in
      let (product, gradientSum) = (sums + offset, sums + offset + lanes)
      norm.finishBackward(gradientSum: gradientSum, product: product, images: images, weight: 1)
      for lane in 0..<lanes {
        let scale = state.weights[scaleOffset + lane]
        norm.gradientScale[lane] *= scale
        norm.outputScale[lane] *= scale
        norm.gradientShift[lane] *= scale
        if let gradients = weightGradient() {
          gradients[scaleOffset + lane] = Float(norm.exactRstd[lane] * (product[lane] - norm.mean[lane] * gradientSum[lane]))
          gradients[shiftOffset + lane] = Float(gradientSum[lane])
        }
      }
    }
    let phase = Phase()
    phases.append(phase)
    phase.spend(weightFlops: flops, floats: 2 * shape.floatsPerImage)
    let partial = phase.reserveGradient(parameter: weightOffset, count: shape.blocks * Self.patchFloatsPerPixel * 16)
    phase.onImage { [self] image, context in
      guard let gradients = context.gradients else { return }
      forEachBand { row, rows in
        let pixels = rows * shape.width
        patches(image: image, row: row, rows: rows, tile: context.scratch.tileB)
        for block in 0..<shape.blocks {
          let at = block * shape.floatsPerBlock + row * shape.width * 16
          state.kernels.pointee.affine(
            context.scratch.tileA + block * pixels * 16, gradient.image(image) + at, norm.gradientScale + block * 16,
            convolved.image(image) + at, norm.outputScale + block * 16, norm.gradientShift + block * 16, Int32(pixels))
        }
        state.kernels.pointee.outer(
          gradients + partial, Int64(Self.patchFloatsPerPixel * 16), context.scratch.tileA, Int64(pixels * 16),
          context.scratch.tileB, Int64(pixels * 16), Int32(pixels), 2, Int32(shape.blocks))
      }
    }
    return phase
  }

  private func patches(image: Int, row: Int, rows: Int, tile: Floats) {
    let pixels = 3 * shape.height * shape.width
    state.kernels.pointee.patches(
      tile, Int64(rows * shape.width * 16), state.images + image * pixels, Int32(shape.height), Int32(shape.width),
      Int32(row),
      Int32(rows))
  }
}
