import Compute
import Formats
import Problems

/// Which values of ω count.
public enum WeightMask {
  /// 1 at values of tensors of two or more dimensions, 0 at those of one: biases, and the factors and offsets of batch norm, as
  /// tomgoldstein/loss-landscape leaves them out (net_plotter.py, lines 159–163).
  ///
  /// - Throws: what the problem throws for its own names, which is nothing.
  public static func withoutBiasesAndNorms<Problem: BilevelProblem>(of problem: Problem) throws -> ParameterVector {
    let marked = problem.export(problem.makeVector()).map { tensor in
      NamedTensor(
        name: tensor.name, shape: tensor.shape,
        values: .float32([Float](repeating: tensor.shape.count > 1 ? 1 : 0, count: tensor.values.count)))
    }
    return try problem.importVector(from: TensorFile(path: "mask", metadata: [:], tensors: marked), prefix: "")
  }
}
