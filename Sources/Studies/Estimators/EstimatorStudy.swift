import Cells
import Compute
import Formats
import Landscape
import Problems
import Search

/// Estimates of ∇_α of the true loss at a checkpoint, and the finite-difference gradient that they are held against.
///
/// At each place (the training and validation batches that the search would meet from some weight step on) the reference is
/// the central difference [L_M(α + h e_k) − L_M(α − h e_k)]/2h over all coordinates, M the largest of the settings. Every
/// estimator sees the same batches. Candidates are evaluated once for all M, and fewer candidates are the first of more.
public final class EstimatorStudy<Problem: BilevelProblem> {
  /// An estimator with its settings; nil for what it does not depend on.
  public struct Variant: Hashable, Sendable {
    public var estimator: StudiedEstimator
    public var innerSteps: Int
    public var candidates: Int?
    public var sigma: Double?
  }

  public let settings: EstimatorSettings
  /// What the choice of ε made of ∇L₂ at most; nil where there is none.
  public private(set) var stepChange: Double?
  private let problem: Problem
  private let copies: [Problem]
  private let weights: ParameterVector
  private let velocity: ParameterVector?
  private let statistics: ParameterVector?
  private let alphas: ArchitectureParameters
  /// Told apart from other parts of a journal.
  private let prefix: String

