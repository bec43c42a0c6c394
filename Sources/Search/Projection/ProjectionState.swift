import Cells
import Compute
import Formats
import Problems

/// What a selection carries from one step to the next.
final class ProjectionState {
  let weights: ParameterVector
  let momentum: ParameterVector
  let statistics: ParameterVector
  /// As training moves it, in decided rows too.
  var alphas: ArchitectureParameters
  var adam: Adam
  var decisions: EdgeDecisions
  /// Rounds of decisions that are made.
  var rounds = 0
  /// Their rows of removals.csv.
  var rows: [RemovalRow] = []
  /// The epoch of the search (from 0) that batches are as in.
  let searchEpoch: Int
  /// Of ω: that of the search's last round where it was raised (`AdaptiveRegularisation`); nil for that of its settings.
  let weightDecay: Double?

  /// α as the network has it.
  var projected: ArchitectureParameters { decisions.applied(to: alphas) }

  /// The state at the start: momentum at rest; Adam goes on where the search's own moves α by it.
  ///
  /// - Throws: `InputError` for a checkpoint without α, or whose architecture is chosen already, as that of a random search is.
  init<Problem: BilevelProblem>(
    _ checkpoint: SearchCheckpoint, alphas: ArchitectureParameters?, search: SearchConfiguration, for problem: Problem
  ) throws {
    guard let alphas = alphas ?? checkpoint.alphas else {
      throw InputError("no α", at: .file(checkpoint.file.path), found: "weights alone", wanted: "α too")
    }
    guard !alphas.matrices.contains(where: \.isChosen) else {
      throw InputError(
        "nothing to select", at: .file(checkpoint.file.path), found: "an architecture whose other edges are switched off",
        wanted: "α that mixes operations on every edge")
    }
    // Where a cell keeps every edge no edge is switched off: random search has such α in NAS-Bench-201.
    let mixes = alphas.matrices.contains { matrix in
      matrix.operationColumns == 1 || matrix.softmaxRows().contains { 0 < Float($0) && Float($0) < 1 }
    }
    guard mixes else {
      throw InputError(
        "nothing to select", at: .file(checkpoint.file.path), found: "an architecture, a single operation on every edge",
        wanted: "α that mixes operations on every edge")
    }
    weights = checkpoint.weights
    momentum = problem.makeVector()
    statistics = checkpoint.statistics ?? problem.makeInitialStatistics()
    self.alphas = alphas
    adam = Adam(size: alphas.count, settings: search.adam)
    if checkpoint.file.isSearchCheckpoint, checkpoint.file.contains("adam.first") {
      try adam.restore(from: checkpoint.file)
    }
    decisions = EdgeDecisions(like: alphas)
    searchEpoch = max(0, min(search.epochs, checkpoint.epoch ?? 0) - 1)
    weightDecay = checkpoint.weightDecay
  }

  private static let prefix = "selection."
  private static let roundsKey = "selection_rounds"
  private static let epochKey = "selection_search_epoch"

  /// What a checkpoint holds: ω, momentum, statistics and α as the network has it under their public names; α as training moves
  /// it and the decisions under `selection.`.
  func tensors<Problem: BilevelProblem>(of problem: Problem) -> [NamedTensor] {
    let moving = alphas.tensors.map { tensor in
      NamedTensor(name: Self.prefix + tensor.name, shape: tensor.shape, values: tensor.values)
    }
    return SearchCheckpoint.tensors(
      of: problem, weights: weights, momentum: momentum, statistics: statistics, alphas: projected,
      optimiser: adam.export() + moving + decisions.tensors(alphas.kinds))
  }

  var metadata: [String: String] {
    var result = [Self.roundsKey: "\(rounds)", Self.epochKey: "\(searchEpoch)"]
    result[SearchCheckpoint.weightDecayKey] = weightDecay.map { "\($0)" }
    return result
  }

  /// Reads what `tensors` and `metadata` say.
  ///
  /// - Throws: `InputError` where the file is not of this problem, or something is absent or out of bounds.
  init<Problem: BilevelProblem>(
    continuing checkpoint: SearchCheckpoint, search: SearchConfiguration, rounds most: Int, for problem: Problem
  ) throws {
    let file = checkpoint.file
    let found = try checkpoint.whole(like: problem.makeInitialStatistics())
    func count(_ key: String, _ bounds: CountBounds) throws -> Int {
      guard let value = file.metadata[key].flatMap({ bounds.count($0) }) else {
        throw InputError(
          "wrong count", at: .file(file.path, "metadata \(key)"), found: file.metadata[key].map { "'\($0)'" } ?? "nothing",
          wanted: bounds.wanted)
      }
      return value
    }
    (weights, momentum, statistics) = (checkpoint.weights, found.momentum, found.statistics)
    weightDecay = checkpoint.weightDecay
    let moving = TensorFile(
      path: file.path, metadata: [:],
      tensors: file.tensors.values.filter { $0.name.hasPrefix(Self.prefix) }.map { tensor in
        NamedTensor(
          name: String(tensor.name.dropFirst(Self.prefix.count)), shape: tensor.shape, values: tensor.values)
      })
    let shape = problem.initialAlphas
    alphas = try ArchitectureParameters(from: moving, like: shape)
    adam = Adam(size: shape.count, settings: search.adam)
    try adam.restore(from: file)
    decisions = try EdgeDecisions(from: file, like: shape)
    rounds = try count(Self.roundsKey, CountBounds(0...most))
    searchEpoch = try count(Self.epochKey, CountBounds(0...max(0, search.epochs - 1)))
  }
}
