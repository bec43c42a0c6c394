/// How long a landscape or a study takes, from what one forward pass and one training step take on the machine.
public struct TimeEstimate: Equatable, Sendable {
  /// Points that are left to evaluate.
  public var points: Int
  /// Of one point.
  public var work: EvaluationWork
  /// Points of other work that are left beside them.
  public var further: [Points] = []
  /// Of gradients, one after the other.
  public var gradients = EvaluationWork()
  /// At most, of the refinement.
  public var refinement: EvaluationWork
  /// Of paths of methods in the plane, on this rank, and how many are followed at a time.
  public var paths = EvaluationWork()
  public var pathsAtOnce = 1
  /// Of directions that passes of the network make, before any point; 0 where they are made.
  public var directions: EvaluationWork
  /// Points evaluated at a time, on all ranks together.
  public var parallel: Int
  /// Processes that share them.
  public var ranks: Int
  /// Measured with as many at work at a time.
  public var forwardSeconds: Double
  public var stepSeconds: Double

  /// Points that take the same work.
  public struct Points: Equatable, Sendable {
    public var count: Int
    public var work: EvaluationWork

    public init(_ count: Int, _ work: EvaluationWork) { (self.count, self.work) = (count, work) }
  }

  public init(
    points: Int, work: EvaluationWork, refinement: EvaluationWork = EvaluationWork(),
    directions: EvaluationWork = EvaluationWork(), parallel: Int, ranks: Int = 1,
    forwardSeconds: Double, stepSeconds: Double
  ) {
    self.points = points
    self.work = work
    self.refinement = refinement
    self.directions = directions
    self.parallel = parallel
    self.ranks = ranks
    self.forwardSeconds = forwardSeconds
    self.stepSeconds = stepSeconds
  }

  /// Takes what was measured.
  mutating func take(_ seconds: (forward: Double, step: Double)) {
    (forwardSeconds, stepSeconds) = (seconds.forward, seconds.step)
  }

  /// Of one evaluator on its own.
  public func seconds(of work: EvaluationWork) -> Double {
    Double(work.forwards) * forwardSeconds + Double(work.steps) * stepSeconds
  }

  /// Points go side by side, so the last ones may leave evaluators without work.
  public var seconds: Double {
    let walks = ([Points(points, work)] + further).reduce(0) { sum, points in
      let rounds = (points.count + parallel - 1) / max(1, parallel)
      return sum + Double(rounds) * seconds(of: points.work)
    }
    return seconds(of: directions) + seconds(of: gradients) + walks + seconds(of: refinement) / Double(max(1, parallel))
      + seconds(of: paths) / Double(max(1, pathsAtOnce))
  }
}
