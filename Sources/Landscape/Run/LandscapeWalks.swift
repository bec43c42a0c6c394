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
  /// Directions in ω, which every rank makes for itself; nil where there are none.
  let weightDirections: WeightDirections?
  /// What all of it is made of.
  let account: StudyAccount

  /// - Parameters:
  ///   - problems: one a worker.
  ///   - files: what directions in ω are read from.
  ///   - origin: where problem and checkpoint come from.
  /// - Throws: `InputError` where the settings cannot be met, or a direction in ω cannot be had.
  init(
    problems: [Problem], weights: ParameterVector, velocity: ParameterVector?, statistics: ParameterVector?,
    alphas: ArchitectureParameters, settings: LandscapeSettings, files: WeightDirectionFiles, crew: Crew,
    origin: [(key: String, value: String)]
  ) throws {
    let weightDirections =
      settings.space == .alphas
      ? nil
      : try WeightDirectionSource(
        problem: problems[0], center: weights, alphas: alphas, randomSeed: settings.directionsSeed, files: files
      ).make(settings.weightKinds, settings.weightDirections)
    self.weightDirections = weightDirections
    func batches(_ objectives: [Objective], _ draw: BatchDrawing, _ data: DataSplit) throws -> EvaluationBatches<Problem> {
      try EvaluationBatches(
        of: problems[0], epoch: settings.epoch, firstStep: settings.firstStep, objectives: objectives,
        validation: settings.validation, data: data, batchNorm: settings.batchNorm, draw: draw,
        points: settings.numberedPoints)
    }
    func walk(_ station: String, _ batches: EvaluationBatches<Problem>) throws -> PointWalk<Problem> {
      try PointWalk(
        evaluators: problems.map { problem in
          try ObjectiveEvaluator(
            problem: problem, weights: weights, velocity: settings.startsAtRest ? nil : velocity, step: settings.step,
            unrolledRate: settings.unrolledRate, batches: batches, batchNorm: settings.batchNorm, statistics: statistics,
            directions: weightDirections)
        }, crew: crew, station: station)
    }
    // Landscapes of weights have no directions of α, and so need no validation data that a retraining may not have.
    let shared = try batches(settings.evaluated, .fixed, settings.directions.isEmpty ? settings.data : .validation)
    gradients = BatchGradients(
      problems: problems, weights: weights, velocity: velocity, alphas: alphas, step: settings.searchStep, batches: shared,
      crew: crew)
    let points = "points"
    if settings.drawing == .fixed, settings.data == .validation || settings.directions.isEmpty {
      directions = try walk(points, shared)
      self.points = directions
    } else {
      directions = try walk("directions", shared)
      self.points = try walk(points, batches(settings.objectives, settings.drawing, settings.data))
    }
    let made: [(key: String, value: String)] =
      weightDirections.map { [("weight_directions_sha256", $0.digest)] } ?? []
    account = StudyAccount(
      origin + settings.entries + made
        + StudyAccount.state(weights, velocity, alphas, statistics, dataChecksum: problems[0].dataChecksum))
  }
}

extension LandscapeRun {
  /// What a rank tells of a landscape that is made with these arguments.
  package static func account(
    problems: [Problem], weights: ParameterVector, velocity: ParameterVector?, statistics: ParameterVector? = nil,
    alphas: ArchitectureParameters, settings: LandscapeSettings, files: WeightDirectionFiles = WeightDirectionFiles(),
    origin: [(key: String, value: String)] = []
  ) throws -> StudyAccount {
    try LandscapeWalks(
      problems: problems, weights: weights, velocity: velocity, statistics: statistics, alphas: alphas,
      settings: settings, files: files, crew: Crew(workers: 1), origin: origin
    ).account
  }

  /// Serves a landscape that rank 0 makes with the same arguments, until it is dismissed. Writes nothing.
  ///
  /// - Parameters:
  ///   - problems: one a worker.
  ///   - files: what directions in ω are read from.
  ///   - origin: as rank 0 has it.
  ///   - signal: that asked this process to stop.
  /// - Throws: `InputError` where the settings cannot be met; `TeamError` where rank 0 can't be heard any more.
  package static func serve(
    _ team: any Team, problems: [Problem], weights: ParameterVector, velocity: ParameterVector?,
    statistics: ParameterVector? = nil, alphas: ArchitectureParameters, settings: LandscapeSettings,
    files: WeightDirectionFiles = WeightDirectionFiles(), origin: [(key: String, value: String)] = [],
    signal: @escaping @Sendable () -> Int32? = { nil }
  ) throws {
    try check(settings)
    let walks = try LandscapeWalks(
      problems: problems, weights: weights, velocity: velocity, statistics: statistics, alphas: alphas,
      settings: settings, files: files, crew: Crew(workers: 1), origin: origin)
    let stations = [walks.directions, walks.points].map { walk in
      PointServer(walk, objectives: settings.evaluated, like: alphas).station
    }
    let gradients = (name: BatchGradients<Problem>.station, answer: walks.gradients.answer as StudyServer.Station)
    try StudyServer(walks.account, stations: Dictionary(stations + [gradients]) { $1 }).serve(
      team, workers: problems.count, signal: signal)
  }
}
