import CKernels
import Compute

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
        var convolution = ck_pointwise(
          input: context.scratch.tileA, inputs: Self.patchBlocks(pixels), weights: state.weights + weightOffset,
          weightStride: Int64(Self.patchFloatsPerPixel * Lanes.count), output: output.image(image),
          outputs: ck_blocks(of: shape, stride: shape.floatsPerBlock),
          memoryLanes: output.memoryLanes(shape.blocks - 1), firstPixel: Int32(row * shape.width),
          pixels: Int32(pixels), sums: state.wantsSums ? context.sums + offset : nil, sumsStride: Int64(lanes),
          ahead: nil)
        state.kernels.pointee.pointwise(&convolution)
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
            context.scratch.tileA + block * pixels * Lanes.count, gradient.block(block, image: image, row: row),
            output.block(block, image: image, row: row), gradient.memoryLanes(block), norm.gradientMap(block),
            Int32(pixels))
        }
        var product = ck_outer(
          gradient: gradients + partial, gradientStride: Int64(Self.patchFloatsPerPixel * Lanes.count),
          outputGradient: context.scratch.tileA, outputs: ck_blocks(of: shape, stride: pixels * Lanes.count),
          input: context.scratch.tileB, inputs: Self.patchBlocks(pixels), pixels: Int32(pixels), aheadCount: 0,
          ahead: nil)
        state.kernels.pointee.outer(&product)
      }
    }
  }

  private func forEachBand(_ body: (_ row: Int, _ rows: Int) -> Void) {
    for row in Swift.stride(from: 0, to: shape.height, by: tileRows) { body(row, min(tileRows, shape.height - row)) }
  }

  private func patches(image: Int, row: Int, rows: Int, tile: Floats) {
    state.kernels.pointee.patches(
      tile, state.images + image * 3 * side * side, Int32(side), Int32(side), Int32(stride),
      ck_rows(from: row, count: rows, stride: rows * shape.width * Lanes.count))
  }

  /// The two blocks of a tile's patches.
  private static func patchBlocks(_ pixels: Int) -> ck_blocks {
    ck_blocks(
      stride: Int64(pixels * Lanes.count), count: 2, period: 2, lastLanes: Int32(patchLanes - Lanes.count))
  }
}
