import Compute
import Testing

/// Kernel, dilation and stride of a depthwise convolution.
struct Taps: CustomTestStringConvertible {
  let kernel: Int
  let dilation: Int
  let stride: Int

  static let all =
    [3, 5].flatMap { kernel in
      [1, 2].flatMap { dilation in [1, 2].map { Taps(kernel: kernel, dilation: dilation, stride: $0) } }
    } + [1, 2].map { Taps(kernel: 9, dilation: 1, stride: $0) }

  var testDescription: String { "kernel \(kernel), dilation \(dilation), stride \(stride)" }

  /// Odd sizes × channels; borders as narrow as the taps need and wider.
  var cases: [ConvolutionCase] {
    let sizes = [(1, 1), (1, 5), (5, 2), (2, 2), (2, 3), (3, 3), (7, 5), (9, 13), (13, 7)]
    let channels = [(4, 4), (8, 8), (12, 12), (16, 16), (20, 20), (36, 36), (48, 48), (12, 36), (48, 4)]
    // Images of several tiles, the last of them with fewer rows.
    let large = [(32, 32, 16), (32, 32, 20), (32, 32, 48), (17, 31, 36), (3, 300, 8)]
    let small = sizes.enumerated().flatMap { index, size in
      channels.enumerated().map { number, pair in
        (size.0, size.1, pair.0, pair.1, (index + number) % 2 == 0)
      }
    }
    return (small + large.map { ($0.0, $0.1, $0.2, $0.2, true) }).map { height, width, inputs, outputs, isNarrow in
      var result = ConvolutionCase(
        inputs: inputs, outputs: outputs, height: height, width: width, kernel: kernel, dilation: dilation, stride: stride,
        pad: 4)
      if isNarrow { result.pad = result.reach }
      return result
    }
  }
}

/// Random weights and a relu'd random image.
private struct Sample {
  let input: Planes
  let depthwise: [Double]
  let pointwise: [Double]

  init(_ shape: ConvolutionCase, from stream: inout RandomStream) {
    input = Planes(channels: shape.inputs, height: shape.height, width: shape.width, from: &stream).rectified
    depthwise = stream.floats(shape.inputs * shape.taps)
    pointwise = stream.floats(shape.outputs * shape.inputs)
  }

  func packedDepthwise(_ shape: ConvolutionCase) -> [Float] {
    packDepthwise(depthwise, channels: shape.inputs, taps: shape.taps)
  }
  func packedPointwise(_ shape: ConvolutionCase) -> [Float] {
    packPointwise(pointwise, outputs: shape.outputs, channels: shape.inputs)
  }
}

