import Cells
import Compute
import Problems

/// A quadratic whose α has the shape of a search space, and small random values.
package func quadratic(
  space: SearchSpace = .s2, seed: UInt64 = 3, weightCount: Int = 6, stepsPerEpoch: Int = 6, noise: Double = 0.1
) throws -> QuadraticBilevelProblem {
  var stream = RandomStream(seed: seed, purpose: .alphas)
  var alphas = space.zeroAlphas
  alphas.flat = stream.normals(alphas.count).map { Float(0.3 * $0) }
  return try .random(seed: seed, weightCount: weightCount, alphas: alphas, stepsPerEpoch: stepsPerEpoch, noise: noise)
}

/// A point of a problem with weights and momentum away from zero.
package func state(of problem: QuadraticBilevelProblem, seed: UInt64 = 17) -> (
  weights: ParameterVector, velocity: ParameterVector
) {
  var stream = RandomStream(seed: seed, purpose: .test, index: 1)
  let (weights, velocity) = (problem.makeVector(), problem.makeVector())
  for index in 0..<weights.count {
    weights[index] = Float(stream.normal())
    velocity[index] = Float(0.5 * stream.normal())
  }
  return (weights, velocity)
}
