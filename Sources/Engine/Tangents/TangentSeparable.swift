import CKernels
import Compute

/// ReLU – depthwise k×k – 1×1: a dilated convolution, half of a separable one, or the merged convolutions of an edge, whose
/// depthwise kernel moves with α. Along a direction of ω both kernels move.
///
/// The output P·(D∗x) is linear in the input x, in the depthwise kernel D and in the 1×1 one P, and so are its gradients in x, D,
/// P and the output's gradient g: the derivative of such a product is the sum of the same products with the derivative of one
/// factor in its place. P and Ṗ are one convolution of twice the outputs, so that what meets both is computed once: forwards
/// [P; Ṗ]·(D∗x), backwards [P; Ṗ]ᵀ·[ġ; g] = Pᵀ·ġ + Ṗᵀ·g.
final class TangentSeparable: TangentOperation {
  let output: TangentTensor
  var makes: TangentTensor? { output }
  private let input: TangentTensor
  private let conv: ck_conv
  /// With the outputs of P and Ṗ.
  private let joined: ck_conv
  private let depthwiseName: String
  private let pointwiseName: String
  private let depthwise: Floats
  private let flipped: Floats
  /// P, and behind it Ṗ where P moves.
  private let pointwise: Floats
  private let transposed: Floats
  /// Transpose of both; nil where P doesn't move.
  private let joinedTransposed: Floats?
  /// Ḋ, and reversed; nil where D doesn't move.
  private let depthwiseTangents: (kernel: Floats, flipped: Floats)?
  /// Where the derivatives of their gradients are added up.
  private let depthwiseOffset: Int
  private let pointwiseOffset: Int
  private let taps: Int
  private let merging: TangentMergedKernel?
  /// Coefficients that leave a gradient as it is.
  private let ones: Floats
  private let zeros: Floats
  private let tape: TangentTape

  /// - Parameters:
  ///   - depthwiseName: of the depthwise weights, or of the shared kernel where convolutions are merged.
  ///   - merging: what makes the depthwise kernel of each run.
  init(
    _ input: TangentTensor, depthwiseName: String, pointwiseName: String, kernel: Int, dilation: Int, stride: Int,
    merging: TangentMergedKernel? = nil, pad: Int, tape: TangentTape
  ) {
    self.input = input
    self.depthwiseName = depthwiseName
    self.pointwiseName = pointwiseName
    self.merging = merging
    self.tape = tape
    let shape = input.shape
    let outputShape = stride == 1 ? shape : shape.halved()
    output = tape.tensor(outputShape, moves: input.tangents != nil || merging != nil || tape.movesWeights)
    let taps = merging?.computedCount ?? kernel * kernel
    self.taps = taps
    let (depthwiseCount, pointwiseCount) = (shape.blocks * taps * Lanes.count, shape.blocks * shape.blocks * 256)
    func room(_ count: Int) -> Floats { tape.arena.allocate(Float.self, count) }
    depthwise = merging?.values ?? room(depthwiseCount)
    flipped = merging?.flipped ?? room(depthwiseCount)
    pointwise = room((tape.movesWeights ? 2 : 1) * pointwiseCount)
    transposed = room(pointwiseCount)
    if let merging {
      depthwiseTangents = (merging.tangents, merging.flippedTangents)
    } else {
      depthwiseTangents = tape.movesWeights ? (room(depthwiseCount), room(depthwiseCount)) : nil
    }
    joinedTransposed = tape.movesWeights ? room(2 * pointwiseCount) : nil
    depthwiseOffset = tape.movesWeights ? tape.reserveKernelGradient(depthwiseCount) : 0
    // Behind the derivative of P's gradient stands the gradient itself, which nothing reads.
    pointwiseOffset = tape.movesWeights ? tape.reserveKernelGradient(2 * pointwiseCount) : 0
    // Filled by `load`: a layout that finds too little memory may not be written to.
    ones = room(2 * shape.lanes)
    zeros = room(2 * shape.lanes)
    conv = ck_conv(
      kernel: Int32(kernel), dilation: Int32(dilation), stride: Int32(stride), inBlocks: Int32(shape.blocks),
      outBlocks: Int32(shape.blocks), lastLanes: Int32(shape.lastLanes), outLanes: Int32(shape.lastLanes),
      memoryLanes: Int32(Lanes.count),
      outHeight: Int32(outputShape.height), outWidth: Int32(outputShape.width), pad: Int32(pad),
      paddedHeight: Int32(shape.height + 2 * pad), paddedWidth: Int32(shape.width + 2 * pad))
    var joined = conv
    joined.outBlocks = Int32(2 * shape.blocks)
    self.joined = joined
    let outputs = tape.movesWeights ? 2 : 1
    tape.need {
      $0.inputPlanes.insert(shape)
      $0.gradientPlanes.insert(outputShape)
      $0.tile = max($0.tile, max(512, outputShape.width * outputs * outputShape.blocks) * Lanes.count)
      $0.slice = max($0.slice, max(shape.floatsPerImage, outputs * outputShape.floatsPerImage))
      if tape.movesWeights { $0.slice = max($0.slice, depthwiseCount) }
    }
    merging?.pointwiseCount = pointwiseCount
  }

