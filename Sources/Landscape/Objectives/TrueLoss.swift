import Formats
import Problems
import Runs

/// L_M(α) = L_val(ω_M(α), α), after M ≥ 1 SGD steps: what ZARTS descends, the true loss as M grows.
struct TrueLoss: ObjectiveKind {
  static let form = "true:STEPS"
  private static let word = "true"
  let innerSteps: Int

  init(innerSteps: Int) { self.innerSteps = innerSteps }

  init?(argument: Substring?, in text: String, setting: String) throws {
    guard let argument else {
      throw InputError(
        "the true loss needs a count of inner steps", at: .setting(setting), found: "'\(text)'",
        wanted: "true:10, for example")
    }
    guard let steps = RunBounds.innerSteps.count(argument) else {
      throw InputError(
        "not a count of inner steps", at: .setting(setting), found: "'\(argument)' in '\(text)'",
        wanted: "a whole number from 1 to \(RunBounds.innerSteps.range.upperBound)")
    }
    innerSteps = steps
  }

  init?(name: String, innerSteps: Int) {
    guard name == Self.word, innerSteps >= 1 else { return nil }
    self.innerSteps = innerSteps
  }

  var name: String { Self.word }
  var label: String { "\(name):\(innerSteps)" }
  var mark: String { "M = \(innerSteps)" }
  var symbol: String { "L" + Objective.subscripted(innerSteps) }
  var account: String { "after \(innerSteps) weight step\(innerSteps == 1 ? "" : "s"): what ZARTS descends" }
  var trueSteps: Int? { innerSteps }

  /// All share one run of inner training, as long as the longest of them.
  static func cost(of group: [Self]) -> ObjectiveCost {
    .init(losses: group.count, steps: group.map(\.innerSteps).max() ?? 0, vectors: 3)
  }

  func losses<Problem: BilevelProblem>(at point: ObjectivePoint<Problem>) throws -> [BatchLoss] {
    let found = try point.once(Self.self) { try Self.train(at: point) }
    return try found[innerSteps] ?? point.losses()
  }

  /// L_M for every M that is asked for at the point.
  private static func train<Problem: BilevelProblem>(at point: ObjectivePoint<Problem>) throws -> [Int: [BatchLoss]] {
    let wanted = Set(point.objectives.compactMap(\.trueSteps))
    let inner = point.tool { InnerTraining(problem: $0) }
    let running = point.startingStatistics()
    var losses: [Int: [BatchLoss]] = [:]
    try point.measure {
      try inner.train(
        from: point.weights, startVelocity: point.velocity, alphas: point.alphas,
        batches: Array(point.training.prefix(wanted.max() ?? 0)), step: point.step, statistics: running
      ) { taken in
        guard wanted.contains(taken) else { return }
        losses[taken] = try point.unmeasured { try point.losses(weights: inner.weights, running: running) }
      }
    }
    return losses
  }
}

extension Objective {
  /// L_M.
  public static func trueLoss(innerSteps: Int) -> Objective { Objective(TrueLoss(innerSteps: innerSteps)) }
}
