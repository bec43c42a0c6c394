import CKernels
import Compute
import Foundation
import Testing

extension Bench {
  /// floats: the pixels.
  func normalFill(pixels: Int, lanes: Int, key: UInt64, image: UInt32, stream: UInt32) -> Results {
    let output = unwritten(pixels * 16)
    kernels.normal_fill(output, self.lanes, Int32(pixels), Int32(lanes), ck_words(key: key, image: image, stream: stream))
    return Results(floats: [readMemory(output, pixels * 16)])
  }
}

/// Box–Muller (Box & Muller 1958) in double precision on the words of Philox: counter (first of four pixels, lane, image,
/// stream); the first two words make the first two pixels, cosine before sine, the others the other two.
private func reference(pixel: Int, lane: Int, key: UInt64, image: UInt32, stream: UInt32) -> Double {
  let words = Philox.words(
    counter: (UInt32(pixel / 4 * 4), UInt32(lane), image, stream), key: (UInt32(truncatingIfNeeded: key), UInt32(key >> 32)))
  // 24 bits, at the middle of their interval.
  func unit(_ word: UInt32) -> Double { Double((Float(word >> 8) + 0.5) * 0x1p-24) }
  let (first, second) = pixel % 4 < 2 ? (words.0, words.1) : (words.2, words.3)
  let radius = (-2 * log(unit(first))).squareRoot()
  let angle = 2 * Double.pi * unit(second)
  return radius * (pixel % 2 == 0 ? cos(angle) : sin(angle))
}

@Suite struct NormalTests {
  private static let keys: [(UInt64, UInt32, UInt32)] = [
    (0, 0, 0), (0x0123_4567_89AB_CDEF, 3, 64), (.max, .max, .max), (1 << 32, 63, 17),
  ]

  @Test("normal numbers are those of Philox and Box–Muller", arguments: keys)
  func words(key: UInt64, image: UInt32, stream: UInt32) {
    for pixels in [1, 2, 3, 4, 5, 7, 9, 49, 1024] {
      let results = onEverySet("\(pixels) pixels") {
        $0.normalFill(pixels: pixels, lanes: 16, key: key, image: image, stream: stream)
      }
      let expected = (0..<pixels * 16).map {
        reference(pixel: $0 / 16, lane: $0 % 16, key: key, image: image, stream: stream)
      }
      expectClose(results.floats[0].asDoubles, expected, scale: 1, tolerance: 3e-6, "\(pixels) pixels")
    }
  }

  @Test("lanes beyond the channels are zero, and the others the same however many there are", arguments: 1...16)
  func padding(lanes: Int) {
    for pixels in [1, 4, 6, 81] {
      let all = onEverySet("16 lanes") { $0.normalFill(pixels: pixels, lanes: 16, key: 9, image: 2, stream: 5) }.floats[0]
      let some = onEverySet("\(lanes) lanes") { $0.normalFill(pixels: pixels, lanes: lanes, key: 9, image: 2, stream: 5) }
        .floats[0]
      #expect(some == all.indices.map { $0 % 16 < lanes ? all[$0] : 0 }, "\(pixels) pixels")
    }
  }

  @Test("a pixel is the same however many are filled")
  func prefix() {
    let all = onEverySet("100 pixels") { $0.normalFill(pixels: 100, lanes: 16, key: 9, image: 2, stream: 5) }.floats[0]
    for pixels in 1..<20 {
      let some = onEverySet("\(pixels) pixels") { $0.normalFill(pixels: pixels, lanes: 16, key: 9, image: 2, stream: 5) }
        .floats[0]
      #expect(some == Array(all[..<(pixels * 16)]), "\(pixels) pixels")
    }
  }

  /// 16 lanes × 1024 pixels of 64 images.
  private static let sample: [[Float]] = (0..<64).map { image in
    guard let table = ck_get(0) else { return [] }
    return Bench(table.pointee).normalFill(pixels: 1024, lanes: 16, key: 2022, image: UInt32(image), stream: 7).floats[0]
  }

