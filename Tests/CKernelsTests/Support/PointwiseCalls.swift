import CKernels

/// How a 1×1 convolution finds its blocks; strides in floats, at least as large as what they step over.
struct PointwiseCase: CustomStringConvertible {
  var sources: Int
  /// Of each source.
  var channels: Int
  var outputs: Int
  var pixels: Int
  /// Floats between the end of a block and the beginning of the next, in every operand.
  var gap: Int

  var inBlocks: Int { sources * blockCount(channels) }
  var outBlocks: Int { blockCount(outputs) }
  /// One tensor of outputs.
  var outPeriod: Int { outBlocks }
  var outLanes: Int { lastLanes(outputs) }
  var pixelStride: Int { pixels * 16 + gap }
  var weightStride: Int { inBlocks * 256 + gap }

  var description: String { "\(sources)·\(channels)→\(outputs) channels, \(pixels) pixels, gap \(gap)" }
}

extension Bench {
  /// floats: output; doubles: sums, where there are any.
  func pointwise(_ shape: PointwiseCase, source: [Float], weights: [Float], target: [Float], sums: [Double]?) -> Results {
    let output = self.output(target)
    let total = sums.map { self.output($0) }
    kernels.pointwise(
      output, Int64(shape.pixelStride), input(source), Int64(shape.pixelStride), input(weights), Int64(shape.weightStride),
      Int32(shape.pixels), Int32(shape.inBlocks), Int32(blockCount(shape.channels)), Int32(lastLanes(shape.channels)),
      Int32(shape.outBlocks), Int32(shape.outPeriod), Int32(shape.outLanes), total, Int64(shape.outBlocks * 16), nil)
    return Results(
      floats: [read(output, target.count)], doubles: [total.map { read($0, shape.outBlocks * 32) } ?? []])
  }

  /// floats: weight gradient.
  func outer(_ shape: PointwiseCase, gradient: [Float], source: [Float], target: [Float]) -> Results {
    let output = self.output(target)
    kernels.outer(
      output, Int64(shape.weightStride), input(gradient), Int64(shape.pixelStride), input(source), Int64(shape.pixelStride),
      Int32(shape.pixels), Int32(shape.inBlocks), Int32(blockCount(shape.channels)), Int32(lastLanes(shape.channels)),
      Int32(shape.outBlocks), Int32(lastLanes(shape.outputs)), nil, 0)
    return Results(floats: [read(output, target.count)])
  }
}
