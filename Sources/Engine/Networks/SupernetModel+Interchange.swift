import Compute
import Formats

/// Exchange with PyTorch: tensors under the public DARTS state_dict names and shapes.
extension SupernetModel {
  /// Named tensors of a vector that holds ω, a gradient or a momentum.
  public func export(_ vector: ParameterVector) -> [NamedTensor] { plan.parameters.export(vector) }

  /// Running means and variances under every public name; pools that share theirs repeat them.
  public func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor] { plan.statistics.export(statistics) }

  /// Names that `importVector` reads.
  public var parameterNames: [String] { plan.parameters.entries.map(\.name) }

  /// Names of running statistics that a public state_dict of this network holds, `num_batches_tracked` among them.
  public var statisticsNames: [String] { plan.statistics.publicNames }

  /// Reads what `export` wrote, each name preceded by `prefix`.
  ///
  /// - Throws: `InputError` for a tensor that is missing, misshapen or not finite; `InputError` for one of another type.
  public func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector {
    try plan.parameters.importVector(from: file, prefix: prefix, kernels: kernels)
  }

  /// Reads running statistics, or nil when the file holds none. Of a shared batch norm the first name counts.
  public func importStatistics(from file: TensorFile) throws -> ParameterVector? {
    try plan.statistics.importStatistics(from: file, kernels: kernels)
  }
}