  private var blocks: Int { input.shape.blocks }
  private var depthwiseCount: Int { blocks * taps * Lanes.count }
  private var pointwiseCount: Int { blocks * blocks * Lanes.blockWeights }

  func load(_ weights: TangentWeights, kernels: KernelSet) {
    ones.update(repeating: 1, count: 2 * input.shape.lanes)
    if let merging {
      merging.load(weights.values(depthwiseName), weights.tangents(depthwiseName))
    } else {
      load(depthwise: weights.values(depthwiseName), into: depthwise, flipped, kernels)
      if let depthwiseTangents, let direction = weights.tangents(depthwiseName) {
        load(depthwise: direction, into: depthwiseTangents.kernel, depthwiseTangents.flipped, kernels)
      }
    }
    load(pointwise: weights.values(pointwiseName), into: pointwise)
    kernels.table.pointee.transpose(transposed, pointwise, Int32(blocks), Int32(blocks))
    if let joinedTransposed, let direction = weights.tangents(pointwiseName) {
      load(pointwise: direction, into: pointwise + pointwiseCount)
      kernels.table.pointee.transpose(joinedTransposed, pointwise, Int32(blocks), Int32(2 * blocks))
    }
  }

  private func load(depthwise values: [Float], into kernel: Floats, _ flipped: Floats, _ kernels: KernelSet) {
    forEachTap { kernel[$1] = values[$0] }
    kernels.table.pointee.flip(flipped, kernel, Int32(blocks), Int32(taps))
  }

  private func load(pointwise values: [Float], into kernel: Floats) {
    kernel.update(repeating: 0, count: pointwiseCount)
    forEachProduct { kernel[$1] = values[$0] }
  }

  /// Every depthwise weight: its place in the public tensor and in the kernel's.
  private func forEachTap(_ body: (_ value: Int, _ place: Int) -> Void) {
    for channel in 0..<input.shape.channels {
      for tap in 0..<taps {
        body(channel * taps + tap, (channel / Lanes.count * taps + tap) * Lanes.count + channel % Lanes.count)
      }
    }
  }

  /// Every weight of the 1×1 convolution, likewise.
  private func forEachProduct(_ body: (_ value: Int, _ place: Int) -> Void) {
    let channels = input.shape.channels
    for output in 0..<channels {
      for input in 0..<channels {
        body(
          output * channels + input,
          ((output / Lanes.count) * blocks * Lanes.count + input) * Lanes.count + output % Lanes.count)
      }
    }
  }

  func prepare() { merging?.prepare() }

  func finish(_ kernelGradient: Floats?) {
    guard tape.movesWeights, let kernelGradient else {
      merging?.finish(kernelGradient)
      return
    }
    let (depthwise, pointwise) = (kernelGradient + depthwiseOffset, kernelGradient + pointwiseOffset)
    if let merging {
      tape.run.weightGradientTangents[depthwiseName] = merging.sharedProduct(depthwise)
    } else {
      var values = [Float](repeating: 0, count: input.shape.channels * taps)
      forEachTap { values[$0] = depthwise[$1] }
      tape.run.weightGradientTangents[depthwiseName] = values
    }
    var values = [Float](repeating: 0, count: input.shape.channels * input.shape.channels)
    forEachProduct { values[$0] = pointwise[$1] }
    tape.run.weightGradientTangents[pointwiseName] = values
  }