  /// - Parameters:
  ///   - velocity: the momentum of the checkpoint; nil for zero.
  ///   - statistics: its running statistics, for batch-norm modes that need them.
  ///   - copies: of the problem, as many as points are evaluated at a time; none for the problem itself, which gradients
  ///     are taken with.
  public init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, statistics: ParameterVector? = nil,
    alphas: ArchitectureParameters, settings: EstimatorSettings, copies: [Problem] = [], prefix: String = ""
  ) {
    self.copies = copies.isEmpty ? [problem] : copies
    self.statistics = statistics
    self.problem = problem
    self.weights = weights
    self.velocity = velocity
    self.alphas = alphas
    self.settings = settings
    self.prefix = prefix
  }

  /// Evaluations that the study takes.
  public var evaluationCount: Int {
    settings.places * taskKeys(place: 0).count
  }

  /// Of those, how many a journal holds.
  func known(in journal: StudyJournal) -> Int {
    (0..<settings.places).reduce(0) { sum, place in
      sum + taskKeys(place: place).count { journal.holds($0, settings.objectives) }
    }
  }

  /// Evaluates what the journal lacks, place by place, side by side within each.
  ///
  /// - Throws: `CancellationError` when a stop was requested; what evaluations and the journal throw.
  func evaluate(journal: StudyJournal, watch: WalkWatch) throws {
    for place in 0..<settings.places {
      let keys = taskKeys(place: place)
      guard !keys.allSatisfy({ journal.holds($0, settings.objectives) }) else { continue }
      let guide = settings.estimators.contains(.mgs) ? try gradient(.first, place: place) : nil
      let points = keys.map { key in
        WalkPoint(key, settings.objectives) { [self] in alphas.moved(by: update(of: key, guide: guide)) }
      }
      try walk(place: place).run(points, journal: journal, watch: watch)
    }
  }

  /// What evaluations and gradients take here.
  ///
  /// - Parameter done: evaluations that are there.
  /// - Throws: what the problem throws where its data are damaged.
  func estimate(done: Int) throws -> TimeEstimate {
    let walk = try walk(place: 0)
    let seconds = try walk.measurePasses(at: alphas)
    var estimate = TimeEstimate(
      points: max(0, evaluationCount - done), work: pointWork, parallel: copies.count, forwardSeconds: seconds.forward,
      stepSeconds: seconds.step)
    estimate.gradients = gradientWork
    return estimate
  }

  var pointWork: EvaluationWork {
    EvaluationWork(
      of: settings.objectives, validationBatches: settings.validationBatches,
      recalibrationBatches: settings.batchNorm.batches ?? 0)
  }

  /// The guide of MGS is taken before the points and again with the estimates; ∇L₂ comes with a half step.
  var gradientWork: EvaluationWork {
    let first = GradientEstimator.first.steps * (settings.estimators.contains(.mgs) ? 2 : 1)
    let takesFirst = settings.estimators.contains(.mgs) || settings.estimators.contains(.darts1)
    let second = settings.estimators.contains(.darts2) ? GradientEstimator.second.steps + 2 : 0
    return EvaluationWork(steps: settings.places * settings.validationBatches * ((takesFirst ? first : 0) + second))
  }

  // MARK: What is evaluated

  private var count: Int { alphas.count }
  private var mostCandidates: Int { settings.candidates[settings.candidates.count - 1] }
  private var displacements: [Double] { [settings.displacement] + settings.comparedDisplacements }

  private func key(_ part: String, _ place: Int, _ first: Int = 0, _ second: Int = 0) -> StudyPoint {
    .init(prefix + part, place: place, first: first, second: second)
  }

  /// Draw `repeat` at σ number `sigma` has the first number sigma · repeats + repeat; α itself is part `centre`.
  private func taskKeys(place: Int) -> [StudyPoint] {
    var keys: [StudyPoint] = []
    if settings.estimators.contains(.rs) || settings.estimators.contains(.gld) { keys.append(key("centre", place)) }
    for index in displacements.indices {
      keys += (0..<2 * count).map { key("difference", place, index, $0) }
    }
    let isOneSided = settings.estimators.contains(.rs)
    let isPaired = settings.estimators.contains(.pairs)
    for draw in 0..<settings.sigmas.count * settings.repeats {
      for candidate in 0..<mostCandidates {
        let needsPair = isPaired && candidate < mostCandidates / 2
        if isOneSided || needsPair { keys.append(key("above", place, draw, candidate)) }
        if needsPair { keys.append(key("below", place, draw, candidate)) }
        if settings.estimators.contains(.mgs) { keys.append(key("mgs", place, draw, candidate)) }
        if settings.estimators.contains(.gld) { keys.append(key("gld", place, draw, candidate)) }
      }
    }
    return keys
  }

  private func update(of key: StudyPoint, guide: [Double]?) -> [Double] {
    var result = [Double](repeating: 0, count: count)
    let sigma = settings.sigmas[min(key.first / settings.repeats, settings.sigmas.count - 1)]
    let draw = draw(place: key.place, first: key.first)
    switch key.part.dropFirst(prefix.count) {
    case "difference": result[key.second / 2] = (key.second % 2 == 0 ? 1 : -1) * displacements[key.first]
    case "above": result = draw.direction(key.second, count: count).map { sigma * $0 }
    case "below": result = draw.direction(key.second, count: count).map { -sigma * $0 }
    case "mgs": result = draw.guided(key.second, proposal(guide ?? result, sigma))
    case "gld": result = draw.ball(key.second, count: count, radius: radius(sigma))
    default: break
    }
    return result
  }

  private func draw(place: Int, first: Int) -> CandidateDraw {
    CandidateDraw(seed: settings.seed, number: place * settings.repeats + first % settings.repeats)
  }

  private func radius(_ sigma: Double) -> Double { sigma * Double(count).squareRoot() }

  private func proposal(_ guide: [Double], _ sigma: Double) -> MixtureProposal {
    MixtureProposal(gradient: guide, sigma: sigma, lambda: settings.lambda)
  }

  // MARK: Places

  private func firstBatch(_ place: Int) -> (epoch: Int, step: Int) {
    let length = max(1, problem.stepsPerEpoch)
    // No two places share a training or a validation batch, as long as the epoch is long enough.
    let offset = settings.firstStep + place * max(settings.referenceSteps, settings.validationBatches)
    return (settings.epoch + offset / length, offset % length)
  }

  private func walk(place: Int) throws -> PointWalk<Problem> {
    let first = firstBatch(place)
    let batches = try EvaluationBatches(
      of: problem, epoch: first.epoch, firstStep: first.step, objectives: settings.objectives,
      validation: .batches(settings.validationBatches), batchNorm: settings.batchNorm)
    return try PointWalk(
      evaluators: copies.map { copy in
        try ObjectiveEvaluator(
          problem: copy, weights: weights, velocity: velocity, step: settings.step, batches: batches,
          batchNorm: settings.batchNorm, statistics: statistics)
      })
  }

  /// ∇L₁ or ∇L₂ at a place, the mean over its validation batches, flat.
  ///
  /// - Throws: `InputError` where it is not finite.
  func gradient(_ estimator: GradientEstimator, place: Int) throws -> [Double] {
    let (first, length) = (firstBatch(place), max(1, problem.stepsPerEpoch))
    let training = try problem.trainingBatch(epoch: first.epoch, step: first.step)
    var sum = [Double](repeating: 0, count: count)
    for batch in 0..<settings.validationBatches {
      let offset = first.step + batch
      let validation = try problem.validationBatch(epoch: first.epoch + offset / length, step: offset % length)
      let (found, change) = try estimator.estimateWithStepChange(
        problem: problem, weights: weights, velocity: velocity, alphas: alphas, training: training,
        validation: validation, step: settings.step)
      if let change { stepChange = max(stepChange ?? 0, change) }
      for (index, value) in found.flat.enumerated() { sum[index] += Double(value) / Double(settings.validationBatches) }
    }
    return sum
  }

  // MARK: What is made of it

  /// The central difference gradient of L_M, flat.
  ///
  /// - Parameter displacement: the number of h: 0 for the reference's, then the compared ones.
  func difference(_ journal: StudyJournal, place: Int, innerSteps: Int, displacement: Int = 0) -> [Double] {
    let objective = Objective.trueLoss(innerSteps: innerSteps)
    return (0..<count).map { coordinate in
      let sides = (0..<2).map { journal.loss(key("difference", place, displacement, 2 * coordinate + $0), objective) }
      return (sides[0] - sides[1]) / (2 * displacements[displacement])
    }
  }

  /// Variants in the order of the table.
  public var variants: [Variant] {
    settings.estimators.flatMap { estimator -> [Variant] in
      if !estimator.isSampled {
        let steps = estimator == .difference ? settings.innerSteps : [settings.referenceSteps]
        return steps.map { Variant(estimator: estimator, innerSteps: $0, candidates: nil, sigma: nil) }
      }
      return settings.innerSteps.flatMap { steps in
        settings.candidates.flatMap { candidates in
          settings.sigmas.map { Variant(estimator: estimator, innerSteps: steps, candidates: candidates, sigma: $0) }
        }
      }
    }
  }

  /// Estimates of every variant against the reference, place by place, from a complete journal.
  ///
  /// - Throws: `InputError` where the reference or a gradient is not finite.
  func samples(_ journal: StudyJournal, watch: WalkWatch) throws -> [Variant: [EstimateSample]] {
    var result: [Variant: [EstimateSample]] = [:]
    for place in 0..<settings.places {
      try watch.checkStop()
      let reference = try finiteReference(journal, place)
      let wantsFirst = settings.estimators.contains(.mgs) || settings.estimators.contains(.darts1)
      let first = wantsFirst ? try gradient(.first, place: place) : nil
      for variant in variants {
        let estimates: [[Double]] =
          switch variant.estimator {
          case .darts1: [first].compactMap { $0 }
          case .darts2: [try gradient(.second, place: place)]
          case .difference: [difference(journal, place: place, innerSteps: variant.innerSteps)]
          case .rs, .pairs, .mgs, .gld: sampled(variant, journal, place, guide: first)
          }
        result[variant, default: []].append(EstimateSample(estimates: estimates, reference: reference))
      }
    }
    return result
  }

  /// The gradients with the other displacements against the reference, place by place.
  func comparedDisplacements(_ journal: StudyJournal) throws -> [(displacement: Double, samples: [EstimateSample])] {
    try settings.comparedDisplacements.enumerated().map { index, displacement in
      let samples = try (0..<settings.places).map { place in
        EstimateSample(
          estimates: [
            difference(journal, place: place, innerSteps: settings.referenceSteps, displacement: index + 1)
          ], reference: try finiteReference(journal, place))
      }
      return (displacement, samples)
    }
  }

  /// What is wrong with losses or gradients that are not finite.
  static var diverged: String { "diverged" }

  func finiteReference(_ journal: StudyJournal, _ place: Int) throws -> [Double] {
    let reference = difference(journal, place: place, innerSteps: settings.referenceSteps)
    guard reference.allSatisfy(\.isFinite) else {
      throw InputError(
        Self.diverged, at: "the gradient of the true loss", found: "losses that are not finite",
        wanted: "finite losses: a smaller inner_learning_rate or displacement may help")
    }
    return reference
  }

  private func sampled(
    _ variant: Variant, _ journal: StudyJournal, _ place: Int, guide: [Double]?
  ) -> [[Double]] {
    guard let sigma = variant.sigma, let number = variant.candidates,
      let sigmaIndex = settings.sigmas.firstIndex(of: sigma)
    else { return [] }
    let objective = Objective.trueLoss(innerSteps: variant.innerSteps)
    let centre = journal.loss(key("centre", place), objective)
    return (0..<settings.repeats).compactMap { repetition in
      let first = sigmaIndex * settings.repeats + repetition
      let draw = draw(place: place, first: first)
      func losses(_ part: String, _ count: Int) -> [Double] {
        (0..<count).map { journal.loss(key(part, place, first, $0), objective) }
      }
      switch variant.estimator {
      case .rs:
        return CandidateEstimates.oneSided(
          directions: (0..<number).map { draw.direction($0, count: count) }, losses: losses("above", number),
          baseline: centre, smoothing: sigma)
      case .pairs:
        return CandidateEstimates.pairs(
          directions: (0..<number / 2).map { draw.direction($0, count: count) }, above: losses("above", number / 2),
          below: losses("below", number / 2), smoothing: sigma)
      case .mgs:
        let proposal = proposal(guide ?? [Double](repeating: 0, count: count), sigma)
        return CandidateEstimates.guided(
          updates: (0..<number).map { draw.guided($0, proposal) }, losses: losses("mgs", number), proposal: proposal,
          temperature: settings.temperature, weighting: settings.weighting)
      case .gld:
        return CandidateEstimates.gradientless(
          updates: (0..<number).map { draw.ball($0, count: count, radius: radius(sigma)) }, losses: losses("gld", number),
          baseline: centre)
      case .darts1, .darts2, .difference: return nil
      }
    }
  }
}
