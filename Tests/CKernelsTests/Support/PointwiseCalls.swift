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
  /// Tensors of `outputs` channels each that are written.
  var tensors = 1

  var inBlocks: Int { sources * blockCount(channels) }
  var outBlocks: Int { tensors * outPeriod }
  var outPeriod: Int { blockCount(outputs) }
  var outLanes: Int { lastLanes(outputs) }
  var pixelStride: Int { pixels * 16 + gap }
  var weightStride: Int { inBlocks * 256 + gap }

  var inputs: ck_blocks {
    ck_blocks(
      stride: Int64(pixelStride), count: Int32(inBlocks), period: Int32(blockCount(channels)),
      lastLanes: Int32(lastLanes(channels)))
  }
  var outputBlocks: ck_blocks {
    ck_blocks(
      stride: Int64(pixelStride), count: Int32(outBlocks), period: Int32(outPeriod), lastLanes: Int32(outLanes))
  }

  var description: String { "\(sources)·\(channels)→\(outputs) channels, \(pixels) pixels, gap \(gap)" }
}

extension Bench {
  /// floats: output; doubles: sums, where there are any.
  func pointwise(
    _ shape: PointwiseCase, source: [Float], weights: [Float], target: [Float], sums: [Double]?, firstPixel: Int = 0
  )
    -> Results
  {
    let isMemory = sums != nil
    let output = isMemory && memoryLanes < 16 ? writable(target, blocks: shape.outBlocks) : self.output(target)
    let total = sums.map { self.output($0) }
    let source = input(source)
    var convolution = ck_pointwise(
      input: source, inputs: shape.inputs, weights: input(weights), weightStride: Int64(shape.weightStride),
      output: output, outputs: shape.outputBlocks, memoryLanes: isMemory ? lanes : 16, firstPixel: Int32(firstPixel),
      pixels: Int32(shape.pixels), sums: total, sumsStride: Int64(shape.outBlocks * 16), ahead: ahead(shape, source))
    kernels.pointwise(&convolution)
    return Results(
      floats: [
        isMemory && memoryLanes < 16
          ? readMemory(output, target.count, blocks: shape.outBlocks) : read(output, target.count)
      ], doubles: [total.map { read($0, shape.outBlocks * 32) } ?? []])
  }

  /// Blocks to fetch ahead, in some cases: fetching must not change a bit.
  private func ahead(_ shape: PointwiseCase, _ source: UnsafePointer<Float>) -> UnsafePointer<UnsafePointer<Float>?>? {
    shape.gap > 0 ? input((0..<shape.inBlocks).map { Optional(source + $0 * shape.pixelStride) }) : nil
  }

  /// floats: weight gradient.
  func outer(_ shape: PointwiseCase, gradient: [Float], source: [Float], target: [Float]) -> Results {
    let output = self.output(target)
    let source = input(source)
    let ahead = ahead(shape, source)
    var product = ck_outer(
      gradient: output, gradientStride: Int64(shape.weightStride), outputGradient: input(gradient),
      outputs: shape.outputBlocks, input: source, inputs: shape.inputs, pixels: Int32(shape.pixels),
      aheadCount: ahead == nil ? 0 : Int32(shape.inBlocks), ahead: ahead)
    kernels.outer(&product)
    return Results(floats: [read(output, target.count)])
  }
}