  func appendForward(to tape: TangentTape) {
    tape.open.onImage { [self] image, context in
      let scratch = context.scratch
      let planes = planes(input.values, image: image, scratch: scratch)
      let (values, count) = (output.values.image(image), output.shape.floatsPerImage)
      var adds = false
      if tape.movesWeights, let tangents = output.tangents {
        let both = scratch.slices[1]
        convolve(planes, depthwise, joined, into: both, scratch: scratch)
        values.update(from: both, count: count)
        tangents.image(image).update(from: both + count, count: count)
        adds = true
      } else {
        convolve(planes, depthwise, conv, into: values, scratch: scratch)
      }
      guard let to = output.tangents?.image(image) else { return }
      func add(_ planes: Floats, _ depthwise: Floats) {
        convolve(planes, depthwise, conv, into: adds ? scratch.slices[1] : to, scratch: scratch)
        if adds { tape.kernels.table.pointee.add_scaled(to, scratch.slices[1], 1, Int64(count)) }
        adds = true
      }
      if let depthwiseTangents { add(planes, depthwiseTangents.kernel) }
      guard let moving = input.tangents else { return }
      add(self.planes(moving, image: image, scratch: scratch), depthwise)
    }
  }

  func appendBackward(to tape: TangentTape) {
    guard let gradients = output.gradients else { return }
    let target = tape.gradients(of: input)
    if let depthwiseTangents, let joinedTransposed {
      appendBackward(from: gradients, to: target, depthwiseTangents, joinedTransposed, tape: tape)
      return
    }
    let reserved = merging?.reserve(in: tape.open)
    tape.open.onImage { [self] image, context in
      let (values, tangents) = (gradients.values.image(image), gradients.tangents.image(image))
      let slice = context.scratch.slices[0]
      if let target {
        pull(values, through: flipped, depthwise, into: slice, scratch: context.scratch)
        add(slice, into: target.values, image: image)
        pull(tangents, through: flipped, depthwise, into: slice, scratch: context.scratch)
        if let merging {
          pull(
            values, through: merging.flippedTangents, merging.tangents, into: slice, adding: true, scratch: context.scratch)
        }
        add(slice, into: target.tangents, image: image)
      }
      guard let reserved, let partials = context.gradients else { return }
      let pointwise = partials + reserved.pointwise
      let planes = planes(input.values, image: image, scratch: context.scratch)
      correlate(values, planes, into: partials + reserved.values, pointwise, scratch: context.scratch)
      correlate(tangents, planes, into: partials + reserved.tangents, pointwise, scratch: context.scratch)
      guard let moving = input.tangents else { return }
      let moved = self.planes(moving, image: image, scratch: context.scratch)
      correlate(values, moved, into: partials + reserved.tangents, pointwise, scratch: context.scratch)
    }
  }

  /// Along a direction of ω. Each run gives what flows back to x and the gradients of D and P.
  private func appendBackward(
    from gradients: TangentGradients, to target: TangentGradients?, _ depthwiseTangents: (kernel: Floats, flipped: Floats),
    _ joinedTransposed: Floats, tape: TangentTape
  ) {
    let depthwisePart = tape.open.reserveGradient(parameter: depthwiseOffset, count: depthwiseCount)
    let pointwisePart = tape.open.reserveGradient(parameter: pointwiseOffset, count: 2 * pointwiseCount)
    tape.open.onImage { [self] image, context in
      guard let partials = context.gradients else { return }
      let (g, scratch, slice) = (gradients.values.image(image), context.scratch, context.scratch.slices[0])
      let (both, count) = (scratch.slices[1], output.shape.floatsPerImage)
      both.update(from: gradients.tangents.image(image), count: count)
      (both + count).update(from: g, count: count)
      let (depthwiseGradient, pointwiseGradient) = (partials + depthwisePart, partials + pointwisePart)
      let planes = planes(input.values, image: image, scratch: scratch)
      // Of ġ and Ṗ.
      run(
        joined, both, through: flipped, depthwise, joinedTransposed, planes: planes,
        depthwiseGradient: depthwiseGradient, pointwiseGradient: pointwiseGradient, into: slice, adding: false,
        scratch: scratch)
      // Of Ḋ; the gradient of D itself is not wanted.
      run(
        conv, g, through: depthwiseTangents.flipped, depthwiseTangents.kernel, transposed, planes: planes,
        depthwiseGradient: scratch.slices[2], pointwiseGradient: pointwiseGradient, into: slice, adding: true,
        scratch: scratch)
      guard let target, let moving = input.tangents else { return }
      add(slice, into: target.tangents, image: image)
      // Of ẋ; what flows back to x is its gradient itself.
      run(
        conv, g, through: flipped, depthwise, transposed, planes: self.planes(moving, image: image, scratch: scratch),
        depthwiseGradient: depthwiseGradient, pointwiseGradient: pointwiseGradient, into: slice, adding: false,
        scratch: scratch)
      add(slice, into: target.values, image: image)
    }
  }

