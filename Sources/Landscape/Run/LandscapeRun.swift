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
  /// Directions of α, around the α of every point; none where all axes are ω's.
  public let directions: Directions
  /// All axes, those of ω with their directions.
  public let axes: LandscapeAxes
  /// Digest of ω, v and α.
  public let stateDigest: String
  /// The paths of α or ω in the plane of a grid that is its own; nil where there are none.
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
  ///   - files: what directions in ω are read from.
  ///   - replicas: further copies of the problem; as many points more are evaluated at a time.
  /// - Throws: `InputError` where the settings cannot be met, and where a direction cannot be read or made.
  public init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, statistics: ParameterVector? = nil,
    alphas: ArchitectureParameters, settings: LandscapeSettings, trajectories: [AlphaTrajectory] = [],
    files: WeightDirectionFiles = WeightDirectionFiles(), replicas: [Problem] = []
  ) throws {
    try self.init(
      problems: [problem] + replicas, weights: weights, velocity: velocity, statistics: statistics, alphas: alphas,
      settings: settings, trajectories: trajectories, files: files, crew: Crew(workers: 1 + replicas.count), origin: [])
  }

  /// The same with a crew that may span ranks; the others call `serve`.
  ///
  /// - Parameters:
  ///   - problems: one a worker of the crew in this process.
  ///   - origin: where problem and checkpoint come from, which ranks must agree on.
  package init(
    problems: [Problem], weights: ParameterVector, velocity: ParameterVector?, statistics: ParameterVector? = nil,
    alphas: ArchitectureParameters, settings: LandscapeSettings, trajectories: [AlphaTrajectory] = [],
    files: WeightDirectionFiles = WeightDirectionFiles(), crew: Crew, origin: [(key: String, value: String)]
  ) throws {
    try Self.check(settings)
    try Self.check(settings, trajectories)
    self.crew = crew
    self.velocity = velocity
    let walks = try LandscapeWalks(
      problems: problems, weights: weights, velocity: velocity, statistics: statistics, alphas: alphas,
      settings: settings, files: files, crew: crew, origin: origin)
    try crew.prepare(walks.account.bytes)
    center = try Self.center(settings, alphas, trajectories)
    let raw = try DirectionSource(
      problem: problems[0], weights: weights, velocity: velocity, step: settings.searchStep, epoch: settings.epoch,
      firstStep: settings.firstStep, gradients: walks.gradients, walk: walks.directions, randomSeed: settings.directionsSeed,
      zarts: settings.zarts, trajectories: trajectories
    ).make(settings.directions, at: alphas, center: center)
    directions =
      raw.isEmpty
      ? Directions(around: center) : try Directions(raw, around: center, normalisation: settings.normalisation)
    axes = LandscapeAxes(
      alphas: directions, weights: walks.weightDirections, movesWeights: settings.axes.map { $0.weightKind != nil })
    projection = try Self.projection(settings, axes, trajectories, files.trajectory)
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
    guard !settings.axes.isEmpty else { throw InputError("none given", at: "directions", wanted: "at least one") }
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
    guard settings.kind == .line || settings.axes.count == 2 else {
      throw InputError(
        "a plane has two directions", at: .setting("directions"), found: settings.axes.list, wanted: "two, or kind line")
    }
    if settings.kind == .grid {
      try RefinementSampler<Problem>.check(levels: settings.refinementLevels, grid: settings.grid)
    } else if settings.refinementLevels != 0 {
      throw InputError("is of planes", at: .setting("refine"), found: "kind line", wanted: "kind grid")
    }
    guard settings.paths == nil || (settings.kind == .grid && settings.space == .alphas) else {
      throw InputError(
        "are in planes of α", at: .setting("paths"),
        found: "kind \(settings.kind.rawValue), over \(settings.space.rawValue)",
        wanted: "kind grid, over alphas")
    }
    guard settings.center == .checkpoint || settings.space != .weights else {
      throw InputError(
        "a landscape of weights is around those of the checkpoint", at: .setting("center"), found: settings.center.rawValue,
        wanted: LandscapeSettings.Center.checkpoint.rawValue)
    }
    guard settings.center == .checkpoint || !trajectories.isEmpty else {
      throw InputError(
        "needs a path of α", at: .setting("center"), found: "mean", wanted: "checkpoint, or the trajectory of a run")
    }
  }

  /// Paths are seen in planes of their own space.
  private static func projection(
    _ settings: LandscapeSettings, _ axes: LandscapeAxes, _ trajectories: [AlphaTrajectory], _ path: WeightTrajectory?
  ) throws -> TrajectoryProjection? {
    guard settings.kind == .grid else { return nil }
    if settings.space == .alphas, !trajectories.isEmpty {
      return try TrajectoryProjection(of: trajectories, on: axes.alphas)
    }
    guard settings.space == .weights, let path, let weights = axes.weights else { return nil }
    return try TrajectoryProjection(of: path, on: weights.vectors, around: weights.center)
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
    var entries = settings.entries + [("state_sha256", stateDigest)]
    if settings.space != .weights { entries.append(("directions_sha256", directionsDigest)) }
    if let weights = axes.weights { entries += weightEntries(weights) }
    for (kind, matrix) in zip(center.kinds, center.matrices) {
      let norm = matrix.values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      entries.append(("alpha_norm_\(kind.name)", "\(norm)"))
    }
    if let shares = projection?.explainedVariance {
      for (index, share) in shares.enumerated() { entries.append(("explained_variance_\(index + 1)", "\(share)")) }
    }
    return SettingsFile(origin: origin, settings: entries)
  }

  /// What the directions in ω are, and how long. Two that span a plane are seldom exactly orthogonal unless they were made so.
  private func weightEntries(_ weights: WeightDirections) -> [(key: String, value: String)] {
    [
      ("weight_directions_sha256", weights.digest), ("weights_norm", "\(weights.center.norm)"),
      ("weight_direction_norms", JSONText.quoted(weights.norms.map { "\($0)" }.joined(separator: ","))),
    ] + (settings.space == .weights && settings.kind == .grid ? [("direction_cosine", "\(weights.cosine(0, 1))")] : [])
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
  /// - Parameter done: what is finished already.
  /// - Throws: what the problem throws where its data are damaged.
  public func estimate(done: LandscapeProgress = LandscapeProgress()) throws -> TimeEstimate {
    var estimate = try outlook(done: done)
    estimate.take(try walk.measurePasses(at: directions.center))
    return estimate
  }

  /// Has an estimate made as the walk begins, by what passes take then, unless nothing is left.
  func estimateFirst(done: LandscapeProgress, _ estimated: @escaping (TimeEstimate) -> Void) throws {
    let outlook = try outlook(done: done)
    guard outlook.points > 0 || outlook.refinement != .init() || outlook.paths != .init() else { return }
    walk.measurePassesFirst(at: directions.center) { seconds in
      var estimate = outlook
      estimate.take(seconds)
      estimated(estimate)
    }
  }

  /// What is left to do, before anything is measured.
  private func outlook(done: LandscapeProgress) throws -> TimeEstimate {
    let evaluators = walk.evaluators
    let (work, points) = settings.work(evaluators[0].batches)
    let refinement = settings.objectives.reduce(EvaluationWork()) { sum, objective in
      sum
        + EvaluationWork(
          of: [objective], validationBatches: evaluators[0].batches.validationCount,
          recalibrationBatches: evaluators[0].batches.recalibration.count
        ).times(done.refinementPoints(of: objective, levels: settings.refinementLevels))
    }
    var estimate = TimeEstimate(
      points: max(0, points - done.points), work: work, refinement: refinement,
      parallel: try crew.expectedWorkers(), ranks: crew.ranks, forwardSeconds: 0, stepSeconds: 0)
    // Side by side at best; one after the other where there is one copy of the problem.
    estimate.paths =
      try settings.paths?.work(after: done.updates) { method in
        try !method.configuration.makeOptimiser(for: evaluators[0].problem).exportState().isEmpty
      } ?? EvaluationWork()
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
