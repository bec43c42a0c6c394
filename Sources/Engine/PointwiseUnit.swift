import CKernels
import Compute

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
    transposed = lowering.allocate(Float.self, convolutions * inputBlocks * outputShape.blocks * Lanes.blockWeights)
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

  /// Some neighbouring output blocks, as one tensor.
  private func outputBlocks(from first: Int, count: Int, stride: Int) -> ck_blocks {
    ck_blocks(
      stride: Int64(stride), count: Int32(count), period: Int32(count),
      lastLanes: Int32(first + count < output.shape.blocks ? Lanes.count : output.shape.lastLanes))
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
              to, source.block(block, image: image),
              ck_halves(
                width: Int32(sourceShape.width), offset: Int32(convolution), firstRow: Int32(row), rows: Int32(rows),
                memoryLanes: source.memoryLanes(block)))
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
        var convolution = ck_pointwise(
          input: scratch.tileA + first * pixels * Lanes.count,
          inputs: ck_blocks(of: sourceShape, stride: pixels * Lanes.count, count: count),
          weights: state.weights + offset + (block * allBlocks + first) * Lanes.blockWeights,
          weightStride: Int64(allBlocks * Lanes.blockWeights), output: output.block(block, image: image),
          outputs: outputBlocks(from: block, count: together, stride: shape.floatsPerBlock),
          memoryLanes: output.memoryLanes(block + together - 1), firstPixel: Int32(row * shape.width),
          pixels: Int32(pixels), sums: state.wantsSums ? sums + block * Lanes.count : nil,
          sumsStride: Int64(shape.lanes), ahead: fetched == 0 ? nil : scratch.ahead)
        state.kernels.pointee.pointwise(&convolution)
        block += together
      }
      row += rows
    }
  }

  func prepareBackward() {
    state.kernels.pointee.transpose(transposed, state.weights + offset, Int32(allBlocks), Int32(output.shape.blocks))
  }

  func reserveGradient(in phase: Phase) -> Int {
    phase.reserveGradient(parameter: offset, count: output.shape.blocks * allBlocks * Lanes.blockWeights)
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
          tileA + block * pixels * Lanes.count, gradient.block(block, image: image, row: row),
          values.block(block, image: image, row: row), gradient.memoryLanes(block),
          norm.gradientMap(block, scale: gradientScale), Int32(pixels))
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
        var convolution = ck_pointwise(
          input: tileA, inputs: ck_blocks(of: shape, stride: pixels * Lanes.count), weights: transposed,
          weightStride: Int64(shape.blocks * Lanes.blockWeights), output: tileB,
          outputs: ck_blocks(of: sourceShape, stride: pixels * Lanes.count, count: allBlocks),
          memoryLanes: Int32(ck_lanes), firstPixel: 0, pixels: Int32(pixels), sums: nil, sumsStride: 0, ahead: nil)
        kernels.pointwise(&convolution)
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
      var product = ck_outer(
        gradient: target, gradientStride: Int64(allBlocks * Lanes.blockWeights), outputGradient: tileA,
        outputs: ck_blocks(of: output.shape, stride: pixels * Lanes.count), input: tileB,
        inputs: ck_blocks(of: sourceShape, stride: pixels * Lanes.count, count: allBlocks), pixels: Int32(pixels),
        aheadCount: Int32(aheadCount), ahead: ahead)
      state.kernels.pointee.outer(&product)
      return
    }
    for block in 0..<output.shape.blocks {
      let (first, count) = reach(of: block)
      let row = target + block * allBlocks * Lanes.blockWeights
      var product = ck_outer(
        gradient: row + first * Lanes.blockWeights, gradientStride: Int64(allBlocks * Lanes.blockWeights),
        outputGradient: tileA + block * pixels * Lanes.count,
        outputs: outputBlocks(from: block, count: 1, stride: pixels * Lanes.count),
        input: tileB + first * pixels * Lanes.count,
        inputs: ck_blocks(of: sourceShape, stride: pixels * Lanes.count, count: count), pixels: Int32(pixels),
        aheadCount: 0, ahead: nil)
      state.kernels.pointee.outer(&product)
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
              target.block(block, image: image), from, source.block(block, image: image),
              ck_halves(
                width: Int32(sourceShape.width), offset: Int32(convolution), firstRow: Int32(row), rows: Int32(rows),
                memoryLanes: lanes))
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
