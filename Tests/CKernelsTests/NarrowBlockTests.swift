import Compute
import Testing

/// A last block whose pixels have 4 or 8 channels in memory: every kernel must do what it does with 16, to the bit.
@Suite struct NarrowBlockTests {
  private static let widths = [(lanes: 4, channels: 4), (4, 3), (4, 1), (8, 8), (8, 5)]

  /// Pixels of 16 lanes, zero from `channels` on.
  private func pixels(_ count: Int, _ channels: Int, from stream: inout RandomStream) -> [Float] {
    (0..<count * 16).map { $0 % 16 < channels ? Float(stream.float()) : 0 }
  }

  private func expectSame(_ what: String, lanes: Int, _ body: (Bench) -> Results) {
    let wide = onEverySet("\(what), 16 lanes", body)
    let narrow = onEverySet("\(what), \(lanes) lanes", memoryLanes: lanes, body)
    #expect(narrow.bits == wide.bits, "\(what): \(lanes) lanes in memory change a result")
  }

  @Test("a pass over memory is the same however narrow the block is there", arguments: widths)
  func passes(lanes: Int, channels: Int) {
    var stream = RandomStream(test: 110)
    for count in [1, 3, 8, 36, 300] {
      let terms = (0..<7).map { _ in pixels(count, channels, from: &stream) }
      let coefficients = (0..<7).map { _ in pixels(1, channels, from: &stream) }
      let sums = stream.floats(7 * 16)
      for number in 0...7 {
        for accumulate in [false, true] {
          expectSame("combine \(number)", lanes: lanes) {
            $0.combine(
              target: terms[0], terms: Array(terms[..<number]),
              coefficients: coefficients.flatMap { $0 }, stride: 16, shift: accumulate ? nil : coefficients[0])
          }
        }
        expectSame("reduce \(number)", lanes: lanes) {
          $0.reduce(
            gradient: terms[0], terms: Array(terms[..<number]), sums: sums, stride: 16, gradientSum: Array(sums[..<16]))
        }
      }
      for y in [terms[1], nil] {
        expectSame("affine", lanes: lanes) {
          $0.affine(x: terms[0], a: coefficients[0], y: y, b: coefficients[1], c: coefficients[2], inPlace: false)
        }
      }
      for inPlace in [false, true] {
        expectSame("normalise", lanes: lanes) {
          $0.normalise(terms[0], scale: coefficients[0], shift: coefficients[1], inPlace: inPlace)
        }
      }
      expectSame("relu", lanes: lanes) { $0.reluFlat(terms[0]) }
      for accumulate in [false, true] {
        expectSame("mask", lanes: lanes) {
          $0.maskFlat(target: terms[0], gradient: terms[1], source: terms[2], accumulate: accumulate)
        }
        expectSame("dropout", lanes: lanes) {
          $0.dropout(
            terms[0], target: terms[1], rate: 0.3, scale: 1.5, pixels: count, key: 77, accumulate: accumulate)
        }
      }
      expectSame("mean", lanes: lanes) { $0.planeMean(terms[0]) }
      expectSame("fill", lanes: lanes) { $0.planeFill(coefficients[0], pixels: count) }
      expectSame("noise", lanes: lanes) {
        $0.normalFill(pixels: count, lanes: channels, key: 5, image: 3, stream: 9)
      }
    }
  }

  @Test("a pass over planes is the same however narrow the block is in memory", arguments: widths)
  func planes(lanes: Int, channels: Int) {
    var stream = RandomStream(test: 111)
    for (height, width, pad) in [(2, 2, 1), (4, 6, 4), (12, 8, 2), (32, 32, 1)] {
      let plane = (0..<3).map { _ in pixels(height * width, channels, from: &stream) }
      let padded = pixels((height + 2 * pad) * (width + 2 * pad), channels, from: &stream)
      let (scale, shift) = (pixels(1, channels, from: &stream), pixels(1, channels, from: &stream))
      for isNormalised in [false, true] {
        expectSame("pad", lanes: lanes) {
          $0.reluPad(
            plane[0], scale: isNormalised ? scale : nil, shift: isNormalised ? shift : nil, target: padded, height: height,
            width: width, pad: pad)
        }
      }
      for (addend, aliasing) in [([Float]?.none, Bench.Aliasing.none), (plane[1], .none), (plane[1], .addend)] {
        expectSame("mask", lanes: lanes) {
          $0.mask(
            gradient: plane[0], padded: padded, addend: addend, height: height, width: width, pad: pad, aliasing: aliasing)
        }
      }
      expectSame("mask and reduce", lanes: lanes) {
        $0.maskReduce(
          gradient: plane[0], padded: padded, term: plane[1], sums: [Double](repeating: 1, count: 16), height: height,
          width: width, pad: pad)
      }
      let half = pixels(height / 2 * (width / 2), channels, from: &stream)
      for offset in [0, 1] {
        expectSame("gather", lanes: lanes) {
          $0.reluGather(plane[0], width: width, offset: offset, firstRow: 0, rows: height / 2)
        }
        expectSame("scatter", lanes: lanes) {
          $0.scatterMasked(
            target: plane[0], gradient: half, source: plane[1], width: width, offset: offset, firstRow: 0, rows: height / 2)
        }
      }
      for stride in [1, 2] {
        let sums = [[Double]](repeating: [Double](repeating: 2, count: 16), count: 4)
        func pooled(_ wantsMaximum: Bool, _ wantsAverage: Bool) -> (Bench) -> Results {
          {
            $0.poolForward(
              plane[0], height: height, width: width, stride: stride, wantsMaximum: wantsMaximum,
              wantsAverage: wantsAverage, sums: sums)
          }
        }
        let arg = onEverySet("pool", pooled(true, true)).bytes[0]
        let gradient = stride == 1 ? plane[1] : half
        for (wantsMaximum, wantsAverage) in [(true, true), (true, false), (false, true)] {
          // Lanes that memory lacks are not written where they are not pooled either.
          expectSame("pool", lanes: lanes) { bench in
            var results = pooled(wantsMaximum, wantsAverage)(bench)
            results.floats = [wantsMaximum ? results.floats[0] : [], wantsAverage ? results.floats[1] : []]
            return results
          }
          expectSame("pool gradient", lanes: lanes) {
            $0.poolBackward(
              target: plane[0], maximumGradient: wantsMaximum ? gradient : nil, arg: wantsMaximum ? arg : nil,
              averageGradient: wantsAverage ? gradient : nil, height: height, width: width, stride: stride)
          }
        }
      }
    }
  }

