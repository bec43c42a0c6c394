import CKernels
import Compute

/// A convolution of concatenated tensors as a product with gathered taps: 1×1, dense k×k, and both halves of a factorised
/// reduction. Linear in its input, so the derivative takes the same way as the values.
final class TangentConvolution: TangentOperation {
  /// Where a tap reads, from the pixel at stride · (row, column).
  struct Tap {
    let row: Int
    let column: Int
  }

  /// Which outputs a named weight has, from which tap on, and what it is multiplied by: public shape [outputs, inputs, k, k].
  struct Weight {
    let name: String
    let outputs: Range<Int>
    let firstTap: Int
    var factor: Float = 1
    /// Whether its one tap stands at every tap of the convolution.
    var isRepeated = false
  }

  let output: TangentTensor
  var makes: TangentTensor? { output }
  private let inputs: [TangentTensor]
  private let taps: [Tap]
  private let stride: Int
  /// Whether a ReLU comes before.
  private let rectifies: Bool
  private let parts: [Weight]
  private let matrix: Floats
  private let transposed: Floats
  private let tape: TangentTape
  private let tileRows: Int

  private var inputShape: PlaneShape { inputs[0].shape }
  /// Blocks of a gathered pixel.
  private var tapBlocks: Int { taps.count * inputs.count * inputShape.blocks }

  init(
    _ inputs: [TangentTensor], taps: [Tap], stride: Int, rectifies: Bool, outputChannels: Int, weights: [Weight],
    tape: TangentTape
  ) {
    self.inputs = inputs
    self.taps = taps
    self.stride = stride
    self.rectifies = rectifies
    self.tape = tape
    parts = weights
    let shape = inputs[0].shape
    let outputShape = PlaneShape(channels: outputChannels, height: shape.height / stride, width: shape.width / stride)
    output = tape.tensor(outputShape, moves: inputs.contains { $0.tangents != nil })
    let tapBlocks = taps.count * inputs.count * shape.blocks
    matrix = tape.arena.allocate(Float.self, outputShape.blocks * tapBlocks * Lanes.blockWeights)
    transposed = tape.arena.allocate(Float.self, outputShape.blocks * tapBlocks * Lanes.blockWeights)
    tileRows = max(1, min(Int(ck_tile_pixels) / outputShape.width, outputShape.height))
    let tile = tileRows * outputShape.width * tapBlocks * Lanes.count
    tape.need {
      $0.tile = max($0.tile, tile)
      $0.slice = max($0.slice, inputs.count * shape.floatsPerImage)
    }
  }

  func load(_ weights: [String: [Float]], kernels: KernelSet) {
    matrix.update(repeating: 0, count: output.shape.blocks * tapBlocks * Lanes.blockWeights)
    let (channels, blocks) = (inputShape.channels, inputShape.blocks)
    for part in parts {
      guard let values = weights[part.name] else { preconditionFailure("no weights \(part.name)") }
      let inputCount = inputs.count * channels
      let tapCount = values.count / (part.outputs.count * inputCount)
      for (row, output) in part.outputs.enumerated() {
        for input in 0..<inputCount {
          for tap in 0..<(part.isRepeated ? taps.count : tapCount) {
            let block = ((part.firstTap + tap) * inputs.count + input / channels) * blocks + input % channels / Lanes.count
            let lane = block * Lanes.count + input % channels % Lanes.count
            matrix[((output / Lanes.count) * tapBlocks * Lanes.count + lane) * Lanes.count + output % Lanes.count] =
              part.factor * values[(row * inputCount + input) * tapCount + (part.isRepeated ? 0 : tap)]
          }
        }
      }
    }
    kernels.table.pointee.transpose(transposed, matrix, Int32(tapBlocks), Int32(output.shape.blocks))
  }

  func appendForward(to tape: TangentTape) {
    tape.open.onImage { [self] image, context in
      rectify(image: image, \.values, into: context.scratch.slices[0])
      multiply(image: image, context.scratch.slices[0], into: output.values, scratch: context.scratch)
      guard let tangents = output.tangents else { return }
      rectify(image: image, \.tangents, into: context.scratch.slices[0])
      multiply(image: image, context.scratch.slices[0], into: tangents, scratch: context.scratch)
    }
  }

