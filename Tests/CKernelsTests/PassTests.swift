import Compute
import Testing

/// Passes over one block of 16 lanes. Sizes cross the tile of 256 pixels.
private let pixelCounts = [1, 2, 3, 5, 7, 9, 13, 32, 255, 256, 257, 515]

/// Random lanes of which those beyond `channels` are zero; some of the others are 0 or −0.
private func block(_ pixels: Int, channels: Int = 16, from stream: inout RandomStream) -> [Float] {
  (0..<pixels * 16).map { index in
    let value = Float(stream.float())
    if index % 16 >= channels { return 0 }
    return abs(value) < 0.05 ? 0 : abs(value) < 0.1 ? -0.0 : value
  }
}

@Suite struct PassTests {
  @Test("a linear map of a block is that of the definition", arguments: [true, false], [true, false])
  func affine(hasSecond: Bool, inPlace: Bool) {
    var stream = RandomStream(test: 20)
    for pixels in pixelCounts {
      for channels in [4, 12, 16] {
        let (x, y) = (block(pixels, channels: channels, from: &stream), block(pixels, channels: channels, from: &stream))
        let (a, b, c) = (
          block(1, channels: channels, from: &stream), block(1, channels: channels, from: &stream),
          block(1, channels: channels, from: &stream)
        )
        let results = onEverySet("affine") {
          $0.affine(x: x, a: a, y: hasSecond ? y : nil, b: hasSecond ? b : nil, c: c, inPlace: inPlace)
        }
        let expected = x.indices.map { index in
          let lane = index % 16
          return Double(a[lane]) * Double(x[index]) + Double(c[lane])
            + (hasSecond ? Double(b[lane]) * Double(y[index]) : 0)
        }
        expectClose(results.floats[0].asDoubles, expected, "\(pixels) pixels")
        #expect(paddingValues(results.floats[0], channels: channels, perBlock: pixels).isEmpty)
      }
    }
  }

  @Test("a sum of scaled terms is that of the definition", arguments: 0...10, [true, false])
  func combine(count: Int, accumulate: Bool) {
    var stream = RandomStream(test: 21 + count)
    for pixels in pixelCounts {
      for (channels, stride) in [(16, 16), (12, 48)] {
        let terms = (0..<count).map { _ in block(pixels, channels: channels, from: &stream) }
        let coefficients = (0..<max(1, count)).flatMap { _ in
          block(1, channels: channels, from: &stream) + [Float](repeating: .nan, count: stride - 16)
        }
        let shift = block(1, channels: channels, from: &stream)
        let before = block(pixels, channels: channels, from: &stream)
        let target = accumulate ? before : [Float](repeating: .nan, count: before.count)
        let results = onEverySet("\(count) terms") {
          $0.combine(
            target: target, terms: terms, coefficients: coefficients, stride: stride, shift: accumulate ? nil : shift)
        }
        let expected = before.indices.map { index in
          (0..<count).reduce(Double(accumulate ? before[index] : shift[index % 16])) {
            $0 + Double(coefficients[$1 * stride + index % 16]) * Double(terms[$1][index])
          }
        }
        expectClose(results.floats[0].asDoubles, expected, "\(count) terms, \(pixels) pixels")
        #expect(paddingValues(results.floats[0], channels: channels, perBlock: pixels).isEmpty)
      }
    }
  }

  @Test("inner products of a gradient with terms are those of the definition", arguments: 0...10, [true, false])
  func reduce(count: Int, wantsSum: Bool) {
    var stream = RandomStream(test: 40 + count)
    for pixels in pixelCounts {
      for (channels, stride) in [(16, 16), (12, 48)] {
        let gradient = block(pixels, channels: channels, from: &stream)
        let terms = (0..<count).map { _ in block(pixels, channels: channels, from: &stream) }
        let before = stream.floats(max(1, count) * stride)
        let ownBefore = stream.floats(16)
        let results = onEverySet("\(count) terms") {
          $0.reduce(gradient: gradient, terms: terms, sums: before, stride: stride, gradientSum: wantsSum ? ownBefore : nil)
        }
        var (expected, own) = (before, ownBefore)
        for index in gradient.indices {
          for term in 0..<count {
            expected[term * stride + index % 16] += Double(gradient[index]) * Double(terms[term][index])
          }
          own[index % 16] += Double(gradient[index])
        }
        expectClose(results.doubles[0], expected, "\(count) terms, \(pixels) pixels")
        expectClose(results.doubles[1], wantsSum ? own : [], "Σ g, \(pixels) pixels")
        let untouched = before.indices.filter { $0 % stride >= channels || $0 / stride >= count }
        #expect(untouched.allSatisfy { results.doubles[0][$0] == before[$0] }, "sums of padding lanes moved")
      }
    }
  }

