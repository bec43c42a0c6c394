import Cells
import Compute
import Formats
import Problems

/// What a search carries from one weight step to the next, beside the optimiser of α.
struct SearchState {
  var weights: ParameterVector
  var momentum: ParameterVector
  var statistics: ParameterVector
  var alphas: ArchitectureParameters
  /// One entry a finished epoch, as of genotypes.
  var alphaHistory: [ArchitectureParameters] = []
  var genotypes: [Genotype] = []
  /// How often the search went back, and from where.
  var rollBacks: [RollBack] = []

  init<Problem: BilevelProblem>(starting problem: Problem) {
    weights = problem.makeInitialWeights()
    momentum = problem.makeVector()
    statistics = problem.makeInitialStatistics()
    alphas = problem.initialAlphas
  }

  /// Takes over ω, momentum, statistics and α.
  ///
  /// - Throws: `InputError` where the checkpoint lacks one of them.
  mutating func take(_ checkpoint: SearchCheckpoint) throws {
    let found = try checkpoint.whole(like: statistics)
    (weights, momentum, statistics, alphas) = (checkpoint.weights, found.momentum, found.statistics, found.alphas)
  }
}

extension SearchCheckpoint {
  /// What training goes on from beside ω.
  ///
  /// - Parameter initial: running statistics as they begin, which may be none at all.
  /// - Throws: `InputError` where one of them is missing.
  func whole(
    like initial: ParameterVector
  ) throws -> (momentum: ParameterVector, statistics: ParameterVector, alphas: ArchitectureParameters) {
    guard let alphas, let momentum else {
      throw InputError("incomplete checkpoint", at: .file(file.path), found: "no α or momentum", wanted: "both")
    }
    guard initial.count > 0 else { return (momentum, initial, alphas) }
    guard let statistics else {
      throw InputError("incomplete checkpoint", at: .file(file.path), found: "no running statistics", wanted: "them")
    }
    return (momentum, statistics, alphas)
  }
}
