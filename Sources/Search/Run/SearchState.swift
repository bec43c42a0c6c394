import Cells
import Compute
import Problems

/// What a search carries from one weight step to the next, beside the optimiser of α.
struct SearchState {
  var weights: ParameterVector
  var momentum: ParameterVector
  var statistics: ParameterVector
  var alphas: ArchitectureParameters
  /// Epochs finished.
  var epoch = 0
  /// Weight steps taken in the epoch that is not.
  var step = 0
  var tally = EpochTally()
  /// One entry a finished epoch.
  var records: [EpochRecord] = []
  var alphaHistory: [ArchitectureParameters] = []
  var genotypes: [Genotype] = []

  init<Problem: BilevelProblem>(starting problem: Problem) {
    weights = problem.makeInitialWeights()
    momentum = problem.makeVector()
    statistics = problem.makeInitialStatistics()
    alphas = problem.initialAlphas
  }
}
