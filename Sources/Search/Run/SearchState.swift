import Cells
import Compute
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

  init<Problem: BilevelProblem>(starting problem: Problem) {
    weights = problem.makeInitialWeights()
    momentum = problem.makeVector()
    statistics = problem.makeInitialStatistics()
    alphas = problem.initialAlphas
  }
}
