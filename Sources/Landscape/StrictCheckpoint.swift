import Formats
import Search
import Supernet

extension SearchCheckpoint {
  /// Reads a checkpoint or a file of weights, with every entry accounted for: a landscape of half a network, or of the
  /// wrong one, would look like any other.
  ///
  /// Besides the parameters of the problem (for a supernet, the public names of a DARTS state_dict) and `alphas_normal`,
  /// `alphas_reduce`, a file may hold running statistics, `momentum.*`, `adam.*`, and the `train.*`, `valid.*` and
  /// `expect.*` of a `tensors:` data file.
  ///
  /// - Throws: `LandscapeError` where an entry is missing, unexpected, not finite or beyond float32, with its name;
  ///   `FormatError` where one is misshapen or of another type, or the file itself is at fault; `SearchError` for metadata
  ///   that is not of a checkpoint.
  public init<Problem: BilevelProblem>(strictly file: TensorFile, for problem: Problem) throws {
    let parameters = problem.export(problem.makeVector())
    try StrictEntries.checkNames(in: file, parameters: Set(parameters.map(\.name)))
    for tensor in parameters { try StrictEntries.checkValues(tensor.name, shape: tensor.shape, in: file) }
    let alphas = problem.initialAlphas.tensors
    let present = alphas.map(\.name).filter(file.contains)
    for tensor in alphas where !present.isEmpty {
      guard file.contains(tensor.name) else {
        throw LandscapeError(
          item: "\(file.path): \(tensor.name)", problem: "there is no such tensor",
          found: "only \(present.joined(separator: ", "))", expected: "all of α or nothing")
      }
      try StrictEntries.checkValues(tensor.name, shape: tensor.shape, in: file)
    }
    try self.init(file, for: problem)
  }
}

private enum StrictEntries {
  private static let companions = ArchitectureParameters.tensorNames
  private static let prefixes = ["momentum.", "adam.", "train.", "valid.", "expect."]
  private static let suffixes = [".running_mean", ".running_var", ".num_batches_tracked"]

  static func checkNames(in file: TensorFile, parameters: Set<String>) throws {
    let strange = file.tensors.keys.filter { name in
      !parameters.contains(name) && !companions.contains(name) && !prefixes.contains(where: name.hasPrefix)
        && !suffixes.contains(where: name.hasSuffix)
    }.sorted()
    // A wrong space or size shows in both; the missing name says more with the strange one beside it.
    if let missing = parameters.subtracting(file.tensors.keys).min() {
      throw LandscapeError(
        item: "\(file.path): \(missing)", problem: "there is no such tensor",
        found: strange.first.map { "\($0), which is not the network's" },
        expected: "every parameter of a network of this space, channels and layers")
    }
    if let first = strange.first {
      throw LandscapeError(
        item: "\(file.path): \(first)", problem: "unexpected tensor",
        found: strange.count > 1 ? "\(strange.count) such" : nil,
        expected: "only parameters of a network of this space, channels and layers")
    }
  }

  static func checkValues(_ name: String, shape: [Int], in file: TensorFile) throws {
    let values = try file.doubles(name, shape: shape)
    if let index = values.firstIndex(where: { !Float($0).isFinite }) {
      throw LandscapeError(
        item: "\(file.path): \(name)", problem: "a value that float32 cannot hold",
        found: "\(values[index]) at index \(index)", expected: "finite values")
    }
  }
}
