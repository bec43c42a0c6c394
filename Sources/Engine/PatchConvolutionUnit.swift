import CKernels

/// 3×3 convolution of the images themselves, padding 1, and a batch norm with scale and shift.
final class PatchConvolutionUnit {
  /// Before batch norm.
  let output: Activation
  let norm: BatchNorm
  private let side: Int
  private let stride: Int
  private let weightOffset: Int
  private let tileRows: Int
  private let state: PlanState
  private static let patchFloatsPerPixel = 32
  private static let patchLanes = 27

  init(
    weightName: String, normName: String, channels: Int, side: Int, stride: Int, in lowering: Lowering
  ) {
    self.side = side
    self.stride = stride
    state = lowering.state
    let shape = PlaneShape(channels: channels, height: side / stride, width: side / stride)
    output = lowering.activation(shape)
    weightOffset = lowering.parameters.reserve(shape.lanes * Self.patchFloatsPerPixel)
    lowering.parameters.place(weightName, shape: [channels, 3, 3, 3], .stem, at: weightOffset)
    norm = BatchNorm(normName, shape: shape, isAffine: true, in: lowering)
    tileRows = max(1, Int(ck_tile_pixels) / shape.width)
    let tile = tileRows * shape.width * max(2, shape.blocks) * Lanes.count
    lowering.need { $0.tile = max($0.tile, tile) }
  }

  private var shape: PlaneShape { output.shape }
  private var flops: Int { 2 * shape.pixels * shape.channels * Self.patchLanes }

  func appendForward(to phase: Phase) {
    let lanes = shape.lanes
    let offset = phase.reserveSums(2 * lanes)
    phase.spend(flops: flops, floats: output.floatsPerImage)
    phase.onImage { [self] image, context in
      forEachBand { row, rows in
        let pixels = rows * shape.width
        patches(image: image, row: row, rows: rows, tile: context.scratch.tileA)
        state.kernels.pointee.pointwise(
          output.image(image), Int64(shape.floatsPerBlock), Int32(row * shape.width), context.scratch.tileA,
          Int64(pixels * 16), state.weights + weightOffset, Int64(Self.patchFloatsPerPixel * 16), Int32(pixels), 2, 2,
          Int32(Self.patchLanes - 16), Int32(shape.blocks), Int32(shape.blocks), Int32(shape.lastLanes),
          output.memoryLanes(shape.blocks - 1), state.wantsSums ? context.sums + offset : nil, Int64(lanes), nil)
      }
    }
    phase.onFinish { [self] sums, images in
      norm.finishForward(
        sum: sums + offset, squares: sums + offset + lanes, images: images)
    }
  }

  /// The weight gradient from that of the normalised output.
  func appendBackward(to phase: Phase, gradient: Activation) {
    phase.spend(weightFlops: flops, floats: 2 * output.floatsPerImage)
    let partial = phase.reserveGradient(parameter: weightOffset, count: shape.blocks * Self.patchFloatsPerPixel * 16)
    phase.onImage { [self] image, context in
      guard let gradients = context.gradients else { return }
      forEachBand { row, rows in
        let pixels = rows * shape.width
        patches(image: image, row: row, rows: rows, tile: context.scratch.tileB)
        for block in 0..<shape.blocks {
          state.kernels.pointee.affine(
            context.scratch.tileA + block * pixels * 16, gradient.block(block, image: image, row: row),
            gradient.memoryLanes(block), norm.gradientScale + block * 16, output.block(block, image: image, row: row),
            norm.outputScale + block * 16, norm.gradientShift + block * 16, Int32(pixels))
        }
        state.kernels.pointee.outer(
          gradients + partial, Int64(Self.patchFloatsPerPixel * 16), context.scratch.tileA, Int64(pixels * 16),
          context.scratch.tileB, Int64(pixels * 16), Int32(pixels), 2, 2, Int32(Self.patchLanes - 16),
          Int32(shape.blocks), Int32(shape.lastLanes), nil, 0)
      }
    }
  }

  private func forEachBand(_ body: (_ row: Int, _ rows: Int) -> Void) {
    for row in Swift.stride(from: 0, to: shape.height, by: tileRows) { body(row, min(tileRows, shape.height - row)) }
  }

  private func patches(image: Int, row: Int, rows: Int, tile: Floats) {
    state.kernels.pointee.patches(
      tile, Int64(rows * shape.width * 16), state.images + image * 3 * side * side, Int32(side), Int32(side),
      Int32(stride), Int32(row), Int32(rows))
  }
}
