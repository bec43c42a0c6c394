import ArgumentParser
import Compute
import Datasets
import Formats
import Problems
import Runs
import Search

struct CompareCommand: RankedCommand {
  static let rankUse = RankUse.team
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Run several methods on the same seeds and spaces, and compare what they find.",
    discussion: """
      Takes a compare.yaml, flags, or both, of which flags win. Runs of one seed share initial weights, α, split, \
      batches and augmentation; their warm-up is computed once. In a compare.yaml a method may have variants, each a \
      run of its own. Writes compare.yaml, comparison.csv, \
      comparison-summary.csv, comparison-tests.csv and a run folder for each run under runs/. SIGINT, SIGTERM, SIGHUP \
      or SIGUSR1 stop all runs after their current steps; --resume goes on, and may add methods, seeds and spaces. \
      Started on several ranks (mpirun, srun), each takes runs from one queue; they need a file system that all share. \
      Exit status: 0 all runs finished, 1 a run failed, 3 none failed but one diverged, 64 wrong flags, 128 + N \
      stopped by signal N.
      """)

  @Argument(help: ArgumentHelp("A compare.yaml. Default: none, all is in the flags.", valueName: "compare.yaml"))
  var config: String?
  @OptionGroup var flags: CompareFlags
  @Option(help: ArgumentHelp("Settings to start from, see 'zarts presets'; the file and flags win.", valueName: "name"))
  var preset: String?
  @Option(help: "Runs at a time, on each rank where there are several; they share the rank's threads.")
  var jobs = 1
  @Option(help: "Threads of all jobs of a rank together; \(ThreadHelp.zero). Default: 0.")
  var threads: Int?
  @OptionGroup var pinning: PinFlag
  @Option(help: "Seconds from one line of progress to the next, where there is no terminal.")
  var reportEvery: Double = 30
  @Option(help: ArgumentHelp("Folder for the results, absent or empty (required unless --resume).", valueName: "dir"))
  var out: String?
  @Option(
    help: ArgumentHelp(
      "Folder of a comparison to go on with; lists may grow, settings stay but for those that no result depends on.",
      valueName: "dir"))
  var resume: String?
  @Flag(help: "Print compare.yaml with every setting and do nothing.")
  var printConfig = false

  func validate() throws {
    try ReportInterval.check(reportEvery)
    try ThreadPool.counts.check(jobs, "--jobs")
    try RunBounds.threads.check(threads, "--threads")
    try RunBounds.budget.check(flags.budgetSteps, "--budget-steps")
  }

  func run() throws {
    try pinning.apply()
    let stop = SignalTrap.install()
    let team = try RunningProgram.team()
    if printConfig, resume == nil {
      let plan = try plan()
      if team.rank == 0 { print(plan.yaml, terminator: "") }
      return
    }
    guard team.rank == 0 else { return try serve(team, stop) }
    // However this ends, the other ranks are dismissed with the crew.
    let crew = Crew(team: team, workers: jobs, requestStop: { stop.request(signal: $0) }, signal: { stop.signal })
    if let resume { return try goOn(with: resume, crew, stop) }
    let plan = try plan()
    guard let out else {
      throw UsageError(missing: "--out", wanted: "--out; see 'zarts help compare'")
    }
    // Before a folder is made, every dataset is looked for: a comparison of hours should not fail on its last.
    let checksums = try Self.checksums(of: plan) { try ProblemFactory.checkData($0) }
    try finish(Self.placed(plan), OutputFolder.create(at: out), checksums, crew, stop)
  }

  /// Computes runs that rank 0 hands out.
  private func serve(_ team: any Team, _ stop: StopRequest) throws {
    let plan = try resume.map { try begunPlan(ComparisonFolder(existing: $0)) } ?? plan()
    // A rank without the data ends the job here, and not run after run.
    let checksums = try Self.checksums(of: plan) { try ProblemFactory.checkData($0) }
    try ComparisonServer(
      team: team, jobs: jobs, checksums: checksums, stop: stop, makeCrew: Self.groups(jobs: jobs),
      makeProblem: ProblemFactory.makeSearched
    ).serve()
  }

  /// Groups of threads for the candidates of a run, of as many jobs at a time.
  private static func groups(
    jobs: Int
  ) -> @Sendable (SearchConfiguration, SupernetProblem) throws -> CandidateCrew<SupernetProblem>? {
    { settings, problem in try ProblemFactory.crew(of: problem, settings, jobs: jobs) }
  }

  /// Of each dataset, by its name in the placed plan.
  private static func checksums(of plan: ComparisonPlan, _ load: (_ dataset: String) throws -> String) rethrows
    -> [String: String]
  {
    let checksums = try plan.datasets.map(load)
    return Dictionary(zip(placed(plan).datasets, checksums)) { first, _ in first }
  }

  /// The plan with paths that lead to its data from any folder.
  private static func placed(_ plan: ComparisonPlan) -> ComparisonPlan {
    plan.naming(datasets: plan.datasets.map { DatasetSpecification.absolute($0) })
  }

  private func plan() throws -> ComparisonPlan {
    let preset = try preset.map { try SearchPreset(named: $0, at: .setting("preset")) }
    let text = try config.map { String(decoding: try FileBytes.read($0), as: UTF8.self) } ?? ""
    // Where a file is right by itself, what is wrong beside it is on the command line.
    if let config, (try? ComparisonPlan(yaml: text, from: config, preset: preset)) == nil {
      return try InputError.naming(config) { try plan(text, preset) }
    }
    return try plan(text, preset)
  }

  private func plan(_ text: String, _ preset: SearchPreset?) throws -> ComparisonPlan {
    try ComparisonPlan(
      yaml: text, from: config, lists: flags.lists(), preset: preset,
      overrides: flags.overrides(threads: threads))
  }

  private func begunPlan(_ files: ComparisonFolder) throws -> ComparisonPlan {
    try files.plan(lists: flags.lists(), overrides: flags.overrides(threads: threads))
  }

  private func goOn(with path: String, _ crew: Crew, _ stop: StopRequest) throws {
    let allowed = SearchConfiguration.adjustable + ComparisonPlan.growing
    let others =
      flags.search.given.filter { !allowed.contains($0) }.map(FlagNames.flag(of:)) + (config.map { [$0] } ?? [])
      + (preset == nil ? [] : ["--preset"]) + (out == nil ? [] : ["--out"])
      + (flags.budget == nil && flags.budgetSteps == nil ? [] : ["--budget"])
      + (printConfig ? ["--print-config"] : [])
    guard others.isEmpty else {
      throw UsageError(
        "given beside --resume", found: others.joined(separator: ", "),
        wanted: (["--methods, --seeds, --spaces, --datasets, --jobs"]
          + SearchConfiguration.housekeeping.map(FlagNames.flag(of:)))
          .joined(separator: ", "))
    }
    let files = try ComparisonFolder(existing: path)
    let plan = try begunPlan(files)
    // Data that are gone or others are met here, before every run fails of them.
    var loaded: [String: String] = [:]
    try files.requireData(of: plan) { dataset in
      let checksum = try ProblemFactory.lookingForMovedData { try ProblemFactory.checkData(dataset) }
      loaded[dataset] = checksum
      return checksum
    }
    let checksums = Self.checksums(of: plan) { loaded[$0] ?? "" }
    try finish(Self.placed(plan), files.folder, checksums, crew, stop)
  }

  private func finish(
    _ plan: ComparisonPlan, _ folder: OutputFolder, _ checksums: [String: String], _ crew: Crew, _ stop: StopRequest
  ) throws {
    let reporter = ProgressReporter.standardError(interval: reportEvery)
    let run = try ComparisonRun(
      of: plan, in: folder, jobs: jobs, stop: stop, makeCrew: Self.groups(jobs: jobs),
      makeProblem: ProblemFactory.makeSearched)
    let rows = try run.run(on: crew, checksums: checksums, progress: reporter)
    print(try ComparisonReport.text(rows))
    print("results in \(folder.path)")
    if let signal = stop.signal, rows.contains(where: { $0.status == .unfinished || $0.status == .waiting }) {
      complain("stopped by signal \(signal); go on with --resume \(folder.path)")
      throw ExitCode(128 + signal)
    }
    let failed = rows.filter { $0.status != .finished }
    guard !failed.isEmpty else { return }
    complain("\(failed.count) of \(rows.count) runs have not come to their end; the table names why")
    throw ExitCode(failed.contains { $0.status != .diverged } ? 1 : 3)
  }
}