  @Test(
    "a convolution is the same however narrow its last block is in memory", arguments: Taps.all,
    [(4, 4), (4, 20), (4, 36), (4, 100), (8, 8), (8, 24), (8, 40), (8, 72), (8, 6), (8, 37)])
  func convolutions(taps: Taps, width: (lanes: Int, channels: Int)) {
    var stream = RandomStream(test: 112)
    let (lanes, channels) = width
    for (height, width) in [(8, 8), (9, 16), (32, 32)] {
      let shape = ConvolutionCase(
        inputs: channels, outputs: channels, height: height, width: width, kernel: taps.kernel, dilation: taps.dilation,
        stride: taps.stride, pad: 4)
      let input = Planes(channels: channels, height: height, width: width, from: &stream).rectified.blocked(pad: 4)
      func output() -> [Float] {
        Planes(channels: channels, height: shape.outHeight, width: shape.outWidth, from: &stream).blocked()
      }
      func map() -> [Float] { CKernelsTests.lanes(stream.floats(channels)) }
      let depthwise = packDepthwise(stream.floats(channels * shape.taps), channels: channels, taps: shape.taps)
      let pointwise = packPointwise(stream.floats(channels * channels), outputs: channels, channels: channels)
      expectSame("\(shape)", lanes: lanes) {
        $0.convForward(
          shape, input: input, depthwise: depthwise, pointwise: pointwise,
          sums: [Double](repeating: 3, count: blockCount(channels) * 32))
      }
      let arguments = BackwardArguments(
        input: input, depthwise: depthwise, pointwise: pointwise, gradient: output(), output: output(),
        scaleGradient: map(), scaleOutput: map(), shift: map(),
        inputGradient: [Float](repeating: 0, count: shape.inputFloats), depthwiseGradient: depthwise,
        pointwiseGradient: pointwise, accumulate: false, wantsWeights: true)
      expectSame("gradient of \(shape)", lanes: lanes) { $0.convBackward(shape, arguments) }
    }
  }

  @Test(
    "a 1×1 convolution is the same however narrow its last block is in memory, and wherever in it it begins",
    arguments: [(4, 4), (4, 36), (4, 52), (8, 8), (8, 24), (8, 40), (8, 72), (8, 21)], [4, 12, 36])
  func pointwise(width: (lanes: Int, outputs: Int), channels: Int) {
    var stream = RandomStream(test: 113)
    for (first, pixels) in [(0, 64), (16, 32), (8, 21), (4, 1)] {
      let shape = PointwiseCase(sources: 2, channels: channels, outputs: width.outputs, pixels: pixels, gap: first * 16)
      let source = (0..<shape.inBlocks).flatMap { block in
        self.pixels(
          pixels, block % blockCount(channels) + 1 < blockCount(channels) ? 16 : lastLanes(channels), from: &stream)
          + [Float](repeating: 0, count: shape.gap)
      }
      let weights = packPointwise(
        stream.floats(shape.outputs * 2 * channels), outputs: shape.outputs, sources: 2, channels: channels)
      let spread = Swift.stride(from: 0, to: weights.count, by: shape.inBlocks * 256).flatMap {
        Array(weights[$0..<$0 + shape.inBlocks * 256]) + [Float](repeating: 0, count: shape.gap)
      }
      // What the kernel leaves alone before the first pixel must have no value in lanes that memory lacks.
      let target = [Float](repeating: 0, count: shape.outBlocks * shape.pixelStride)
      expectSame("\(shape) from pixel \(first)", lanes: width.lanes) {
        $0.pointwise(
          shape, source: source, weights: spread, target: target,
          sums: [Double](repeating: 0, count: shape.outBlocks * 32), firstPixel: first)
      }
    }
  }
}
