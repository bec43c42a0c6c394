import Problems

/// How candidates train ω, where otherwise than the run does.
public struct CandidateTraining: Equatable, Sendable {
  /// η of their steps; nil for that of the run's epoch.
  public var learningRate: Double?
  /// Momentum of an optimiser of their own, which starts from v = 0; nil for the run's, which starts from the run's v.
  public var momentum: Double?

  public init(learningRate: Double? = nil, momentum: Double? = nil) {
    self.learningRate = learningRate
    self.momentum = momentum
  }

  /// Their steps, the run's being these. Weight decay and clip are the same.
  public func step(_ run: WeightStep) -> WeightStep {
    var step = run
    if let learningRate { step.learningRate = Float(learningRate) }
    if let momentum { step.momentum = Float(momentum) }
    return step
  }

  /// Whether they start from the run's v.
  public var takesVelocity: Bool { momentum == nil }

  /// Its settings as keys and values of a YAML mapping; nothing where candidates train as the run does.
  package func entriesWhereSet(prefix: String = "") -> [(key: String, value: String)] {
    [("candidate_learning_rate", learningRate), ("candidate_momentum", momentum)].compactMap { key, value in
      value.map { (prefix + key, "\($0)") }
    }
  }
}

extension SearchConfiguration {
  /// Settings of inner training that methods with candidates read, and of how many candidates are trained at a time.
  static let candidateTrainingSettings: Set<String> = ["candidate_learning_rate", "candidate_momentum", "groups"]

  var candidateTraining: CandidateTraining {
    CandidateTraining(learningRate: candidateLearningRate, momentum: candidateMomentum)
  }
}
