import ArgumentParser
import Compute
import Datasets
import Formats
import Problems
import Runs
import Search

struct SearchCommand: RankedCommand {
  static let rankUse = RankUse.team
  static let configuration = CommandConfiguration(
    commandName: "search", abstract: "Search for an architecture.",
    discussion: """
      Writes a run folder: config.yaml, metrics.csv, alphas.npy, genotypes.txt, log.txt and checkpoints/. Runs with \
      the same settings and seed give the same bits on any number of threads, and runs of different methods are the \
      same up to the end of the warm-up. SIGINT, SIGTERM, SIGHUP or SIGUSR1 stops after the current step with a \
      checkpoint; --resume goes on. Exit status: 0 finished, 1 failed, 3 diverged, 64 wrong flags, 128 + N stopped by \
      signal N.
      """)

  @OptionGroup var flags: SearchFlags
  @Option(help: "Threads; \(ThreadHelp.zero). Default: 0.")
  var threads: Int?
  @OptionGroup var pinning: PinFlag
  @Option(help: ArgumentHelp("Settings to start from, see 'zarts presets'; --config and flags win.", valueName: "name"))
  var preset: String?
  @Option(help: "Seconds from one line of progress to the next, where there is no terminal.")
  var reportEvery: Double = 30
  @Option(help: ArgumentHelp("Settings of an earlier run; flags given beside it win.", valueName: "config.yaml"))
  var config: String?
  @Option(help: ArgumentHelp("Folder for the results, absent or empty (required unless --resume).", valueName: "dir"))
  var out: String?
  @Option(
    help: ArgumentHelp(
      "Run folder to go on with from its latest checkpoint; only flags that no result depends on go with it, --dataset with the place of data that have moved among them.",
      valueName: "dir")
  )
  var resume: String?

  func validate() throws {
    try ReportInterval.check(reportEvery)
  }

  func run() throws {
    try pinning.apply()
    let stop = SignalTrap.install()
    let team = try RunningProgram.team()
    let configuration = try resume.map { try continuedConfiguration($0) } ?? newConfiguration()
    // With settings and data that this rank reads for itself.
    guard team.rank == 0 else { return try SearchCrew.serve(configuration, team: team, stop: stop) }
    let progress = reporter
    let crew = SearchCrew(of: configuration, team: team, stop: stop, progress: progress)
    defer { crew.dismiss() }
    if let resume {
      try goOn(with: SearchRunFolder(existing: resume), configuration, crew, progress, stop)
    } else {
      try start(configuration, crew, progress, stop)
    }
  }

  private func start(
    _ configuration: SearchConfiguration, _ crew: SearchCrew, _ progress: ProgressReporter, _ stop: StopRequest
  ) throws {
    guard let out else { throw UsageError(missing: "--out") }
    for setting in unusedSettings(configuration) {
      progress.note("note: \(setting) has no effect on \(configuration.method.rawValue)")
    }
    guard configuration.stages.isEmpty else {
      let folder = try OutputFolder.create(at: out)
      return try finish(
        StagedSearch(
          starting: configuration, folder: folder, progress: progress, stop: stop, makeCrew: crew.candidates,
          makeProblem: ProblemFactory.makeSearched))
    }
    let problem = try ProblemFactory.makeSearched(configuration)
    let folder = try OutputFolder.create(at: out)
    try finish(
      SearchRun(
        starting: problem, configuration: configuration, folder: folder, space: configuration.space,
        crew: crew.candidates(configuration, problem), progress: progress, stop: stop))
  }

  /// The settings of a run that goes on, with those that were given beside it.
  private func continuedConfiguration(_ path: String) throws -> SearchConfiguration {
    let allowed = SearchConfiguration.adjustable.map(FlagNames.flag(of:))
    let others = givenFlags.filter { !allowed.contains($0) }
    guard others.isEmpty else {
      throw UsageError(
        "flags beside --resume", found: others.joined(separator: ", "),
        wanted: "\(allowed.joined(separator: ", ")) at most: the run goes on with its own settings")
    }
    var configuration = try SearchRunFolder(existing: path).configuration()
    adjust(&configuration)
    try configuration.validate()
    return configuration
  }

