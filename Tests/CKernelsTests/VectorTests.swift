import CKernels
import Compute
import Testing

extension Bench {
  /// floats: y.
  func addScaled(_ y: [Float], _ x: [Float], scale: Float) -> Results {
    let output = self.output(y)
    kernels.add_scaled(output, input(x), scale, Int64(x.count))
    return Results(floats: [read(output, y.count)])
  }

  /// doubles: Σ x².
  func sumSquares(_ x: [Float]) -> Results { Results(doubles: [[kernels.sum_squares(input(x), Int64(x.count))]]) }

  /// floats: weights, velocity.
  func momentumStep(
    weights: [Float], velocity: [Float], gradient: [Float], scale: Float, rate: Float, momentum: Float, decay: Float
  ) -> Results {
    let (w, v) = (output(weights), output(velocity))
    kernels.momentum_step(
      w, v, input(gradient), ck_sgd(scale: scale, rate: rate, momentum: momentum, decay: decay), Int64(weights.count))
    return Results(floats: [read(w, weights.count), read(v, weights.count)])
  }

  /// floats: target.
  func sumPartials(_ partials: [Float], stride: Int, partialCount: Int, count: Int) -> Results {
    let output = scratch(count)
    kernels.sum_partials(output, input(partials), Int64(stride), Int32(partialCount), Int64(count))
    return Results(floats: [read(output, count)])
  }
}

@Suite struct VectorTests {
  private static let counts = [0, 1, 2, 15, 16, 17, 31, 33, 255, 4095, 4096, 4097, 4111, 8192, 20_001]

  @Test("partial sums are added in ascending order", arguments: 1...17)
  func partials(partialCount: Int) {
    var stream = RandomStream(test: 90)
    for (count, stride) in [(16, 16), (16, 48), (256, 256), (304, 400)] {
      // Magnitudes so different that another order gives other bits.
      let partials = (0..<partialCount * stride).map { _ in Float(stream.float() * [1e-4, 1, 1e4][stream.integer(below: 3)])
      }
      let results = onEverySet("\(partialCount) partials") {
        $0.sumPartials(partials, stride: stride, partialCount: partialCount, count: count)
      }
      let expected = (0..<count).map { index in
        (1..<max(partialCount, 1)).reduce(partials[index]) { $0 + partials[$1 * stride + index] }
      }
      #expect(results.floats[0] == expected, "\(count) of \(stride)")
    }
  }

  @Test("y + a·x is that of the definition", arguments: counts)
  func addScaled(count: Int) {
    var stream = RandomStream(test: 91)
    let (x, y) = (stream.floats(count), stream.floats(count))
    for scale: Float in [0, 1, -0.37] {
      let results = onEverySet("\(count) values") { $0.addScaled(y.asFloats, x.asFloats, scale: scale) }
      expectEqual(
        results.floats[0], zip(x, y).map { Float($1).addingProduct(Float($0), scale) }, "\(count) values, scale \(scale)")
    }
  }

  @Test("Σ x² is that of the definition", arguments: counts)
  func sumSquares(count: Int) {
    var stream = RandomStream(test: 92)
    let x = stream.floats(count)
    let results = onEverySet("\(count) values") { $0.sumSquares(x.asFloats) }
    expectClose(results.doubles[0], [x.reduce(0) { $0 + $1 * $1 }], tolerance: 1e-13, "\(count) values")
  }

  @Test("Σ x² keeps values beyond the range of float")
  func sumSquaresRange() {
    let results = onEverySet("large values") { $0.sumSquares([1e30, -1e30] + [Float](repeating: 0, count: 30) + [1e-30]) }
    expectClose(results.doubles[0], [2e60], tolerance: 1e-6, "large values")
  }

  @Test("a momentum step is PyTorch's", arguments: counts)
  func momentumStep(count: Int) {
    var stream = RandomStream(test: 93)
    let (w, v, g) = (stream.floats(count), stream.floats(count), stream.floats(count))
    for (scale, rate, momentum, decay) in [(1.0, 0.025, 0.9, 3e-4), (0.31, 0.1, 0.0, 0.0), (1, 0.5, 0.9, 0.1)]
      as [(Float, Float, Float, Float)]
    {
      let results = onEverySet("\(count) values") {
        $0.momentumStep(
          weights: w.asFloats, velocity: v.asFloats, gradient: g.asFloats, scale: scale, rate: rate, momentum: momentum,
          decay: decay)
      }
      let velocity = (0..<count).map { Double(momentum) * v[$0] + Double(scale) * g[$0] + Double(decay) * w[$0] }
      expectClose(results.floats[1].asDoubles, velocity, tolerance: 1e-6, "velocity of \(count)")
      expectClose(
        results.floats[0].asDoubles, (0..<count).map { w[$0] - Double(rate) * velocity[$0] }, tolerance: 1e-6,
        "weights of \(count)")
    }
  }

  @Test("a zero parameter with zero gradient stays zero")
  func padding() {
    let zeros = [Float](repeating: 0, count: 33)
    let results = onEverySet("zeros") {
      $0.momentumStep(weights: zeros, velocity: zeros, gradient: zeros, scale: 1, rate: 0.1, momentum: 0.9, decay: 0.1)
    }
    #expect(results.floats[0] == zeros && results.floats[1] == zeros)
  }

  @Test("the peak loop counts its operations and stays finite")
  func peakLoop() {
    for index in 0..<ck_available() {
      guard let table = ck_get(index) else { continue }
      let bench = Bench(table.pointee)
      let sink = bench.output([Float](repeating: 0, count: 16))
      let thousand = bench.kernels.peak_loop(1000, sink)
      #expect(bench.read(sink, 16).allSatisfy { $0.isFinite && $0 > 0 })
      #expect(thousand >= 2 * 16 * 1000 && bench.kernels.peak_loop(3000, sink) == 3 * thousand, "\(bench.name)")
    }
  }
}

@Suite struct SelectionTests {
  @Test("instruction sets are listed best first, and an index beyond them gives none")
  func list() {
    let names = (0..<ck_available()).compactMap { ck_get($0).map { String(cString: $0.pointee.name) } }
    let order = ["avx512", "avx2", "baseline"]
    #expect(names.count == Int(ck_available()))
    #expect(names == order.filter(names.contains) && names.last == "baseline")
    #expect(ck_get(ck_available()) == nil && ck_get(-1) == nil)
  }
}