  /// What the ReLU of the input's values lets pass, in the worker's padded planes.
  private func planes(_ what: Activation, image: Int, scratch: WorkerScratch) -> Floats {
    let (shape, pad) = (input.shape, Int(conv.pad))
    let (planes, slice) = (scratch.inputPlanes(shape), scratch.slices[2])
    let (kernels, pixels) = (tape.kernels.table.pointee, Int32(shape.blocks * shape.pixels))
    if what.base == input.values.base {
      // Keeps NaN, which a mask would drop.
      kernels.relu_flat(slice, what.image(image), Int32(Lanes.count), pixels)
    } else {
      kernels.mask_flat(slice, Int32(Lanes.count), what.image(image), input.values.image(image), pixels, 0)
    }
    let pitch = (shape.width + 2 * pad) * Lanes.count
    for block in 0..<shape.blocks {
      var to = planes + block * (shape.height + 2 * pad) * pitch + pad * pitch + pad * Lanes.count
      var from = slice + block * shape.floatsPerBlock
      for _ in 0..<shape.height {
        to.update(from: from, count: shape.width * Lanes.count)
        to += pitch
        from += shape.width * Lanes.count
      }
    }
    return planes
  }

  private func convolve(
    _ planes: Floats, _ depthwise: Floats, _ conv: ck_conv, into target: Floats, scratch: WorkerScratch
  ) {
    var place = ck_conv_forward(
      depthwise: depthwise, pointwise: pointwise, input: planes, output: target, tile: scratch.tileA, sums: nil, next: nil)
    var conv = conv
    tape.kernels.table.pointee.conv_forward(&conv, &place)
  }

  /// The gradient of the relu'd input.
  private func pull(
    _ gradient: Floats, through flipped: Floats, _ kernel: Floats, into slice: Floats, adding: Bool = false,
    scratch: WorkerScratch
  ) {
    run(
      conv, gradient, through: flipped, kernel, transposed, planes: nil, depthwiseGradient: nil, pointwiseGradient: nil,
      into: slice, adding: adding, scratch: scratch)
  }

  /// Adds the gradient of the depthwise kernel, for padded planes as input.
  private func correlate(
    _ gradient: Floats, _ planes: Floats, into depthwiseGradient: Floats, _ pointwiseGradient: Floats,
    scratch: WorkerScratch
  ) {
    run(
      conv, gradient, through: flipped, depthwise, transposed, planes: planes, depthwiseGradient: depthwiseGradient,
      pointwiseGradient: pointwiseGradient, into: scratch.slices[0], adding: false, scratch: scratch)
  }

  private func run(
    _ conv: ck_conv, _ gradient: Floats, through flipped: Floats, _ kernel: Floats, _ transposed: Floats,
    planes: Floats?, depthwiseGradient: Floats?, pointwiseGradient: Floats?, into slice: Floats, adding: Bool,
    scratch: WorkerScratch
  ) {
    var arguments = ck_conv_backward(
      depthwise: kernel, depthwiseFlipped: flipped, pointwiseTransposed: transposed,
      input: planes ?? scratch.inputPlanes(input.shape), gradient: gradient, output: gradient,
      map: ck_gradient_map(gradient: ones, output: zeros, shift: zeros), tileA: scratch.tileA, tileB: scratch.tileB,
      gradientPlanes: scratch.gradientPlanes(output.shape), depthwiseGradient: depthwiseGradient,
      pointwiseGradient: pointwiseGradient, inputGradient: slice, accumulate: adding ? 1 : 0, next: nil, afterNext: nil)
    var conv = conv
    tape.kernels.table.pointee.conv_backward(&conv, &arguments)
  }

  private func add(_ slice: Floats, into target: Activation, image: Int) {
    tape.kernels.table.pointee.mask_flat(
      target.image(image), Int32(Lanes.count), slice, input.values.image(image),
      Int32(input.shape.blocks * input.shape.pixels), 1)
  }
}
