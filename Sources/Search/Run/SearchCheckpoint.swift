import Cells
import Compute
import Formats
import Problems
import Runs

/// A network and its α at a moment of a search, from a checkpoint of a run or from a file of public names alone.
///
/// Tensors: ω under the problem's public names, `alphas_normal`, `alphas_reduce` [edges, operations] with
/// `betas_normal`, `betas_reduce` [edges] beside them in a search with edge normalisation, `momentum.NAME`, the
/// running statistics, and the state of the optimiser of α. Counters and settings are in the file's metadata.
public struct SearchCheckpoint {
  public let weights: ParameterVector
  /// nil where the file has none.
  public let alphas: ArchitectureParameters?
  /// Momentum of the weight optimiser; nil where the file has none.
  public let momentum: ParameterVector?
  /// Running batch-norm statistics; nil where the file has none.
  public let statistics: ParameterVector?
  /// Learning rate of the weight steps that follow; nil where the file does not say.
  public let learningRate: Double?
  /// Weight decay of the weight steps that follow; nil where the file does not say, and it is that of the settings.
  public let weightDecay: Double?
  /// The file itself: metadata and the state of the optimiser of α.
  public let file: TensorFile

  /// Epochs finished; nil in a file that no run wrote.
  public var epoch: Int? { file.metadata["epoch"].flatMap { RunBounds.start.count($0) } }
  /// Weight steps taken in the unfinished epoch.
  public var step: Int? { file.metadata["step"].flatMap { RunBounds.weightSteps.count($0) } }

  /// - Throws: `InputError` where the file is damaged, for a tensor that the network does not have, for values that are not
  ///   finite and for metadata that is no number; what the problem throws where a tensor of ω is absent or misshapen.
  public init<Problem: BilevelProblem>(readingFrom path: String, for problem: Problem) throws {
    try self.init(TensorFile(readingFrom: path), for: problem)
  }

  public init<Problem: BilevelProblem>(_ file: TensorFile, for problem: Problem) throws {
    self.file = file
    let template = problem.makeVector()
    let names = problem.export(template).map(\.name)
    let statisticNames = problem.exportStatistics(problem.makeInitialStatistics()).map(\.name)
    try Self.rejectUnexpected(in: file, weights: names, statistics: statisticNames)
    weights = try problem.importVector(from: file, prefix: "")
    momentum =
      file.tensors.keys.contains { $0.hasPrefix(Self.momentumPrefix) }
      ? try problem.importVector(from: file, prefix: Self.momentumPrefix) : nil
    statistics = try problem.importStatistics(from: file)
    alphas = try Self.alphas(in: file, like: problem.initialAlphas)
    learningRate = try Self.rate("learning_rate", in: file)
    weightDecay = try Self.rate(Self.weightDecayKey, in: file)
    for (name, vector) in [("weights", weights), ("momentum", momentum)] {
      guard let vector, !vector.norm.isFinite else { continue }
      throw InputError("not finite", at: .file(file.path, "\(name)"), found: "norm \(vector.norm)", wanted: "finite values")
    }
  }

  /// Stands before the names of ω for the momentum of the weight optimiser.
  public static let momentumPrefix = "momentum."
  /// What metadata `format` says in the checkpoints of a search.
  static let format = "zarts-search-1"

  /// Metadata of a search whose weight decay may grow (`AdaptiveRegularisation`).
  static let weightDecayKey = "weight_decay"

  private static func rate(_ key: String, in file: TensorFile) throws -> Double? {
    try file.metadata[key].map { text in
      guard let value = Double(text), value >= 0, value.isFinite else {
        throw InputError(
          "wrong \(key.replacing("_", with: " "))", at: .file(file.path, "metadata \(key)"), found: "'\(text)'",
          wanted: "0 or more")
      }
      return value
    }
  }

  private static func alphas(in file: TensorFile, like shape: ArchitectureParameters) throws -> ArchitectureParameters? {
    guard ArchitectureParameters.isIn(file) else { return nil }
    return try ArchitectureParameters(from: file, like: shape)
  }

  /// A tensor that looks like one of the network's but is none means that the file belongs to another network.
  private static func rejectUnexpected(in file: TensorFile, weights: [String], statistics: [String]) throws {
    let known = Set(weights + statistics + weights.map { momentumPrefix + $0 })
    let roots = Set((weights + [momentumPrefix]).map(root))
    let strangers = file.tensors.keys.filter {
      roots.contains(root($0)) && !known.contains($0) && !$0.hasSuffix(".num_batches_tracked")
    }.sorted()
    guard let first = strangers.first else { return }
    throw InputError(
      "tensor of another network", at: .file(file.path, "\(first)"),
      found: strangers.count == 1 ? "a name that this network does not have" : "\(strangers.count) such names",
      wanted: "the \(weights.count) tensors of the network and its statistics; check space, channels and layers")
  }

  /// What stands before the first dot of a tensor's name: the module that it is of.
  package static func root(_ name: String) -> String { String(name.prefix { $0 != "." }) }
}

extension TensorFile {
  /// Whether the file says that it is a checkpoint of a search.
  public var isSearchCheckpoint: Bool { metadata["format"] == SearchCheckpoint.format }

  /// The settings of the search that wrote the file; nil where none did.
  ///
  /// - Throws: `InputError` where they cannot be read.
  public func searchConfiguration() throws -> SearchConfiguration? {
    guard isSearchCheckpoint, let text = metadata["configuration"] else { return nil }
    return try SearchConfiguration(yaml: text, from: "\(path): metadata configuration")
  }
}

extension SearchCheckpoint {
  /// The tensors that `init(readingFrom:for:)` reads.
  static func tensors<Problem: BilevelProblem>(
    of problem: Problem, weights: ParameterVector, momentum: ParameterVector, statistics: ParameterVector,
    alphas: ArchitectureParameters, optimiser: [NamedTensor]
  ) -> [NamedTensor] {
    let moving = problem.export(momentum).map { tensor in
      NamedTensor(name: momentumPrefix + tensor.name, shape: tensor.shape, values: tensor.values)
    }
    return problem.export(weights) + problem.exportStatistics(statistics) + moving + alphas.tensors + optimiser
  }
}
