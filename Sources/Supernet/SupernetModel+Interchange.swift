import Compute
import Formats

/// Exchange with PyTorch: tensors under the public DARTS state_dict names and shapes.
extension SupernetModel {
  /// Named tensors of a vector that holds ω, a gradient or a momentum.
  public func export(_ vector: ParameterVector) -> [NamedTensor] {
    precondition(vector.count == plan.parameters.count, "a vector of another network")
    return plan.parameters.entries.map { entry in
      var values: [Float] = []
      values.reserveCapacity(entry.count)
      entry.forEachStorageIndex { values.append(vector.storage[$0]) }
      return NamedTensor(name: entry.name, shape: entry.shape, values: .float32(values))
    }
  }

  /// Running means and variances under every public name; pools that share theirs repeat them.
  public func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor] {
    plan.statistics.entries.flatMap { entry in
      entry.names.flatMap { name in
        [("running_mean", entry.offset), ("running_var", entry.offset + entry.lanes)].map { suffix, offset in
          NamedTensor(
            name: "\(name).\(suffix)", shape: [entry.channels],
            values: .float32((0..<entry.channels).map { statistics.storage[offset + $0] }))
        }
      }
    }
  }

  /// Names that `importVector` reads.
  public var parameterNames: [String] { plan.parameters.entries.map(\.name) }

  /// Names of running statistics that a public state_dict of this network holds, `num_batches_tracked` among them.
  public var statisticsNames: [String] {
    plan.statistics.entries.flatMap { entry in
      entry.names.flatMap { ["\($0).running_mean", "\($0).running_var", "\($0).num_batches_tracked"] }
    }
  }

  /// Reads what `export` wrote, each name preceded by `prefix`.
  ///
  /// - Throws: `SupernetError` for a tensor that is missing, misshapen or not finite; `FormatError` for one of another type.
  public func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector {
    let vector = makeVector()
    for entry in plan.parameters.entries {
      let values = try finiteFloats(prefix + entry.name, shape: entry.shape, in: file)
      var next = 0
      entry.forEachStorageIndex {
        vector.storage[$0] = values[next]
        next += 1
      }
    }
    return vector
  }

  /// Reads running statistics, or nil when the file holds none. Of a shared batch norm the first name counts.
  public func importStatistics(from file: TensorFile) throws -> ParameterVector? {
    guard plan.statistics.entries.contains(where: { entry in entry.names.contains { file.contains("\($0).running_mean") } })
    else { return nil }
    let statistics = makeInitialStatistics()
    for entry in plan.statistics.entries {
      for (suffix, offset) in [("running_mean", entry.offset), ("running_var", entry.offset + entry.lanes)] {
        let values = try finiteFloats("\(entry.names[0]).\(suffix)", shape: [entry.channels], in: file)
        for channel in 0..<entry.channels { statistics.storage[offset + channel] = values[channel] }
      }
    }
    return statistics
  }

  private func finiteFloats(_ name: String, shape: [Int], in file: TensorFile) throws -> [Float] {
    guard let tensor = file.tensors[name] else {
      throw SupernetError("missing tensor", at: "\(file.path), \(name)", found: "nothing", wanted: "shape \(shape)")
    }
    guard tensor.shape == shape else {
      throw SupernetError(
        "misshapen tensor", at: "\(file.path), \(name)", found: "shape \(tensor.shape)", wanted: "shape \(shape)")
    }
    let values = try file.floats(name, shape: shape)
    guard values.allSatisfy(\.isFinite) else {
      throw SupernetError("tensor overflows", at: "\(file.path), \(name)", found: "NaN or infinity", wanted: "finite values")
    }
    return values
  }
}
