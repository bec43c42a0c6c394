import CKernels
import Compute
import Testing

extension Bench {
  /// floats: maxima, averages; bytes: arg; doubles: the four sums.
  func poolForward(
    _ source: [Float], height: Int, width: Int, stride: Int, wantsMaximum: Bool, wantsAverage: Bool, sums: [[Double]]
  ) -> Results {
    let count = ((height - 1) / stride + 1) * ((width - 1) / stride + 1) * 16
    let (maximum, average) = (unwritten(count), unwritten(count))
    let arg = output([UInt8](repeating: 255, count: count))
    let totals = sums.map { output($0) }
    kernels.pool_forward(
      memory(source), wantsMaximum ? maximum : nil, wantsMaximum ? arg : nil, wantsAverage ? average : nil,
      pool(height, width, stride: stride),
      ck_pool_sums(maximum: totals[0], maximumSquares: totals[1], average: totals[2], averageSquares: totals[3]))
    return Results(
      floats: [readMemory(maximum, count), readMemory(average, count)], doubles: totals.map { read($0, 16) },
      bytes: [read(arg, count)])
  }

  /// floats: target.
  func poolBackward(
    target: [Float], maximumGradient: [Float]?, arg: [UInt8]?, averageGradient: [Float]?, height: Int, width: Int,
    stride: Int
  ) -> Results {
    let output = writable(target)
    kernels.pool_backward(
      output, memory(maximumGradient), arg.map { input($0) }, memory(averageGradient), pool(height, width, stride: stride))
    return Results(floats: [readMemory(output, target.count)])
  }

  func pool(_ height: Int, _ width: Int, stride: Int) -> ck_pool {
    ck_pool(height: Int32(height), width: Int32(width), stride: Int32(stride), memoryLanes: lanes)
  }
}

/// 3×3 pools of padding 1 from the definition: borders take no part, the first of equal maxima counts.
private struct PoolReference {
  let outHeight: Int
  let outWidth: Int
  var maximum: [Double]
  var arg: [UInt8]
  var average: [Double]
  private let height: Int
  private let width: Int
  private let stride: Int

  init(_ source: [Float], height: Int, width: Int, stride: Int) {
    (self.height, self.width, self.stride) = (height, width, stride)
    outHeight = (height + 2 - 3) / stride + 1
    outWidth = (width + 2 - 3) / stride + 1
    let count = outHeight * outWidth * 16
    maximum = [Double](repeating: -.infinity, count: count)
    arg = [UInt8](repeating: 0, count: count)
    average = [Double](repeating: 0, count: count)
    var inside = [Double](repeating: 0, count: count)
    forEachTap { tap, from, to in
      let value = Double(source[from])
      average[to] += value
      inside[to] += 1
      if value > maximum[to] { (maximum[to], arg[to]) = (value, UInt8(tap)) }
    }
    for index in 0..<count { average[index] /= inside[index] }
  }

  private func forEachTap(_ body: (_ tap: Int, _ from: Int, _ to: Int) -> Void) {
    for row in 0..<outHeight {
      for column in 0..<outWidth {
        for tap in 0..<9 {
          let (y, x) = (row * stride + tap / 3 - 1, column * stride + tap % 3 - 1)
          guard y >= 0, y < height, x >= 0, x < width else { continue }
          for lane in 0..<16 { body(tap, (y * width + x) * 16 + lane, (row * outWidth + column) * 16 + lane) }
        }
      }
    }
  }

  func gradient(maximum: [Float]?, average: [Float]?) -> [Double] {
    var result = [Double](repeating: 0, count: height * width * 16)
    var inside = [Double](repeating: 0, count: outHeight * outWidth * 16)
    forEachTap { _, _, to in inside[to] += 1 }
    forEachTap { tap, from, to in
      if let maximum, Int(arg[to]) == tap { result[from] += Double(maximum[to]) }
      if let average { result[from] += Double(average[to]) / inside[to] }
    }
    return result
  }
}

