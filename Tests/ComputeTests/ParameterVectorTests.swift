import Compute
import Testing

@Suite("Parameter vectors")
struct ParameterVectorTests {
  func vector(_ values: [Float]) -> ParameterVector {
    let result = ParameterVector(count: values.count)
    for (index, value) in values.enumerated() { result[index] = value }
    return result
  }

  @Test("A new vector is zero, and a duplicate does not share its values")
  func copies() {
    #expect(ParameterVector(count: 5).values == [0, 0, 0, 0, 0])
    #expect(ParameterVector(count: 0).values == [] && ParameterVector(count: 0).norm == 0)
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
}

/// `ZARTS_ISA` forces the vectors' algebra as it does the engine.
struct VectorAlgebraTests {
  @Test func algebraUsesTheSetThatTheEnginesUse() throws {
    #expect(try Kernels.inUse.name == Kernels.select().name)
    for name in Kernels.available { #expect(Kernels.inUse(named: name).name == name) }
    #expect(Kernels.inUse(named: nil).name == Kernels.available.first)
  }
}
