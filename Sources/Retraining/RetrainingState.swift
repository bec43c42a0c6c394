import Compute
import Engine

/// What a retraining carries from step to step.
struct RetrainingState {
  var weights: ParameterVector
  var momentum: ParameterVector
  var statistics: ParameterVector
  /// Epochs finished.
  var epoch = 0
  /// Weight steps taken in the unfinished epoch.
  var step = 0
  var tally = RetrainingTally()
  var records: [RetrainingRecord] = []

  init(starting model: DerivedModel, seed: UInt64) {
    weights = model.makeInitialWeights(seed: seed)
    momentum = model.makeVector()
    statistics = model.makeInitialStatistics()
  }
}
