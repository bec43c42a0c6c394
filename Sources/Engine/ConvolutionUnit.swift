import CKernels
import Compute

/// ReLU – depthwise k×k – pointwise – batch norm: a dilated convolution, or half of a separable one (DARTS, appendix A.1).
final class ConvolutionUnit {
  let input: PlaneShape
  let output: Activation
  let norm: BatchNorm
  private var conv: ck_conv
  private let depthwiseOffset: Int
  private let pointwiseOffset: Int
  private let flipped: Floats
  private let transposed: Floats
  private let state: PlanState
  private let taps: Int
  /// Taps that count as arithmetic, where others are computed along.
  private let usefulTaps: Int
  /// The depthwise kernel where it is not ω itself.
  private let merged: Floats?
  /// Taps that are reversed together for the backward pass.
  private var tapsPerPart: Int { conv.kernel == 9 ? 25 : taps }
  /// Lanes of the convolutions that share the block; empty where there is one convolution.
  private let members: [Range<Int>]

  convenience init(
    name: String, depthwiseName: String, pointwiseName: String, normName: String, kernel: Int, dilation: Int, stride: Int,
    input: PlaneShape, isAffine: Bool = false, in lowering: Lowering
  ) {
    let depthwise = lowering.parameters.depthwise(
      "\(name).\(depthwiseName).weight", channels: input.channels, kernel: kernel)
    let pointwise = lowering.parameters.pointwise(
      "\(name).\(pointwiseName).weight", outputs: input.channels, channels: input.channels, sources: 1)
    let norm = BatchNorm(
      "\(name).\(normName)", shape: stride == 1 ? input : input.halved(), isAffine: isAffine, in: lowering)
    self.init(
      depthwise: depthwise, pointwise: pointwise, norm: norm, members: [], kernel: kernel, dilation: dilation,
      stride: stride, input: input, in: lowering)
  }

  /// Convolutions of `part` channels each that share one block, as one whose pointwise matrix is block diagonal. `members`
  /// are their names and first lanes.
  convenience init(
    packed members: [(name: String, first: Int)], part: Int, depthwiseName: String, pointwiseName: String, normName: String,
    kernel: Int, dilation: Int, stride: Int, input: PlaneShape, in lowering: Lowering
  ) {
    let depthwise = lowering.parameters.reserve(kernel * kernel * Lanes.count)
    let pointwise = lowering.parameters.reserve(Lanes.blockWeights)
    for member in members {
      lowering.parameters.place(
        "\(member.name).\(depthwiseName).weight", shape: [part, 1, kernel, kernel],
        .packedDepthwise(first: member.first), at: depthwise)
      lowering.parameters.place(
        "\(member.name).\(pointwiseName).weight", shape: [part, part, 1, 1], .packedPointwise(first: member.first),
        at: pointwise)
    }
    self.init(
      depthwise: depthwise, pointwise: pointwise,
      norm: BatchNorm(
        packed: members.map { ("\($0.name).\(normName)", $0.first) }, part: part,
        shape: stride == 1 ? input : input.halved(), in: lowering),
      members: members.map { $0.first..<$0.first + part }, kernel: kernel, dilation: dilation, stride: stride, input: input,
      in: lowering)
  }

  /// A convolution with a depthwise kernel that is made for each run, `merged`, [block][computed taps][16]. Its gradient goes
  /// to the place of the weights that it is made from.
  convenience init(
    merged: Floats, of kernel: MergedKernel, gradientAt offset: Int, name: String, stride: Int, input: PlaneShape,
    in lowering: Lowering
  ) {
    let pointwise = lowering.parameters.pointwise(
      "\(name).point_conv1.weight", outputs: input.channels, channels: input.channels, sources: 1)
    let norm = BatchNorm(
      "\(name).bn1", shape: stride == 1 ? input : input.halved(), isAffine: false, in: lowering)
    self.init(
      depthwise: offset, merged: (merged, kernel), pointwise: pointwise, norm: norm, members: [], kernel: kernel.side,
      dilation: 1, stride: stride, input: input, in: lowering)
  }

