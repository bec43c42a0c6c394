import CKernels

/// ReLU – 1×1 convolution – batch norm on one or several concatenated tensors, at full resolution or as a factorised
/// reduction (two convolutions of stride 2, the second on the input shifted by one pixel; DARTS, appendix A.1).
final class PointwiseUnit {
  let output: Activation
  let norm: BatchNorm
  let sources: [Activation]
  let isReduction: Bool
  private let sourceShape: PlaneShape
  private let offset: Int
  private let transposed: Floats
  private let state: PlanState
  private let tileRows: Int
  /// Input blocks of one convolution, over all sources.
  private let inputBlocks: Int

  /// `name` is the public prefix of a DARTS operation.
  convenience init(
    name: String, sources: [Activation], outputChannels: Int, reduction: Bool, isAffine: Bool = false, in lowering: Lowering
  ) {
    self.init(
      weightName: reduction ? name : "\(name).op.1.weight", normName: reduction ? "\(name).bn" : "\(name).op.2",
      sources: sources, outputChannels: outputChannels, reduction: reduction, isAffine: isAffine, in: lowering)
  }

  /// - Parameter weightName: public name of the weight; of a factorised reduction, the prefix of its two.
  init(
    weightName: String, normName: String, sources: [Activation], outputChannels: Int, reduction: Bool = false,
    isAffine: Bool, in lowering: Lowering
  ) {
    self.sources = sources
    state = lowering.state
    isReduction = reduction
    let shape = sources[0].shape
    sourceShape = shape
    inputBlocks = sources.count * shape.blocks
    let outputShape = PlaneShape(
      channels: outputChannels, height: reduction ? shape.height / 2 : shape.height,
      width: reduction ? shape.width / 2 : shape.width)
    output = lowering.activation(outputShape)
    let convolutions = reduction ? 2 : 1
    if reduction {
      offset = lowering.parameters.factorised(
        weightName, outputs: outputChannels, channels: shape.channels, sources: sources.count)
    } else {
      offset = lowering.parameters.pointwise(
        weightName, outputs: outputChannels, channels: shape.channels, sources: sources.count)
    }
    norm = BatchNorm(normName, shape: outputShape, isAffine: isAffine, in: lowering)
    transposed = lowering.allocate(Float.self, convolutions * inputBlocks * outputShape.blocks * Lanes.square)
    let widest = max(convolutions * inputBlocks, outputShape.blocks)
    tileRows = max(1, min(Int(ck_tile_pixels) / outputShape.width, 768 / (outputShape.width * widest)))
    let tile = tileRows * outputShape.width * widest * Lanes.count
    lowering.need {
      $0.tile = max($0.tile, tile)
      $0.slice = max($0.slice, outputShape.floatsPerImage)
      $0.ahead = max($0.ahead, 2 * (inputBlocks + outputShape.blocks))
    }
  }

  /// Of one image, forward; each of the two backward products costs the same.
  var flops: Int { 2 * output.shape.pixels * output.shape.channels * sources.count * sourceShape.channels }
  /// Floats of all sources of one image.
  var sourceFloats: Int { sources.reduce(0) { $0 + $1.floatsPerImage } }

  private var allBlocks: Int { (isReduction ? 2 : 1) * inputBlocks }

  /// Blocks [first, first + count) of all input blocks that reach an output block.
  private func reach(of outputBlock: Int) -> (first: Int, count: Int) {
    guard isReduction else { return (0, inputBlocks) }
    let half = output.shape.channels / 2
    let usesFirst = outputBlock * Lanes.count < half
    let usesSecond = min(output.shape.channels, (outputBlock + 1) * Lanes.count) > half
    if usesFirst && usesSecond { return (0, 2 * inputBlocks) }
    return usesFirst ? (0, inputBlocks) : (inputBlocks, inputBlocks)
  }

  /// Relu'd inputs of a band of rows into the tile, one block after another.
  private func gather(image: Int, row: Int, rows: Int, tile: Floats) {
    let kernels = state.kernels.pointee
    let pixels = rows * output.shape.width
    var to = tile
    for convolution in 0..<(isReduction ? 2 : 1) {
      for source in sources {
        for block in 0..<sourceShape.blocks {
          if isReduction {
            kernels.relu_gather(
              to, source.block(block, image: image), source.memoryLanes(block), Int32(sourceShape.width),
              Int32(convolution), Int32(row), Int32(rows))
          } else {
            kernels.relu_flat(
              to, source.block(block, image: image, row: row), source.memoryLanes(block), Int32(pixels))
          }
          to += pixels * 16
        }
      }
    }
  }

