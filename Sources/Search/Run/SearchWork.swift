/// Work of a search in units of one plain training step, so that the time left is right although warm-up steps cost a fraction
/// of the later ones.
struct SearchWork {
  private let stepsPerEpoch: Int
  private let warmupSteps: Int
  private let interval: Int
  private let updateCost: Double
  private let evaluationCost: Double
  private let epochEndCost: Double
  private let warmup: Int
  /// Of a weight step after the warm-up.
  private let stepCost: Double

  /// - Parameters:
  ///   - evaluationCost: of what every epoch ends with: passes over the validation split, eigenvalues.
  ///   - epochEndCost: of what the method does at the end of an epoch after the warm-up.
  init(
    configuration: SearchConfiguration, stepsPerEpoch: Int, interval: Int, updateCost: Double, evaluationCost: Double,
    epochEndCost: Double
  ) {
    self.stepsPerEpoch = stepsPerEpoch
    self.interval = interval
    self.updateCost = updateCost
    self.evaluationCost = evaluationCost
    self.epochEndCost = epochEndCost
    warmup = configuration.warmup
    stepCost = configuration.weightStepCost
    warmupSteps = configuration.warmup * stepsPerEpoch
  }

  /// Units behind a run that has taken so many weight steps and finished so many epochs.
  func done(weightSteps: Int, epochs: Int) -> Double {
    let updates = (max(0, weightSteps - warmupSteps) + interval - 1) / interval
    return Double(weightSteps) + Double(max(0, weightSteps - warmupSteps)) * (stepCost - 1) + Double(updates) * updateCost
      + Double(epochs) * evaluationCost
      + Double(max(0, epochs - warmup)) * epochEndCost
  }
}
