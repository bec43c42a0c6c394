import Cells
import Compute

/// What the weights of a search are trained against, in the place of the mixing weights themselves.
public enum PerturbationKind: String, CaseIterable, Codable, Sendable {
  case none
  /// A random point of the box around them: SDARTS-RS.
  case random
  /// The point of it that projected ascent finds on the training batch: SDARTS-ADV.
  case adversarial
}

/// A perturbation of the mixing weights p of one weight step (Chen & Hsieh, SmoothDARTS, ICML 2020; attacker/perturb.py of its code):
/// p + δ with ‖δ‖∞ ≤ ε, given as α = log(p + δ), whose softmax it is.
public struct MixingPerturbation: Equatable, Sendable {
  public var kind: PerturbationKind
  /// ε.
  public var size: Double
  /// Steps of ascent, each of 2ε/steps.
  public var steps: Int

  public init(kind: PerturbationKind, size: Double, steps: Int = 7) {
    (self.kind, self.size, self.steps) = (kind, size, steps)
  }

  /// Whether it leaves every α as it is.
  public var isNone: Bool { kind == .none || !(size > 0) }

  /// α of the perturbed mixing weights; α itself, with its bits, where there is nothing to perturb.
  ///
  /// Adversarial: from a random point of the box, `steps` steps of sign ascent on the loss of this batch, each projected into the box;
  /// α itself where the loss at the end is below that of α.
  ///
  /// - Parameters:
  ///   - statistics: running ones that the ascent normalises with, left as they are, as in the published code (`eval()`); nil for the
  ///     batch's own.
  ///   - stream: of the random point.
  public func alphas<Problem: BilevelProblem>(
    around alphas: ArchitectureParameters, of problem: Problem, weights: ParameterVector, batch: Problem.Batch,
    statistics: ParameterVector?, stream: RandomStream
  ) -> ArchitectureParameters {
    guard !isNone, alphas.count > 0 else { return alphas }
    let box = MixingBox(around: alphas, size: size, rule: problem.mixingRule)
    var stream = stream
    let start = box.randomPoint(&stream)
    switch kind {
    case .none: return alphas
    case .random: return box.alphas(at: start)
    case .adversarial:
      return ascent(from: start, in: box, of: problem, weights: weights, batch: batch, statistics: statistics)
    }
  }

  /// The ascent from a given point of the box.
  package func ascent<Problem: BilevelProblem>(
    from start: [[Double]], in box: MixingBox, of problem: Problem, weights: ParameterVector, batch: Problem.Batch,
    statistics: ParameterVector?
  ) -> ArchitectureParameters {
    func loss(_ alphas: ArchitectureParameters) -> Double {
      let found =
        statistics.map { problem.evaluate(weights: weights, alphas: alphas, batch: batch, statistics: $0) }
        ?? problem.evaluate(weights: weights, alphas: alphas, batch: batch)
      return found.loss
    }
    let before = loss(box.alphas)
    var point = start
    for _ in 0..<steps {
      let gradient = problem.mixingGradient(
        weights: weights, alphas: box.alphas(at: point), batch: batch, statistics: statistics)
      point = box.ascended(point, along: gradient.mixing, by: 2 * size / Double(steps))
    }
    let found = box.alphas(at: point)
    return before > loss(found) ? box.alphas : found
  }

  /// Passes that a weight step takes besides its own: forward and backward ones, and forward ones.
  public var passes: (gradients: Int, evaluations: Int) { !isNone && kind == .adversarial ? (steps, 2) : (0, 0) }
}
