import Compute
import Formats

extension StatisticsLayout {
  /// Running statistics at their start: mean 0, variance 1.
  func makeInitial(_ kernels: KernelSet) -> ParameterVector {
    let statistics = ParameterVector(count: count, kernels: kernels)
    for entry in entries {
      for channel in 0..<entry.channels { statistics.storage[entry.offset + entry.lanes + channel] = 1 }
    }
    return statistics
  }

  /// Running means and variances under every public name; pools that share theirs repeat them.
  func export(_ statistics: ParameterVector) -> [NamedTensor] {
    entries.flatMap { entry in
      entry.names.flatMap { name in
        [("running_mean", entry.offset), ("running_var", entry.offset + entry.lanes)].map { suffix, offset in
          NamedTensor(
            name: "\(name).\(suffix)", shape: [entry.channels],
            values: .float32((0..<entry.channels).map { statistics.storage[offset + $0] }))
        }
      }
    }
  }

  /// Names of running statistics in a public state_dict, `num_batches_tracked` among them.
  var publicNames: [String] {
    entries.flatMap { entry in
      entry.names.flatMap { ["\($0).running_mean", "\($0).running_var", "\($0).num_batches_tracked"] }
    }
  }

  /// Reads running statistics, or nil when the file holds none. Of a shared batch norm the first name counts.
  func importStatistics(from file: TensorFile, kernels: KernelSet) throws -> ParameterVector? {
    guard entries.contains(where: { entry in entry.names.contains { file.contains("\($0).running_mean") } })
    else { return nil }
    let statistics = makeInitial(kernels)
    for entry in entries {
      for (suffix, offset) in [("running_mean", entry.offset), ("running_var", entry.offset + entry.lanes)] {
        let values = try file.finiteFloats("\(entry.names[0]).\(suffix)", shape: [entry.channels])
        for channel in 0..<entry.channels { statistics.storage[offset + channel] = values[channel] }
      }
    }
    return statistics
  }
}
