import Cells
import Compute
import Formats
import Problems

/// Gradients with respect to α at the checkpoint on each validation batch, which directions −∇L₁ and −∇L₂ are means of: a piece a
/// batch, over the workers of all ranks.
struct BatchGradients<Problem: BilevelProblem> {
  /// One a worker of this process.
  let problems: [Problem]
  let weights: ParameterVector
  let velocity: ParameterVector?
  let alphas: ArchitectureParameters
  /// Of the search.
  let step: WeightStep
  let batches: EvaluationBatches<Problem>
  let crew: Crew

  static var station: String { "gradients" }

  /// One a validation batch, in their order.
  ///
  /// - Throws: `InputError` where a value is not finite, `TeamError` where that was found on another rank.
  func all(of estimator: GradientEstimator) throws -> [BatchMean] {
    var found = [BatchMean?](repeating: nil, count: batches.validationCount)
    try crew.run(
      found.count, make: { batch, worker in try part(estimator, batch, worker) },
      courier: Crew.Courier(
        to: Self.station,
        request: { batch, writer in
          writer.write(estimator.rawValue)
          writer.write(batch)
        },
        result: { _, reader in try BatchMean(from: &reader) }),
      finished: { found[$0] = $1 })
    return found.compactMap { $0 }
  }

  /// On another rank.
  func answer(_ reader: inout MessageReader, worker: Int) throws -> [UInt8] {
    let (name, batch) = (try reader.text(), try reader.int())
    guard let estimator = GradientEstimator(rawValue: name), (0..<batches.validationCount).contains(batch) else {
      throw InputError(
        "unknown", at: "gradient of a request", found: "\(name) on batch \(batch)",
        wanted: "\(GradientEstimator.all.map(\.rawValue).joined(separator: ", ")) on \(batches.validationCount) batches")
    }
    return try part(estimator, batch, worker).bytes
  }

  private func part(_ estimator: GradientEstimator, _ batch: Int, _ worker: Int) throws -> BatchMean {
    let (gradient, loss) = try estimator.estimateWithLoss(
      problem: problems[worker], weights: weights, velocity: velocity, alphas: alphas, training: batches.training[0],
      validation: batches.validation(batch), step: step)
    return BatchMean(values: gradient.flat.map(Double.init), count: loss.count)
  }
}
