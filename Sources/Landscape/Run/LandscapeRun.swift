import Cells
import Compute
import Formats
import Foundation
import Problems
import Runs

/// A landscape around a checkpoint, from its settings to its files:
///
/// - `landscape.yaml`: settings, origin, and digests of (ω, v, α) and of the directions;
/// - `directions.safetensors`: the directions and the α that they start from;
/// - `journal.csv`, `refinement-journal.csv`: points as they are finished, removed at the end;
/// - of a grid `landscape.csv`, `landscape.npy` [objectives, grid, grid] (losses, float64), `landscape.npz` (x, y, losses and
///   accuracies by objective), `comparison.csv` where one of the objectives is the true loss of some inner steps and there
///   are others to compare with it, `refinement.csv` where it is refined, `trajectory.csv` where paths of α are given, and
///   `paths.csv` where methods are followed in the plane;
/// - of lines `lines.csv`.
public struct LandscapeRun<Problem: BilevelProblem> {
  /// With the range that was found, where it is automatic.
  public let settings: LandscapeSettings
  public let directions: Directions
  /// Digest of ω, v and α.
  public let stateDigest: String
  /// The paths of α in the plane of a grid; nil where there are none.
  public let projection: TrajectoryProjection?
  let walk: PointWalk<Problem>
  /// The checkpoint's momentum, whatever points begin with; nil for zero.
  let velocity: ParameterVector?
  private let crew: Crew
  private let center: ArchitectureParameters

  /// - Parameters:
  ///   - velocity: the momentum of the checkpoint; nil for zero.
  ///   - statistics: its running normalisation statistics; nil where it has none.
  ///   - alphas: of the checkpoint.
  ///   - trajectories: paths of α, for principal components and for `trajectory.csv`.
  ///   - replicas: further copies of the problem; as many points more are evaluated at a time.
  /// - Throws: `InputError` where the settings cannot be met, and where a direction cannot be read or made.
  public init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, statistics: ParameterVector? = nil,
    alphas: ArchitectureParameters, settings: LandscapeSettings, trajectories: [AlphaTrajectory] = [],
    replicas: [Problem] = []
  ) throws {
    try self.init(
      problems: [problem] + replicas, weights: weights, velocity: velocity, statistics: statistics, alphas: alphas,
      settings: settings, trajectories: trajectories, crew: Crew(workers: 1 + replicas.count), origin: [])
  }

  /// The same with a crew that may span ranks; the others call `serve`.
  ///
  /// - Parameters:
  ///   - problems: one a worker of the crew in this process.
  ///   - origin: where problem and checkpoint come from, which ranks must agree on.
  package init(
    problems: [Problem], weights: ParameterVector, velocity: ParameterVector?, statistics: ParameterVector? = nil,
    alphas: ArchitectureParameters, settings: LandscapeSettings, trajectories: [AlphaTrajectory] = [], crew: Crew,
    origin: [(key: String, value: String)]
  ) throws {
    try Self.check(settings)
    try Self.check(settings, trajectories)
    self.crew = crew
    self.velocity = velocity
    let walks = try LandscapeWalks(
      problems: problems, weights: weights, velocity: velocity, statistics: statistics, alphas: alphas,
      settings: settings, crew: crew, origin: origin)
    try crew.prepare(walks.account.bytes)
    center = try Self.center(settings, alphas, trajectories)
    let raw = try DirectionSource(
      problem: problems[0], weights: weights, velocity: velocity, step: settings.searchStep, epoch: settings.epoch,
      firstStep: settings.firstStep, gradients: walks.gradients, walk: walks.directions, randomSeed: settings.directionsSeed,
      zarts: settings.zarts, trajectories: trajectories
    ).make(settings.directions, at: alphas, center: center)
    directions = try Directions(raw, around: center, normalisation: settings.normalisation)
    projection =
      settings.kind == .grid && !trajectories.isEmpty ? try TrajectoryProjection(of: trajectories, on: directions) : nil
    var resolved = settings
    if let reach = settings.automaticReach { resolved.grid = try reach.grid(settings.grid.extent, holding: projection) }
    self.settings = resolved
    stateDigest = SHA256.ofState(weights, velocity, alphas)
    walk = walks.points
  }

  /// What every rank checks before it makes anything.
  static func check(_ settings: LandscapeSettings) throws {
    guard !settings.objectives.isEmpty else {
      throw InputError("none given", at: "objectives", wanted: "at least one")
    }
    for (key, rate) in [
      ("inner_learning_rate", settings.step.learningRate), ("unrolled_learning_rate", settings.searchStep.learningRate),
    ] {
      try InputError.require(
        RealBounds.length.contains(Double(rate)), key, rate, RealBounds.length.wanted, "not a learning rate")
    }
    if case .batches(let count) = settings.validation {
      try RunBounds.batches.require(count, at: .setting("validation_batches"), "not a number of batches")
    }
    try settings.batchNorm.check()
  }

  private static func check(_ settings: LandscapeSettings, _ trajectories: [AlphaTrajectory]) throws {
    guard settings.kind == .line || settings.directions.count == 2 else {
      throw InputError(
        "a plane has two directions", at: .setting("directions"),
        found: settings.directions.map(\.label).joined(separator: ","), wanted: "two, or kind line")
    }
    if settings.kind == .grid {
      try RefinementSampler<Problem>.check(levels: settings.refinementLevels, grid: settings.grid)
    } else if settings.refinementLevels != 0 {
      throw InputError("is of planes", at: .setting("refine"), found: "kind line", wanted: "kind grid")
    }
    if settings.kind == .line, settings.paths != nil {
      throw InputError("are of planes", at: .setting("paths"), found: "kind line", wanted: "kind grid")
    }
    guard settings.center == .checkpoint || !trajectories.isEmpty else {
      throw InputError(
        "needs a path of α", at: .setting("center"), found: "mean", wanted: "checkpoint, or the trajectory of a run")
    }
  }

  private static func center(
    _ settings: LandscapeSettings, _ alphas: ArchitectureParameters, _ trajectories: [AlphaTrajectory]
  ) throws -> ArchitectureParameters {
    guard settings.center == .trajectory, let mean = AlphaTrajectory.mean(of: trajectories) else { return alphas }
    var center = alphas
    center.flat = mean.map(Float.init)
    return center
  }

  /// The content of landscape.yaml.
  public func settingsText(origin: [(key: String, value: String)] = []) -> String { settingsFile(origin: origin).text }

  func settingsFile(origin: [(key: String, value: String)]) -> SettingsFile {
    var entries = settings.entries + [("state_sha256", stateDigest), ("directions_sha256", directionsDigest)]
    for (kind, matrix) in zip(center.kinds, center.matrices) {
      let norm = matrix.values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      entries.append(("alpha_norm_\(kind.name)", "\(norm)"))
    }
    if let shares = projection?.explainedVariance {
      for (index, share) in shares.enumerated() { entries.append(("explained_variance_\(index + 1)", "\(share)")) }
    }
    return SettingsFile(origin: origin, settings: entries)
  }

  /// The files of another run, or another update of ZARTS, make other directions under the same settings.
  private var directionsDigest: String {
    var digest = SHA256()
    for value in directions.directions.flatMap(\.flat) {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { digest.update($0) }
    }
    return digest.hexadecimal()
  }
}

