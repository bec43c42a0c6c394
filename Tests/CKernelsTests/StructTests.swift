import CKernels
import Compute
import Testing

/// What fields of the kernels' structs mean where they are left at zero, and which are not read.
@Suite struct StructTests {
  private static let shape = PointwiseCase(sources: 2, channels: 20, outputs: 36, pixels: 9, gap: 0)

  // Lanes that are no channel hold zero, as kernels may count on.

  private static func source(_ stream: inout RandomStream) -> [Float] {
    (0..<shape.sources).flatMap { _ in
      Planes(channels: shape.channels, height: 1, width: shape.pixels, from: &stream).blocked()
    }
  }

  private static func weights(_ stream: inout RandomStream) -> [Float] {
    packPointwise(
      stream.floats(shape.outputs * shape.sources * shape.channels), outputs: shape.outputs, sources: shape.sources,
      channels: shape.channels)
  }

  /// A convolution with all fields that it cannot do without.
  private func least(_ bench: Bench, _ source: [Float], _ weights: [Float], into output: UnsafeMutablePointer<Float>)
    -> ck_pointwise
  {
    let shape = Self.shape
    var at = ck_pointwise()
    at.input = bench.input(source)
    at.inputs = shape.inputs
    at.weights = bench.input(weights)
    at.weightStride = Int64(shape.weightStride)
    at.output = output
    at.outputs = shape.outputBlocks
    at.memoryLanes = Int32(ck_lanes)
    at.pixels = Int32(shape.pixels)
    return at
  }

  @Test("A convolution without sums, first pixel and blocks ahead writes its pixels from the first on and adds up nothing")
  func pointwise() {
    var stream = RandomStream(test: 120)
    let shape = Self.shape
    let (source, weights) = (Self.source(&stream), Self.weights(&stream))
    let empty = [Float](repeating: .nan, count: shape.outBlocks * shape.pixelStride)
    let full = onEverySet("all fields") {
      $0.pointwise(shape, source: source, weights: weights, target: empty, sums: [Double](repeating: 0, count: 96))
    }
    let few = onEverySet("few fields") { bench in
      let output = bench.output(empty)
      var at = least(bench, source, weights, into: output)
      bench.kernels.pointwise(&at)
      return Results(floats: [bench.read(output, empty.count)])
    }
    #expect(few.bits == Results(floats: full.floats).bits)
  }

  @Test("A convolution of no pixels or of no output block touches nothing, and one over no input block gives zero")
  func nothing() {
    var stream = RandomStream(test: 121)
    let shape = Self.shape
    let (source, weights) = (Self.source(&stream), Self.weights(&stream))
    let before = stream.floats(shape.outBlocks * shape.pixelStride).asFloats
    func run(_ change: @escaping (inout ck_pointwise) -> Void) -> [Float] {
      onEverySet("nothing to do") { bench in
        let output = bench.output(before)
        var at = least(bench, source, weights, into: output)
        change(&at)
        bench.kernels.pointwise(&at)
        return Results(floats: [bench.read(output, before.count)])
      }.floats[0]
    }
    #expect(run { $0.pixels = 0 } == before)
    #expect(run { $0.outputs.count = 0 } == before)
    #expect(run { $0.inputs.count = 0 }.allSatisfy { $0 == 0 })
  }