  /// Appends a band's blocks of some tensors to the list of what to fetch ahead. A narrow block is left to the processor:
  /// in its place stands what is in the caches, or nothing where that is nil.
  private func fetch(
    _ tensors: [Activation], image: Int, row: Int, orElse cached: UnsafePointer<Float>? = nil,
    list: UnsafeMutablePointer<UnsafePointer<Float>?>, count: inout Int
  ) {
    for tensor in tensors {
      let shape = tensor.shape
      for block in 0..<tensor.wideBlocks {
        list[count] = tensor.ahead(image) + (block * shape.floatsPerBlock + row * shape.width * 16)
        count += 1
      }
      if tensor.wideBlocks < shape.blocks, let cached {
        list[count] = cached
        count += 1
      }
    }
  }

  /// The band after the one from `row` on, which may be the first of the next image.
  private func band(after row: Int, rows: Int, image: Int) -> (image: Int, row: Int) {
    row + rows < output.shape.height ? (image, row + rows) : (image + 1, 0)
  }

  /// Appends the convolution and the statistics of its output to a phase in which the sources are made or were before.
  func appendForward(to phase: Phase) {
    let lanes = norm.lanes
    let offset = phase.reserveSums(2 * lanes)
    phase.spend(flops: flops, floats: sourceFloats + output.floatsPerImage)
    phase.onImage { [self] image, context in
      forward(image: image, sums: context.sums + offset, scratch: context.scratch)
    }
    phase.onFinish { [self] sums, images in
      norm.finishForward(
        sum: sums + offset, squares: sums + offset + lanes, images: images)
    }
  }

  /// Convolves into `output`; adds Σ and Σ² to sums[0..<2·lanes].
  private func forward(image: Int, sums: Doubles, scratch: WorkerScratch) {
    let shape = output.shape
    var row = 0
    while row < shape.height {
      let rows = min(tileRows, shape.height - row)
      let pixels = rows * shape.width
      gather(image: image, row: row, rows: rows, tile: scratch.tileA)
      var fetched = 0
      if !isReduction {
        let next = band(after: row, rows: rows, image: image)
        fetch(
          sources, image: next.image, row: next.row, orElse: UnsafePointer(scratch.tileA), list: scratch.ahead,
          count: &fetched)
      }
      var block = 0
      while block < shape.blocks {
        let (first, count) = reach(of: block)
        var together = 1
        while block + together < shape.blocks, reach(of: block + together) == (first, count) { together += 1 }
        state.kernels.pointee.pointwise(
          output.block(block, image: image), Int64(shape.floatsPerBlock), Int32(row * shape.width),
          scratch.tileA + first * pixels * 16, Int64(pixels * 16),
          state.weights + offset + (block * allBlocks + first) * 256, Int64(allBlocks * 256),
          Int32(pixels), Int32(count), Int32(sourceShape.blocks), Int32(sourceShape.lastLanes), Int32(together),
          Int32(together), Int32(block + together < shape.blocks ? 16 : shape.lastLanes),
          output.memoryLanes(block + together - 1), state.wantsSums ? sums + block * 16 : nil,
          Int64(shape.lanes), fetched == 0 ? nil : scratch.ahead)
        block += together
      }
      row += rows
    }
  }

  func prepareBackward() {
    state.kernels.pointee.transpose(transposed, state.weights + offset, Int32(allBlocks), Int32(output.shape.blocks))
  }

  func reserveGradient(in phase: Phase) -> Int {
    phase.reserveGradient(parameter: offset, count: output.shape.blocks * allBlocks * Lanes.square)
  }

