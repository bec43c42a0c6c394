import ArgumentParser
import Diagnosis
import Engine
import Formats
import Foundation
import Problems
import Runs
import Search

struct DiagnoseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diagnose", abstract: "Say whether a search has collapsed, since when, and on what evidence.",
    discussion: """
      Reads a run that is finished or going on. From its files: skip connections and operations without weights in the \
      derived cells, entropy of α, dominant eigenvalues. From its checkpoints, unless --quick: eigenvalues that the \
      search has not logged, the loss of the derived cells with the supernet's weights, and how well L₁ and L₂ rank \
      random α as the true loss does. Writes diagnosis.csv, diagnosis.yaml and diagnosis.txt into the run's folder; \
      what was measured is kept. SIGINT, SIGTERM, SIGHUP or SIGUSR1 stops between measurements; the same command goes \
      on. With --log, searches that another program logged are judged by their genotypes and eigenvalues: a row a run in \
      log-diagnosis.csv, an epoch in log-epochs.csv, the verdicts in words in log-diagnosis.txt. Exit status: 0 whatever \
      the verdict, 1 failed, 64 wrong flags, 128 + N stopped by signal N.
      """)

  @Argument(help: ArgumentHelp("Run folder of zarts search.", valueName: "run"))
  var search: String?
  @OptionGroup(title: "LOGS OF OTHER PROGRAMS")
  var logs: LogFlags
  @Flag(help: "Judge from metrics.csv and alphas.npy alone, within a second.")
  var quick = false
  @Option(help: "Measure the checkpoint of every so many epochs, and the last. Default: 1.")
  var every: Int?
  @OptionGroup(title: "MEASUREMENTS")
  var measurements: MeasurementFlags
  @Option(
    help: """
      Batches of the validation split on which the network of the last checkpoint is evaluated without each operation of each \
      edge, beside the operations' mixing weights; 0 for none. Writes diagnosis-removals.csv.
      """)
  var removals = 0
  @Option(
    help: ArgumentHelp(
      "Folder of zarts derive: say where its architecture and that of the argmax rule differ. Default: selection in the run's "
        + "folder, where it is finished.",
      valueName: "dir"))
  var selection: String?
  @OptionGroup(title: "THRESHOLDS")
  var thresholds: ThresholdFlags
  @Option(help: "Where the run's data now are. Default: where they were.")
  var dataset: String?
  @Option(help: "Threads; \(ThreadHelp.zero). The result does not depend on it. Default: the run's.")
  var threads: Int?
  @OptionGroup var pinning: PinFlag
  @Option(help: EngineKind.help(default: "the run's"))
  var engine: EngineKind?
  @Option(help: "Seconds from one line of progress to the next, where there is no terminal.")
  var reportEvery: Double = 30
  @Option(help: ArgumentHelp("Folder for the results. Default: the run's.", valueName: "dir"))
  var out: String?

  func validate() throws {
    try ReportInterval.check(reportEvery)
    try RunBounds.interval.check(every, "--every")
    try RunBounds.threads.check(threads, "--threads")
    try RunBounds.batches.or(zero: "none").check(removals, "--removals")
    if let log = logs.log, let selection {
      throw ValidationError("--selection: found \(selection) beside --log \(log), wanted one of them")
    }
    let measuring = [
      ("--removals", removals > 0 ? "\(removals)" : nil),
      ("--dataset", dataset), ("--threads", threads.map(String.init)), ("--every", every.map(String.init)),
      ("--engine", engine?.name), ("--pin", pinning.pin ? "--pin" : nil),
    ]
    for case let (flag, value?) in measuring where quick {
      throw ValidationError("\(flag): found \(value) beside --quick, which measures nothing; wanted one of them")
    }
    for case let (flag, value?) in measuring where logs.log != nil {
      throw ValidationError("\(flag): found \(value) beside --log, which has nothing to measure; wanted one of them")
    }
    switch (search, logs.log) {
    case (nil, nil): throw ValidationError("command line: no run, wanted a run folder of zarts search or --log")
    case (let search?, let log?):
      throw ValidationError("--log: found \(log) beside the run \(search), wanted one of them")
    default: break
    }
  }

  func run() throws {
    try pinning.apply()
    if let log = logs.log { return try logs.diagnose(log, thresholds: thresholds, out: out) }
    guard let search else { return }
    try diagnose(search)
  }

  private func diagnose(_ search: String) throws {
    let (limits, settings) = (thresholds.values, measurements.values)
    try limits.validate()
    try settings.validate()
    let files = try SearchRunFolder(existing: search)
    var diagnosis = try CollapseDiagnosis(of: files, thresholds: limits)
    let folder = try out.map(Self.folder) ?? files.folder
    try CollapseDiagnosis.requireOwn(folder)
    if !quick {
      let measured = try measure(files, diagnosis, settings, folder)
      diagnosis = try CollapseDiagnosis(
        configuration: diagnosis.configuration, of: files, epochs: diagnosis.epochs.count, measurements: measured,
        thresholds: limits, hessian: settings.hessian)
    }
    var supplements: [DiagnosisSupplement] = []
    if let selected = try selected(besides: files) {
      supplements.append(try .selection(selected, of: diagnosis.configuration))
    }
    if removals > 0 {
      let account = try contribution(files, diagnosis)
      try account.writeTable(to: folder)
      supplements.append(account.supplement)
    }
    try diagnosis.write(to: folder, run: search, settings: quick ? nil : settings, supplements: supplements)
    print(diagnosis.text + supplements.map(\.text).joined())
    print("results in \(folder.file("diagnosis.csv"))")
  }

  /// A folder of an earlier diagnosis, or a new one.
  private static func folder(_ path: String) throws -> OutputFolder {
    FileManager.default.fileExists(atPath: path + "/diagnosis-measurements.csv")
      || FileManager.default.fileExists(atPath: path + "/diagnosis.csv")
      ? try OutputFolder.existing(at: path) : try OutputFolder.create(at: path)
  }

  /// The selection that is named, or that is finished beside the run.
  private func selected(besides files: SearchRunFolder) throws -> ProjectionFolder? {
    if let selection {
      guard ResultFolder(selection)?.kind == .derive else {
        throw UsageError("no selection", at: "--selection", found: selection, wanted: "a folder of zarts derive")
      }
      return try ProjectionFolder(existing: selection)
    }
    let usual = files.folder.file("selection")
    guard ResultFolder(usual)?.kind == .derive else { return nil }
    let folder = try ProjectionFolder(existing: usual)
    return FileManager.default.fileExists(atPath: folder.genotypePath) ? folder : nil
  }

  /// The supernet of the last checkpoint of a finished epoch without each of its operations.
  private func contribution(_ files: SearchRunFolder, _ diagnosis: CollapseDiagnosis) throws -> ContributionAccount {
    let stop = SignalTrap.install()
    let reporter = ProgressReporter.standardError(interval: reportEvery)
    defer { reporter.clear() }
    guard let last = files.checkpoints().last(where: { $0.step == 0 && $0.epoch > 0 }) else {
      throw InputError(
        "no checkpoint", at: .file(files.checkpointsPath), found: "none of a finished epoch",
        wanted: "one, to remove operations from")
    }
    let configuration = try adjusted(diagnosis.configuration)
    let problem = try ProblemFactory.make(configuration)
    let checkpoint = try SearchCheckpoint(readingFrom: last.path, for: problem)
    guard let alphas = checkpoint.alphas else {
      throw InputError("no α in the checkpoint", at: .file(last.path), wanted: "that of a search")
    }
    do {
      let survey = try RemovalSurvey(
        of: problem, weights: checkpoint.weights, alphas: alphas, operations: configuration.operations, batches: removals,
        isStopRequested: { stop.isRequested }
      ) { done, total in
        reporter.report(done: Double(done), of: Double(total), "\(done) of \(total) operations removed")
      }
      return try ContributionAccount(survey, epoch: last.epoch)
    } catch is CancellationError {
      reporter.clear()
      complain("stopped; what was measured is kept, operations are removed anew")
      throw ExitCode(128 + (stop.signal ?? SIGTERM))
    }
  }

  /// Settings of the run with those of the flags.
  private func adjusted(_ configuration: SearchConfiguration) throws -> SearchConfiguration {
    var configuration = configuration
    if let threads { configuration.threads = threads }
    if let engine { configuration.engine = engine }
    if let dataset { configuration.dataset = dataset }
    try configuration.validate()
    return configuration
  }

  private func measure(
    _ files: SearchRunFolder, _ diagnosis: CollapseDiagnosis, _ settings: MeasurementSettings, _ folder: OutputFolder
  ) throws -> [Int: CheckpointMeasurement] {
    let stop = SignalTrap.install()
    let reporter = ProgressReporter.standardError(interval: reportEvery)
    defer { reporter.clear() }
    let configuration = try adjusted(diagnosis.configuration)
    let job = try DiagnosisRun(
      of: files, settings: settings, every: every ?? 1, in: folder, dataset: configuration.dataset,
      makeProblem: {
        let problem = try ProblemFactory.make(configuration)
        if settings.eigenvalues, settings.products(of: configuration) == .exact {
          try problem.model.prepareHessianProducts()
        }
        return problem
      })
    do {
      return try job.measure(
        diagnosis, isStopRequested: { stop.isRequested }, warn: { reporter.note("zarts: \($0)") }
      ) { done, total, epoch in
        reporter.report(done: Double(done), of: Double(total), "checkpoint of epoch \(epoch), \(done) of \(total) measured")
      }
    } catch is CancellationError {
      reporter.clear()
      complain("stopped; what was measured is kept, and the same command goes on")
      throw ExitCode(128 + (stop.signal ?? SIGTERM))
    }
  }
}