@Suite struct ConvolutionTests {
  @Test("a convolution and its batch sums are those of the definition", arguments: Taps.all)
  func forward(taps: Taps) {
    var stream = RandomStream(test: 1)
    for shape in taps.cases {
      let sample = Sample(shape, from: &stream)
      let lanes = blockCount(shape.outputs) * 16
      let before = (0..<2 * lanes).map(Double.init)
      let results = onEverySet("\(shape)") {
        $0.convForward(
          shape, input: sample.input.blocked(pad: shape.pad), depthwise: sample.packedDepthwise(shape),
          pointwise: sample.packedPointwise(shape), sums: before)
      }
      let expected = shape.pointwise(shape.depthwise(sample.input, sample.depthwise), sample.pointwise)
      let found = Planes(blocked: results.floats[0], channels: shape.outputs, height: shape.outHeight, width: shape.outWidth)
      expectClose(found.values, expected.values, "output, \(shape)")
      #expect(
        paddingValues(results.floats[0], channels: shape.outputs, perBlock: shape.outPixels).isEmpty, "padding, \(shape)")

      for (moment, power) in [(0, 1), (1, 2)] {
        let values = found.values.map { power == 1 ? $0 : $0 * $0 }
        let scale = (0..<shape.outputs).map { channel in
          values[channel * shape.outPixels..<(channel + 1) * shape.outPixels].reduce(0) { $0 + abs($1) }
        }
        let sums = (0..<lanes).map { lane in
          before[moment * lanes + lane]
            + (lane < shape.outputs ? values[lane * shape.outPixels..<(lane + 1) * shape.outPixels].reduce(0, +) : 0)
        }
        expectClose(
          Array(results.doubles[0][moment * lanes..<(moment + 1) * lanes]), sums, scale: scale.max(),
          "sums of power \(power), \(shape)")
        let padding = results.doubles[0][moment * lanes + shape.outputs..<(moment + 1) * lanes]
        #expect(
          padding.elementsEqual(before[moment * lanes + shape.outputs..<(moment + 1) * lanes]), "padding sums, \(shape)")
      }
    }
  }

  @Test("gradients of a convolution are those of the definition", arguments: Taps.all)
  func backward(taps: Taps) {
    var stream = RandomStream(test: 2)
    for (index, shape) in taps.cases.enumerated() {
      let sample = Sample(shape, from: &stream)
      let gradient = Planes(channels: shape.outputs, height: shape.outHeight, width: shape.outWidth, from: &stream)
      let output = Planes(channels: shape.outputs, height: shape.outHeight, width: shape.outWidth, from: &stream)
      let maps = (0..<3).map { _ in stream.floats(shape.outputs) }
      let accumulate = index % 2 == 1
      let before = Planes(channels: shape.inputs, height: shape.height, width: shape.width, from: &stream)
      let depthwiseBefore = stream.floats(sample.depthwise.count)
      let pointwiseBefore = stream.floats(sample.pointwise.count)
      var arguments = BackwardArguments(
        input: sample.input.blocked(pad: shape.pad), depthwise: sample.packedDepthwise(shape),
        pointwise: sample.packedPointwise(shape), gradient: gradient.blocked(), output: output.blocked(),
        scaleGradient: lanes(maps[0]), scaleOutput: lanes(maps[1]), shift: lanes(maps[2]), inputGradient: before.blocked(),
        depthwiseGradient: packDepthwise(depthwiseBefore, channels: shape.inputs, taps: shape.taps),
        pointwiseGradient: packPointwise(pointwiseBefore, outputs: shape.outputs, channels: shape.inputs),
        accumulate: accumulate, wantsWeights: true)
      if !accumulate { arguments.inputGradient = [Float](repeating: .nan, count: arguments.inputGradient.count) }
      let results = onEverySet("\(shape)") { $0.convBackward(shape, arguments) }

      var mapped = gradient
      for channel in 0..<shape.outputs {
        for pixel in channel * shape.outPixels..<(channel + 1) * shape.outPixels {
          mapped.values[pixel] =
            maps[0][channel] * gradient.values[pixel] + maps[1][channel] * output.values[pixel] + maps[2][channel]
        }
      }
      let expected = shape.gradients(
        input: sample.input, depthwise: sample.depthwise, pointwise: sample.pointwise, gradient: mapped)
      let found = Planes(blocked: results.floats[0], channels: shape.inputs, height: shape.height, width: shape.width)
      expectClose(
        found.values, zip(expected.input.values, before.values).map { accumulate ? $0 + $1 : $0 }, "input gradient, \(shape)"
      )
      expectClose(
        unpackDepthwise(results.floats[1], channels: shape.inputs, taps: shape.taps),
        zip(expected.depthwise, depthwiseBefore).map(+), "depthwise gradient, \(shape)")
      expectClose(
        unpackPointwise(results.floats[2], outputs: shape.outputs, channels: shape.inputs),
        zip(expected.pointwise, pointwiseBefore).map(+), "pointwise gradient, \(shape)")
      expectZeroPadding(results, shape)

      arguments.wantsWeights = false
      let without = onEverySet("no weight gradients, \(shape)") { $0.convBackward(shape, arguments) }
      #expect(
        Results(floats: [without.floats[0]]).bits == Results(floats: [results.floats[0]]).bits,
        "no weight gradients, \(shape)")
      #expect(
        without.floats[1] == arguments.depthwiseGradient && without.floats[2] == arguments.pointwiseGradient, "\(shape)")
    }
  }

  private func expectZeroPadding(_ results: Results, _ shape: ConvolutionCase) {
    #expect(
      paddingValues(results.floats[0], channels: shape.inputs, perBlock: shape.height * shape.width).isEmpty, "\(shape)")
    #expect(paddingValues(results.floats[1], channels: shape.inputs, perBlock: shape.taps).isEmpty, "\(shape)")
    let plain = unpackPointwise(results.floats[2], outputs: shape.outputs, channels: shape.inputs)
    let repacked = packPointwise(plain, outputs: shape.outputs, channels: shape.inputs)
    #expect(repacked == results.floats[2], "padding of the pointwise gradient, \(shape)")

    let planes = Planes(
      blocked: results.floats[3], channels: shape.inputs, height: shape.outHeight, width: shape.outWidth, pad: shape.pad)
    #expect(planes.blocked(pad: shape.pad) == results.floats[3], "border or padding of the gradient planes, \(shape)")
  }

  @Test("taps are reversed and weights transposed")
  func rearrangements() {
    var stream = RandomStream(test: 3)
    for taps in [9, 25] {
      for channels in [4, 16, 20, 48] {
        let weights = stream.floats(channels * taps)
        let results = onEverySet("flip") {
          $0.flip(packDepthwise(weights, channels: channels, taps: taps), blocks: blockCount(channels), taps: taps)
        }
        let reversed = (0..<channels).flatMap { weights[$0 * taps..<($0 + 1) * taps].reversed() }
        #expect(
          results.floats[0] == packDepthwise(reversed, channels: channels, taps: taps), "\(channels) channels, \(taps) taps")
      }
    }
    for (inputs, outputs) in [(4, 4), (16, 16), (20, 36), (48, 12), (36, 48)] {
      let weights = stream.floats(inputs * outputs)
      let results = onEverySet("transpose") {
        $0.transpose(
          packPointwise(weights, outputs: outputs, channels: inputs), inBlocks: blockCount(inputs),
          outBlocks: blockCount(outputs))
      }
      let transposed = (0..<inputs).flatMap { input in (0..<outputs).map { weights[$0 * inputs + input] } }
      #expect(results.floats[0] == packPointwise(transposed, outputs: inputs, channels: outputs), "\(inputs)→\(outputs)")
    }
  }
}
