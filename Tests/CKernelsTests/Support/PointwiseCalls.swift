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
    kernels.pointwise(
      output, Int64(shape.pixelStride), Int32(firstPixel), source, Int64(shape.pixelStride), input(weights),
      Int64(shape.weightStride),
      Int32(shape.pixels), Int32(shape.inBlocks), Int32(blockCount(shape.channels)), Int32(lastLanes(shape.channels)),
      Int32(shape.outBlocks), Int32(shape.outPeriod), Int32(shape.outLanes), isMemory ? lanes : 16, total,
      Int64(shape.outBlocks * 16),
      ahead(shape, source))
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
    kernels.outer(
      output, Int64(shape.weightStride), input(gradient), Int64(shape.pixelStride), source, Int64(shape.pixelStride),
      Int32(shape.pixels), Int32(shape.inBlocks), Int32(blockCount(shape.channels)), Int32(lastLanes(shape.channels)),
      Int32(shape.outBlocks), Int32(lastLanes(shape.outputs)), ahead, ahead == nil ? 0 : Int32(shape.inBlocks))
    return Results(floats: [read(output, target.count)])
  }
}
