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
    let path = checkpoint.file.path
    guard let alphas = checkpoint.alphas, let momentum = checkpoint.momentum else {
      throw InputError("incomplete checkpoint", at: .file(path), found: "no α or momentum", wanted: "both")
    }
    if statistics.count > 0 {
      guard let found = checkpoint.statistics else {
        throw InputError("incomplete checkpoint", at: .file(path), found: "no running statistics", wanted: "them")
      }
      statistics = found
    }
    (weights, self.momentum, self.alphas) = (checkpoint.weights, momentum, alphas)
  }
}
