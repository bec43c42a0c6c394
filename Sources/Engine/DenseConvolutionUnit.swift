import CKernels
import Compute

/// ReLU – dense k×k convolution – optional batch norm, on one or several concatenated tensors: the second and third
/// convolution of the strided stem, the last one of the auxiliary head, the convolutions of NAS-Bench-201.
final class DenseConvolutionUnit {
  let output: Activation
  let norm: BatchNorm?
  private let input: Activation
  /// What the input is seen through before the ReLU.
  private let inputNorm: BatchNorm?
  private let taps: ck_taps
  private let offset: Int
  private let transposed: Floats
  private let state: PlanState
  private let tileRows: Int

  /// - Parameters:
  ///   - normName: public prefix of the batch norm; nil for none.
  ///   - isAffine: whether it has γ and β.
  init(
    weightName: String, normName: String?, isAffine: Bool = true, input: Activation, inputNorm: BatchNorm?,
    outputChannels: Int, kernel: Int, stride: Int, pad: Int, in lowering: Lowering
  ) {
    precondition(
      normName != nil || outputChannels % Lanes.count == 0, "gradients that no norm maps are copied block by block")
    self.input = input
    self.inputNorm = inputNorm
    state = lowering.state
    let shape = input.shape
    func extent(_ side: Int) -> Int { (side + 2 * pad - kernel) / stride + 1 }
    let outputShape = PlaneShape(channels: outputChannels, height: extent(shape.height), width: extent(shape.width))
    output = lowering.activation(outputShape)
    taps = ck_taps(
      kernel: Int32(kernel), stride: Int32(stride), pad: Int32(pad), height: Int32(shape.height),
      width: Int32(shape.width), outWidth: Int32(outputShape.width))
    offset = lowering.parameters.dense(weightName, outputs: outputChannels, channels: shape.channels, kernel: kernel)
    norm = normName.map { BatchNorm($0, shape: outputShape, isAffine: isAffine, in: lowering) }
    let tapBlocks = kernel * kernel * shape.blocks
    transposed = lowering.allocate(Float.self, tapBlocks * outputShape.blocks * Lanes.blockWeights)
    tileRows = max(1, min(Int(ck_tile_pixels) / outputShape.width, outputShape.height))
    let tile = tileRows * outputShape.width * max(tapBlocks, outputShape.blocks) * Lanes.count
    lowering.need { $0.tile = max($0.tile, tile) }
  }

  private var tapCount: Int { Int(taps.kernel * taps.kernel) }
  private var tapBlocks: Int { tapCount * input.shape.blocks }
  /// Of one image, forward; each of the two backward products costs the same.
  var flops: Int { 2 * output.shape.pixels * output.shape.channels * input.shape.channels * tapCount }

  func appendForward(to phase: Phase) {
    let lanes = output.shape.lanes
    let offset = phase.reserveSums(2 * lanes)
    phase.spend(flops: flops, floats: input.floatsPerImage + output.floatsPerImage)
    phase.onImage { [self] image, context in
      forward(image: image, sums: context.sums + offset, scratch: context.scratch)
    }
    guard let norm else { return }
    phase.onFinish { sums, images in
      norm.finishForward(
        sum: sums + offset, squares: sums + offset + lanes, images: images)
    }
  }

  private func forward(image: Int, sums: Doubles, scratch: WorkerScratch) {
    let shape = output.shape
    forEachBand { row, rows in
      let pixels = rows * shape.width
      gather(image: image, row: row, rows: rows, tile: scratch.tileA)
      var convolution = ck_pointwise(
        input: scratch.tileA, inputs: ck_blocks(of: input.shape, stride: pixels * Lanes.count, count: tapBlocks),
        weights: state.weights + offset, weightStride: Int64(tapBlocks * Lanes.blockWeights),
        output: output.image(image), outputs: ck_blocks(of: shape, stride: shape.floatsPerBlock),
        memoryLanes: output.memoryLanes(shape.blocks - 1), firstPixel: Int32(row * shape.width), pixels: Int32(pixels),
        sums: state.wantsSums ? sums : nil, sumsStride: Int64(shape.lanes), ahead: nil)
      state.kernels.pointee.pointwise(&convolution)
    }
  }

