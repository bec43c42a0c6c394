import CKernels
import Compute

/// ReLU – depthwise k×k – 1×1: a dilated convolution, half of a separable one, or the merged convolutions of an edge, whose
/// depthwise kernel moves with α.
final class TangentSeparable: TangentOperation {
  let output: TangentTensor
  var makes: TangentTensor? { output }
  private let input: TangentTensor
  private var conv: ck_conv
  private let depthwiseName: String
  private let pointwiseName: String
  private let depthwise: Floats
  private let flipped: Floats
  private let pointwise: Floats
  private let transposed: Floats
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
    output = tape.tensor(outputShape, moves: input.tangents != nil || merging != nil)
    let taps = merging?.computedCount ?? kernel * kernel
    depthwise = merging?.values ?? tape.arena.allocate(Float.self, shape.blocks * taps * Lanes.count)
    flipped = merging?.flipped ?? tape.arena.allocate(Float.self, shape.blocks * taps * Lanes.count)
    pointwise = tape.arena.allocate(Float.self, shape.blocks * shape.blocks * 256)
    transposed = tape.arena.allocate(Float.self, shape.blocks * shape.blocks * 256)
    ones = tape.arena.allocate(Float.self, shape.lanes)
    ones.update(repeating: 1, count: shape.lanes)
    zeros = tape.arena.allocate(Float.self, shape.lanes)
    conv = ck_conv(
      kernel: Int32(kernel), dilation: Int32(dilation), stride: Int32(stride), inBlocks: Int32(shape.blocks),
      outBlocks: Int32(shape.blocks), lastLanes: Int32(shape.lastLanes), outLanes: Int32(shape.lastLanes),
      memoryLanes: Int32(Lanes.count),
      outHeight: Int32(outputShape.height), outWidth: Int32(outputShape.width), pad: Int32(pad),
      paddedHeight: Int32(shape.height + 2 * pad), paddedWidth: Int32(shape.width + 2 * pad))
    tape.need {
      $0.inputPlanes.insert(shape)
      $0.gradientPlanes.insert(outputShape)
      $0.tile = max($0.tile, max(512, outputShape.width * outputShape.blocks) * Lanes.count)
      $0.slice = max($0.slice, max(shape.floatsPerImage, outputShape.floatsPerImage))
    }
    merging?.pointwiseCount = shape.blocks * shape.blocks * 256
  }

  func load(_ weights: [String: [Float]], kernels: KernelSet) {
    guard let kernel = weights[depthwiseName], let mixed = weights[pointwiseName] else {
      preconditionFailure("no weights \(depthwiseName), \(pointwiseName)")
    }
    let (channels, blocks) = (input.shape.channels, input.shape.blocks)
    if let merging {
      merging.load(kernel)
    } else {
      let taps = kernel.count / channels
      for channel in 0..<channels {
        for tap in 0..<taps {
          depthwise[(channel / Lanes.count * taps + tap) * Lanes.count + channel % Lanes.count] =
            kernel[channel * taps + tap]
        }
      }
      kernels.table.pointee.flip(flipped, depthwise, Int32(blocks), Int32(taps))
    }
    pointwise.update(repeating: 0, count: blocks * blocks * 256)
    for output in 0..<channels {
      for input in 0..<channels {
        pointwise[((output / Lanes.count) * blocks * Lanes.count + input) * Lanes.count + output % Lanes.count] =
          mixed[output * channels + input]
      }
    }
    kernels.table.pointee.transpose(transposed, pointwise, Int32(blocks), Int32(blocks))
  }

  func prepare() { merging?.prepare() }
  func finish(_ kernelGradient: Floats?) { merging?.finish(kernelGradient) }

  func appendForward(to tape: TangentTape) {
    tape.open.onImage { [self] image, context in
      let scratch = context.scratch
      let planes = planes(input.values, image: image, scratch: scratch)
      convolve(planes, depthwise, into: output.values.image(image), scratch: scratch)
      guard let tangents = output.tangents else { return }
      let to = tangents.image(image)
      if let merging {
        convolve(planes, merging.tangents, into: to, scratch: scratch)
      }
      guard let moving = input.tangents else { return }
      let moved = self.planes(moving, image: image, scratch: scratch)
      if merging == nil {
        convolve(moved, depthwise, into: to, scratch: scratch)
      } else {
        convolve(moved, depthwise, into: scratch.slices[1], scratch: scratch)
        tape.kernels.table.pointee.add_scaled(to, scratch.slices[1], 1, Int64(output.shape.floatsPerImage))
      }
    }
  }

  func appendBackward(to tape: TangentTape) {
    guard let gradients = output.gradients else { return }
    let target = tape.gradients(of: input)
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

  private func convolve(_ planes: Floats, _ kernel: Floats, into target: Floats, scratch: WorkerScratch) {
    var place = ck_conv_forward(
      depthwise: kernel, pointwise: pointwise, input: planes, output: target, tile: scratch.tileA, sums: nil, next: nil)
    tape.kernels.table.pointee.conv_forward(&conv, &place)
  }

  /// The gradient of the relu'd input.
  private func pull(
    _ gradient: Floats, through flipped: Floats, _ kernel: Floats, into slice: Floats, adding: Bool = false,
    scratch: WorkerScratch
  ) {
    run(
      gradient, through: flipped, kernel, planes: nil, depthwiseGradient: nil, pointwiseGradient: nil, into: slice,
      adding: adding, scratch: scratch)
  }

  /// Adds the gradient of the depthwise kernel, for padded planes as input.
  private func correlate(
    _ gradient: Floats, _ planes: Floats, into depthwiseGradient: Floats, _ pointwiseGradient: Floats,
    scratch: WorkerScratch
  ) {
    run(
      gradient, through: flipped, depthwise, planes: planes, depthwiseGradient: depthwiseGradient,
      pointwiseGradient: pointwiseGradient, into: scratch.slices[0], adding: false, scratch: scratch)
  }

  private func run(
    _ gradient: Floats, through flipped: Floats, _ kernel: Floats, planes: Floats?, depthwiseGradient: Floats?,
    pointwiseGradient: Floats?, into slice: Floats, adding: Bool, scratch: WorkerScratch
  ) {
    var arguments = ck_conv_backward(
      depthwise: kernel, depthwiseFlipped: flipped, pointwiseTransposed: transposed,
      input: planes ?? scratch.inputPlanes(input.shape), gradient: gradient, output: gradient,
      map: ck_gradient_map(gradient: ones, output: zeros, shift: zeros), tileA: scratch.tileA, tileB: scratch.tileB,
      gradientPlanes: scratch.gradientPlanes(output.shape), depthwiseGradient: depthwiseGradient,
      pointwiseGradient: pointwiseGradient, inputGradient: slice, accumulate: adding ? 1 : 0, next: nil, afterNext: nil)
    tape.kernels.table.pointee.conv_backward(&conv, &arguments)
  }

  private func add(_ slice: Floats, into target: Activation, image: Int) {
    tape.kernels.table.pointee.mask_flat(
      target.image(image), Int32(Lanes.count), slice, input.values.image(image),
      Int32(input.shape.blocks * input.shape.pixels), 1)
  }
}