  /// Gradient of the normalised output, which `keep` multiplies, through the convolution: weights always where wanted, and the masked input
  /// gradient into `targets` (one per source) where they are given. `values` is what the map of `norm` is applied to
  /// besides the gradient: the convolution output, or the normalised state.
  func backward(
    image: Int, gradient: Activation, keep: Float = 1, values: Activation, targets: [Activation]?, overwrite: Bool,
    partial: Int, context: ChunkContext
  ) {
    let shape = output.shape
    let kernels = state.kernels.pointee
    let (tileA, tileB) = (context.scratch.tileA, context.scratch.tileB)
    if isReduction, overwrite, let targets {
      for target in targets { target.clear(image: image) }
    }
    let gradientScale = norm.gradientScale(keep: keep, scratch: context.scratch)
    var row = 0
    while row < shape.height {
      let rows = min(tileRows, shape.height - row)
      let pixels = rows * shape.width
      for block in 0..<shape.blocks {
        kernels.affine(
          tileA + block * pixels * 16, gradient.block(block, image: image, row: row), gradient.memoryLanes(block),
          gradientScale + block * 16, values.block(block, image: image, row: row), norm.outputScale + block * 16,
          norm.gradientShift + block * 16, Int32(pixels))
      }
      if let gradients = context.gradients {
        gather(image: image, row: row, rows: rows, tile: tileB)
        var fetched = 0
        let ahead = context.scratch.ahead
        if !isReduction {
          let next = band(after: row, rows: rows, image: image)
          for tensors in [[gradient, values], sources] {
            fetch(tensors, image: next.image, row: next.row, list: ahead, count: &fetched)
          }
          if let targets { fetch(targets, image: image, row: row, list: ahead, count: &fetched) }
        }
        addWeightGradient(
          gradients + partial, pixels: pixels, tileA: tileA, tileB: tileB, ahead: ahead, aheadCount: fetched)
      }
      if let targets {
        kernels.pointwise(
          tileB, Int64(pixels * 16), 0, tileA, Int64(pixels * 16), transposed, Int64(shape.blocks * 256), Int32(pixels),
          Int32(shape.blocks), Int32(shape.blocks), Int32(shape.lastLanes), Int32(allBlocks), Int32(sourceShape.blocks),
          Int32(sourceShape.lastLanes), 16, nil, 0, nil)
        scatter(image: image, row: row, rows: rows, tile: tileB, targets: targets, overwrite: overwrite)
      }
      row += rows
    }
  }

  private func addWeightGradient(
    _ target: Floats, pixels: Int, tileA: Floats, tileB: Floats, ahead: UnsafeMutablePointer<UnsafePointer<Float>?>,
    aheadCount: Int
  ) {
    guard isReduction else {
      state.kernels.pointee.outer(
        target, Int64(allBlocks * 256), tileA, Int64(pixels * 16), tileB, Int64(pixels * 16), Int32(pixels),
        Int32(allBlocks), Int32(sourceShape.blocks), Int32(sourceShape.lastLanes), Int32(output.shape.blocks),
        Int32(output.shape.lastLanes), ahead, Int32(aheadCount))
      return
    }
    for block in 0..<output.shape.blocks {
      let (first, count) = reach(of: block)
      let row = target + block * allBlocks * 256
      state.kernels.pointee.outer(
        row + first * 256, Int64(allBlocks * 256), tileA + block * pixels * 16, Int64(pixels * 16),
        tileB + first * pixels * 16, Int64(pixels * 16), Int32(pixels), Int32(count),
        Int32(sourceShape.blocks), Int32(sourceShape.lastLanes), 1,
        Int32(block + 1 < output.shape.blocks ? 16 : output.shape.lastLanes), nil, 0)
      if count == 2 * inputBlocks { clearForeignLanes(row, block: block) }
    }
  }

  /// A block that both convolutions write has lanes that only one of them owns; the other's weights there are no
  /// parameters and keep a zero gradient.
  private func clearForeignLanes(_ row: Floats, block: Int) {
    let half = output.shape.channels / 2 - block * Lanes.count
    for input in 0..<allBlocks * Lanes.count {
      let lanes = input < inputBlocks * Lanes.count ? half..<Lanes.count : 0..<half
      for lane in lanes { row[input * Lanes.count + lane] = 0 }
    }
  }

  private func scatter(image: Int, row: Int, rows: Int, tile: Floats, targets: [Activation], overwrite: Bool) {
    let kernels = state.kernels.pointee
    let pixels = rows * output.shape.width
    var from = tile
    for convolution in 0..<(isReduction ? 2 : 1) {
      for (source, target) in zip(sources, targets) {
        for block in 0..<sourceShape.blocks {
          let lanes = target.memoryLanes(block)
          if isReduction {
            kernels.scatter_masked(
              target.block(block, image: image), lanes, from, source.block(block, image: image), Int32(sourceShape.width),
              Int32(convolution), Int32(row), Int32(rows))
          } else {
            kernels.mask_flat(
              target.block(block, image: image, row: row), lanes, from, source.block(block, image: image, row: row),
              Int32(pixels), overwrite ? 0 : 1)
          }
          from += pixels * 16
        }
      }
    }
  }
}