  @Test("The strides of inputs, outputs and weights are each their own")
  func strides() {
    var stream = RandomStream(test: 122)
    let shape = Self.shape
    let length = shape.pixels * 16
    let (source, weights) = (Self.source(&stream), Self.weights(&stream))
    func run(inputGap: Int, outputGap: Int, weightGap: Int, sumsGap: Int) -> Results {
      func spread(_ values: [Float], _ length: Int, _ gap: Int) -> [Float] {
        stride(from: 0, to: values.count, by: length).flatMap {
          Array(values[$0..<$0 + length]) + [Float](repeating: .nan, count: gap)
        }
      }
      return onEverySet("gaps \(inputGap), \(outputGap), \(weightGap), \(sumsGap)") { bench in
        let output = bench.output([Float](repeating: 7, count: shape.outBlocks * (length + outputGap)))
        let lanes = shape.outBlocks * 16
        let sums = bench.output([Double](repeating: 0, count: 2 * lanes + sumsGap))
        var at = least(
          bench, spread(source, length, inputGap), spread(weights, shape.weightStride, weightGap), into: output)
        at.inputs.stride += Int64(inputGap)
        at.outputs.stride += Int64(outputGap)
        at.weightStride += Int64(weightGap)
        (at.sums, at.sumsStride) = (sums, Int64(lanes + sumsGap))
        bench.kernels.pointwise(&at)
        let all = bench.read(output, shape.outBlocks * (length + outputGap))
        let blocks = (0..<shape.outBlocks).flatMap { all[$0 * (length + outputGap)..<$0 * (length + outputGap) + length] }
        let found = bench.read(sums, 2 * lanes + sumsGap)
        return Results(floats: [Array(blocks)], doubles: [Array(found[..<lanes]), Array(found[(lanes + sumsGap)...])])
      }
    }
    let dense = run(inputGap: 0, outputGap: 0, weightGap: 0, sumsGap: 0)
    #expect(run(inputGap: 16, outputGap: 48, weightGap: 112, sumsGap: 5).bits == dense.bits)
    #expect(run(inputGap: 160, outputGap: 0, weightGap: 16, sumsGap: 0).bits == dense.bits)
  }

  @Test("A weight gradient with nothing to fetch ahead is the same as with blocks ahead")
  func outer() {
    var stream = RandomStream(test: 123)
    let shape = Self.shape
    let source = Self.source(&stream)
    let gradient = Planes(channels: shape.outputs, height: 1, width: shape.pixels, from: &stream).blocked()
    let before = Self.weights(&stream)
    func run(ahead wanted: Bool) -> Results {
      onEverySet("weight gradient") { bench in
        let (output, input) = (bench.output(before), bench.input(source))
        var at = ck_outer()
        (at.gradient, at.gradientStride) = (output, Int64(shape.weightStride))
        (at.outputGradient, at.outputs) = (bench.input(gradient), shape.outputBlocks)
        (at.input, at.inputs) = (input, shape.inputs)
        at.pixels = Int32(shape.pixels)
        if wanted { (at.ahead, at.aheadCount) = (bench.input([Optional(input)]), 1) }
        bench.kernels.outer(&at)
        return Results(floats: [bench.read(output, before.count)])
      }
    }
    #expect(run(ahead: false).bits == run(ahead: true).bits)
  }

  @Test("Sums of a pool that is not wanted may be null")
  func pools() {
    var stream = RandomStream(test: 124)
    let source = stream.floats(25 * 16).asFloats
    func run(maximum: Bool, nulls: Bool) -> Results {
      onEverySet("pool") { bench in
        let (values, arg) = (bench.scratch(25 * 16), bench.output([UInt8](repeating: 0, count: 25 * 16)))
        let sums = (0..<4).map { _ in bench.output([Double](repeating: 0, count: 16)) }
        func sum(_ index: Int) -> UnsafeMutablePointer<Double>? { nulls && (index < 2) != maximum ? nil : sums[index] }
        bench.kernels.pool_forward(
          bench.input(source), maximum ? values : nil, maximum ? arg : nil, maximum ? nil : values,
          bench.pool(5, 5, stride: 1),
          ck_pool_sums(maximum: sum(0), maximumSquares: sum(1), average: sum(2), averageSquares: sum(3)))
        return Results(floats: [bench.read(values, 25 * 16)], doubles: sums.map { bench.read($0, 16) })
      }
    }
    for maximum in [true, false] {
      #expect(run(maximum: maximum, nulls: true).bits == run(maximum: maximum, nulls: false).bits)
    }
  }

  @Test("A shift without a scale is not read")
  func mapWithoutScale() {
    var stream = RandomStream(test: 125)
    let source = stream.floats(6 * 16).asFloats
    func run(shift: [Float]?) -> [Float] {
      onEverySet("relu") {
        $0.reluPad(
          source, scale: nil, shift: shift, target: [Float](repeating: 0, count: 20 * 16), height: 2, width: 3, pad: 1)
      }.floats[0]
    }
    #expect(run(shift: [Float](repeating: .nan, count: 16)) == run(shift: nil))
  }

  @Test("The names of sizes in Swift are those of C")
  func sizes() {
    #expect(Lanes.count == 16 && Lanes.blockWeights == 256 && Lanes.tilePixels == 256)
  }
}
