import CKernels
import Compute

/// 2×2 means of stride 2, then a 1×1 convolution, without ReLU or batch norm: the shortcut of a residual block.
final class MeanProjectionUnit {
  let output: Activation
  private let input: Activation
  /// The means, of whole blocks.
  private let means: Activation
  private let offset: Int
  private let transposed: Floats
  private let state: PlanState
  private let tileRows: Int

  init(weightName: String, input: Activation, outputChannels: Int, in lowering: Lowering) {
    self.input = input
    state = lowering.state
    let shape = input.shape.halved()
    let outputShape = PlaneShape(channels: outputChannels, height: shape.height, width: shape.width)
    means = lowering.activation(shape, isNarrow: false)
    output = lowering.activation(outputShape)
    offset = lowering.parameters.pointwise(weightName, outputs: outputChannels, channels: shape.channels, sources: 1)
    transposed = lowering.allocate(Float.self, shape.blocks * outputShape.blocks * Lanes.blockWeights)
    tileRows = max(1, min(Int(ck_tile_pixels) / shape.width, shape.height))
    let tile = tileRows * shape.width * max(shape.blocks, outputShape.blocks) * Lanes.count
    lowering.need { $0.tile = max($0.tile, tile) }
  }

  private var flops: Int { 2 * output.shape.pixels * output.shape.channels * input.shape.channels }

  func prepareBackward() {
    state.kernels.pointee.transpose(
      transposed, state.weights + offset, Int32(means.shape.blocks), Int32(output.shape.blocks))
  }

  func appendForward(to phase: Phase) {
    phase.spend(flops: flops, floats: input.floatsPerImage + output.floatsPerImage)
    phase.onImage { [self] image, _ in
      average(image: image)
      let (from, to) = (means.shape, output.shape)
      forEachBand { row, rows in
        var convolution = ck_pointwise(
          input: means.block(0, image: image, row: row), inputs: ck_blocks(of: from, stride: from.floatsPerBlock),
          weights: state.weights + offset, weightStride: Int64(from.blocks * Lanes.blockWeights),
          output: output.image(image), outputs: ck_blocks(of: to, stride: to.floatsPerBlock),
          memoryLanes: output.memoryLanes(to.blocks - 1), firstPixel: Int32(row * to.width),
          pixels: Int32(rows * to.width), sums: nil, sumsStride: 0, ahead: nil)
        state.kernels.pointee.pointwise(&convolution)
      }
    }
  }

  /// Weight gradients, and what flows back to the input added to `target`.
  func appendBackward(to phase: Phase, gradient: Activation, target: Activation) {
    let (from, to) = (means.shape, output.shape)
    let partial = phase.reserveGradient(parameter: offset, count: to.blocks * from.blocks * Lanes.blockWeights)
    phase.spend(flops: flops, weightFlops: flops, floats: 2 * (input.floatsPerImage + output.floatsPerImage))
    phase.onImage { [self] image, context in
      let (tileA, tileB, kernels) = (context.scratch.tileA, context.scratch.tileB, state.kernels.pointee)
      let (ones, zeros) = (context.scratch.coefficients, context.scratch.coefficients + Lanes.count)
      ones.update(repeating: 1, count: Lanes.count)
      zeros.update(repeating: 0, count: Lanes.count)
      forEachBand { row, rows in
        let pixels = rows * to.width
        for block in 0..<to.blocks {
          // A copy with 16 channels a pixel.
          let values = gradient.block(block, image: image, row: row)
          kernels.affine(
            tileA + block * pixels * Lanes.count, values, values, gradient.memoryLanes(block),
            ck_gradient_map(gradient: ones, output: zeros, shift: zeros), Int32(pixels))
        }
        if let gradients = context.gradients {
          var product = ck_outer(
            gradient: gradients + partial, gradientStride: Int64(from.blocks * Lanes.blockWeights),
            outputGradient: tileA, outputs: ck_blocks(of: to, stride: pixels * Lanes.count),
            input: means.block(0, image: image, row: row), inputs: ck_blocks(of: from, stride: from.floatsPerBlock),
            pixels: Int32(pixels), aheadCount: 0, ahead: nil)
          kernels.outer(&product)
        }
        var convolution = ck_pointwise(
          input: tileA, inputs: ck_blocks(of: to, stride: pixels * Lanes.count), weights: transposed,
          weightStride: Int64(to.blocks * Lanes.blockWeights), output: tileB,
          outputs: ck_blocks(of: from, stride: pixels * Lanes.count), memoryLanes: Int32(ck_lanes), firstPixel: 0,
          pixels: Int32(pixels), sums: nil, sumsStride: 0, ahead: nil)
        kernels.pointwise(&convolution)
        spread(tileB, image: image, row: row, rows: rows, into: target)
      }
    }
  }

  private func forEachBand(_ body: (_ row: Int, _ rows: Int) -> Void) {
    let height = output.shape.height
    for row in stride(from: 0, to: height, by: tileRows) { body(row, min(tileRows, height - row)) }
  }

  private func average(image: Int) {
    let (from, to) = (input.shape, means.shape)
    for block in 0..<to.blocks {
      let lanes = Int(input.memoryLanes(block))
      let (values, target) = (input.block(block, image: image), means.block(block, image: image))
      for row in 0..<to.height {
        for column in 0..<to.width {
          let pixel = target + (row * to.width + column) * Lanes.count
          let corner = values + (2 * row * from.width + 2 * column) * lanes
          let below = corner + from.width * lanes
          for lane in 0..<lanes {
            pixel[lane] = 0.25 * ((corner[lane] + corner[lanes + lane]) + (below[lane] + below[lanes + lane]))
          }
          for lane in lanes..<Lanes.count { pixel[lane] = 0 }
        }
      }
    }
  }

  /// A quarter of each mean's gradient to each of its pixels.
  private func spread(_ tile: Floats, image: Int, row first: Int, rows: Int, into target: Activation) {
    let (from, to) = (means.shape, target.shape)
    for block in 0..<from.blocks {
      let lanes = Int(target.memoryLanes(block))
      let (values, gradient) = (tile + block * rows * from.width * Lanes.count, target.block(block, image: image))
      for row in 0..<rows {
        for column in 0..<from.width {
          let pixel = values + (row * from.width + column) * Lanes.count
          let corner = gradient + (2 * (first + row) * to.width + 2 * column) * lanes
          let below = corner + to.width * lanes
          for lane in 0..<lanes {
            let quarter = 0.25 * pixel[lane]
            corner[lane] += quarter
            corner[lanes + lane] += quarter
            below[lane] += quarter
            below[lanes + lane] += quarter
          }
        }
      }
    }
  }
}
