import Problems

extension SearchConfiguration {
  /// The perturbations of weight steps, of which the warm-up has none; nil where there are none at all.
  public var perturbationSchedule: PerturbationSchedule? {
    guard perturbation != .none else { return nil }
    return PerturbationSchedule(
      kind: perturbation, start: perturbationStart, size: perturbationSize, steps: perturbationSteps, epochs: epochs,
      seed: seed)
  }

  /// Passes of a weight step after the warm-up, besides its own.
  var perturbationPasses: (gradients: Int, evaluations: Int) {
    MixingPerturbation(
      kind: perturbation, size: max(perturbationStart, perturbationSize), steps: perturbationSteps
    ).passes
  }

  /// What a weight step of the run costs after the warm-up, in plain training steps.
  public var weightStepCost: Double {
    let passes = perturbationPasses
    return 1 + Double(passes.gradients) + Double(passes.evaluations) / 3
  }
}

extension UpdatePlan {
  /// The same where each step of a candidate takes these passes besides.
  func perturbed(_ passes: (gradients: Int, evaluations: Int)) -> UpdatePlan {
    var result = self
    result.alphaGradients += Int.saturatingProduct(candidateSteps, passes.gradients)
    result.evaluations += Int.saturatingProduct(candidateSteps, passes.evaluations)
    return result
  }
}
