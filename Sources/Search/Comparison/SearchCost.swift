import Formats
import Runs

/// What a search has computed to find its architecture, counted, not estimated. What is only measured (the validation
/// split at the end of an epoch, eigenvalues) is not in it.
public struct SearchCost: Equatable, Sendable {
  /// Training steps on ω or on a copy of it: the run's own, the inner steps of candidates and of the baseline that they
  /// are compared with, and the unrolled step of second-order DARTS.
  public var weightSteps: Int
  /// Forward and backward passes over a batch besides: each costs about as much as a training step.
  public var alphaGradients: Int

  public init(weightSteps: Int, alphaGradients: Int) {
    self.weightSteps = weightSteps
    self.alphaGradients = alphaGradients
  }

  private static func sum(_ steps: Int, _ updates: Int, _ each: Int) -> Int {
    let (sum, overflow) = steps.addingReportingOverflow(.saturatingProduct(updates, each))
    return overflow ? .max : sum
  }

  /// Of one update of α by a method with its settings.
  public static func ofUpdate(_ configuration: SearchConfiguration) -> SearchCost {
    let plan = configuration.updatePlan
    return SearchCost(weightSteps: plan.weightSteps, alphaGradients: plan.alphaGradients)
  }

  /// Of steps of the run after its warm-up: with perturbations, passes besides each.
  private static func perturbations(_ steps: Int, _ configuration: SearchConfiguration) -> Int {
    .saturatingProduct(steps, configuration.perturbationPasses.gradients)
  }

  /// Of the epochs that a run has finished.
  ///
  /// - Parameter abandoned: rows of epochs that it went back over besides.
  public init(of records: [EpochRecord], abandoned: [EpochRecord] = [], _ configuration: SearchConfiguration) {
    let updates = (records + abandoned).reduce(0) { $0 + $1.alphaUpdates }
    let each = Self.ofUpdate(configuration)
    // Every epoch has as many weight steps.
    let again = abandoned.count * (records.first?.weightSteps ?? 0)
    let steps = (records.last?.weightSteps ?? 0) + again
    let perturbed = steps - (records.prefix(configuration.warmup).last?.weightSteps ?? 0)
    weightSteps = Self.sum(steps, updates, each.weightSteps)
    alphaGradients = Self.sum(Self.perturbations(perturbed, configuration), updates, each.alphaGradients)
  }

  /// Of a whole run of so many epochs.
  public init(of configuration: SearchConfiguration, epochs: Int, stepsPerEpoch: Int) {
    let steps = epochs * stepsPerEpoch
    let interval = configuration.updatePlan.interval
    let updates = (max(0, epochs - configuration.warmup) * stepsPerEpoch + interval - 1) / interval
    let each = Self.ofUpdate(configuration)
    weightSteps = Self.sum(steps, updates, each.weightSteps)
    let perturbed = max(0, epochs - configuration.warmup) * stepsPerEpoch
    alphaGradients = Self.sum(Self.perturbations(perturbed, configuration), updates, each.alphaGradients)
  }
}

extension SearchConfiguration {
  /// The most epochs of this search whose weight steps, those of candidates included, stay within a budget.
  ///
  /// - Throws: `InputError` where the budget ends before the first epoch in which α moves.
  func epochs(within budget: Int, stepsPerEpoch: Int) throws -> Int {
    func cost(_ epochs: Int) -> Int { SearchCost(of: self, epochs: epochs, stepsPerEpoch: stepsPerEpoch).weightSteps }
    guard cost(warmup + 1) <= budget else {
      throw InputError(
        "the budget ends before \(method.rawValue) moves α", at: "budget_steps", found: "\(budget)",
        wanted: "\(cost(warmup + 1)) or more: \(warmup) epochs of warm-up and one after them, of \(stepsPerEpoch) steps each"
      )
    }
    // The cost grows with every epoch by at least its own steps.
    var (low, high) = (warmup + 1, max(warmup + 1, min(budget / stepsPerEpoch, RunBounds.epochs.range.upperBound)))
    while low < high {
      let middle = (low + high + 1) / 2
      if cost(middle) <= budget { low = middle } else { high = middle - 1 }
    }
    return low
  }
}
