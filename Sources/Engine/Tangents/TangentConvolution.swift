import CKernels
import Compute

/// A convolution of concatenated tensors as a product with gathered taps: 1×1, dense k×k, and both halves of a factorised
/// reduction. Linear in its input, so the derivative takes the same way as the values. Along a direction of ω the weights W move
/// too: of W·x the derivative is W·ẋ + Ẇ·x, one product of the taps of both.
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
    /// k².
    var tapCount = 1
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
  /// [output block][taps, where W moves those of Ẇ behind them][16].
  private let matrix: Floats
  /// Its transpose: Wᵀ and behind it Ẇᵀ.
  private let transposed: Floats
  /// Where the derivative of ∂L/∂W is added up.
  private let gradientOffset: Int
  private let tape: TangentTape
  private let tileRows: Int

  private var inputShape: PlaneShape { inputs[0].shape }
  /// Blocks of a gathered pixel.
  private var tapBlocks: Int { taps.count * inputs.count * inputShape.blocks }
  /// Of a row of the matrix.
  private var matrixBlocks: Int { (tape.movesWeights ? 2 : 1) * tapBlocks }
  private var transposedTangents: Floats { transposed + tapBlocks * output.shape.blocks * Lanes.blockWeights }

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
    output = tape.tensor(outputShape, moves: tape.movesWeights || inputs.contains { $0.tangents != nil })
    let tapBlocks = taps.count * inputs.count * shape.blocks
    let (halves, count) = (tape.movesWeights ? 2 : 1, outputShape.blocks * tapBlocks * Lanes.blockWeights)
    matrix = tape.arena.allocate(Float.self, halves * count)
    transposed = tape.arena.allocate(Float.self, halves * count)
    gradientOffset = tape.movesWeights ? tape.reserveKernelGradient(count) : 0
    tileRows = max(1, min(Int(ck_tile_pixels) / outputShape.width, outputShape.height))
    let tile = tileRows * outputShape.width * halves * tapBlocks * Lanes.count
    tape.need {
      $0.tile = max($0.tile, tile)
      $0.slice = max($0.slice, inputs.count * shape.floatsPerImage)
    }
  }

  func load(_ weights: TangentWeights, kernels: KernelSet) {
    matrix.update(repeating: 0, count: output.shape.blocks * matrixBlocks * Lanes.blockWeights)
    for part in parts {
      load(weights.values(part.name), of: part, firstBlock: 0)
      if let direction = weights.tangents(part.name) { load(direction, of: part, firstBlock: tapBlocks) }
    }
    kernels.table.pointee.transpose(transposed, matrix, Int32(matrixBlocks), Int32(output.shape.blocks))
  }

  private func load(_ values: [Float], of part: Weight, firstBlock: Int) {
    forEachPlace(of: part) { value, block, lane, column in
      let row = (column / Lanes.count * matrixBlocks + firstBlock + block) * Lanes.count + lane
      matrix[row * Lanes.count + column % Lanes.count] = part.factor * values[value]
    }
  }

  /// Every place that a value of a named weight has: in the public tensor, the block and lane of the tap's input, the output.
  private func forEachPlace(
    of part: Weight, _ body: (_ value: Int, _ block: Int, _ lane: Int, _ output: Int) -> Void
  ) {
    let (channels, blocks) = (inputShape.channels, inputShape.blocks)
    let inputCount = inputs.count * channels
    for (row, output) in part.outputs.enumerated() {
      for input in 0..<inputCount {
        for tap in 0..<(part.isRepeated ? taps.count : part.tapCount) {
          body(
            (row * inputCount + input) * part.tapCount + (part.isRepeated ? 0 : tap),
            ((part.firstTap + tap) * inputs.count + input / channels) * blocks + input % channels / Lanes.count,
            input % channels % Lanes.count, output)
        }
      }
    }
  }

  func finish(_ kernelGradient: Floats?) {
    guard tape.movesWeights, let gradient = kernelGradient.map({ $0 + gradientOffset }) else { return }
    for part in parts {
      var values = [Float](repeating: 0, count: part.outputs.count * inputs.count * inputShape.channels * part.tapCount)
      forEachPlace(of: part) { value, block, lane, column in
        let row = (column / Lanes.count * tapBlocks + block) * Lanes.count + lane
        values[value] += part.factor * gradient[row * Lanes.count + column % Lanes.count]
      }
      tape.run.weightGradientTangents[part.name] = values
    }
  }

  private var isMoving: Bool { inputs.contains { $0.tangents != nil } }

  func appendForward(to tape: TangentTape) {
    tape.open.onImage { [self] image, context in
      let (scratch, slice) = (context.scratch, context.scratch.slices[0])
      rectify(image: image, \.values, into: slice)
      multiply(image: image, slice, by: matrix, into: output.values, scratch: scratch)
      guard let tangents = output.tangents else { return }
      guard tape.movesWeights else {
        rectify(image: image, \.tangents, into: slice)
        multiply(image: image, slice, by: matrix, into: tangents, scratch: scratch)
        return
      }
      guard isMoving else {
        multiply(image: image, slice, by: matrix + tapBlocks * Lanes.blockWeights, into: tangents, scratch: scratch)
        return
      }
      rectify(image: image, \.tangents, into: scratch.slices[1])
      multiply(image: image, scratch.slices[1], and: slice, by: matrix, into: tangents, scratch: scratch)
    }
  }

  func appendBackward(to tape: TangentTape) {
    guard let gradients = output.gradients else { return }
    let targets = inputs.map { tape.gradients(of: $0) }
    if tape.movesWeights {
      appendBackward(from: gradients, to: targets, tape: tape)
      return
    }
    tape.open.onImage { [self] image, context in
      for (from, way) in [(gradients.values, \TangentGradients.values), (gradients.tangents, \.tangents)] {
        clear(context.scratch.slices[0])
        multiplyBack(image: image, from, by: transposed, into: context.scratch.slices[0], scratch: context.scratch)
        for (index, input) in inputs.enumerated() {
          guard let target = targets[index]?[keyPath: way] else { continue }
          add(context.scratch.slices[0] + index * inputShape.floatsPerImage, into: target, of: input, image: image)
        }
      }
    }
  }

  /// Along a direction of ω: ∂L/∂x = Wᵀ·g, its derivative Wᵀ·ġ + Ẇᵀ·g, and that of ∂L/∂W = g⊗x, ġ⊗x + g⊗ẋ.
  private func appendBackward(from gradients: TangentGradients, to targets: [TangentGradients?], tape: TangentTape) {
    let part = tape.open.reserveGradient(
      parameter: gradientOffset, count: output.shape.blocks * tapBlocks * Lanes.blockWeights)
    let hasTargets = targets.contains { $0 != nil }
    tape.open.onImage { [self] image, context in
      let (scratch, slice) = (context.scratch, context.scratch.slices[0])
      let (g, d) = (gradients.values, gradients.tangents)
      if hasTargets {
        clear(slice)
        multiplyBack(image: image, g, by: transposed, into: slice, scratch: scratch)
        addSlices(slice, into: targets, \.values, image: image)
        clear(slice)
        multiplyBack(image: image, d, by: transposed, into: slice, scratch: scratch)
        multiplyBack(image: image, g, by: transposedTangents, into: slice, scratch: scratch)
        addSlices(slice, into: targets, \.tangents, image: image)
      }
      guard let gradient = context.gradients.map({ $0 + part }) else { return }
      rectify(image: image, \.values, into: slice)
      correlate(image: image, d, slice, into: gradient, scratch: scratch)
      guard isMoving else { return }
      rectify(image: image, \.tangents, into: slice)
      correlate(image: image, g, slice, into: gradient, scratch: scratch)
    }
  }

  private func addSlices(
    _ slice: Floats, into targets: [TangentGradients?], _ way: KeyPath<TangentGradients, Activation>, image: Int
  ) {
    for (index, input) in inputs.enumerated() {
      guard let target = targets[index]?[keyPath: way] else { continue }
      add(slice + index * inputShape.floatsPerImage, into: target, of: input, image: image)
    }
  }

  private func clear(_ slice: Floats) { slice.update(repeating: 0, count: inputs.count * inputShape.floatsPerImage) }

  /// Adds the product of an output's gradient with the taps of a slice.
  private func correlate(image: Int, _ from: Activation, _ slice: Floats, into gradient: Floats, scratch: WorkerScratch) {
    let shape = output.shape
    forEachBand { row, rows in
      let pixels = rows * shape.width
      gather(slice, row: row, rows: rows, tile: scratch.tileA)
      var product = ck_outer(
        gradient: gradient, gradientStride: Int64(tapBlocks * Lanes.blockWeights),
        outputGradient: from.block(0, image: image, row: row), outputs: ck_blocks(of: shape, stride: shape.floatsPerBlock),
        input: scratch.tileA, inputs: ck_blocks(of: inputShape, stride: pixels * Lanes.count, count: tapBlocks),
        pixels: Int32(pixels), aheadCount: 0, ahead: nil)
      tape.kernels.table.pointee.outer(&product)
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

  /// - Parameter second: what the second half of each row of the weights multiplies.
  private func multiply(
    image: Int, _ slice: Floats, and second: Floats? = nil, by weights: Floats, into target: Activation,
    scratch: WorkerScratch
  ) {
    let shape = output.shape
    forEachBand { row, rows in
      let pixels = rows * shape.width
      gather(slice, row: row, rows: rows, tile: scratch.tileA)
      if let second {
        gather(second, row: row, rows: rows, tile: scratch.tileA + tapBlocks * pixels * Lanes.count)
      }
      var product = ck_pointwise(
        input: scratch.tileA,
        inputs: ck_blocks(
          of: inputShape, stride: pixels * Lanes.count, count: second == nil ? tapBlocks : matrixBlocks),
        weights: weights, weightStride: Int64(matrixBlocks * Lanes.blockWeights), output: target.image(image),
        outputs: ck_blocks(of: shape, stride: shape.floatsPerBlock), memoryLanes: Int32(Lanes.count),
        firstPixel: Int32(row * shape.width), pixels: Int32(pixels), sums: nil, sumsStride: 0, ahead: nil)
      tape.kernels.table.pointee.pointwise(&product)
    }
  }

  /// Adds to a slice.
  private func multiplyBack(
    image: Int, _ gradient: Activation, by transposed: Floats, into slice: Floats, scratch: WorkerScratch
  ) {
    let shape = output.shape
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