  private init(
    depthwise: Int, merged: (Floats, MergedKernel)? = nil, pointwise: Int, norm: BatchNorm, members: [Range<Int>],
    kernel: Int, dilation: Int, stride: Int, input: PlaneShape, in lowering: Lowering
  ) {
    state = lowering.state
    self.input = input
    self.norm = norm
    self.members = members
    depthwiseOffset = depthwise
    pointwiseOffset = pointwise
    taps = merged?.1.computedCount ?? kernel * kernel
    usefulTaps = merged?.1.usedCount ?? taps
    self.merged = merged?.0
    let outputShape = stride == 1 ? input : input.halved()
    output = lowering.activation(outputShape)
    flipped = lowering.allocate(Float.self, input.lanes * taps)
    transposed = lowering.allocate(Float.self, input.blocks * input.blocks * Lanes.blockWeights)
    conv = ck_conv(
      kernel: Int32(kernel), dilation: Int32(dilation), stride: Int32(stride), inBlocks: Int32(input.blocks),
      outBlocks: Int32(input.blocks), lastLanes: Int32(input.lastLanes), outLanes: Int32(input.lastLanes),
      memoryLanes: output.memoryLanes(outputShape.blocks - 1),
      outHeight: Int32(outputShape.height),
      outWidth: Int32(outputShape.width), pad: Int32(lowering.pad), paddedHeight: Int32(input.height + 2 * lowering.pad),
      paddedWidth: Int32(input.width + 2 * lowering.pad))
    lowering.need {
      $0.inputPlanes.insert(input)
      $0.gradientPlanes.insert(outputShape)
      $0.tile = max($0.tile, max(512, outputShape.width * outputShape.blocks) * Lanes.count)
      $0.slice = max($0.slice, input.floatsPerImage)
    }
  }

  /// Of one image, forward; each of the two backward products costs the same.
  var flops: Int {
    let widths = members.isEmpty ? [input.channels] : members.map(\.count)
    return widths.reduce(0) { $0 + 2 * output.shape.pixels * $1 * (usefulTaps + $1) }
  }

  private var depthwise: UnsafePointer<Float> { merged.map { UnsafePointer($0) } ?? state.weights + depthwiseOffset }

  /// Convolves padded, relu'd planes into `output`; adds Σ and Σ² to sums[0..<2·lanes]. `next`, of the input's shape, is
  /// what the caller reads after this.
  func forward(
    image: Int, planes: Floats, sums: Doubles, scratch: WorkerScratch, next: UnsafePointer<Float>? = nil
  ) {
    var operands = ck_conv_forward(
      depthwise: depthwise, pointwise: state.weights + pointwiseOffset, input: planes, output: output.image(image),
      tile: scratch.tileA, sums: state.wantsSums ? sums : nil, next: state.wantsSums ? next : nil)
    state.kernels.pointee.conv_forward(&conv, &operands)
  }

  /// Weights in the order that the backward pass reads them.
  func prepareBackward() {
    state.kernels.pointee.flip(flipped, depthwise, Int32(input.blocks * taps / tapsPerPart), Int32(tapsPerPart))
    state.kernels.pointee.transpose(transposed, state.weights + pointwiseOffset, Int32(input.blocks), Int32(input.blocks))
  }

  /// Reserves this unit's weight gradient in a phase.
  func reserveGradient(in phase: Phase) -> (depthwise: Int, pointwise: Int) {
    (
      phase.reserveGradient(parameter: depthwiseOffset, count: input.lanes * taps),
      phase.reserveGradient(parameter: pointwiseOffset, count: input.blocks * input.blocks * Lanes.blockWeights)
    )
  }

  /// From the gradient of the normalised output, which `keep` multiplies (before the linear map of `norm`) to that of the relu'd input. `next` are
  /// of the input's shape, and what the caller reads after this.
  func backward(
    image: Int, gradient: UnsafePointer<Float>, keep: Float = 1, planes: Floats, into inputGradient: Floats,
    accumulate: Bool,
    partials: (depthwise: Int, pointwise: Int), next: (UnsafePointer<Float>, UnsafePointer<Float>)?, context: ChunkContext
  ) {
    let scale = norm.gradientScale(keep: keep, scratch: context.scratch)
    var arguments = ck_conv_backward(
      depthwise: depthwise, depthwiseFlipped: flipped, pointwiseTransposed: transposed, input: planes,
      gradient: gradient, output: output.image(image), map: norm.gradientMap(0, scale: scale),
      tileA: context.scratch.tileA, tileB: context.scratch.tileB,
      gradientPlanes: context.scratch.gradientPlanes(output.shape),
      depthwiseGradient: context.gradients.map { $0 + partials.depthwise },
      pointwiseGradient: context.gradients.map { $0 + partials.pointwise }, inputGradient: inputGradient,
      accumulate: accumulate ? 1 : 0, next: next?.0, afterNext: next?.1)
    state.kernels.pointee.conv_backward(&conv, &arguments)
    if let gradients = context.gradients, !members.isEmpty { clearBetween(gradients + partials.pointwise) }
  }

  /// Weights from one convolution of a block to another are no parameters and keep a zero gradient.
  private func clearBetween(_ gradient: Floats) {
    for input in 0..<Lanes.count {
      let own = members.first { $0.contains(input) } ?? 0..<0
      for lane in 0..<Lanes.count where !own.contains(lane) { gradient[input * Lanes.count + lane] = 0 }
    }
  }
}