  func prepareBackward() {
    state.kernels.pointee.transpose(transposed, state.weights + offset, Int32(tapBlocks), Int32(output.shape.blocks))
  }

  /// Weight gradients, and what flows back to the input added to `target`, from the gradient of the normalised output.
  ///
  /// - Parameter path: that it is on, where an image can drop it.
  func appendBackward(to phase: Phase, gradient: Activation, path: Int? = nil, target: Activation) {
    let partial = phase.reserveGradient(parameter: offset, count: output.shape.blocks * tapBlocks * Lanes.blockWeights)
    phase.spend(flops: flops, weightFlops: flops, floats: 2 * (input.floatsPerImage + output.floatsPerImage))
    phase.onImage { [self] image, context in
      let shape = output.shape
      let (tileA, tileB) = (context.scratch.tileA, context.scratch.tileB)
      let kernels = state.kernels.pointee
      let scale = norm?.gradientScale(keep: state.keep(path, image: image), scratch: context.scratch)
      forEachBand { row, rows in
        let pixels = rows * shape.width
        for block in 0..<shape.blocks {
          let to = tileA + block * pixels * 16
          let from = gradient.block(block, image: image, row: row)
          if let norm {
            kernels.affine(
              to, from, output.block(block, image: image, row: row), gradient.memoryLanes(block),
              norm.gradientMap(block, scale: scale), Int32(pixels))
          } else {
            to.update(from: from, count: pixels * 16)
          }
        }
        if let gradients = context.gradients {
          gather(image: image, row: row, rows: rows, tile: tileB)
          var product = ck_outer(
            gradient: gradients + partial, gradientStride: Int64(tapBlocks * Lanes.blockWeights), outputGradient: tileA,
            outputs: ck_blocks(of: shape, stride: pixels * Lanes.count), input: tileB,
            inputs: ck_blocks(of: input.shape, stride: pixels * Lanes.count, count: tapBlocks), pixels: Int32(pixels),
            aheadCount: 0, ahead: nil)
          kernels.outer(&product)
        }
        var convolution = ck_pointwise(
          input: tileA, inputs: ck_blocks(of: shape, stride: pixels * Lanes.count), weights: transposed,
          weightStride: Int64(shape.blocks * Lanes.blockWeights), output: tileB,
          outputs: ck_blocks(of: input.shape, stride: pixels * Lanes.count, count: tapBlocks),
          memoryLanes: Int32(ck_lanes), firstPixel: 0, pixels: Int32(pixels), sums: nil, sumsStride: 0, ahead: nil)
        kernels.pointwise(&convolution)
        scatter(image: image, row: row, rows: rows, tile: tileB, target: target)
      }
    }
  }

  private func forEachBand(_ body: (_ row: Int, _ rows: Int) -> Void) {
    for row in stride(from: 0, to: output.shape.height, by: tileRows) {
      body(row, min(tileRows, output.shape.height - row))
    }
  }

  private func gather(image: Int, row: Int, rows: Int, tile: Floats) {
    let pixels = rows * output.shape.width
    for block in 0..<input.shape.blocks {
      state.kernels.pointee.gather_taps(
        tile + block * pixels * Lanes.count, input.block(block, image: image), input.memoryLanes(block),
        ck_map(of: inputNorm, block: block), taps,
        ck_rows(from: row, count: rows, stride: input.shape.blocks * pixels * Lanes.count))
    }
  }

  private func scatter(image: Int, row: Int, rows: Int, tile: Floats, target: Activation) {
    let pixels = rows * output.shape.width
    for block in 0..<input.shape.blocks {
      state.kernels.pointee.scatter_taps(
        target.block(block, image: image), tile + block * pixels * Lanes.count, input.block(block, image: image),
        target.memoryLanes(block), ck_map(of: inputNorm, block: block), taps,
        ck_rows(from: row, count: rows, stride: input.shape.blocks * pixels * Lanes.count))
    }
  }
}
