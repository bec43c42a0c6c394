import ArgumentParser
import Compute
import Formats
import Landscape
import Problems
import Runs
import Studies

/// The flags of a study that evaluates points around a checkpoint, and what becomes of them.
struct StudyFlags: ParsableArguments {
  @Option(help: "Validation batches that each loss is the mean over.")
  var validationBatches = 1
  @OptionGroup var normalising: BatchNormFlags
  @OptionGroup var inner: InnerStepFlags
  @OptionGroup var intervals: BootstrapFlags
  @OptionGroup var walk: WalkFlags

  /// Opens the checkpoint, runs the study that is made of it, or says how long it would take.
  ///
  /// - Parameters:
  ///   - objectives: that are evaluated at every point.
  ///   - points: how many there are to evaluate at a time, for so many values of α.
  ///   - make: the study, of a checkpoint, the copies of its problem that evaluate points, and the crew that shares them out.
  ///   - finish: told of the rows.
  func run<Study: SharedStudy>(
    _ source: LandscapeSource, objectives: [Objective], points: (_ values: Int) -> Int,
    make: (LandscapeCheckpoint<SupernetProblem>, _ copies: [SupernetProblem], Crew) throws -> Study,
    finish: (Study, [Study.Row], OutputFolder) throws -> Void
  ) throws {
    try walk.requireOut()
    let batchNorm = try normalising.mode()
    let team = try RunningProgram.team()
    var opened = try source.open()
    if team.rank == 0 { opened.announce(takingSteps: true) } else { opened = opened.silent }
    let problem = try ProblemFactory.make(opened.configuration)
    try ProblemFactory.checkMemory(
      of: problem, innerSteps: objectives.map(\.trainingBatches).max() ?? 1, validationBatches: validationBatches,
      recalibrationBatches: batchNorm.batches ?? 0)
    let place = try LandscapeCheckpoint(opened, of: problem, learningRate: source.innerLr)
    try place.check(batchNorm)
    let copies = try ProblemFactory.instances(
      of: problem, opened.configuration, objectives: objectives, parallel: walk.parallel,
      points: SharedWork.share(of: points(place.alphas.count), team))
    let crew = SharedWork.crew(team, workers: copies.count)
    let study = try make(place, copies, crew)
    guard team.rank == 0 else {
      return try study.server.serve(team, workers: copies.count, signal: SharedWork.signal())
    }
    guard let folder = try walk.folder() else {
      print(LandscapeEstimate.text(try study.estimate(continuing: nil), copies, objectives))
      return
    }
    let rows = try StudyCommand.run(unit: "evaluations", journal: folder.file("journal.csv")) { isStopRequested, progress in
      try study.run(
        in: folder, origin: place.origin, isContinued: walk.resume, isStopRequested: isStopRequested, progress: progress)
    }
    try crew.dismiss()
    try finish(study, rows, folder)
  }
}

/// The flags that say how inner training departs from the search's.
struct InnerStepFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Learning rate of the inner steps of L_M, apart from that of the search, which stays ξ of L₂. Default: the search's.",
      valueName: "rate"))
  var innerLearningRate: Double?
  @Flag(inversion: .prefixedNo, help: "Begin the steps of L₂ and L_M with zero momentum, not with the checkpoint's.")
  var freshMomentum: Bool?

  func validate() throws {
    if let innerLearningRate, !RealBounds.length.contains(Double(Float(innerLearningRate))) {
      throw ValidationError("--inner-learning-rate: found \(innerLearningRate), wanted \(RealBounds.length.wanted)")
    }
  }

  /// The settings with what the flags say.
  func applied(to settings: EstimatorSettings) -> EstimatorSettings {
    var result = settings
    if let innerLearningRate {
      (result.step.learningRate, result.unrolledRate) = (Float(innerLearningRate), settings.step.learningRate)
    }
    result.startsAtRest = freshMomentum ?? false
    return result
  }
}

/// The flags of what evaluates points side by side and can be stopped and continued.
struct WalkFlags: ParsableArguments {
  @Option(
    help: "Evaluations at a time, on each rank, each on a copy of the network. Default: what cores and memory allow.")
  var parallel: Int?
  @Flag(help: "Measure a forward pass and a training step, say how long it would take, and end.")
  var dryRun = false
  @Flag(help: "Go on with what is unfinished in --out.")
  var resume = false
  @Option(help: ArgumentHelp("Folder for the results, absent or empty unless --resume.", valueName: "dir"))
  var out: String?

  func validate() throws { try ThreadPool.counts.check(parallel, "--parallel") }

  /// Before anything is read.
  func requireOut() throws {
    guard out != nil || dryRun else { throw UsageError(missing: "--out", wanted: "--out DIR, or --dry-run") }
  }

  /// The folder of the results; nil for a dry run.
  func folder() throws -> OutputFolder? {
    guard let out, !dryRun else { return nil }
    return resume ? try OutputFolder.existing(at: out) : try OutputFolder.create(at: out)
  }
}