extension CollapseDiagnosis {
  /// The same epochs again with measurements: a run that goes on may have finished more meanwhile.
  fileprivate init(
    configuration: SearchConfiguration, of run: SearchRunFolder, epochs: Int, measurements: [Int: CheckpointMeasurement],
    thresholds: CollapseThresholds, hessian: HessianKind?
  ) throws {
    try self.init(
      configuration: configuration, alphas: Array(run.alphaHistory().prefix(epochs)),
      records: Array(run.metrics().prefix(epochs)), measurements: measurements, thresholds: thresholds,
      hessian: hessian, rollBacks: run.rollBacks())
  }
}

/// How checkpoints are measured, as flags.
struct MeasurementFlags: ParsableArguments {
  @Option(help: "Batches of the validation split for the losses of supernet and derived cells.")
  var validationBatches = MeasurementSettings().validationBatches
  @Option(help: "Random α at which approximations (L₁, L₂) are compared with the true loss; 0 for none.")
  var samples = MeasurementSettings().samples
  @Option(help: "Their standard deviation in each coordinate of α.")
  var radius = MeasurementSettings().radius
  @Option(help: "M: inner steps of the true loss.")
  var innerSteps = MeasurementSettings().innerSteps
  @Option(help: "Key of the random α.")
  var seed = MeasurementSettings().seed
  @Flag(inversion: .prefixedNo, help: "Compute dominant eigenvalues that the search has not logged.")
  var eigenvalues = true
  @Option(help: HessianKind.help("of them", default: "as the search makes them; with another kind all are computed"))
  var hessian: HessianKind?

  var values: MeasurementSettings {
    var result = MeasurementSettings()
    (result.validationBatches, result.samples, result.radius) = (validationBatches, samples, radius)
    (result.innerSteps, result.seed, result.eigenvalues) = (innerSteps, seed, eigenvalues)
    result.hessian = hessian
    return result
  }
}
