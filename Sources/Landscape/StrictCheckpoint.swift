import Cells
import Formats
import Problems
import Search

extension SearchCheckpoint {
  /// Reads a checkpoint or a file of weights, with every entry accounted for: a landscape of half a network, or of the
  /// wrong one, would look like any other.
  ///
  /// Besides the parameters of the problem (for a supernet, the public names of a DARTS state_dict), α and β, a file may hold
  /// running statistics, `momentum.*` and the `train.*`, `valid.*` and `expect.*` of a `tensors:` data file. A checkpoint of a
  /// search may hold whatever its optimiser keeps, under names that are not of the network; in weights of others a name
  /// that nobody knows is refused, but for the `adam.*`, `early_stop.*`, `random.*` and `selection.*` of copied checkpoints.
  ///
  /// - Parameter network: what the problem's network is and who says so, for messages.
  /// - Throws: `InputError` where an entry is missing, misshapen, unexpected, not finite or beyond float32, with its name,
  ///   where one is of another type, or the file itself is at fault, and for metadata that is not of a checkpoint.
  public init<Problem: BilevelProblem>(
    strictly file: TensorFile, for problem: Problem, network: String? = nil
  ) throws {
    let entries = StrictEntries(
      file: file, parameters: problem.export(problem.makeVector()), alphas: problem.initialAlphas.tensors,
      network: network.map { "a network of \($0)" } ?? "a network of this space, channels and layers")
    try entries.check()
    try self.init(file, for: problem)
  }
}

private struct StrictEntries {
  let file: TensorFile
  let parameters: [NamedTensor]
  let alphas: [NamedTensor]
  /// What the parameters are of, in words.
  let network: String

  /// What optimisers, data and tests put beside weights.
  private static let companions = [
    SearchCheckpoint.momentumPrefix, "adam.", "early_stop.", "random.", "selection.", "train.", "valid.", "expect.",
  ]
  private static let statistics = [".running_mean", ".running_var", ".num_batches_tracked"]

  func check() throws {
    try checkNames()
    for tensor in parameters { try checkValues(tensor) }
    let present = ArchitectureParameters.tensorNames.filter(file.contains)
    for tensor in alphas where !present.isEmpty {
      guard file.contains(tensor.name) else {
        throw InputError(
          "there is no such tensor", at: .file(file.path, tensor.name),
          found: "only \(present.joined(separator: ", "))", wanted: "all of α or nothing")
      }
      try checkValues(tensor)
    }
  }

  private func checkNames() throws {
    let names = Set(parameters.map(\.name))
    let strange = file.tensors.keys.filter { !names.contains($0) && !isCompanion($0, of: names) }.sorted()
    // A wrong space or size shows in both; the missing name says more with the strange one beside it.
    if let missing = names.subtracting(file.tensors.keys).min() {
      throw InputError(
        "there is no such tensor", at: .file(file.path, missing),
        found: strange.first.map { "\($0), which is not the network's" }, wanted: "every parameter of \(network)")
    }
    if let first = strange.first {
      throw InputError(
        "unexpected tensor", at: .file(file.path, first), found: strange.count > 1 ? "\(strange.count) such" : nil,
        wanted: "only parameters of \(network)")
    }
  }

  /// Whether an entry that is no parameter may be there.
  private func isCompanion(_ name: String, of names: Set<String>) -> Bool {
    if ArchitectureParameters.tensorNames.contains(name) || name == ArchitectureParameters.auxiliarySkipName
      || Self.statistics.contains(where: name.hasSuffix)
      || Self.companions.contains(where: name.hasPrefix)
    {
      return true
    }
    // What an optimiser adds to a checkpoint is its own affair, as long as it cannot be taken for part of the network.
    return file.isSearchCheckpoint && !names.contains { SearchCheckpoint.root($0) == SearchCheckpoint.root(name) }
  }

  private func checkValues(_ tensor: NamedTensor) throws {
    let found = try file.tensor(tensor.name).shape
    guard found == tensor.shape else {
      throw InputError(
        "wrong shape", at: .file(file.path, tensor.name), found: "\(found)", wanted: "\(tensor.shape) of \(network)")
    }
    let values = try file.doubles(tensor.name)
    if let index = values.firstIndex(where: { !Float($0).isFinite }) {
      throw InputError(
        "a value that float32 cannot hold", at: .file(file.path, tensor.name),
        found: "\(values[index]) at index \(index)", wanted: "finite values")
    }
  }
}