  @Test("moments are the standard normal's within five standard errors")
  func moments() {
    let values = Self.sample.joined().map(Double.init)
    let n = Double(values.count)
    func moment(_ power: Int) -> Double { values.reduce(0) { $0 + pow($1, Double(power)) } / n }
    #expect(n == 64 * 16 * 1024)
    // Variance of xᵏ is E x²ᵏ − (E xᵏ)²: 1, 2, 15, 96.
    #expect(abs(moment(1)) < 5 * (1 / n).squareRoot(), "mean \(moment(1))")
    #expect(abs(moment(2) - 1) < 5 * (2 / n).squareRoot(), "variance \(moment(2))")
    #expect(abs(moment(3)) < 5 * (15 / n).squareRoot(), "skewness \(moment(3))")
    #expect(abs(moment(4) - 3) < 5 * (96 / n).squareRoot(), "kurtosis \(moment(4))")
  }

  @Test("tails hold the fraction that the standard normal's do")
  func tails() {
    let values = Self.sample.joined()
    let n = Double(values.count)
    for bound in [0.1, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4] {
      let probability = erfc(bound / 2.0.squareRoot()) / 2
      let tolerance = 5 * (probability * (1 - probability) / n).squareRoot()
      let (above, below) = (values.filter { Double($0) > bound }.count, values.filter { Double($0) < -bound }.count)
      #expect(abs(Double(above) / n - probability) < tolerance, "\(above) above \(bound)")
      #expect(abs(Double(below) / n - probability) < tolerance, "\(below) below −\(bound)")
    }
  }

  @Test("lanes, neighbouring pixels and images are uncorrelated")
  func correlations() {
    let values = Self.sample
    func correlation(_ pairs: [(Float, Float)]) -> Double {
      pairs.reduce(0) { $0 + Double($1.0) * Double($1.1) } / Double(pairs.count).squareRoot()
    }
    for lane in 0..<16 {
      for other in lane + 1..<16 {
        let r = correlation(values.flatMap { image in (0..<1024).map { (image[$0 * 16 + lane], image[$0 * 16 + other]) } })
        #expect(abs(r) < 5, "lanes \(lane) and \(other): \(r) standard errors")
      }
      for lag in 1...4 {
        let r = correlation(
          values.flatMap { image in (0..<1024 - lag).map { (image[$0 * 16 + lane], image[($0 + lag) * 16 + lane]) } })
        #expect(abs(r) < 5, "lane \(lane), lag \(lag): \(r) standard errors")
      }
    }
    for image in 1..<64 {
      let r = correlation(Array(zip(values[image - 1], values[image])))
      #expect(abs(r) < 5, "images \(image - 1) and \(image): \(r) standard errors")
    }
  }

  @Test("the squares of a pair's cosine and sine are uncorrelated")
  func pairSquares() {
    // (x² − 1)(y² − 1) has variance 4.
    var sum = 0.0
    var count = 0.0
    for image in Self.sample {
      for pixel in stride(from: 0, to: 1024, by: 2) {
        for lane in 0..<16 {
          let x = Double(image[pixel * 16 + lane])
          let y = Double(image[(pixel + 1) * 16 + lane])
          sum += (x * x - 1) * (y * y - 1)
          count += 1
        }
      }
    }
    let standardErrors = sum / (2 * count.squareRoot())
    #expect(abs(standardErrors) < 5, "\(standardErrors) standard errors")
  }

  @Test("another key, image or stream gives other numbers")
  func separateStreams() {
    let changed: [(UInt64, UInt32, UInt32)] = [
      (2022, 0, 7), (2023, 0, 7), (2022 + (1 << 32), 0, 7), (2022, 1, 7), (2022, 0, 8),
    ]
    var seen: Set<Float> = []
    for (key, image, stream) in changed {
      let values = onEverySet("streams") { $0.normalFill(pixels: 16, lanes: 16, key: key, image: image, stream: stream) }
        .floats[0]
      // Of 2⁴⁸ pairs of words, chance repeats hardly any.
      #expect(values.filter(seen.contains).count < 3, "key \(key), image \(image), stream \(stream)")
      seen.formUnion(values)
    }
  }
}