  @Test("a mean over a plane and a filled plane are those of the definition")
  func planes() {
    var stream = RandomStream(test: 60)
    for pixels in pixelCounts {
      let source = block(pixels, channels: 12, from: &stream)
      let mean = onEverySet("mean") { $0.planeMean(source) }.floats[0]
      let expected = (0..<16).map { lane in
        (0..<pixels).reduce(0.0) { $0 + Double(source[$1 * 16 + lane]) } / Double(pixels)
      }
      // Summed in double: only the result is rounded.
      #expect(mean == expected.asFloats, "\(pixels) pixels")
      let lanes = block(1, channels: 12, from: &stream)
      let filled = onEverySet("fill") { $0.planeFill(lanes, pixels: pixels) }.floats[0]
      #expect(filled == (0..<pixels).flatMap { _ in lanes }, "\(pixels) pixels")
    }
  }

  @Test("patches of an image are its neighbourhoods", arguments: [1, 2, 3, 5, 7, 9, 13, 32], [1, 2])
  func patches(outHeight: Int, stride: Int) {
    var stream = RandomStream(test: 61)
    let height = outHeight * stride
    for width in [1, 2, 3, 5, 7, 9, 13, 32] {
      let image = Planes(channels: 3, height: height, width: width * stride, from: &stream)
      var firstRow = 0
      while firstRow < outHeight {
        let rows = min(4, outHeight - firstRow)
        let gap = 16 * (width % 3)
        let results = onEverySet("patches") {
          $0.patches(
            image.values.asFloats, height: height, width: width * stride, stride: stride, firstRow: firstRow, rows: rows,
            gap: gap)
        }
        var expected = [Float](repeating: 123, count: results.floats[0].count)
        for row in 0..<rows {
          for column in 0..<width {
            for lane in 0..<32 {
              let value =
                lane < 27
                ? image.bounded(
                  lane / 9, (firstRow + row) * stride + lane % 9 / 3 - 1, column * stride + lane % 3 - 1) : 0
              let block = lane / 16 * (rows * width * 16 + gap)
              expected[block + (row * width + column) * 16 + lane % 16] = Float(value)
            }
          }
        }
        #expect(results.floats[0] == expected, "\(height)×\(width), rows \(firstRow)..<\(firstRow + rows)")
        firstRow += rows
      }
    }
  }
}

@Suite struct RectifierTests {
  private static let sizes = [1, 2, 3, 5, 7, 9, 13, 32]

  @Test("relu into a padded plane is that of the definition and leaves the border alone", arguments: 1...4, [true, false])
  func reluPad(pad: Int, hasMap: Bool) {
    var stream = RandomStream(test: 70)
    for height in Self.sizes {
      for width in Self.sizes {
        let source = block(height * width, channels: 12, from: &stream)
        let (scale, shift) = (block(1, channels: 12, from: &stream), block(1, channels: 12, from: &stream))
        let columns = width + 2 * pad
        let before = [Float](repeating: 123, count: (height + 2 * pad) * columns * 16)
        let results = onEverySet("relu") {
          $0.reluPad(
            source, scale: hasMap ? scale : nil, shift: hasMap ? shift : nil, target: before, height: height, width: width,
            pad: pad)
        }
        var expected = before
        for row in 0..<height {
          for column in 0..<width {
            for lane in 0..<16 {
              let value = source[(row * width + column) * 16 + lane]
              let mapped = hasMap ? shift[lane].addingProduct(scale[lane], value) : value
              expected[((row + pad) * columns + column + pad) * 16 + lane] = max(mapped, 0)
            }
          }
        }
        #expect(results.floats[0] == expected, "\(height)×\(width)")
      }
    }
  }

  @Test("relu of a plane is that of the definition")
  func reluFlat() {
    var stream = RandomStream(test: 71)
    for pixels in pixelCounts {
      let source = block(pixels, from: &stream)
      #expect(onEverySet("relu") { $0.reluFlat(source) }.floats[0] == source.map { max($0, 0) }, "\(pixels) pixels")
    }
  }

  @Test("relu keeps a value that is not a number")
  func reluKeepsNaN() {
    let source: [Float] = [.nan, -.nan, .infinity, -.infinity] + [Float](repeating: -1, count: 12)
    let flat = onEverySet("relu") { $0.reluFlat(source) }.floats[0]
    let padded = onEverySet("relu") {
      $0.reluPad(source, scale: nil, shift: nil, target: [Float](repeating: 0, count: 9 * 16), height: 1, width: 1, pad: 1)
    }.floats[0]
    for result in [flat, Array(padded[64..<80])] {
      #expect(result[0].isNaN && result[1].isNaN, "found \(result[0]) and \(result[1])")
      #expect(result[2] == .infinity && result[3...].allSatisfy { $0 == 0 })
    }
  }

