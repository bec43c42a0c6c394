import Compute
import Engine

/// What a retraining carries from step to step.
struct RetrainingState {
  var weights: ParameterVector
  var momentum: ParameterVector
  var statistics: ParameterVector

  init(starting model: DerivedModel, seed: UInt64) {
    weights = model.makeInitialWeights(seed: seed)
    momentum = model.makeVector()
    statistics = model.makeInitialStatistics()
  }
}
