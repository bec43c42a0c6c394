import ArgumentParser
import Compute
import Formats
import Foundation
import Landscape
import Plots
import Problems
import Runs

struct LandscapeCommand: RankedCommand {
  static let rankUse = RankUse.team
  static let configuration = CommandConfiguration(
    commandName: "landscape", abstract: "Draw the validation loss around a checkpoint beside what DARTS takes it for.",
    discussion: """
      Walks a grid in the plane of two orthogonal directions of α, or lines, and evaluates at each point what \
      first-order DARTS, second-order DARTS and ZARTS descend. With --over weights directions are those of the weights, \
      filter-normalised (Li et al., 2018), with --over both one may be either's. Every point sees the same batches. Writes \
      landscape.yaml, landscape.csv, .npy and .npz, comparison.csv, directions.safetensors and landscape.png, or \
      lines.csv; refinement.csv, trajectory.csv and paths.csv where asked for. SIGINT, SIGTERM, SIGHUP or SIGUSR1 stops after the \
      points in work; the same command with --resume goes on.
      """)

  @OptionGroup var source: LandscapeSource
  @OptionGroup var options: LandscapeOptions
  @Option(
    help: "Points evaluated at a time, on each rank, each on a copy of the network. Default: what cores and memory allow.")
  var parallel: Int?
  @Flag(help: "Measure a forward pass and a training step, say how long it would take, and end.")
  var dryRun = false
  @Flag(help: "Say at the end how much of the time the network's own passes took.")
  var timing = false
  @Flag(help: "Write landscape.pdf too.")
  var pdf = false
  @Flag(help: "Write landscape.svg too.")
  var svg = false
  @OptionGroup var figure: FigureFlags
  @Flag(help: "Go on with the unfinished landscape in --out.")
  var resume = false
  @Option(help: ArgumentHelp("Folder for the results, absent or empty unless --resume.", valueName: "dir"))
  var out: String?

  func validate() throws { try ThreadPool.counts.check(parallel, "--parallel") }

  func run() throws {
    let settings = try options.settings()
    guard out != nil || dryRun else { throw UsageError(missing: "--out", wanted: "--out DIR, or --dry-run") }
    let team = try RunningProgram.team()
    var opened = try source.open(.networks)
    if team.rank == 0 {
      opened.announce(
        takingSteps: (settings.objectives.contains(where: \.takesSteps) && !settings.startsAtRest)
          || settings.directions.contains(where: \.takesSteps) || options.following.paths != nil)
    } else {
      opened = opened.silent
    }
    try draw(ProblemFactory.problem(of: opened), opened, settings, team)
  }

  private func draw<Problem: NetworkProblem>(
    _ problem: Problem, _ opened: LandscapeSource.Opened, _ given: LandscapeSettings, _ team: any Team
  ) throws {
    let configuration = opened.configuration
    var settings = given
    let place = try LandscapeCheckpoint(opened, of: problem, learningRate: source.innerLr)
    if settings.space != .weights { try place.requireAlphas() }
    settings.data = try data(settings.data, of: problem)
    settings.step = place.step
    if let rate = options.ownRate {
      (settings.step.learningRate, settings.unrolledRate) = (Float(rate), place.step.learningRate)
    }
    (settings.epoch, settings.firstStep) = (place.epoch, place.firstStep)
    settings.zarts = ZARTSUpdateSettings(configuration, epoch: place.epoch)
    settings.paths = try options.following.settings(in: configuration, epoch: place.epoch)
    try place.check(settings.batchNorm)
    try ProblemFactory.checkMemory(
      of: problem,
      innerSteps: max(settings.evaluated.map(\.trainingBatches).max() ?? 1, settings.paths?.trainingBatches ?? 0),
      validationBatches: settings.validation.kept,
      recalibrationBatches: settings.batchNorm.batches ?? 0)
    try MemoryShortage.check(
      "a landscape of \(settings.pointCount) points",
      neededBytes: .saturatingProduct(settings.pointCount, settings.pointBytes),
      advice: settings.kind == .grid ? "a smaller --grid" : "fewer --points or directions")
    let variables = Set(settings.evaluated.compactMap(\.kind.hessianVariable))
    if variables.contains(.alphas) { try place.requireAlphas() }
    func prepare(_ problem: Problem) throws {
      for variable in variables {
        switch variable {
        case .alphas: try problem.prepareHessianProducts()
        case .weights: try problem.prepareWeightHessianProducts()
        }
      }
    }
    try prepare(problem)
    let instances = try ProblemFactory.instances(
      of: problem, configuration, objectives: settings.evaluated, vectors: settings.vectorsPerPoint, parallel: parallel,
      points: SharedWork.share(of: settings.pointCount, team))
    try instances.forEach(prepare)
    let drawn = dryRun ? settings.withoutComputedDirections : settings
    let files = try options.weighing.files(
      of: settings, trajectory: options.trajectory, run: source.run ?? source.retraining, drawsPath: team.rank == 0,
      for: problem)
    guard team.rank == 0 else {
      return try LandscapeRun.serve(
        team, problems: instances, weights: place.checkpoint.weights, velocity: place.checkpoint.momentum,
        statistics: place.checkpoint.statistics, alphas: place.alphas, settings: drawn, files: files,
        origin: place.agreement, signal: SharedWork.signal())
    }
    let crew = SharedWork.crew(team, workers: instances.count)
    if settings.directions.contains(where: \.isDifferenced), !dryRun {
      remark("directions along −∇L_M take \(2 * place.alphas.count) evaluations each before the first point")
    }
    let run = try LandscapeRun(
      problems: instances, weights: place.checkpoint.weights, velocity: place.checkpoint.momentum,
      statistics: place.checkpoint.statistics, alphas: place.alphas, settings: drawn,
      trajectories: options.trajectories(of: settings, run: source.run, like: place.alphas), files: files, crew: crew,
      origin: place.agreement)
    guard let out, !dryRun else {
      var estimate = try run.estimate()
      estimate.directions = settings.directionWork(
        validationBatches: run.validationBatchCount, values: place.alphas.count)
      print(
        LandscapeEstimate.text(estimate, instances, run.settings.objectives, vectors: run.settings.vectorsPerPoint))
      return
    }
    let folder = resume ? try OutputFolder.existing(at: out) : try OutputFolder.create(at: out)
    if settings.space == .weights, settings.kind == .grid, let weights = run.axes.weights {
      remark(String(format: "cosine of the two directions: %.3g", weights.cosine(0, 1)))
    }
    let result = try walk(
      run, folder, place.origin + options.weighing.origin + noise(of: place, settings), instances)
    try crew.dismiss()
    // From the files alone, as zarts plot does.
    let figures = try Plot.writeBeside(
      folder.path, formats: [.png] + (pdf ? [.pdf] : []) + (svg ? [.svg] : []), figure.style)
    if let gaps = LandscapeSummary.gaps(result) { complain(gaps) }
    for path in result.paths ?? [] {
      if let account = path.divergence { complain("note: the path of \(path.name) ends early: \(account)") }
    }
    print(try LandscapeSummary.text(result))
    for path in [folder.file(run.tableName)] + figures { print(path) }
  }

