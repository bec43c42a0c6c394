import Problems

extension SearchConfiguration {
  /// Adam's settings on α.
  public var adam: Adam.Settings {
    .init(
      learningRate: alphaLearningRate, beta1: alphaBeta1, beta2: alphaBeta2, epsilon: alphaEpsilon,
      weightDecay: alphaWeightDecay)
  }

  /// The criterion of DARTS-ES, without any history.
  public var earlyStopping: EarlyStopping {
    EarlyStopping(window: earlyStopWindow, ratio: earlyStopRatio, start: earlyStopStart)
  }

  /// The optimiser of α that the method names.
  ///
  /// - Throws: `InputError` where the problem has no architectures for the method to sample.
  public func makeOptimiser<Problem: BilevelProblem>(for problem: Problem) throws -> any ArchitectureOptimiser<Problem> {
    switch method {
    case .darts1, .darts1ES: DARTSOptimiser(problem: problem, secondOrder: false, settings: adam)
    case .darts2, .darts2ES: DARTSOptimiser(problem: problem, secondOrder: true, settings: adam)
    case .zartsRS:
      ZARTSRS(
        problem: problem,
        settings: .init(
          innerSteps: innerSteps, candidates: candidates, distribution: rsDistribution, smoothing: mu, stepSize: xi,
          isAntithetic: antithetic))
    case .zartsMGS:
      ZARTSMGS(
        problem: problem,
        settings: .init(
          innerSteps: innerSteps, candidates: candidates, temperature: tau, lambda: lambda, weighting: proposal))
    case .zartsGLD: ZARTSGLD(problem: problem, settings: .init(innerSteps: innerSteps, radius: radius, radii: radii))
    case .random: try RandomSearch(problem: problem, space: space, candidates: candidates)
    }
  }
}
