/// How long a landscape takes, from what one forward pass and one training step take on the machine.
public struct TimeEstimate: Equatable, Sendable {
  /// Points that are left to evaluate.
  public var points: Int
  /// Of one point.
  public var work: EvaluationWork
  /// At most, of the refinement.
  public var refinement: EvaluationWork
  /// Of directions that passes of the network make, before any point; 0 where they are made.
  public var directions: EvaluationWork
  /// Points evaluated at a time.
  public var parallel: Int
  /// Measured with as many at work at a time.
  public var forwardSeconds: Double
  public var stepSeconds: Double

  public init(
    points: Int, work: EvaluationWork, refinement: EvaluationWork = EvaluationWork(),
    directions: EvaluationWork = EvaluationWork(), parallel: Int, forwardSeconds: Double, stepSeconds: Double
  ) {
    self.points = points
    self.work = work
    self.refinement = refinement
    self.directions = directions
    self.parallel = parallel
    self.forwardSeconds = forwardSeconds
    self.stepSeconds = stepSeconds
  }

  /// Of one evaluator on its own.
  public func seconds(of work: EvaluationWork) -> Double {
    Double(work.forwards) * forwardSeconds + Double(work.steps) * stepSeconds
  }

  /// Points go side by side, so the last ones may leave evaluators without work.
  public var seconds: Double {
    let rounds = (points + parallel - 1) / max(1, parallel)
    return seconds(of: directions) + Double(rounds) * seconds(of: work) + seconds(of: refinement) / Double(max(1, parallel))
  }
}
