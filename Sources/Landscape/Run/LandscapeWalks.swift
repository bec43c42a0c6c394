import Cells
import Compute
import Problems

/// What evaluates the points of a landscape, made alike on every rank.
struct LandscapeWalks<Problem: BilevelProblem> {
  /// Gradients that directions are means of, on the batches of the search, whatever points see.
  let gradients: BatchGradients<Problem>
  /// Points around the checkpoint that directions need.
  let directions: PointWalk<Problem>
  /// Points of the landscape.
  let points: PointWalk<Problem>
  /// What all of it is made of.
  let account: StudyAccount

  /// - Parameters:
  ///   - problems: one a worker.
  ///   - origin: where problem and checkpoint come from.
  /// - Throws: `InputError` where the settings cannot be met.
  init(
    problems: [Problem], weights: ParameterVector, velocity: ParameterVector?, statistics: ParameterVector?,
    alphas: ArchitectureParameters, settings: LandscapeSettings, crew: Crew, origin: [(key: String, value: String)]
  ) throws {
    func batches(_ objectives: [Objective], _ draw: BatchDrawing) throws -> EvaluationBatches<Problem> {
      try EvaluationBatches(
        of: problems[0], epoch: settings.epoch, firstStep: settings.firstStep, objectives: objectives,
        validation: settings.validation, batchNorm: settings.batchNorm, draw: draw, points: settings.numberedPoints)
    }
    func walk(_ station: String, _ batches: EvaluationBatches<Problem>) throws -> PointWalk<Problem> {
      try PointWalk(
        evaluators: problems.map { problem in
          try ObjectiveEvaluator(
            problem: problem, weights: weights, velocity: settings.startsAtRest ? nil : velocity, step: settings.step,
            unrolledRate: settings.unrolledRate, batches: batches, batchNorm: settings.batchNorm, statistics: statistics)
        }, crew: crew, station: station)
    }
    let shared = try batches(settings.evaluated, .fixed)
    gradients = BatchGradients(
      problems: problems, weights: weights, velocity: velocity, alphas: alphas, step: settings.searchStep, batches: shared,
      crew: crew)
    let points = "points"
    if settings.drawing == .fixed {
      directions = try walk(points, shared)
      self.points = directions
    } else {
      directions = try walk("directions", shared)
      self.points = try walk(points, batches(settings.objectives, settings.drawing))
    }
    account = StudyAccount(
      origin + settings.entries
        + StudyAccount.state(weights, velocity, alphas, statistics, dataChecksum: problems[0].dataChecksum))
  }
}

extension LandscapeRun {
  /// Serves a landscape that rank 0 makes with the same arguments, until it is dismissed. Writes nothing.
  ///
  /// - Parameters:
  ///   - problems: one a worker.
  ///   - origin: as rank 0 has it.
  ///   - signal: that asked this process to stop.
  /// - Throws: `InputError` where the settings cannot be met; `TeamError` where rank 0 can't be heard any more.
  package static func serve(
    _ team: any Team, problems: [Problem], weights: ParameterVector, velocity: ParameterVector?,
    statistics: ParameterVector? = nil, alphas: ArchitectureParameters, settings: LandscapeSettings,
    origin: [(key: String, value: String)] = [], signal: @escaping @Sendable () -> Int32? = { nil }
  ) throws {
    try check(settings)
    let walks = try LandscapeWalks(
      problems: problems, weights: weights, velocity: velocity, statistics: statistics, alphas: alphas,
      settings: settings, crew: Crew(workers: 1), origin: origin)
    let stations = [walks.directions, walks.points].map { walk in
      PointServer(walk, objectives: settings.evaluated, like: alphas).station
    }
    let gradients = (name: BatchGradients<Problem>.station, answer: walks.gradients.answer as StudyServer.Station)
    try StudyServer(walks.account, stations: Dictionary(stations + [gradients]) { $1 }).serve(
      team, workers: problems.count, signal: signal)
  }
}
