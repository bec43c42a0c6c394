import Compute
import Testing

@Suite("Parameter vectors")
struct ParameterVectorTests {
  func vector(_ values: [Float], _ kernels: KernelSet = Kernels.sets[0]) -> ParameterVector {
    let result = ParameterVector(count: values.count, kernels: kernels)
    for (index, value) in values.enumerated() { result[index] = value }
    return result
  }

  @Test("A new vector is zero, and a duplicate does not share its values")
  func copies() {
    #expect(ParameterVector(count: 5, kernels: Kernels.sets[0]).values == [0, 0, 0, 0, 0])
    let empty = ParameterVector(count: 0, kernels: Kernels.sets[0])
    #expect(empty.values == [] && empty.norm == 0)
    let first = vector([1, 2, 3])
    let second = first.duplicate()
    second[1] = 7
    #expect(first.values == [1, 2, 3] && second.values == [1, 7, 3])
    first.fill(4)
    #expect(first.values == [4, 4, 4])
  }

  @Test("The inner product is exact for integers at every length around the block and lane sizes")
  func innerProduct() {
    for count in [0, 1, 7, 8, 9, 4095, 4096, 4097, 8200] {
      let a = vector((0..<count).map { Float($0 % 17) - 8 })
      let b = vector((0..<count).map { Float($0 % 11) - 5 })
      let expected = (0..<count).reduce(0) { $0 + ($1 % 17 - 8) * ($1 % 11 - 5) }
      #expect(a.dot(b) == Double(expected), "count \(count)")
    }
    #expect(vector([3, 4]).norm == 5)
    // In float32 the small term would be lost.
    #expect(vector([4096, 1]).dot(vector([4096, 1])) == 16_777_217)
  }

  @Test("Adding a multiple rounds once")
  func multiples() {
    let a = vector([1, 2, 3])
    a.add(vector([10, -20, 0.5]), scaledBy: 0.5)
    #expect(a.values == [6, -8, 3.25])
    // x·x is 1 + 2⁻¹¹ + 2⁻²⁴, whose last term a product rounded on its own would lose.
    let x: Float = 1 + 0x1p-12
    let fused = vector([-1 - 0x1p-11])
    fused.add(vector([x]), scaledBy: x)
    #expect(fused.values == [0x1p-24])
  }

  @Test("Moved along directions, each value is summed in double precision and rounded once, at every length")
  func moves() {
    for count in [0, 1, 7, 8, 9, 16, 23] {
      let origin = vector((0..<count).map { 1 + Float($0) * 0x1p-20 })
      let (a, b) = (vector((0..<count).map { Float($0 % 5) - 2 }), vector((0..<count).map { 0.3 * Float($0 % 7) }))
      let found = vector([Float](repeating: 9, count: count))
      found.assign(origin, movedBy: [(scale: 1e-7, direction: a), (scale: -0.7, direction: b)])
      let expected = (0..<count).map { index in
        Float(Double(origin[index]) + 1e-7 * Double(a[index]) + -0.7 * Double(b[index]))
      }
      #expect(found.values == expected, "count \(count)")
    }
    // 2⁻²⁴ is lost beside 1 in float32, twice that is not: terms are not rounded one by one.
    let small = vector([1])
    small.assign(vector([1]), movedBy: [(scale: 0x1p-24, direction: vector([1])), (scale: 0x1p-24, direction: vector([1]))])
    #expect(small.values == [1 + 0x1p-23])
    // Along nothing the bits stay, those of a negative zero too.
    let zero = vector([7, 7])
    zero.assign(vector([-0.0, .leastNonzeroMagnitude]), movedBy: [(scale: 0, direction: vector([1, .infinity]))])
    #expect(zero.values.map(\.bitPattern) == [Float(-0.0).bitPattern, Float.leastNonzeroMagnitude.bitPattern])
  }

  @Test("A momentum step is PyTorch's: decay joins the gradient, momentum keeps its own sum")
  func momentum() {
    let weights = vector([1, -2])
    let velocity = vector([0.5, 0])
    let gradient = vector([4, 8])
    weights.momentumStep(
      velocity: velocity, gradient: gradient, gradientScale: 0.5, learningRate: 0.25, momentum: 0.5, weightDecay: 0.125)
    // v = 0.5·v + 0.5·g + 0.125·ω, ω = ω − 0.25·v; every value is exact in binary.
    #expect(velocity.values == [2.375, 3.75])
    #expect(weights.values == [0.40625, -2.9375])
    #expect(gradient.values == [4, 8])
    weights.momentumStep(
      velocity: velocity, gradient: gradient, gradientScale: 0.5, learningRate: 0.25, momentum: 0.5, weightDecay: 0)
    #expect(velocity.values == [3.1875, 5.875])
    #expect(weights.values == [-0.390625, -4.40625])
  }

  @Test("Every instruction set computes the same bits, around the lane and block sizes")
  func everySet() {
    for count in [1, 15, 16, 17, 4095, 4097] {
      func values(_ seed: Int) -> [Float] { (0..<count).map { Float(($0 * 37 + seed * 101) % 1009) / 17 - 29 } }
      func bits(_ kernels: KernelSet) -> [UInt64] {
        let (weights, velocity) = (vector(values(1), kernels), vector(values(2), kernels))
        let gradient = vector(values(3), kernels)
        gradient.add(weights, scaledBy: 0.3)
        weights.momentumStep(
          velocity: velocity, gradient: gradient, gradientScale: 0.7, learningRate: 0.1, momentum: 0.9, weightDecay: 3e-4)
        return [weights, velocity, gradient].flatMap { $0.values.map { UInt64($0.bitPattern) } } + [weights.norm.bitPattern]
      }
      let best = bits(Kernels.sets[0])
      for set in Kernels.sets { #expect(bits(set) == best, "\(set.name), \(count) values") }
    }
  }
}

@Suite("Choice of an instruction set")
struct KernelChoiceTests {
  @Test("A set is found by its name, and without a name the best one is taken")
  func byName() throws {
    #expect(Kernels.available.last == "baseline" && Set(Kernels.available).count == Kernels.available.count)
    for set in Kernels.sets { #expect(try Kernels.select(named: set.name) == set) }
    #expect(try Kernels.select(named: nil) == Kernels.sets[0])
  }

  @Test("A name that there is not is refused with those that there are", arguments: ["sse9", "", "AVX2", "baseline "])
  func unknown(name: String) throws {
    let error = try #require(throws: KernelError.self) { try Kernels.select(named: name) }
    switch error {
    case .unavailable(let requested, let available):
      #expect(requested == name && available == Kernels.available)
    }
    for set in Kernels.available { #expect("\(error)".contains(set)) }
    #expect("\(error)".contains("ZARTS_ISA=\(name)"))
  }

  @Test("A vector and its copies keep the set that it was made with")
  func kept() {
    for set in Kernels.sets {
      let vector = ParameterVector(count: 3, kernels: set)
      #expect(vector.kernels == set && vector.duplicate().kernels == set)
    }
  }
}
