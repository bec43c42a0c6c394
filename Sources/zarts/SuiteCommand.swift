import ArgumentParser
import Compute
import Datasets
import Formats
import Retraining
import Runs
import Search
import Suites

struct SuiteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "suite",
    abstract: "Search, choose and retrain for whole tables, by as many processes as are started.",
    discussion: """
      'zarts suite suite.yaml --out DIR' is 'zarts suite run', see 'zarts help suite run'; 'zarts suite status DIR' says where \
      the jobs are.
      """,
    subcommands: [SuiteRunCommand.self, SuiteStatusCommand.self], defaultSubcommand: SuiteRunCommand.self)
}

struct SuiteRunCommand: RankedCommand {
  static let rankUse = RankUse.each
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Work off a suite, alone or beside other processes.",
    discussion: """
      Takes a suite.yaml, flags, or a preset (\(SuitePreset.all.map(\.name).joined(separator: ", "))), of which flags win \
      over the file and the file over the preset. Searches every method, in each of its variants, on every space, dataset and seed, \
      chooses among these on held-out training images as 'zarts select' does, retrains what was chosen and tests it, once. The same command \
      started again, on this machine or on another that shares the folder, works on what nobody works on; what a killed \
      process leaves is taken over from its last checkpoint. No result depends on who did what. Writes suite.yaml, suite.csv, \
      suite.md and suite.tex, and folders of search, select and retrain under runs/, choices/ and retrainings/. SIGINT, \
      SIGTERM, SIGHUP or SIGUSR1 stops this process after its current step. Exit status: 0 all jobs finished, 1 a job failed, \
      3 none failed but one diverged, 64 wrong flags, 128 + N stopped by signal N.
      """)

  @Argument(help: ArgumentHelp("A suite.yaml. Default: none, all is in the flags.", valueName: "suite.yaml"))
  var config: String?
  @OptionGroup var flags: SuiteFlags
  @Option(
    help: ArgumentHelp("A suite to start from, see 'zarts presets --suites'; the file and flags win.", valueName: "name"))
  var preset: String?
  @Option(help: "Threads of this process; \(ThreadHelp.zero). No result depends on it. Default: 0.")
  var threads: Int?
  @OptionGroup var pinning: PinFlag
  @OptionGroup var claims: ClaimFlags
  @Flag(help: "Try again what failed before this process began. What diverged would diverge again and stays.")
  var retryFailed = false
  @Option(
    help: ArgumentHelp(
      "What a training step of a search costs, in seconds times threads, for the estimate. Default: measured.",
      valueName: "seconds"))
  var searchStepSeconds: Double?
  @Option(
    help: ArgumentHelp(
      "What a training step of a retraining costs, in seconds times threads, for the estimate. Default: measured.",
      valueName: "seconds"))
  var retrainingStepSeconds: Double?
  @Option(help: "Seconds from one line of progress to the next, where there is no terminal.")
  var reportEvery: Double = 30
  @Option(
    help: ArgumentHelp(
      "Folder for the results: absent, empty, or of the same suite, which this process then joins (required unless --resume).",
      valueName: "dir"))
  var out: String?
  @Option(help: ArgumentHelp("Folder of a suite to work on, by its own suite.yaml.", valueName: "dir"))
  var resume: String?
  @Flag(help: "Print suite.yaml with every setting and do nothing.")
  var printConfig = false
  @Flag(help: "Print the jobs and the core-hours that they should take, and do nothing.")
  var dryRun = false

  func validate() throws {
    try ReportInterval.check(reportEvery)
    try RunBounds.threads.check(threads, "--threads")
    try RunBounds.epochs.check(flags.briefEpochs, "--brief-epochs")
    for (flag, value) in [
      ("--search-step-seconds", searchStepSeconds), ("--retraining-step-seconds", retrainingStepSeconds),
    ] {
      guard let value, !(value > 0 && value < 1e6) else { continue }
      throw ValidationError("\(flag): found \(value), wanted a number above 0 and below 1e6")
    }
  }

  func run() throws {
    try pinning.apply()
    let stop = SignalTrap.install()
    if let resume { return try goOn(with: resume, stop) }
    let plan = try plan()
    if printConfig { return print(try plan.yaml, terminator: "") }
    if dryRun { return print(try SuiteReport.estimate(estimate(of: plan), of: plan, threads: threadCount)) }
    guard let out else { throw UsageError(missing: "--out", wanted: "--out; see 'zarts help suite run'") }
    // Before a folder is made: a suite of weeks should not fail on its last dataset.
    for dataset in plan.searches.datasets { try ProblemFactory.checkData(dataset) }
    let placed = try plan.naming(datasets: plan.searches.datasets.map { DatasetSpecification.absolute($0) })
    try work(placed, SuiteFolder.begin(placed, at: out).files, stop)
  }

  private func plan() throws -> SuitePlan {
    for name in flags.datasets { _ = try usage(of: "--datasets") { try DatasetSpecification(parsing: name) } }
    let preset = try preset.map { try SuitePreset(named: $0, at: .setting("preset")) }
    let text = try config.map { String(decoding: try FileBytes.read($0), as: UTF8.self) } ?? ""
    // Where a file is right by itself, what is wrong beside it is on the command line.
    if let config, (try? SuitePlan(yaml: text, from: config, preset: preset)) == nil {
      return try InputError.naming(config) { try plan(text, preset) }
    }
    return try plan(text, preset)
  }

  private func plan(_ text: String, _ preset: SuitePreset?) throws -> SuitePlan {
    try SuitePlan(yaml: text, from: config, lists: flags.lists, preset: preset)
  }

  private func goOn(with path: String, _ stop: StopRequest) throws {
    let others =
      flags.given + (config.map { [$0] } ?? []) + (preset == nil ? [] : ["--preset"]) + (out == nil ? [] : ["--out"])
      + (printConfig ? ["--print-config"] : [])
    guard others.isEmpty else {
      throw UsageError(
        "given beside --resume", found: others.joined(separator: ", "),
        wanted: "--datasets, where data have moved, --threads, --retry-failed at most: the suite has its own settings")
    }
    let files = try SuiteFolder(existing: path)
    var plan = try files.plan()
    if !flags.datasets.isEmpty {
      let own = plan.searches.datasets
      guard own.map(DatasetSpecification.kind) == flags.datasets.map(DatasetSpecification.kind) else {
        throw UsageError(
          "other data", at: "--datasets", found: flags.datasets.joined(separator: ", "),
          wanted: "as many as the suite has, in their order and of their kinds: \(own.joined(separator: ", "))")
      }
      plan = try plan.naming(datasets: flags.datasets.map { DatasetSpecification.absolute($0) })
    }
    if dryRun { return print(try SuiteReport.estimate(estimate(of: plan), of: plan, threads: threadCount)) }
    try work(plan, files, stop)
  }

  private var threadCount: Int { threads.flatMap { $0 > 0 ? $0 : nil } ?? AvailableProcessors.count }

  private func work(_ plan: SuitePlan, _ files: SuiteFolder, _ stop: StopRequest) throws {
    try files.prepare()
    try ComparisonFolder(files.folder).requireData(of: plan.searches) { dataset in
      try DatasetSpecification(parsing: dataset).load().checksum
    }
    try announce(plan, files)
    if retryFailed {
      let count = try files.forgetFailures(of: plan)
      if count > 0 { complain("note: \(count) failed jobs are tried again") }
    }
    var loaded: (name: String, data: ImageDataset)?
    let state = try SuiteWorker(
      of: plan, in: files, threads: threads ?? 0, terms: claims.terms,
      progress: { .standardError(interval: reportEvery) }, stop: stop, makeProblem: ProblemFactory.makeSearched,
      makeCrew: { try ProblemFactory.crew(of: $1, $0, jobs: 1) },
      load: { name in
        if let loaded, loaded.name == name { return loaded.data }
        let data = try DatasetSpecification(parsing: name).load()
        loaded = (name, data)
        return data
      }
    ).work()
    // Once for a job of several processes.
    if RunningProgram.isLeader {
      print(try SuiteReport.table(SuiteTables(of: plan, in: files)))
      print("results in \(files.folder.path)")
    }
    try finish(state, files, stop)
  }

  private func finish(_ state: SuiteState, _ files: SuiteFolder, _ stop: StopRequest) throws {
    if let signal = stop.signal, !state.isOver {
      complain("stopped by signal \(signal); go on with zarts suite --resume \(files.folder.path)")
      throw ExitCode(128 + signal)
    }
    let failed = state.count(.failed) + state.count(.blocked)
    let diverged = state.count(.diverged)
    guard failed + diverged > 0 else { return }
    complain(
      "\(failed + diverged) of \(state.entries.count) jobs have not come to their end; zarts suite status "
        + "\(files.folder.path) names why" + (failed > 0 ? ", --retry-failed tries again" : ""))
    throw failed > 0 ? ExitCode(1) : CommandEnd.divergence
  }

  /// Says what the suite should cost; the first of its processes makes the estimate.
  private func announce(_ plan: SuitePlan, _ files: SuiteFolder) throws {
    func say(_ estimate: SuiteEstimate) {
      StandardStream.error.write(SuiteReport.estimate(estimate, of: plan, threads: threadCount) + "\n")
    }
    if let estimate = try? SuiteEstimate(readingFrom: files.estimatePath, of: plan) { return say(estimate) }
    guard let claim = try Claim.take("estimate", in: files.claimsPath, terms: claims.terms) else { return }
    defer { claim.release() }
    let estimate = try estimate(of: plan)
    try estimate.write(to: files.estimatePath)
    say(estimate)
  }

  private func estimate(of plan: SuitePlan) throws -> SuiteEstimate {
    let measurement = SuiteMeasurement(threads: threads ?? 0, kernels: try RunningProgram.kernels())
    var pace = measurement.pace
    if let searchStepSeconds { pace.search = { _ in searchStepSeconds } }
    if let retrainingStepSeconds { pace.retraining = { _ in retrainingStepSeconds } }
    return try SuiteEstimate(
      of: plan,
      images: { name in
        let specification = try DatasetSpecification(parsing: name)
        // Where they are not there, as for a dry run on another machine, the published ones are meant.
        if !specification.isThere, let published = SuiteImages(published: name) { return published }
        return try SuiteImages(of: specification.load())
      }, pace: pace)
  }
}
