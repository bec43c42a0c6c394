import Cells
import Compute
import Problems
import Search

/// The settings of the ZARTS-MGS update that a direction `zarts` is, and the random numbers it draws.
public struct ZARTSUpdateSettings: Equatable, Sendable {
  /// M, N, τ and λ of ZARTS, §3.3.
  public var mgs: MGSSettings
  /// σ.
  public var sigma: Double
  /// Of the search: the update is the one that it would make at the checkpoint.
  public var seed: UInt64

  public init(mgs: MGSSettings = MGSSettings(), sigma: Double = 0.025, seed: UInt64 = 0) {
    self.mgs = mgs
    self.sigma = sigma
    self.seed = seed
  }

  /// What the search of a configuration does after so many epochs (`MGSMoment`).
  public init(_ configuration: SearchConfiguration, epoch: Int) {
    let moment = MGSMoment(configuration, epoch: epoch)
    self.init(mgs: moment.settings, sigma: moment.sigma, seed: configuration.seed)
  }

  /// What one update takes.
  var work: EvaluationWork { .init(forwards: mgs.plan.evaluations, steps: mgs.plan.weightSteps + mgs.plan.alphaGradients) }

  /// As keys and values of a YAML mapping.
  var entries: [(key: String, value: String)] {
    [
      ("zarts_inner_steps", "\(mgs.innerSteps)"), ("zarts_candidates", "\(mgs.candidates)"),
      ("zarts_tau", "\(mgs.temperature)"), ("zarts_lambda", "\(mgs.lambda)"),
      ("zarts_proposal", mgs.weighting.rawValue), ("zarts_sigma", "\(sigma)"),
      ("zarts_seed", "\(seed)"),
    ] + mgs.training.entriesWhereSet(prefix: "zarts_")
  }
}

/// Makes the directions of a list, before they are orthogonalised and normalised.
struct DirectionSource<Problem: BilevelProblem> {
  let problem: Problem
  let weights: ParameterVector
  let velocity: ParameterVector?
  let step: WeightStep
  /// The weight step of the search that comes next (both counted from 0).
  let epoch: Int
  let firstStep: Int
  /// Gradients are means over their validation batches, with the batches' own statistics.
  let gradients: BatchGradients<Problem>
  /// Of evaluators of the same batches, which know L_M as it is drawn.
  let walk: PointWalk<Problem>
  let randomSeed: UInt64
  let zarts: ZARTSUpdateSettings
  let trajectories: [AlphaTrajectory]

  /// - Parameters:
  ///   - alphas: of the checkpoint: gradients and the update of ZARTS are taken there.
  ///   - center: where the directions are to start from.
  /// - Throws: `InputError` where one cannot be had.
  func make(
    _ kinds: [DirectionKind], at alphas: ArchitectureParameters, center: ArchitectureParameters
  ) throws -> [AlphaDirection] {
    var randomCount = 0
    var components: PrincipalComponents?
    return try kinds.map { kind in
      switch kind {
      case .random:
        randomCount += 1
        return Directions.randomValues(index: randomCount - 1, seed: randomSeed, like: center)
      case .first: return try descent(of: .first, at: alphas)
      case .second: return try descent(of: .second, at: alphas)
      case .trueLoss(let steps):
        return try TrueLossDescent.direction(of: .trueLoss(innerSteps: steps), at: alphas, walk: walk)
      case .zarts: return try update(at: alphas)
      case .principal(let index):
        let found = try components ?? PrincipalComponents(of: trajectories)
        components = found
        return AlphaDirection(flat: try found.component(index), like: center)
      case .towards(let path):
        let target = try DirectionFile.alphas(at: path, like: center)
        return AlphaDirection(flat: zip(target.flat, center.flat).map { Double($0) - Double($1) }, like: center)
      case .file(let path, let name): return try DirectionFile.direction(at: path, name: name, like: center)
      }
    }
  }

  /// −∇L, L the mean over the validation batches of an approximation.
  private func descent(of estimator: GradientEstimator, at alphas: ArchitectureParameters) throws -> AlphaDirection {
    var sum = [Double](repeating: 0, count: alphas.count)
    var total = 0.0
    for gradient in try gradients.all(of: estimator) {
      // Batches count by their examples, as in the loss.
      let share = Double(gradient.count)
      total += share
      for (position, value) in gradient.values.enumerated() { sum[position] -= share * value }
    }
    return AlphaDirection(flat: sum.map { $0 / total }, like: alphas)
  }

  private func update(at alphas: ArchitectureParameters) throws -> AlphaDirection {
    let length = max(1, problem.stepsPerEpoch)
    let optimiser = ZARTSMGS(problem: problem, settings: zarts.mgs)
    let training = try (0..<optimiser.trainingBatchCount).map { offset in
      try problem.trainingBatch(epoch: epoch + (firstStep + offset) / length, step: (firstStep + offset) % length)
    }
    let velocity = velocity ?? problem.makeVector()
    var moved = alphas
    _ = try optimiser.update(
      &moved,
      at: ArchitectureStep(
        weights: weights, velocity: velocity, weightStep: step, trainingBatches: training,
        validationBatch: problem.validationBatch(epoch: epoch, step: firstStep), sigma: zarts.sigma, seed: zarts.seed,
        epoch: epoch, step: firstStep))
    return AlphaDirection(flat: zip(moved.flat, alphas.flat).map { Double($0) - Double($1) }, like: alphas)
  }
}
