import Compute
import Problems
import Testing

/// Steps of ω against PyTorch's formulas in double precision (torch/optim/sgd.py: buf = μ·buf + d; nesterov: d + μ·buf).
@Suite("Steps of the weights") struct NesterovTests {
  private static let count = 37

  private static func vector(_ seed: UInt64) -> ParameterVector {
    var stream = RandomStream(seed: seed, purpose: .test)
    let result = ParameterVector(count: count, kernels: Kernels.sets[0])
    for index in 0..<count { result[index] = Float(stream.normal()) }
    return result
  }

  @Test("A step with Nesterov's momentum is that of the formula, by hand")
  func byHand() {
    let (weights, velocity, gradient) = (
      ParameterVector(count: 1, kernels: Kernels.sets[0]), ParameterVector(count: 1, kernels: Kernels.sets[0]),
      ParameterVector(count: 1, kernels: Kernels.sets[0])
    )
    (weights[0], velocity[0], gradient[0]) = (1, 0.5, 4)
    let step = WeightStep(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, isNesterov: true)
    step.move(weights, velocity: velocity, gradient: gradient, scale: 0.5)
    // d = 0.5·4 + 0.01·1 = 2.01; v = 0.9·0.5 + 2.01 = 2.46; ω = 1 − 0.1·(2.01 + 0.9·2.46) = 0.5776.
    #expect(abs(velocity[0] - 2.46) < 1e-6 && abs(weights[0] - 0.5776) < 1e-6)
    #expect(abs(gradient[0] - 4.224) < 1e-6)
  }

  @Test("Twelve steps with and without it follow PyTorch's formulas", arguments: [false, true])
  func follow(isNesterov: Bool) {
    let (rate, momentum, decay, scale) = (0.05, 0.9, 0.003, 0.75)
    let (weights, velocity) = (Self.vector(1), ParameterVector(count: Self.count, kernels: Kernels.sets[0]))
    var reference = weights.values.map(Double.init)
    var buffer = [Double](repeating: 0, count: Self.count)
    let step = WeightStep(
      learningRate: Float(rate), momentum: Float(momentum), weightDecay: Float(decay), isNesterov: isNesterov)
    for number in 0..<12 {
      let gradient = Self.vector(UInt64(10 + number))
      for index in 0..<Self.count {
        let d = scale * Double(gradient[index]) + decay * reference[index]
        buffer[index] = momentum * buffer[index] + d
        reference[index] -= rate * (isNesterov ? d + momentum * buffer[index] : buffer[index])
      }
      step.move(weights, velocity: velocity, gradient: gradient, scale: Float(scale))
    }
    // Values are of order 1 to 10; twelve roundings of a few ulp each are below 1e-5.
    for index in 0..<Self.count {
      #expect(abs(Double(weights[index]) - reference[index]) < 1e-5)
      #expect(abs(Double(velocity[index]) - buffer[index]) < 1e-5)
    }
  }

  @Test("Without it a step has the bits of the momentum step, and leaves the gradient as it is")
  func plainBits() {
    let (weights, velocity, gradient) = (Self.vector(1), Self.vector(2), Self.vector(3))
    let (others, moving) = (weights.duplicate(), velocity.duplicate())
    WeightStep(learningRate: 0.025).move(weights, velocity: velocity, gradient: gradient, scale: 0.5)
    others.momentumStep(
      velocity: moving, gradient: gradient, gradientScale: 0.5, learningRate: 0.025, momentum: 0.9, weightDecay: 3e-4)
    #expect(weights.values == others.values && velocity.values == moving.values)
    #expect(gradient.values == Self.vector(3).values)
  }
}
