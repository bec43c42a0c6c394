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
  public internal(set) var stepChange: Double?
  private let problem: Problem
  let crew: Crew
  /// One a worker of the crew in this process.
  let copies: [Problem]
  let weights: ParameterVector
  let velocity: ParameterVector?
  private let statistics: ParameterVector?
  private let batches = PlaceBatches<Problem>()
  /// Gradients that have been taken, by place.
  var known: [Int: PlaceGuides] = [:]
  let alphas: ArchitectureParameters
  /// Told apart from other parts of a journal.
  let prefix: String
  /// The guide of what has none.
  let zeros: [Double]

  /// - Parameters:
  ///   - velocity: the momentum of the checkpoint; nil for zero.
  ///   - statistics: its running statistics, for batch-norm modes that need them.
  ///   - copies: of the problem, as many as points are evaluated at a time; none for the problem itself.
  public convenience init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, statistics: ParameterVector? = nil,
    alphas: ArchitectureParameters, settings: EstimatorSettings, copies: [Problem] = [], prefix: String = ""
  ) {
    self.init(
      problem: problem, weights: weights, velocity: velocity, statistics: statistics, alphas: alphas, settings: settings,
      copies: copies, prefix: prefix, crew: Crew(workers: copies.count))
  }

  /// The same with a crew that may span ranks.
  init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, statistics: ParameterVector?,
    alphas: ArchitectureParameters, settings: EstimatorSettings, copies: [Problem], prefix: String = "", crew: Crew
  ) {
    self.crew = crew
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

  /// Evaluates what the journal lacks, begun place by place.
  ///
  /// - Throws: `CancellationError` when a stop was requested; what evaluations and the journal throw.
  func evaluate(journal: StudyJournal, watch: WalkWatch) throws {
    let left = (0..<settings.places).map { ($0, points(place: $0)) }.filter { _, points in
      !points.allSatisfy { journal.holds($0.key, $0.objectives) }
    }
    let guides = try guides(
      of: settings.estimators.filter(\.isSampled), places: left.map(\.0), isStopRequested: watch.isStopRequested
    ).mapValues { $0.means() }
    // With steps of their own candidates are walked apart from the reference.
    let isApart = settings.training != CandidateTraining()
    let walked = left.flatMap { place, points in
      let parts = isApart ? [points.filter(\.isOfReference), points.filter { !$0.isOfReference }] : [points]
      return parts.enumerated().flatMap { part, points in
        points.map { point in
          WalkPoint(point.key, point.objectives, bench: 2 * place + part) { [self] in
            alphas.moved(by: displacement(of: point, guides[place] ?? [:]))
          }
        }
      }
    }
    try walk.run(walked, journal: journal, watch: watch)
  }

  /// What evaluations and gradients take here.
  ///
  /// - Parameter done: evaluations that are there.
  /// - Throws: what the problem throws where its data are damaged.
  func estimate(done: Int) throws -> TimeEstimate {
    let evaluators = try copies.map { try evaluator(place: 0, training: CandidateTraining(), problem: $0) }
    let seconds = try PointWalk(evaluators: evaluators).measurePasses(at: alphas)
    var estimate = TimeEstimate(
      points: max(0, evaluationCount - done), work: pointWork, parallel: try crew.expectedWorkers(), ranks: crew.ranks,
      forwardSeconds: seconds.forward, stepSeconds: seconds.step)
    estimate.gradients = gradientWork
    return estimate
  }

  /// Of one point at most: candidates lack what differences alone are taken of.
  var pointWork: EvaluationWork {
    EvaluationWork(
      of: differenced, validationBatches: settings.validationBatches,
      recalibrationBatches: settings.batchNorm.batches ?? 0)
  }

  /// Each gradient is taken once.
  var gradientWork: EvaluationWork {
    let steps = gradients(of: settings.estimators).reduce(0) { $0 + $1.steps + $1.definition.changeSteps }
    return EvaluationWork(steps: settings.places * settings.validationBatches * steps)
  }

  // MARK: Places

  func firstBatch(_ place: Int) -> (epoch: Int, step: Int) {
    let length = max(1, problem.stepsPerEpoch)
    // No two places share a training or a validation batch, as long as the epoch is long enough.
    let offset = settings.firstStep + place * max(settings.referenceSteps, settings.validationBatches)
    return (settings.epoch + offset / length, offset % length)
  }

  /// - Parameter training: how weights move.
  func evaluator(
    place: Int, training: CandidateTraining, problem: Problem
  ) throws -> ObjectiveEvaluator<Problem> {
    let batches = try batches.batches(of: place) {
      let first = firstBatch(place)
      return try EvaluationBatches(
        of: self.problem, epoch: first.epoch, firstStep: first.step, objectives: settings.objectives,
        validation: .batches(settings.validationBatches), batchNorm: settings.batchNorm)
    }
    return try ObjectiveEvaluator(
      problem: problem, weights: weights,
      velocity: training.takesVelocity && !settings.startsAtRest ? velocity : nil, step: training.step(settings.step),
      unrolledRate: settings.unrolledRate, batches: batches, batchNorm: settings.batchNorm, statistics: statistics)
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
