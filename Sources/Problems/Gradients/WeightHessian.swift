import Cells
import Compute
import Statistics

/// H = ∇²_ω L(ω, α) at fixed α, L the mean over the examples of some batches, each with its own normalisation statistics, by
/// way of its products with vectors.
public final class WeightHessian<Problem: BilevelProblem> {
  private let problem: Problem
  private let weights: ParameterVector
  private let alphas: ArchitectureParameters
  private let batchCount: Int
  private let each: Each

  /// Products of one vector with the Hessian of each batch, in their order, handed over one at a time.
  package typealias Each = (_ vector: ParameterVector, _ take: (ParameterVector, _ count: Int) -> Void) throws -> Void

  /// - Parameters:
  ///   - batches: L is the mean over their examples.
  ///   - isStopRequested: asked before each product on a batch.
  public convenience init(
    problem: Problem, weights: ParameterVector, alphas: ArchitectureParameters, batches: [Problem.Batch],
    isStopRequested: @escaping () -> Bool = { false }
  ) {
    let part = problem.makeVector()
    self.init(problem: problem, weights: weights, alphas: alphas, batchCount: batches.count) { vector, take in
      for batch in batches {
        if isStopRequested() { throw CancellationError() }
        let loss = try problem.weightHessianProduct(
          weights: weights, alphas: alphas, direction: vector, batch: batch, product: part)
        take(part, loss.count)
      }
    }
  }

  /// - Parameter each: computes products on the batches, here or elsewhere.
  package init(
    problem: Problem, weights: ParameterVector, alphas: ArchitectureParameters, batchCount: Int, each: @escaping Each
  ) {
    (self.problem, self.weights, self.alphas, self.batchCount, self.each) = (problem, weights, alphas, batchCount, each)
  }

  /// H v, a vector of its own: the mean of the products on the batches, weighted by their examples and added in their order
  /// in float32.
  ///
  /// - Throws: `Divergence` where a product is not finite; `CancellationError` where a stop is requested; `MemoryShortage`
  ///   where products need more memory than there is.
  public func product(_ vector: ParameterVector) throws -> ParameterVector {
    let sum = problem.makeVector()
    var total = 0
    try each(vector) { [batchCount] part, count in
      if batchCount == 1 { sum.copy(from: part) } else { sum.add(part, scaledBy: Float(count)) }
      total += count
    }
    if batchCount > 1 { sum.multiply(by: 1 / Double(max(1, total))) }
    guard sum.dot(sum).isFinite else {
      throw Divergence("a Hessian product is not finite: ‖α‖ \(alphas.norm), ‖ω‖ \(weights.norm), \(batchCount) batches")
    }
    return sum
  }
}