  func appendBackward(to tape: TangentTape) {
    guard let gradients = output.gradients else { return }
    let targets = inputs.map { tape.gradients(of: $0) }
    tape.open.onImage { [self] image, context in
      for (from, way) in [(gradients.values, \TangentGradients.values), (gradients.tangents, \.tangents)] {
        multiplyBack(image: image, from, into: context.scratch.slices[0], scratch: context.scratch)
        for (index, input) in inputs.enumerated() {
          guard let target = targets[index]?[keyPath: way] else { continue }
          add(context.scratch.slices[0] + index * inputShape.floatsPerImage, into: target, of: input, image: image)
        }
      }
    }
  }

  /// The inputs' values or derivatives, where the ReLU lets them pass, one after the other.
  private func rectify(image: Int, _ what: (TangentTensor) -> Activation?, into slice: Floats) {
    let kernels = tape.kernels.table.pointee
    for (index, input) in inputs.enumerated() {
      let to = slice + index * inputShape.floatsPerImage
      guard let from = what(input) else {
        to.update(repeating: 0, count: inputShape.floatsPerImage)
        continue
      }
      let pixels = Int32(inputShape.blocks * inputShape.pixels)
      if rectifies, from.base == input.values.base {
        // Keeps NaN, which a mask would drop.
        kernels.relu_flat(to, from.image(image), Int32(Lanes.count), pixels)
      } else if rectifies {
        kernels.mask_flat(to, Int32(Lanes.count), from.image(image), input.values.image(image), pixels, 0)
      } else {
        to.update(from: from.image(image), count: inputShape.floatsPerImage)
      }
    }
  }

  private func add(_ slice: Floats, into target: Activation, of input: TangentTensor, image: Int) {
    let kernels = tape.kernels.table.pointee
    if rectifies {
      kernels.mask_flat(
        target.image(image), Int32(Lanes.count), slice, input.values.image(image),
        Int32(inputShape.blocks * inputShape.pixels), 1)
    } else {
      kernels.add_scaled(target.image(image), slice, 1, Int64(inputShape.floatsPerImage))
    }
  }

  private func forEachBand(_ body: (_ row: Int, _ rows: Int) -> Void) {
    for row in Swift.stride(from: 0, to: output.shape.height, by: tileRows) {
      body(row, min(tileRows, output.shape.height - row))
    }
  }

  private func multiply(image: Int, _ slice: Floats, into target: Activation, scratch: WorkerScratch) {
    let shape = output.shape
    forEachBand { row, rows in
      let pixels = rows * shape.width
      gather(slice, row: row, rows: rows, tile: scratch.tileA)
      var product = ck_pointwise(
        input: scratch.tileA, inputs: ck_blocks(of: inputShape, stride: pixels * Lanes.count, count: tapBlocks),
        weights: matrix, weightStride: Int64(tapBlocks * Lanes.blockWeights), output: target.image(image),
        outputs: ck_blocks(of: shape, stride: shape.floatsPerBlock), memoryLanes: Int32(Lanes.count),
        firstPixel: Int32(row * shape.width), pixels: Int32(pixels), sums: nil, sumsStride: 0, ahead: nil)
      tape.kernels.table.pointee.pointwise(&product)
    }
  }

  private func multiplyBack(image: Int, _ gradient: Activation, into slice: Floats, scratch: WorkerScratch) {
    let shape = output.shape
    slice.update(repeating: 0, count: inputs.count * inputShape.floatsPerImage)
    forEachBand { row, rows in
      let pixels = rows * shape.width
      var product = ck_pointwise(
        input: gradient.block(0, image: image, row: row), inputs: ck_blocks(of: shape, stride: shape.floatsPerBlock),
        weights: transposed, weightStride: Int64(shape.blocks * Lanes.blockWeights), output: scratch.tileA,
        outputs: ck_blocks(of: inputShape, stride: pixels * Lanes.count, count: tapBlocks), memoryLanes: Int32(Lanes.count),
        firstPixel: 0, pixels: Int32(pixels), sums: nil, sumsStride: 0, ahead: nil)
      tape.kernels.table.pointee.pointwise(&product)
      scatter(scratch.tileA, row: row, rows: rows, into: slice)
    }
  }