extension LandscapeRun {
  /// What a walk over all points takes here, by measuring a forward pass and a training step with as many evaluators at work
  /// as there will be in this process. Workers of other ranks count as fast as those of this one.
  ///
  /// - Parameter done: points that are finished already.
  /// - Throws: what the problem throws where its data are damaged.
  public func estimate(done: Int = 0) throws -> TimeEstimate {
    let evaluators = walk.evaluators
    let seconds = try walk.measurePasses(at: directions.center)
    let (work, points) = settings.work(evaluators[0].batches)
    let single = settings.objectives.reduce(EvaluationWork()) { sum, objective in
      sum
        + EvaluationWork(
          of: [objective], validationBatches: evaluators[0].batches.validationCount,
          recalibrationBatches: evaluators[0].batches.recalibration.count)
    }
    var estimate = TimeEstimate(
      points: max(0, points - done), work: work, refinement: single.times(8 * settings.refinementLevels),
      parallel: try crew.expectedWorkers(), ranks: crew.ranks, forwardSeconds: seconds.forward, stepSeconds: seconds.step)
    // Side by side at best; one after the other where there is one copy of the problem.
    estimate.paths = settings.paths?.work ?? EvaluationWork()
    estimate.pathsAtOnce = max(1, min(evaluators.count, settings.paths?.methods.count ?? 1))
    return estimate
  }

  /// Validation batches that each loss is the mean over.
  public var validationBatchCount: Int { walk.evaluators[0].batches.validationCount }
  /// Points of the grid or the lines.
  public var pointCount: Int { settings.work(walk.evaluators[0].batches).points }
  /// Seconds that all points of this process together have taken so far, their journaling included, and how many of them went
  /// into passes and steps of the problem.
  public var seconds: (points: Double, engine: Double) { (walk.pointSeconds, walk.engineSeconds) }
}
