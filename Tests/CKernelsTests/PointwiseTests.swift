import Compute
import Testing

/// Spreads blocks of `length` floats apart by `gap` floats of a mark, or takes them together again.
private func spread(_ packed: [Float], length: Int, gap: Int, mark: Float = 123) -> [Float] {
  stride(from: 0, to: packed.count, by: length).flatMap { start in
    Array(packed[start..<start + length]) + [Float](repeating: mark, count: gap)
  }
}

private func gather(_ spread: [Float], length: Int, gap: Int) -> [Float] {
  stride(from: 0, to: spread.count, by: length + gap).flatMap { Array(spread[$0..<$0 + length]) }
}

private func marks(_ spread: [Float], length: Int, gap: Int) -> [Float] {
  stride(from: 0, to: spread.count, by: length + gap).flatMap { Array(spread[$0 + length..<$0 + length + gap]) }
}

@Suite struct PointwiseTests {
  private static let cases = [1, 2, 3, 5, 7, 8, 9, 13, 16, 17, 31, 32, 33, 81].flatMap { pixels in
    [
      (1, 4, 4), (1, 12, 20), (1, 16, 16), (2, 4, 12), (4, 20, 36), (3, 36, 48), (4, 8, 48), (2, 48, 68), (1, 36, 4),
      (1, 36, 36), (1, 72, 72), (1, 23, 84),
    ].map {
      PointwiseCase(sources: $0.0, channels: $0.1, outputs: $0.2, pixels: pixels, gap: pixels % 3 == 0 ? 48 : 0)
    }
  }

  /// The sources' channels one after another, [source][channel][pixel], in blocks of their own.
  private func packSources(_ sources: [Planes]) -> [Float] { sources.flatMap { $0.blocked() } }