@Suite struct PoolTests {
  private static let sizes = [1, 2, 3, 4, 5, 7, 8, 9, 13, 32].flatMap { height in
    [1, 2, 3, 5, 6, 9, 32].map { (height, $0) }
  }

  /// Values with and without ties; a constant plane; one below zero, where a border of zeros would win.
  private func sources(_ pixels: Int, from stream: inout RandomStream) -> [[Float]] {
    func lanes(_ value: (Double) -> Double) -> [Float] {
      (0..<pixels * 16).map { $0 % 16 < 12 ? Float(value(stream.float())) : 0 }
    }
    return [lanes { $0 }, lanes { ($0 * 1.5).rounded() }, lanes { _ in 3 }, lanes { -1 - abs($0) }]
  }

  @Test("pools and their batch sums are those of the definition", arguments: sizes, [1, 2])
  func forward(size: (Int, Int), stride: Int) {
    var stream = RandomStream(test: 80)
    let (height, width) = size
    let before = (0..<4).map { _ in stream.floats(16) }
    for source in sources(height * width, from: &stream) {
      let expected = PoolReference(source, height: height, width: width, stride: stride)
      for (wantsMaximum, wantsAverage) in [(true, true), (true, false), (false, true)] {
        let results = onEverySet("pool \(size)") {
          $0.poolForward(
            source, height: height, width: width, stride: stride, wantsMaximum: wantsMaximum, wantsAverage: wantsAverage,
            sums: before)
        }
        if wantsMaximum {
          expectEqual(results.floats[0], expected.maximum.asFloats, "maximum \(size)")
          expectEqual(results.bytes[0], expected.arg, "tap of the maximum \(size)")
        }
        if wantsAverage {
          expectClose(results.floats[1].asDoubles, expected.average, "average \(size)")
          #expect(paddingValues(results.floats[1], channels: 12, perBlock: results.floats[1].count / 16).isEmpty)
        }
        let pooled = [expected.maximum, expected.average]
        for index in 0..<4 {
          var sums = before[index]
          if index < 2 ? wantsMaximum : wantsAverage {
            for (at, value) in pooled[index / 2].enumerated() { sums[at % 16] += index % 2 == 0 ? value : value * value }
          }
          expectClose(results.doubles[index], sums, "sum \(index) \(size)")
          #expect(results.doubles[index][12...] == before[index][12...], "sums of padding lanes moved")
        }
      }
    }
  }

  @Test("gradients of pools are those of the definition", arguments: sizes, [1, 2])
  func backward(size: (Int, Int), stride: Int) {
    var stream = RandomStream(test: 81)
    let (height, width) = size
    for source in sources(height * width, from: &stream) {
      let reference = PoolReference(source, height: height, width: width, stride: stride)
      func lanes(_ pixels: Int) -> [Float] { (0..<pixels * 16).map { $0 % 16 < 12 ? Float(stream.float()) : 0 } }
      let outputs = reference.outHeight * reference.outWidth
      let (maximum, average, before) = (lanes(outputs), lanes(outputs), lanes(height * width))
      for (wantsMaximum, wantsAverage) in [(true, true), (true, false), (false, true)] {
        let results = onEverySet("pool gradient \(size)") {
          $0.poolBackward(
            target: before, maximumGradient: wantsMaximum ? maximum : nil, arg: wantsMaximum ? reference.arg : nil,
            averageGradient: wantsAverage ? average : nil, height: height, width: width, stride: stride)
        }
        let gradient = reference.gradient(maximum: wantsMaximum ? maximum : nil, average: wantsAverage ? average : nil)
        expectClose(results.floats[0].asDoubles, zip(gradient, before).map { $0 + Double($1) }, "gradient \(size)")
        #expect(paddingValues(results.floats[0], channels: 12, perBlock: height * width).isEmpty)
      }
    }
  }
}
