import Cells
import Compute
import Formats
import Landscape
import Problems

/// A study of gradient estimators at a checkpoint, from its settings to its files: `estimators.yaml`, `journal.csv` while it
/// runs, `gradients.safetensors` (true.M, the compared displacements, and, where asked for, those of DARTS, [places, values of α] each) and
/// `estimators.csv`.
public struct EstimatorRun<Problem: BilevelProblem>: SharedStudy {
  public let settings: EstimatorSettings
  private let study: EstimatorStudy<Problem>
  private let stateDigest: String
  private let account: StudyAccount

  /// - Parameters:
  ///   - velocity: the momentum of the checkpoint; nil for zero.
  ///   - statistics: its running statistics, for batch-norm modes that need them.
  ///   - copies: of the problem, as many as points are evaluated at a time; none for the problem itself.
  public init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, statistics: ParameterVector? = nil,
    alphas: ArchitectureParameters, settings: EstimatorSettings, copies: [Problem] = []
  ) {
    self.init(
      problem: problem, weights: weights, velocity: velocity, statistics: statistics, alphas: alphas, settings: settings,
      copies: copies, crew: Crew(workers: copies.count), origin: [])
  }

  /// The same with a crew that may span ranks; each of the others makes the study with a crew of its own and serves (`server`).
  ///
  /// - Parameter origin: where problem and checkpoint come from, which ranks must agree on.
  package init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, statistics: ParameterVector?,
    alphas: ArchitectureParameters, settings: EstimatorSettings, copies: [Problem], crew: Crew,
    origin: [(key: String, value: String)]
  ) {
    self.settings = settings
    study = EstimatorStudy(
      problem: problem, weights: weights, velocity: velocity, statistics: statistics, alphas: alphas, settings: settings,
      copies: copies, crew: crew)
    stateDigest = SHA256.ofState(weights, velocity, alphas)
    account = StudyAccount(
      origin + settings.entries
        + StudyAccount.state(weights, velocity, alphas, statistics, dataChecksum: problem.dataChecksum))
  }

  package var server: StudyServer { StudyServer(account, stations: study.stations) }

  /// - Parameters:
  ///   - origin: keys and values that say where problem and checkpoint come from.
  ///   - isContinued: whether the folder holds an unfinished or finished study of the same settings.
  /// - Throws: `CancellationError` when a stop was requested, with every finished evaluation in the journal; `InputError`
  ///   where a folder to be continued is of other settings or the true loss is not finite; `InputError` for files.
  public func run(
    in folder: OutputFolder, origin: [(key: String, value: String)] = [], isContinued: Bool = false,
    isStopRequested: @escaping () -> Bool = { false },
    progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> [EstimatorRow] {
    let lock = try folder.lock()
    defer { withExtendedLifetime(lock) {} }
    let files = StudyFolder(folder, .estimators, result: "estimators.csv")
    let file = SettingsFile(origin: origin, settings: settings.entries + [("state_sha256", stateDigest)])
    if try files.begin(file, isContinued: isContinued) { return try EstimatorRow.read(from: files.resultPath) }
    try study.crew.prepare(account.bytes)
    let journal = try StudyJournal(path: files.journalPath)
    let watch = WalkWatch(
      total: study.evaluationCount, done: study.known(in: journal), isStopRequested: isStopRequested, report: progress)
    let rows: [EstimatorRow]
    do {
      try study.evaluate(journal: journal, watch: watch)
      rows = try self.rows(journal, watch)
      try writeGradients(journal, to: folder.file("gradients.safetensors"))
    } catch var error as InputError where error.problem == EstimatorStudy<Problem>.diverged {
      error.place = error.place.within(FiniteCheck.place(in: origin))
      throw error
    }
    try CSVWriter.write(columns: EstimatorRow.columns, rows: rows.map(\.fields), to: files.resultPath)
    files.removeJournals()
    return rows
  }

  /// How long the study takes here, or the rest of one that a folder holds.
  ///
  /// - Throws: what the problem throws where its data are damaged.
  public func estimate(continuing folder: OutputFolder? = nil) throws -> TimeEstimate {
    try study.estimate(done: StudyJournal.unfinished(in: folder).map(study.known) ?? 0)
  }

  /// The rows alone, without files.
  ///
  /// - Throws: `CancellationError` when a stop was requested; `InputError` where the true loss is not finite.
  public func rows(isStopRequested: @escaping () -> Bool = { false }) throws -> [EstimatorRow] {
    try study.crew.prepare(account.bytes)
    let journal = try StudyJournal()
    let watch = WalkWatch(isStopRequested: isStopRequested)
    try study.evaluate(journal: journal, watch: watch)
    return try rows(journal, watch)
  }

  private func rows(_ journal: StudyJournal, _ watch: WalkWatch) throws -> [EstimatorRow] {
    let samples = try study.samples(journal, watch: watch)
    var rows: [EstimatorRow] = []
    for (index, variant) in study.variants.enumerated() {
      rows += Self.rows(
        variant.estimator.rawValue, variant.innerSteps, variant.candidates, variant.sigma, samples[variant] ?? [],
        settings, mayStay: variant.estimator.definition.mayStay, key: index)
    }
    for (index, compared) in try study.comparedDisplacements(journal).enumerated() {
      rows += Self.rows(
        "reference", settings.referenceSteps, nil, compared.displacement, compared.samples, settings, mayStay: false,
        key: study.variants.count + index)
    }
    return rows
  }

  private static func rows(
    _ name: String, _ innerSteps: Int, _ candidates: Int?, _ sigma: Double?, _ samples: [EstimateSample],
    _ settings: EstimatorSettings, mayStay: Bool, key: Int
  ) -> [EstimatorRow] {
    let found = samples.statistics(bootstrap: settings.bootstrap, key: key)
    return EstimatorStatistic.allCases.compactMap { statistic in
      guard statistic != .acceptance || mayStay, let entry = found[statistic] else { return nil }
      return EstimatorRow(
        estimator: name, innerSteps: innerSteps, candidates: candidates, sigma: sigma, statistic: statistic.rawValue,
        value: entry.value, interval: entry.interval,
        count: samples.reduce(0) { $0 + $1.count })
    }
  }

  /// What the choice of ε made of ∇L₂ at most (`SecondOrderGradient.halfStepDifference`); nil before `run`, and without ∇L₂.
  public var stepChange: Double? { study.stepChange }

  private func writeGradients(_ journal: StudyJournal, to path: String) throws {
    func tensor(_ name: String, _ gradients: [[Double]]) -> NamedTensor {
      NamedTensor(
        name: name, shape: [gradients.count, gradients.first?.count ?? 0], values: .float64(gradients.flatMap { $0 }))
    }
    let places = 0..<settings.places
    var tensors = settings.innerSteps.map { steps in
      tensor("true.\(steps)", places.map { study.difference(journal, place: $0, innerSteps: steps) })
    }
    for (index, displacement) in settings.comparedDisplacements.enumerated() {
      let gradients = places.map {
        study.difference(journal, place: $0, innerSteps: settings.referenceSteps, displacement: index + 1)
      }
      tensors.append(tensor("true.\(settings.referenceSteps).displacement.\(displacement)", gradients))
    }
    tensors += try study.estimatesOfPlaces(journal).map { tensor($0.name, $0.estimates) }
    var metadata = ["state_sha256": stateDigest]
    if let stepChange { metadata["second_half_step_difference"] = "\(stepChange)" }
    try TensorFile.write(tensors, metadata: metadata, to: path)
  }
}