  /// Every row of a tap's pixels that lies in the plane: where it begins in the tile and in the slice, and its columns.
  private func forEachRun(
    row: Int, rows: Int, _ body: (_ tile: Int, _ slice: Int, _ columns: Int) -> Void
  ) {
    let (width, pixels) = (output.shape.width, rows * output.shape.width)
    let planes = inputs.count * inputShape.blocks
    for (index, tap) in taps.enumerated() {
      // The columns whose pixel lies in the plane.
      let first = max(0, (stride - 1 - tap.column) / stride)
      let last = min(width, (inputShape.width - 1 - tap.column) / stride + 1)
      guard first < last else { continue }
      for line in 0..<rows {
        let y = (row + line) * stride + tap.row
        guard y >= 0, y < inputShape.height else { continue }
        for plane in 0..<planes {
          body(
            ((index * planes + plane) * pixels + line * width + first) * Lanes.count,
            plane * inputShape.floatsPerBlock + (y * inputShape.width + first * stride + tap.column) * Lanes.count,
            last - first)
        }
      }
    }
  }

  private func gather(_ slice: Floats, row: Int, rows: Int, tile: Floats) {
    if taps.contains(where: { $0.row != 0 || $0.column != 0 }) {
      tile.update(repeating: 0, count: tapBlocks * rows * output.shape.width * Lanes.count)
    }
    forEachRun(row: row, rows: rows) { to, from, columns in
      if stride == 1 {
        (tile + to).update(from: slice + from, count: columns * Lanes.count)
      } else {
        for column in 0..<columns {
          (tile + to + column * Lanes.count).update(from: slice + from + column * stride * Lanes.count, count: Lanes.count)
        }
      }
    }
  }

  private func scatter(_ tile: Floats, row: Int, rows: Int, into slice: Floats) {
    let kernels = tape.kernels.table.pointee
    forEachRun(row: row, rows: rows) { from, to, columns in
      if stride == 1 {
        kernels.add_scaled(slice + to, tile + from, 1, Int64(columns * Lanes.count))
      } else {
        for column in 0..<columns {
          kernels.add_scaled(slice + to + column * stride * Lanes.count, tile + from + column * Lanes.count, 1, 16)
        }
      }
    }
  }
}

extension TangentConvolution {
  /// Taps of a dense k×k with as much padding as keeps the extent, row-major.
  static func square(_ kernel: Int) -> [Tap] {
    let reach = kernel / 2
    return (-reach...reach).flatMap { row in (-reach...reach).map { Tap(row: row, column: $0) } }
  }

  /// ReLU – 1×1 convolution.
  static func projection(_ inputs: [TangentTensor], name: String, outputChannels: Int, tape: TangentTape)
    -> TangentConvolution
  {
    TangentConvolution(
      inputs, taps: square(1), stride: 1, rectifies: true, outputChannels: outputChannels,
      weights: [Weight(name: name, outputs: 0..<outputChannels, firstTap: 0)], tape: tape)
  }

  /// ReLU, two 1×1 convolutions of stride 2 on grids one pixel apart.
  static func factorised(_ inputs: [TangentTensor], name: String, outputChannels: Int, tape: TangentTape)
    -> TangentConvolution
  {
    let half = outputChannels / 2
    return TangentConvolution(
      inputs, taps: [Tap(row: 0, column: 0), Tap(row: 1, column: 1)], stride: 2, rectifies: true,
      outputChannels: outputChannels,
      weights: [
        Weight(name: "\(name).conv_1.weight", outputs: 0..<half, firstTap: 0),
        Weight(name: "\(name).conv_2.weight", outputs: half..<outputChannels, firstTap: 1),
      ], tape: tape)
  }

  /// A dense k×k convolution, after a ReLU or not.
  static func dense(
    _ input: TangentTensor, name: String, kernel: Int, stride: Int = 1, outputChannels: Int, rectifies: Bool = true,
    tape: TangentTape
  ) -> TangentConvolution {
    TangentConvolution(
      [input], taps: square(kernel), stride: stride, rectifies: rectifies, outputChannels: outputChannels,
      weights: [Weight(name: name, outputs: 0..<outputChannels, firstTap: 0)], tape: tape)
  }

  /// 2×2 means of stride 2, then a 1×1 convolution, without ReLU.
  static func meanProjection(_ input: TangentTensor, name: String, outputChannels: Int, tape: TangentTape)
    -> TangentConvolution
  {
    TangentConvolution(
      [input], taps: (0...1).flatMap { row in (0...1).map { Tap(row: row, column: $0) } }, stride: 2, rectifies: false,
      outputChannels: outputChannels,
      weights: [Weight(name: name, outputs: 0..<outputChannels, firstTap: 0, factor: 0.25, isRepeated: true)], tape: tape)
  }
}
