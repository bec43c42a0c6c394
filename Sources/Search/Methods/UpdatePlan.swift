import Formats

/// When a method updates α, what an update reads and what it computes, counted: the one account for the search itself,
/// budgets, estimates of time and directions of landscapes.
public struct UpdatePlan: Equatable, Sendable {
  /// Weight steps from one update to the next.
  public var interval: Int
  /// Upcoming training batches that an update reads.
  public var trainingBatches: Int
  /// Training steps on copies of ω.
  public var weightSteps: Int
  /// How many of them are candidates', which train as the run does, perturbations of the run included.
  public private(set) var candidateSteps = 0
  /// Forward and backward passes over a batch besides: each costs about as much as a training step.
  public var alphaGradients: Int
  /// Forward passes.
  public var evaluations: Int

  public init(
    interval: Int = 1, trainingBatches: Int = 0, weightSteps: Int = 0, alphaGradients: Int = 0, evaluations: Int = 0
  ) {
    self.interval = interval
    self.trainingBatches = trainingBatches
    self.weightSteps = weightSteps
    self.alphaGradients = alphaGradients
    self.evaluations = evaluations
  }

  /// Of an update that trains ω for so many candidates (the baseline is one of them), M steps each on the M batches that
  /// come next, and judges each once (Wang et al., ZARTS, NeurIPS 2022, alg. 1).
  init(training candidates: Int, innerSteps: Int, alphaGradients: Int = 0) {
    self.init(
      interval: innerSteps, trainingBatches: innerSteps, weightSteps: .saturatingProduct(candidates, innerSteps),
      alphaGradients: alphaGradients, evaluations: candidates)
    candidateSteps = weightSteps
  }

  /// Cost of an update in training steps; a forward pass counts a third.
  public var trainingSteps: Double { Double(weightSteps) + Double(alphaGradients) + Double(evaluations) / 3 }
}
