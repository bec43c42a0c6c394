import Cells
import Problems

/// α of a normal 2 × 2 and a reduction 1 × 2 matrix, with values of order 1.
package func smallAlphas() -> ArchitectureParameters {
  .init(
    normal: .init(rows: 2, columns: 2, values: [0.5, -0.25, 0.75, -1]),
    reduce: .init(rows: 1, columns: 2, values: [0.25, 1.5]))
}

package func quadratic(seed: UInt64 = 3, noise: Double = 0) throws -> QuadraticBilevelProblem {
  try .random(seed: seed, weightCount: 5, alphas: smallAlphas(), stepsPerEpoch: 4, noise: noise)
}

/// Central differences of a function of flat α.
package func slope(of function: ([Double]) -> Double, at alphas: [Double]) -> [Double] {
  alphas.indices.map { index in
    var (above, below) = (alphas, alphas)
    above[index] += 1e-5
    below[index] -= 1e-5
    return (function(above) - function(below)) / 2e-5
  }
}