  @Test("a 1×1 convolution and its sums are those of the definition", arguments: cases)
  func forward(shape: PointwiseCase) {
    var stream = RandomStream(test: 10)
    let sources = (0..<shape.sources).map { _ in
      Planes(channels: shape.channels, height: 1, width: shape.pixels, from: &stream)
    }
    let weights = stream.floats(shape.outputs * shape.sources * shape.channels)
    let length = shape.pixels * 16
    let source = spread(packSources(sources), length: length, gap: shape.gap)
    let packed = spread(
      packPointwise(weights, outputs: shape.outputs, sources: shape.sources, channels: shape.channels),
      length: shape.inBlocks * 256, gap: shape.gap)
    let target = spread([Float](repeating: .nan, count: shape.outBlocks * length), length: length, gap: shape.gap)
    let before = (0..<shape.outBlocks * 32).map { Double($0) - 5 }
    let results = onEverySet("\(shape)") {
      $0.pointwise(shape, source: source, weights: packed, target: target, sums: before)
    }

    var expected = Planes(channels: shape.outputs, height: 1, width: shape.pixels)
    for output in 0..<shape.outputs {
      for pixel in 0..<shape.pixels {
        for (index, source) in sources.enumerated() {
          for channel in 0..<shape.channels {
            expected[output, 0, pixel] +=
              weights[(output * shape.sources + index) * shape.channels + channel] * source[channel, 0, pixel]
          }
        }
      }
    }
    let dense = gather(results.floats[0], length: length, gap: shape.gap)
    expectClose(
      Planes(blocked: dense, channels: shape.outputs, height: 1, width: shape.pixels).values, expected.values, "\(shape)")
    #expect(paddingValues(dense, channels: shape.outputs, perBlock: shape.pixels).isEmpty)
    #expect(marks(results.floats[0], length: length, gap: shape.gap).allSatisfy { $0 == 123 }, "written between blocks")

    let lanes = shape.outBlocks * 16
    for moment in 0..<2 {
      let sums = (0..<lanes).map { lane in
        before[moment * lanes + lane]
          + (0..<shape.pixels).reduce(0.0) { sum, pixel in
            guard lane < shape.outputs else { return sum }
            let value = expected[lane, 0, pixel]
            return sum + (moment == 0 ? value : value * value)
          }
      }
      expectClose(Array(results.doubles[0][moment * lanes..<(moment + 1) * lanes]), sums, "moment \(moment + 1), \(shape)")
    }
    let without = onEverySet("no sums, \(shape)") {
      $0.pointwise(shape, source: source, weights: packed, target: target, sums: nil)
    }
    #expect(
      Results(floats: without.floats).bits == Results(floats: results.floats).bits, "bits depend on whether sums are wanted")
  }

  @Test("outputs of several tensors at once are those of one tensor at a time", arguments: cases)
  func severalTensors(shape: PointwiseCase) {
    var stream = RandomStream(test: 12)
    let sources = (0..<shape.sources).map { _ in
      Planes(channels: shape.channels, height: 1, width: shape.pixels, from: &stream)
    }
    let length = shape.pixels * 16
    let source = spread(packSources(sources), length: length, gap: shape.gap)
    let weights = (0..<3).map { _ in
      spread(
        packPointwise(
          stream.floats(shape.outputs * shape.sources * shape.channels), outputs: shape.outputs, sources: shape.sources,
          channels: shape.channels), length: shape.inBlocks * 256, gap: shape.gap)
    }
    func run(_ weights: [[Float]]) -> Results {
      var shape = shape
      shape.tensors = weights.count
      let target = spread([Float](repeating: .nan, count: shape.outBlocks * length), length: length, gap: shape.gap)
      return onEverySet("\(weights.count) tensors, \(shape)") {
        $0.pointwise(
          shape, source: source, weights: Array(weights.joined()), target: target,
          sums: [Double](repeating: 0, count: shape.outBlocks * 32))
      }
    }
    let together = run(weights)
    let alone = weights.map { run([$0]) }
    #expect(together.floats[0] == alone.flatMap { $0.floats[0] }, "\(shape)")
    let lanes = shape.outBlocks * 16
    let sums = (0..<2).flatMap { moment in alone.flatMap { $0.doubles[0][moment * lanes..<(moment + 1) * lanes] } }
    #expect(together.doubles[0] == sums, "\(shape)")
  }

  @Test("the weight gradient of a 1×1 convolution is that of the definition", arguments: cases)
  func weightGradient(shape: PointwiseCase) {
    var stream = RandomStream(test: 11)
    let sources = (0..<shape.sources).map { _ in
      Planes(channels: shape.channels, height: 1, width: shape.pixels, from: &stream)
    }
    let gradient = Planes(channels: shape.outputs, height: 1, width: shape.pixels, from: &stream)
    let before = stream.floats(shape.outputs * shape.sources * shape.channels)
    let length = shape.pixels * 16
    let target = spread(
      packPointwise(before, outputs: shape.outputs, sources: shape.sources, channels: shape.channels),
      length: shape.inBlocks * 256, gap: shape.gap)
    let results = onEverySet("\(shape)") {
      $0.outer(
        shape, gradient: spread(gradient.blocked(), length: length, gap: shape.gap),
        source: spread(packSources(sources), length: length, gap: shape.gap), target: target)
    }

    var expected = before
    for output in 0..<shape.outputs {
      for (index, source) in sources.enumerated() {
        for channel in 0..<shape.channels {
          for pixel in 0..<shape.pixels {
            expected[(output * shape.sources + index) * shape.channels + channel] +=
              gradient[output, 0, pixel] * source[channel, 0, pixel]
          }
        }
      }
    }
    let dense = gather(results.floats[0], length: shape.inBlocks * 256, gap: shape.gap)
    let found = unpackPointwise(dense, outputs: shape.outputs, sources: shape.sources, channels: shape.channels)
    expectClose(found, expected, "\(shape)")
    #expect(
      packPointwise(found, outputs: shape.outputs, sources: shape.sources, channels: shape.channels) == dense,
      "weights of padding lanes are not zero")
    #expect(marks(results.floats[0], length: shape.inBlocks * 256, gap: shape.gap).allSatisfy { $0 == 123 })
  }
}
