import Cells
import Compute
import Formats
import Landscape
import Problems
import Search
import Statistics

/// A study of how well L₁, L₂ and L_M of few steps follow the true loss around a checkpoint, from its settings to its files:
/// `fidelity.yaml`, `journal.csv` while it runs, `fidelity-samples.csv`, `fidelity-plane.csv` where a quadratic is fitted,
/// and `fidelity.csv`.
public struct FidelityRun<Problem: BilevelProblem>: SharedStudy {
  public let settings: FidelitySettings
  private let problem: Problem
  private let weights: ParameterVector
  private let alphas: ArchitectureParameters
  private let points: FidelityPoints
  private let walk: PointWalk<Problem>
  private let gradients: EstimatorStudy<Problem>
  private let stateDigest: String
  private let crew: Crew
  private let account: StudyAccount

  /// - Parameters:
  ///   - velocity: the momentum of the checkpoint; nil for zero.
  ///   - statistics: its running statistics, for batch-norm modes that need them.
  ///   - alphas: the centre.
  ///   - copies: of the problem, as many as points are evaluated at a time; none for the problem itself, which the
  ///     eigenvalue is taken with.
  /// - Throws: `InputError` where the settings cannot be met.
  public init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, statistics: ParameterVector? = nil,
    alphas: ArchitectureParameters, settings: FidelitySettings, copies: [Problem] = []
  ) throws {
    try self.init(
      problem: problem, weights: weights, velocity: velocity, statistics: statistics, alphas: alphas, settings: settings,
      copies: copies, crew: Crew(workers: copies.count), origin: [])
  }

  /// The same with a crew that may span ranks; each of the others makes the study with a crew of its own and serves (`server`).
  ///
  /// - Parameter origin: where problem and checkpoint come from, which ranks must agree on.
  package init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, statistics: ParameterVector?,
    alphas: ArchitectureParameters, settings: FidelitySettings, copies: [Problem], crew: Crew,
    origin: [(key: String, value: String)]
  ) throws {
    self.settings = settings
    self.crew = crew
    self.problem = problem
    self.weights = weights
    self.alphas = alphas
    points = try FidelityPoints(settings, around: alphas)
    var sampled = settings.gradients
    sampled.innerSteps = Set(settings.objectives.compactMap(\.trueSteps)).sorted()
    sampled.estimators = StudiedEstimator.ofFidelity
    (sampled.places, sampled.comparedDisplacements) = (1, [])
    gradients = EstimatorStudy(
      problem: problem, weights: weights, velocity: velocity, statistics: statistics, alphas: alphas, settings: sampled,
      copies: copies, prefix: "gradient-", crew: crew)
    let batches = try EvaluationBatches(
      of: problem, epoch: sampled.epoch, firstStep: sampled.firstStep, objectives: settings.objectives,
      validation: .batches(sampled.validationBatches), batchNorm: sampled.batchNorm, draw: settings.drawing,
      points: settings.pointsAtATime)
    walk = try PointWalk(
      evaluators: (copies.isEmpty ? [problem] : copies).map { copy in
        try ObjectiveEvaluator(
          problem: copy, weights: weights, velocity: sampled.startsAtRest ? nil : velocity, step: sampled.step,
          unrolledRate: sampled.unrolledRate, batches: batches, batchNorm: sampled.batchNorm, statistics: statistics)
      }, crew: crew, station: "points")
    stateDigest = SHA256.ofState(weights, velocity, alphas)
    account = StudyAccount(
      origin + settings.entries
        + StudyAccount.state(weights, velocity, alphas, statistics, dataChecksum: problem.dataChecksum))
  }

  package var server: StudyServer {
    let points = PointServer(walk, objectives: settings.objectives, like: alphas).station
    return StudyServer(account, stations: gradients.stations.merging([points.name: points.answer]) { $1 })
  }

  /// Evaluates what is missing and writes the files.
  ///
  /// - Parameters:
  ///   - origin: keys and values that say where problem and checkpoint come from.
  ///   - isContinued: whether the folder holds an unfinished or finished study of the same settings.
  /// - Throws: `CancellationError` when a stop was requested, with every finished evaluation in the journal; `InputError`
  ///   where a folder to be continued is of other settings, and where a file cannot be read or written.
  public func run(
    in folder: OutputFolder, origin: [(key: String, value: String)] = [], isContinued: Bool = false,
    isStopRequested: @escaping () -> Bool = { false },
    progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> [FidelityRow] {
    let lock = try folder.lock()
    defer { withExtendedLifetime(lock) {} }
    let files = StudyFolder(folder, .fidelity, result: "fidelity.csv")
    let norm = String(describing: alphas.norm)
    let file = SettingsFile(
      origin: origin, settings: settings.entries + [("alpha_norm", norm), ("state_sha256", stateDigest)])
    if try files.begin(file, isContinued: isContinued) { return try FidelityRow.read(from: files.resultPath) }
    try crew.prepare(account.bytes)
    let journal = try StudyJournal(path: files.journalPath)
    try evaluate(journal, isStopRequested, progress)
    let samples = try samples(journal)
    try FiniteCheck.require(
      settings.objectives.map { ($0.label, samples.losses(of: $0)) }, of: FiniteCheck.place(in: origin), unit: "points")
    var rows = try FidelityStatistics(samples, truth: settings.truth, bootstrap: settings.bootstrap).rows()
    if let grid = points.grid {
      rows += try shape(grid, journal)
      try CSVWriter.write(
        columns: ["x", "y", "objective", "inner_steps", "loss", "accuracy"], rows: planeRows(grid, journal),
        to: folder.file("fidelity-plane.csv"))
    }
    rows += try gradientRows(journal, isStopRequested)
    do {
      rows += try eigenvalueRows(isStopRequested)
    } catch let error as Divergence {
      throw InputError(
        "no curvature", at: .file(FiniteCheck.place(in: origin)), found: error.account, wanted: "gradients that are finite")
    }
    try CSVWriter.write(
      columns: FidelitySamples.columns, rows: samples.rows, to: folder.file("fidelity-samples.csv"))
    try CSVWriter.write(columns: FidelityRow.columns, rows: rows.map(\.fields), to: files.resultPath)
    files.removeJournals()
    return rows
  }

  /// How long the study takes here, or the rest of one that a folder holds.
  ///
  /// - Throws: what the problem throws where its data are damaged.
  public func estimate(continuing folder: OutputFolder? = nil) throws -> TimeEstimate {
    let (journal, tasks, sampled) = (StudyJournal.unfinished(in: folder), points.tasks, gradients.settings)
    let seconds = try walk.measurePasses(at: alphas)
    var estimate = TimeEstimate(
      points: tasks.count - (journal?.count(tasks) ?? 0),
      work: EvaluationWork(
        of: settings.objectives, validationBatches: sampled.validationBatches,
        recalibrationBatches: sampled.batchNorm.batches ?? 0),
      parallel: try crew.expectedWorkers(), ranks: crew.ranks, forwardSeconds: seconds.forward, stepSeconds: seconds.step)
    if settings.comparesGradients {
      let left = gradients.evaluationCount - (journal.map(gradients.known) ?? 0)
      estimate.further = [.init(left, gradients.pointWork)]
      estimate.gradients = gradients.gradientWork
    }
    if settings.takesEigenvalue {
      let products = settings.hessian.products()
      // Of differences once more at half of the displacement.
      let steps = products.usualCost * (products.halved == nil ? 1 : 2) * Double(sampled.validationBatches)
      estimate.gradients = estimate.gradients + EvaluationWork(steps: Int(steps))
    }
    return estimate
  }

  /// The samples alone, without files: how far L₁ and L₂ have left the true loss here is
  /// `FidelityStatistics(samples, …).rows()`.
  ///
  /// - Throws: `CancellationError` when a stop was requested.
  public func sample(isStopRequested: @escaping () -> Bool = { false }) throws -> FidelitySamples {
    try crew.prepare(account.bytes)
    let journal = try StudyJournal()
    let tasks = points.tasks
    try walk.run(
      tasks.filter { $0.key.part != "plane" }, journal: journal, watch: WalkWatch(isStopRequested: isStopRequested))
    return try samples(journal)
  }

  private func evaluate(
    _ journal: StudyJournal, _ isStopRequested: @escaping () -> Bool, _ progress: @escaping (Int, Int) -> Void
  ) throws {
    let tasks = points.tasks
    let (more, moreDone) =
      settings.comparesGradients ? (gradients.evaluationCount, gradients.known(in: journal)) : (0, 0)
    let watch = WalkWatch(
      total: tasks.count + more, done: journal.count(tasks) + moreDone, isStopRequested: isStopRequested, report: progress)
    try walk.run(tasks, journal: journal, watch: watch)
    if settings.comparesGradients { try gradients.evaluate(journal: journal, watch: watch) }
  }

  private func samples(_ journal: StudyJournal) throws -> FidelitySamples {
    let objectives = settings.objectives
    func all(_ key: StudyPoint) throws -> [Objective: LandscapePlane.Sample] {
      guard let samples = journal.samples(key, objectives) else {
        throw InputError("an evaluation is missing", at: "journal.csv", found: "\(key)")
      }
      return Dictionary(zip(objectives, samples)) { $1 }
    }
    let rays = try (0..<settings.directions).map { ray in
      let points = try settings.radii.indices.map { try all(FidelityPoints.key(ray: ray, radius: $0)) }
      return Dictionary(
        objectives.map { objective in (objective, points.compactMap { $0[objective] }) }, uniquingKeysWith: { $1 })
    }
    return try FidelitySamples(
      objectives: objectives, radii: settings.radii, centre: all(FidelityPoints.centre), rays: rays,
      displacements: (0..<settings.directions).map { ray in
        settings.radii.indices.map { points.displacement(ray: ray, radius: $0) }
      }, alphaNorm: alphas.norm)
  }

  private func planeRows(_ grid: LandscapeGrid, _ journal: StudyJournal) -> [[CSVField]] {
    (0..<grid.count).flatMap { index -> [[CSVField]] in
      let point = grid.point(index)
      let samples = journal.samples(FidelityPoints.key(planePoint: index), settings.objectives) ?? []
      return zip(settings.objectives, samples).map { objective, sample in
        [
          .real(point.x), .real(point.y), .text(objective.name), .integer(objective.innerSteps), .real(sample.loss),
          .real(sample.accuracy),
        ]
      }
    }
  }

  private func shape(_ grid: LandscapeGrid, _ journal: StudyJournal) throws -> [FidelityRow] {
    let lengths = points.plane.map { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let places = (0..<grid.count).map { index in [grid.point(index).x * lengths[0], grid.point(index).y * lengths[1]] }
    let losses = settings.objectives.map { objective in
      (objective, (0..<grid.count).map { journal.loss(FidelityPoints.key(planePoint: $0), objective) })
    }
    return try QuadraticShape(points: places).rows(
      losses: Dictionary(losses) { $1 }, objectives: settings.objectives, truth: settings.truth)
  }

  /// Cosine, sign agreement and relative length of gradients against the finite-difference gradient of the truth.
  private func gradientRows(_ journal: StudyJournal, _ isStopRequested: @escaping () -> Bool) throws -> [FidelityRow] {
    guard settings.comparesGradients else { return [] }
    let found = try gradients.samples(journal, watch: WalkWatch(isStopRequested: isStopRequested))
    var rows: [FidelityRow] = []
    for (index, variant) in gradients.variants.enumerated() {
      guard let samples = found[variant] else { continue }
      // The reference itself.
      if variant.estimator == .difference, variant.innerSteps == gradients.settings.referenceSteps { continue }
      let statistics = samples.statistics(bootstrap: settings.bootstrap, key: 20_000 + index)
      let (name, steps) =
        variant.estimator.definition.objective(innerSteps: variant.innerSteps)
        ?? (variant.estimator.rawValue, variant.innerSteps)
      for statistic in [
        EstimatorStatistic.cosine, .signAgreement, .normRatio, .cosineCorrected, .normRatioCorrected,
      ] {
        guard let entry = statistics[statistic] else { continue }
        rows.append(
          FidelityRow(
            "gradient_" + statistic.rawValue, name, innerSteps: steps, value: entry.value, interval: entry.interval,
            count: samples.reduce(0) { $0 + $1.count }))
      }
    }
    if let change = gradients.stepChange {
      rows.append(FidelityRow("gradient_half_step_difference", of: .secondOrder, value: change, count: 1))
    }
    return rows
  }

  /// The largest eigenvalue of ∇²_α L₁ on the study's validation batches, with its uncertainty, and what tells of noise. Names
  /// of rows say how products were made (`FidelityRow.name(_:by:)`).
  private func eigenvalueRows(_ isStopRequested: @escaping () -> Bool) throws -> [FidelityRow] {
    guard settings.takesEigenvalue else { return [] }
    let (place, length) = (gradients.settings, max(1, problem.stepsPerEpoch))
    let batches = try (0..<place.validationBatches).map { batch in
      let offset = place.firstStep + batch
      return try problem.validationBatch(epoch: place.epoch + offset / length, step: offset % length)
    }
    let hessian = ArchitectureHessian(
      problem: problem, weights: weights, alphas: alphas, batches: batches, products: settings.hessian.products(),
      isStopRequested: isStopRequested)
    let found = try DominantCurvature(of: hessian, seed: place.seed, epoch: place.epoch)
    let interval = StatedInterval(uncertainty: found.uncertainty, of: found.largest)
    func row(_ name: String, _ value: Double, _ products: Int, _ interval: StatedInterval? = nil) -> FidelityRow {
      FidelityRow(
        FidelityRow.name(name, by: settings.hessian), of: .firstOrder, value: value, interval: interval, count: products)
    }
    return [
      row("dominant_eigenvalue", found.largest, found.products, interval),
      row("hessian_asymmetry", found.asymmetry, found.products),
    ] + (found.atHalf.map { [row("dominant_eigenvalue_half_displacement", $0.largest, $0.products)] } ?? [])
  }
}