  /// A derived network that is reported on other images than validation ones has its losses on those, under their own name.
  private func data(_ wanted: DataSplit, of problem: some NetworkProblem) throws -> DataSplit {
    guard wanted == .validation, problem.reportedSplit != .validation else { return wanted }
    guard options.data == nil else {
      throw InputError(
        "not what this network is reported on", at: .setting("data"), found: wanted.rawValue,
        wanted: "\(problem.reportedSplit.rawValue), or images that were held out (hold_out)")
    }
    return problem.reportedSplit
  }

  /// How far ∇L₂ as a direction depends on its ε, as an entry of landscape.yaml; a warning where it does too much.
  private func noise<Problem: BilevelProblem>(
    of place: LandscapeCheckpoint<Problem>, _ settings: LandscapeSettings
  ) throws -> [(key: String, value: String)] {
    guard settings.directions.contains(.second) else { return [] }
    let problem = place.problem
    let training = try problem.trainingBatch(epoch: place.epoch, step: place.firstStep)
    let validation = try problem.validationBatch(epoch: place.epoch, step: place.firstStep)
    let change = try GradientEstimator.second.estimateWithStepChange(
      problem: problem, weights: place.checkpoint.weights, velocity: place.checkpoint.momentum, alphas: place.alphas,
      training: training, validation: validation, step: place.step
    ).stepChange
    if let warning = NumericalNoise.gradientWarning(change) { complain(warning) }
    return change.map { [("second_half_step_difference", "\($0)")] } ?? []
  }

  private func walk<Problem: NetworkProblem>(
    _ run: LandscapeRun<Problem>, _ folder: OutputFolder, _ origin: [(key: String, value: String)],
    _ instances: [Problem]
  ) throws -> LandscapeRun<Problem>.Result {
    let stop = SignalTrap.install()
    let reporter = ProgressReporter.standardError()
    defer { reporter.clear() }
    var estimate: TimeEstimate?
    var start = ProgressReporter.monotonicSeconds()
    var held: (done: Int, total: Int)?
    func report(_ done: Int, _ total: Int) {
      reporter.report(done: Double(done), of: Double(total), "\(done) of \(total) points")
    }
    do {
      let result = try run.runAny(
        in: folder, origin: origin, isContinued: resume, isStopRequested: { stop.isRequested },
        estimated: {
          reporter.note(
            LandscapeEstimate.text($0, instances, run.settings.objectives, vectors: run.settings.vectorsPerPoint))
          estimate = $0
          // Other ranks have points while this one measures.
          if $0.ranks == 1 { start = ProgressReporter.monotonicSeconds() }
          if let (done, total) = held { report(done, total) }
        },
        // The pace is that of points: it is taken from when those of this process begin.
        progress: {
          if $0 < $1, estimate == nil { held = ($0, $1) } else { report($0, $1) }
        })
      if timing {
        reporter.note(
          estimate.map {
            LandscapeEstimate.timing(
              seconds: ProgressReporter.monotonicSeconds() - start, points: run.seconds.points, engine: run.seconds.engine,
              $0)
          } ?? "timing: nothing was left to evaluate")
      }
      return result
    } catch is CancellationError {
      reporter.clear()
      complain("stopped; the points so far are in \(folder.file("journal.csv")); go on with --resume")
      throw ExitCode(128 + (stop.signal ?? SIGTERM))
    }
  }
}
