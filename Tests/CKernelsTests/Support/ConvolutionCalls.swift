import CKernels

extension ConvolutionCase {
  func lowered(memoryLanes: Int32) -> ck_conv {
    ck_conv(
      kernel: Int32(kernel), dilation: Int32(dilation), stride: Int32(stride), inBlocks: Int32(blockCount(inputs)),
      outBlocks: Int32(blockCount(outputs)), lastLanes: Int32(lastLanes(inputs)), outLanes: Int32(lastLanes(outputs)),
      memoryLanes: memoryLanes, outHeight: Int32(outHeight), outWidth: Int32(outWidth), pad: Int32(pad),
      paddedHeight: Int32(height + 2 * pad), paddedWidth: Int32(width + 2 * pad))
  }

  /// Floats of a scratch tile: as many as the engine gives.
  var tileFloats: Int { max(512, outWidth * max(blockCount(inputs), blockCount(outputs))) * 16 }
  var outputFloats: Int { blockCount(outputs) * outPixels * 16 }
  var inputFloats: Int { blockCount(inputs) * height * width * 16 }
  /// One padded plane of gradients for each input block.
  var gradientPlaneFloats: Int { blockCount(inputs) * (outHeight + 2 * pad) * (outWidth + 2 * pad) * 16 }
}

/// What a backward pass starts from, in the kernels' layout.
struct BackwardArguments {
  var input: [Float]
  var depthwise: [Float]
  var pointwise: [Float]
  var gradient: [Float]
  var output: [Float]
  var scaleGradient: [Float]
  var scaleOutput: [Float]
  var shift: [Float]
  /// What stands where gradients go.
  var inputGradient: [Float]
  var depthwiseGradient: [Float]
  var pointwiseGradient: [Float]
  var accumulate: Bool
  var wantsWeights: Bool
}

extension Bench {
  /// floats: output; doubles: sums.
  func convForward(_ shape: ConvolutionCase, input: [Float], depthwise: [Float], pointwise: [Float], sums: [Double])
    -> Results
  {
    let blocks = blockCount(shape.outputs)
    let output = unwritten(shape.outputFloats, blocks: blocks)
    let total = self.output(sums)
    var conv = shape.lowered(memoryLanes: lanes)
    var operands = ck_conv_forward(
      depthwise: self.input(depthwise), pointwise: self.input(pointwise), input: self.input(input), output: output,
      tile: scratch(shape.tileFloats), sums: total, next: nil)
    kernels.conv_forward(&conv, &operands)
    return Results(floats: [readMemory(output, shape.outputFloats, blocks: blocks)], doubles: [read(total, sums.count)])
  }

  /// floats: input gradient, depthwise gradient, pointwise gradient, padded gradient planes.
  func convBackward(_ shape: ConvolutionCase, _ at: BackwardArguments) -> Results {
    let (inBlocks, outBlocks) = (Int32(blockCount(shape.inputs)), Int32(blockCount(shape.outputs)))
    let flipped = scratch(at.depthwise.count)
    let transposed = scratch(at.pointwise.count)
    let (depthwise, pointwise) = (input(at.depthwise), input(at.pointwise))
    kernels.flip(flipped, depthwise, inBlocks * Int32(shape.parts.count), Int32(shape.taps / shape.parts.count))
    kernels.transpose(transposed, pointwise, inBlocks, outBlocks)
    let inputGradient = output(at.inputGradient)
    let depthwiseGradient = output(at.depthwiseGradient)
    let pointwiseGradient = output(at.pointwiseGradient)
    // A border of zeros around what an earlier image left.
    let planes = output(
      Planes(
        channels: blockCount(shape.inputs) * 16, height: shape.outHeight, width: shape.outWidth,
        values: [Double](repeating: 7, count: blockCount(shape.inputs) * 16 * shape.outPixels)
      ).blocked(pad: shape.pad))
    var conv = shape.lowered(memoryLanes: lanes)
    var arguments = ck_conv_backward(
      depthwise: depthwise, depthwiseFlipped: flipped, pointwiseTransposed: transposed, input: input(at.input),
      gradient: memory(at.gradient, blocks: Int(outBlocks)), output: memory(at.output, blocks: Int(outBlocks)),
      map: ck_gradient_map(
        gradient: input(at.scaleGradient), output: input(at.scaleOutput), shift: input(at.shift)),
      tileA: scratch(shape.tileFloats),
      tileB: scratch(shape.tileFloats), gradientPlanes: planes, depthwiseGradient: at.wantsWeights ? depthwiseGradient : nil,
      pointwiseGradient: at.wantsWeights ? pointwiseGradient : nil, inputGradient: inputGradient,
      accumulate: at.accumulate ? 1 : 0, next: nil, afterNext: nil)
    kernels.conv_backward(&conv, &arguments)
    return Results(floats: [
      read(inputGradient, at.inputGradient.count), read(depthwiseGradient, at.depthwiseGradient.count),
      read(pointwiseGradient, at.pointwiseGradient.count), read(planes, shape.gradientPlaneFloats),
    ])
  }

  /// floats: transposed.
  func transpose(_ weights: [Float], inBlocks: Int, outBlocks: Int) -> Results {
    let transposed = scratch(weights.count)
    kernels.transpose(transposed, input(weights), Int32(inBlocks), Int32(outBlocks))
    return Results(floats: [read(transposed, weights.count)])
  }

  /// floats: flipped.
  func flip(_ weights: [Float], blocks: Int, taps: Int) -> Results {
    let flipped = scratch(weights.count)
    kernels.flip(flipped, input(weights), Int32(blocks), Int32(taps))
    return Results(floats: [read(flipped, weights.count)])
  }
}
