import CKernels
import Compute
import Testing

extension Bench {
  /// floats: the gathered block. `channels` name blocked lanes of `source`; nil for none.
  func gatherLanes(_ source: [Float], channels: [Int?], pixels: Int) -> Results {
    let from = input(source)
    let output = scratch(pixels * 16)
    let lanes = channels.map { channel in channel.map { UnsafePointer(from + $0 / 16 * pixels * 16 + $0 % 16) } }
    lanes.withUnsafeBufferPointer { kernels.gather_lanes(output, $0.baseAddress, Int32(pixels)) }
    return Results(floats: [read(output, pixels * 16)])
  }

  /// floats: the target.
  func foldLanes(_ source: [Float], target: [Float], part: Int, pixels: Int, accumulate: Bool) -> Results {
    let folded = output(target)
    kernels.fold_lanes(folded, input(source), Int32(part), Int32(pixels), accumulate ? 1 : 0)
    return Results(floats: [read(folded, target.count)])
  }

  /// floats: the maxima, and `target` with the gradient added.
  func halveMaximum(_ source: [Float], gradient: [Float], target: [Float], height: Int, width: Int) -> Results {
    let halves = scratch(height / 2 * (width / 2) * 16)
    let added = output(target)
    kernels.halve_maximum(halves, input(source), Int32(height), Int32(width))
    kernels.halve_maximum_backward(added, input(gradient), input(source), Int32(height), Int32(width))
    return Results(floats: [read(halves, height / 2 * (width / 2) * 16), read(added, target.count)])
  }

  /// floats: the target.
  func dropout(_ source: [Float], target: [Float], rate: Double, scale: Float, pixels: Int, key: UInt64, accumulate: Bool)
    -> Results
  {
    let dropped = writable(target)
    kernels.dropout(
      dropped, memory(source), lanes, Int32(pixels),
      ck_dropout(
        scale: scale, threshold: UInt32(rate * 0x1p32), words: ck_words(key: key, image: 5, stream: 11)),
      accumulate ? 1 : 0)
    return Results(floats: [readMemory(dropped, target.count)])
  }
}

@Suite struct VariantKernelTests {
  @Test("gathered lanes are the named channels", arguments: [1, 3, 64])
  func gather(pixels: Int) {
    var stream = RandomStream(test: 90)
    let source = stream.floats(3 * pixels * 16).asFloats
    let channels = (0..<16).map { $0 % 5 == 3 ? nil : stream.integer(below: 48) }
    let results = onEverySet("gather") { $0.gatherLanes(source, channels: channels, pixels: pixels) }
    let expected = (0..<pixels * 16).map { index -> Float in
      guard let channel = channels[index % 16] else { return 0 }
      return source[(channel / 16 * pixels + index / 16) * 16 + channel % 16]
    }
    #expect(results.floats[0] == expected)
  }

  @Test(
    "2×2 maxima and their gradients are those of the definition", arguments: [(2, 2), (4, 6), (8, 8), (16, 4)], [1.0, 10.0])
  func halve(size: (Int, Int), coarseness: Double) {
    let (height, width) = size
    var stream = RandomStream(test: 91)
    // Coarse values are full of ties.
    let source = stream.floats(height * width * 16).map { Float(($0 * 3 / coarseness).rounded() * coarseness / 3) }
    let gradient = stream.floats(height * width * 4).asFloats
    let target = stream.floats(height * width * 16).asFloats
    let results = onEverySet("halve") {
      $0.halveMaximum(source, gradient: gradient, target: target, height: height, width: width)
    }
    var (maxima, added) = ([Float](), target)
    for index in 0..<height * width * 4 {
      let (lane, pixel) = (index % 16, index / 16)
      let taps = (0..<4).map {
        ((2 * (pixel / (width / 2)) + $0 / 2) * width + 2 * (pixel % (width / 2)) + $0 % 2) * 16 + lane
      }
      // The first of equals, in the order of rows, as PyTorch has it.
      let best = taps.reduce(taps[0]) { source[$1] > source[$0] ? $1 : $0 }
      maxima.append(source[best])
      added[best] += gradient[index]
    }
    #expect(results.floats[0] == maxima)
    #expect(results.floats[1] == added)
  }

  @Test("folded lanes are the sums over the copies", arguments: [2, 4, 6, 8], [true, false])
  func fold(part: Int, accumulate: Bool) {
    var stream = RandomStream(test: 93)
    for pixels in [1, 7, 64] {
      let (source, target) = (stream.floats(pixels * 16).asFloats, stream.floats(pixels * 16).asFloats)
      let results = onEverySet("fold") {
        $0.foldLanes(source, target: target, part: part, pixels: pixels, accumulate: accumulate)
      }
      let expected = source.indices.map { index -> Float in
        let (pixel, lane) = (index / 16, index % 16)
        let copies = lane < part ? (0..<16 / part).map { source[pixel * 16 + $0 * part + lane] } : []
        return (accumulate ? target[index] : 0) + copies.reduce(0, +)
      }
      #expect(results.floats[0] == expected, "\(pixels) pixels")
    }
  }

  @Test("dropped values are those of Philox' words", arguments: [0.0, 0.25, 0.7], [true, false])
  func dropout(rate: Double, accumulate: Bool) {
    var stream = RandomStream(test: 92)
    let key: UInt64 = 0x0123_4567_89AB_CDEF
    for pixels in [1, 2, 5, 64] {
      let (source, target) = (stream.floats(pixels * 16).asFloats, stream.floats(pixels * 16).asFloats)
      let results = onEverySet("dropout") {
        $0.dropout(source, target: target, rate: rate, scale: 1.5, pixels: pixels, key: key, accumulate: accumulate)
      }
      let expected = source.indices.map { index -> Float in
        let (pixel, lane) = (index / 16, index % 16)
        let words = Philox.words(
          counter: (UInt32(pixel / 4 * 4), UInt32(lane), 5, 11), key: (UInt32(truncatingIfNeeded: key), UInt32(key >> 32)))
        let word = [words.0, words.1, words.2, words.3][pixel % 4]
        return (accumulate ? target[index] : 0) + (Double(word) >= rate * 0x1p32 ? source[index] * 1.5 : 0)
      }
      #expect(results.floats[0] == expected, "\(pixels) pixels")
    }
  }
}