  @Test("a masked gradient is that of the definition", arguments: [false, true], 1...4)
  func mask(hasAddend: Bool, pad: Int) {
    var stream = RandomStream(test: 72)
    for height in Self.sizes {
      for width in Self.sizes {
        let gradient = block(height * width, channels: 12, from: &stream)
        let addend = hasAddend ? block(height * width, channels: 12, from: &stream) : nil
        let input = Planes(channels: 12, height: height, width: width, from: &stream).map { abs($0) < 0.2 ? 0 : $0 }
        let plain = input.blocked()
        let expected = gradient.indices.map { index in
          (plain[index] > 0 ? gradient[index] : 0) + (addend?[index] ?? 0)
        }
        for aliasing in hasAddend ? [Bench.Aliasing.none, .gradient, .addend] : [.none, .gradient] {
          let results = onEverySet("mask") {
            $0.mask(
              gradient: gradient, padded: input.blocked(pad: pad), addend: addend, height: height, width: width, pad: pad,
              aliasing: aliasing)
          }
          #expect(results.floats[0] == expected, "\(height)×\(width), aliasing \(aliasing)")
        }
      }
    }
  }

  @Test("a masked gradient and its sums are those of the definition", arguments: 1...4)
  func maskReduce(pad: Int) {
    var stream = RandomStream(test: 74)
    for height in Self.sizes {
      for width in Self.sizes {
        let (gradient, term) = (
          block(height * width, channels: 12, from: &stream), block(height * width, channels: 12, from: &stream)
        )
        let input = Planes(channels: 12, height: height, width: width, from: &stream).map { abs($0) < 0.2 ? 0 : $0 }
        let plain = input.blocked()
        let expected = gradient.indices.map { plain[$0] > 0 ? gradient[$0] : 0 }
        let before = (0..<16).map { Double($0) }
        let results = onEverySet("mask and reduce") {
          $0.maskReduce(
            gradient: gradient, padded: input.blocked(pad: pad), term: term, sums: before, height: height, width: width,
            pad: pad)
        }
        #expect(results.floats[0] == expected, "\(height)×\(width)")
        for lane in 0..<16 {
          let indices = stride(from: lane, to: expected.count, by: 16)
          let product = indices.reduce(before[lane]) { $0 + Double(expected[$1]) * Double(term[$1]) }
          let total = indices.reduce(before[lane]) { $0 + Double(expected[$1]) }
          let size = indices.reduce(1.0) { $0 + abs(Double(expected[$1])) * (1 + abs(Double(term[$1]))) }
          #expect(abs(results.doubles[0][lane] - product) < 1e-5 * size, "\(height)×\(width)")
          #expect(abs(results.doubles[1][lane] - total) < 1e-5 * size, "\(height)×\(width)")
        }
      }
    }
  }

  @Test("a masked gradient of contiguous pixels is that of the definition", arguments: [false, true])
  func maskFlat(accumulate: Bool) {
    var stream = RandomStream(test: 73)
    for pixels in pixelCounts {
      let (gradient, source) = (block(pixels, channels: 12, from: &stream), block(pixels, channels: 12, from: &stream))
      let before = accumulate ? block(pixels, channels: 12, from: &stream) : [Float](repeating: .nan, count: pixels * 16)
      let results = onEverySet("mask") {
        $0.maskFlat(target: before, gradient: gradient, source: source, accumulate: accumulate)
      }
      let expected = gradient.indices.map { (accumulate ? before[$0] : 0) + (source[$0] > 0 ? gradient[$0] : 0) }
      #expect(results.floats[0] == expected, "\(pixels) pixels")
    }
  }

  @Test("every other pixel is gathered, and scattered back to its place", arguments: [0, 1])
  func everyOther(offset: Int) {
    var stream = RandomStream(test: 74)
    for height in [2, 3, 4, 6, 9, 14, 32] {
      for width in [2, 3, 4, 6, 9, 14, 32] {
        let source = block(height * width, channels: 12, from: &stream)
        var firstRow = 0
        while firstRow < height / 2 {
          let rows = min(3, height / 2 - firstRow)
          let gathered = onEverySet("gather") {
            $0.reluGather(source, width: width, offset: offset, firstRow: firstRow, rows: rows)
          }
          let before = block(height * width, channels: 12, from: &stream)
          let gradient = block(rows * (width / 2), channels: 12, from: &stream)
          let scattered = onEverySet("scatter") {
            $0.scatterMasked(
              target: before, gradient: gradient, source: source, width: width, offset: offset,
              firstRow: firstRow, rows: rows)
          }
          var expected = [Float](repeating: 0, count: gradient.count)
          var expectedSum = before
          for row in 0..<rows {
            for column in 0..<width / 2 {
              for lane in 0..<16 {
                let from = ((2 * (firstRow + row) + offset) * width + 2 * column + offset) * 16 + lane
                let to = (row * (width / 2) + column) * 16 + lane
                expected[to] = max(source[from], 0)
                if source[from] > 0 { expectedSum[from] += gradient[to] }
              }
            }
          }
          #expect(gathered.floats[0] == expected, "\(height)×\(width), rows from \(firstRow)")
          #expect(scattered.floats[0] == expectedSum, "\(height)×\(width), rows from \(firstRow)")
          firstRow += rows
        }
      }
    }
  }
}