  private func goOn(
    with files: SearchRunFolder, _ configuration: SearchConfiguration, _ crew: SearchCrew, _ progress: ProgressReporter,
    _ stop: StopRequest
  ) throws {
    guard configuration.stages.isEmpty else {
      return try finish(
        StagedSearch(
          continuing: files, adjusting: adjust, progress: progress, stop: stop, makeCrew: crew.candidates,
          makeProblem: ProblemFactory.makeAgain))
    }
    let problem = try ProblemFactory.makeAgain(configuration)
    try finish(
      SearchRun(
        continuing: problem, folder: files.folder, space: configuration.space, adjusting: adjust,
        crew: crew.candidates(configuration, problem), progress: progress, stop: stop))
  }

  private func finish<Problem: BilevelProblem>(_ run: SearchRun<Problem>) throws {
    try finish(run.files) { _ = try run.run() }
  }

  private func finish<Problem: BilevelProblem>(_ search: StagedSearch<Problem>) throws {
    try finish(search.files) { _ = try search.run() }
  }

  private func finish(_ files: SearchRunFolder, run: () throws -> Void) throws {
    do {
      try run()
    } catch let error as Interruption {
      complain("\(error); go on with --resume \(files.folder.path)")
      throw ExitCode(128 + error.signal)
    }
    print(try RunSummary.table([files]))
    print("results in \(files.folder.path)")
  }

  /// Where progress and warnings go.
  private var reporter: ProgressReporter { .standardError(interval: reportEvery) }

  /// Puts the flags that may go with --resume into a configuration.
  private func adjust(_ configuration: inout SearchConfiguration) {
    flags.apply(to: &configuration)
    if flags.dataset != nil { configuration.dataset = DatasetSpecification.absolute(configuration.dataset) }
    if let threads { configuration.threads = threads }
  }

  /// Flags over the file of --config over the preset over the defaults of method and space; the place of the data as it is
  /// from anywhere.
  private func newConfiguration() throws -> SearchConfiguration {
    guard out != nil else { throw UsageError(missing: "--out") }
    var result: SearchConfiguration
    let preset = try preset.map { try SearchPreset(named: $0, at: .setting("preset")) }
    if let config {
      let text = try String(decoding: FileBytes.read(config), as: UTF8.self)
      result = try SearchConfiguration(yaml: text, from: config, preset: preset, given: flags.identity)
    } else if let preset {
      result = try SearchConfiguration(preset: preset, given: flags.identity)
    } else {
      guard let method = flags.method else { throw UsageError(missing: "--method") }
      guard let dataset = flags.dataset else { throw UsageError(missing: "--dataset") }
      result = SearchConfiguration(method: method, space: flags.space ?? .s6, dataset: dataset)
      result.mu = SearchConfiguration.defaultMu(result.space, flags.rsDistribution ?? result.rsDistribution)
    }
    flags.apply(to: &result)
    if let threads { result.threads = threads }
    try result.validate()
    result.dataset = DatasetSpecification.absolute(result.dataset)
    return result
  }

  /// Flags that the method does not read or that are of something not switched on, and such settings of --config that someone
  /// changed.
  private func unusedSettings(_ configuration: SearchConfiguration) -> [String] {
    let unused = flags.given.filter { !configuration.takes($0) || configuration.isIdle($0) }
    let changed = config == nil ? [] : configuration.ignoredSettings.filter { !flags.given.contains($0) }
    return unused.map(FlagNames.flag(of:)) + changed.map { "\($0) of \(config ?? "")" }
  }

  private var givenFlags: [String] {
    flags.given.map(FlagNames.flag(of:)) + (preset == nil ? [] : ["--preset"]) + (config == nil ? [] : ["--config"])
      + (out == nil ? [] : ["--out"])
  }
}
