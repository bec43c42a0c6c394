import Compute
import Engine

/// What a retraining carries from step to step.
struct RetrainingState {
  var weights: ParameterVector
  var momentum: ParameterVector
  var statistics: ParameterVector

  init(starting model: DerivedModel, seed: UInt64, depthwise: DepthwiseInitialisation) {
    weights = model.makeInitialWeights(seed: seed, depthwise: depthwise)
    momentum = model.makeVector()
    statistics = model.makeInitialStatistics()
  }
}
