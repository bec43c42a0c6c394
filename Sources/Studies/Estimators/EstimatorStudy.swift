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
/// estimator sees the same batches. Candidates are evaluated once for all M, and fewer candidates are the first of more. They
/// train as the reference does, unless the settings give them steps of their own.
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
  let alphas: ArchitectureParameters
  /// Told apart from other parts of a journal.
  let prefix: String
  /// The guide of what has none.
  let zeros: [Double]

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
    zeros = [Double](repeating: 0, count: alphas.count)
  }

  /// Evaluations that the study takes.
  public var evaluationCount: Int {
    settings.places * points(place: 0).count
  }

  /// Of those, how many a journal holds.
  func known(in journal: StudyJournal) -> Int {
    (0..<settings.places).reduce(0) { sum, place in
      sum + points(place: place).count { journal.holds($0.key, $0.objectives) }
    }
  }

  /// Evaluates what the journal lacks, place by place, side by side within each.
  ///
  /// - Throws: `CancellationError` when a stop was requested; what evaluations and the journal throw.
  func evaluate(journal: StudyJournal, watch: WalkWatch) throws {
    for place in 0..<settings.places {
      let points = points(place: place)
      guard !points.allSatisfy({ journal.holds($0.key, $0.objectives) }) else { continue }
      let guides = try guides(of: settings.estimators.filter(\.isSampled), place: place).means()
      // With steps of their own candidates are walked apart from the reference.
      let isApart = settings.training != CandidateTraining()
      let walks = isApart ? [points.filter(\.isOfReference), points.filter { !$0.isOfReference }] : [points]
      for (points, training) in zip(walks, [CandidateTraining(), settings.training]) {
        let walked = points.map { point in
          WalkPoint(point.key, point.objectives) { [self] in alphas.moved(by: displacement(of: point, guides)) }
        }
        try walk(place: place, training).run(walked, journal: journal, watch: watch)
      }
    }
  }

  /// What evaluations and gradients take here.
  ///
  /// - Parameter done: evaluations that are there.
  /// - Throws: what the problem throws where its data are damaged.
  func estimate(done: Int) throws -> TimeEstimate {
    let walk = try walk(place: 0, CandidateTraining())
    let seconds = try walk.measurePasses(at: alphas)
    var estimate = TimeEstimate(
      points: max(0, evaluationCount - done), work: pointWork, parallel: copies.count, forwardSeconds: seconds.forward,
      stepSeconds: seconds.step)
    estimate.gradients = gradientWork
    return estimate
  }

  /// Of one point at most: candidates lack what differences alone are taken of.
  var pointWork: EvaluationWork {
    EvaluationWork(
      of: differenced, validationBatches: settings.validationBatches,
      recalibrationBatches: settings.batchNorm.batches ?? 0)
  }

  /// A guide of candidates is taken before the points and again with the estimates.
  var gradientWork: EvaluationWork {
    let steps = GradientEstimator.all.reduce(0) { sum, gradient in
      let mine = settings.estimators.filter { $0.definition.guide == gradient }
      let times = mine.isEmpty ? 0 : mine.contains(where: \.isSampled) ? 2 : 1
      return sum + times * (gradient.steps + gradient.definition.changeSteps)
    }
    return EvaluationWork(steps: settings.places * settings.validationBatches * steps)
  }

  // MARK: Places

  private func firstBatch(_ place: Int) -> (epoch: Int, step: Int) {
    let length = max(1, problem.stepsPerEpoch)
    // No two places share a training or a validation batch, as long as the epoch is long enough.
    let offset = settings.firstStep + place * max(settings.referenceSteps, settings.validationBatches)
    return (settings.epoch + offset / length, offset % length)
  }

  private func walk(place: Int, _ training: CandidateTraining) throws -> PointWalk<Problem> {
    let first = firstBatch(place)
    let batches = try EvaluationBatches(
      of: problem, epoch: first.epoch, firstStep: first.step, objectives: settings.objectives,
      validation: .batches(settings.validationBatches), batchNorm: settings.batchNorm)
    return try PointWalk(
      evaluators: copies.map { copy in
        try ObjectiveEvaluator(
          problem: copy, weights: weights,
          velocity: training.takesVelocity && !settings.startsAtRest ? velocity : nil, step: training.step(settings.step),
          unrolledRate: settings.unrolledRate, batches: batches, batchNorm: settings.batchNorm, statistics: statistics)
      })
  }

  /// The gradients that some estimators are made of or guided by, each once.
  ///
  /// - Throws: `InputError` where one is not finite.
  func guides(of estimators: [StudiedEstimator], place: Int) throws -> PlaceGuides {
    var result = PlaceGuides()
    for gradient in estimators.compactMap(\.definition.guide) where result.onBatches[gradient] == nil {
      result.onBatches[gradient] = try gradients(gradient, place: place)
    }
    return result
  }

  /// A gradient at a place on each of its validation batches, flat.
  ///
  /// - Throws: `InputError` where it is not finite.
  private func gradients(_ estimator: GradientEstimator, place: Int) throws -> [[Double]] {
    let (first, length) = (firstBatch(place), max(1, problem.stepsPerEpoch))
    let training = try problem.trainingBatch(epoch: first.epoch, step: first.step)
    return try (0..<settings.validationBatches).map { batch in
      let offset = first.step + batch
      let validation = try problem.validationBatch(epoch: first.epoch + offset / length, step: offset % length)
      let (found, change) = try estimator.estimateWithStepChange(
        problem: problem, weights: weights, velocity: velocity, alphas: alphas, training: training,
        validation: validation, step: settings.step.at(settings.unrolledRate))
      if let change { stepChange = max(stepChange ?? 0, change) }
      return found.flat.map(Double.init)
    }
  }
}

/// Gradients at a place, on each validation batch: estimators are made of their means.
struct PlaceGuides {
  var onBatches: [GradientEstimator: [[Double]]] = [:]

  /// - Parameter batch: one that is left out.
  func means(without batch: Int? = nil) -> [GradientEstimator: [Double]] {
    onBatches.mapValues { gradients in
      let kept = gradients.indices.filter { $0 != batch }.map { gradients[$0] }
      return kept[0].indices.map { index in kept.reduce(0) { $0 + $1[index] / Double(kept.count) } }
    }
  }
}
