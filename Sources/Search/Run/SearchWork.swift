/// Work of a search in units of one training step, so that the time left is right although warm-up steps cost a fraction
/// of the later ones.
struct SearchWork {
  private let stepsPerEpoch: Int
  private let warmupSteps: Int
  private let interval: Int
  private let updateCost: Double
  private let evaluationCost: Double
  let total: Double

  /// - Parameter evaluationCost: of one pass over the validation split.
  init(
    configuration: SearchConfiguration, stepsPerEpoch: Int, interval: Int, updateCost: Double, evaluationCost: Double
  ) {
    self.stepsPerEpoch = stepsPerEpoch
    self.interval = interval
    self.updateCost = updateCost
    self.evaluationCost = evaluationCost
    warmupSteps = configuration.warmup * stepsPerEpoch
    total = Self.cost(
      steps: configuration.epochs * stepsPerEpoch, epochs: configuration.epochs, warmupSteps: warmupSteps,
      interval: interval, updateCost: updateCost, evaluationCost: evaluationCost)
  }

  /// Units behind a run that has taken so many weight steps and finished so many epochs.
  func done(weightSteps: Int, epochs: Int) -> Double {
    Self.cost(
      steps: weightSteps, epochs: epochs, warmupSteps: warmupSteps, interval: interval, updateCost: updateCost,
      evaluationCost: evaluationCost)
  }

  private static func cost(
    steps: Int, epochs: Int, warmupSteps: Int, interval: Int, updateCost: Double, evaluationCost: Double
  ) -> Double {
    let updates = (max(0, steps - warmupSteps) + interval - 1) / interval
    return Double(steps) + Double(updates) * updateCost + Double(epochs) * evaluationCost
  }
}
