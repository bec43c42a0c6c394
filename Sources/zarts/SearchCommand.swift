import ArgumentParser
import Formats
import Foundation
import Search
import Supernet

struct SearchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search", abstract: "Search for an architecture.",
    discussion: """
      Writes a run folder: config.yaml, metrics.csv, alphas.npy, genotypes.txt, log.txt and checkpoints/. Runs with the \
      same settings and seed give the same bits on any number of threads, and runs of different methods are the same up \
      to the end of the warm-up. SIGINT or SIGTERM stops after the current step with a checkpoint; --resume goes on.
      """)

  @OptionGroup var flags: SearchFlags
  @Option(help: "Threads; 0 for one a core. Default: 0.")
  var threads: Int?
  @Option(help: ArgumentHelp("Settings of an earlier run; flags given beside it win.", valueName: "config.yaml"))
  var config: String?
  @Option(help: ArgumentHelp("Folder for the results, absent or empty (required unless --resume).", valueName: "dir"))
  var out: String?
  @Option(
    help: ArgumentHelp("Run folder to go on with from its latest checkpoint; only --threads goes with it.", valueName: "dir")
  )
  var resume: String?

  func run() throws {
    let stop = SignalTrap.install()
    if let resume {
      try goOn(with: resume, stop: stop)
    } else {
      try start(stop)
    }
  }

  private func start(_ stop: StopRequest) throws {
    guard let out else { throw missing("--out") }
    let configuration = try searchConfiguration()
    let progress = ProgressReporter.standardError()
    for setting in unusedSettings(configuration) {
      progress.note("note: \(setting) has no effect on \(configuration.method.rawValue)")
    }
    let problem = try ProblemFactory.make(configuration)
    let folder = try OutputFolder.create(at: out)
    try search(problem, configuration, folder, progress, stop)
  }

  private func search<Problem: BilevelProblem>(
    _ problem: Problem, _ configuration: SearchConfiguration, _ folder: OutputFolder, _ progress: ProgressReporter,
    _ stop: StopRequest
  ) throws {
    try finish(
      SearchRun(
        starting: problem, configuration: configuration, folder: folder, space: configuration.space, progress: progress,
        stop: stop))
  }

  private func goOn(with path: String, stop: StopRequest) throws {
    guard givenFlags.isEmpty else {
      throw SearchError.invalid(
        "flags beside --resume", at: "command line", found: givenFlags.joined(separator: ", "),
        wanted: "--threads at most: the run goes on with its own settings")
    }
    let files = try SearchRunFolder(existing: path)
    var configuration = try files.configuration()
    if let threads { configuration.threads = threads }
    try configuration.validate()
    try resume(ProblemFactory.make(configuration), files, stop)
  }

  private func resume<Problem: BilevelProblem>(_ problem: Problem, _ files: SearchRunFolder, _ stop: StopRequest) throws {
    try finish(
      SearchRun(
        continuing: problem, folder: files.folder, space: files.configuration().space, progress: .standardError(), stop: stop
      ))
  }

  private func finish<Problem: BilevelProblem>(_ run: SearchRun<Problem>) throws {
    do {
      try run.run()
    } catch let error as SearchError {
      guard case .interrupted(let signal, _, _, _) = error else { throw error }
      FileHandle.standardError.write(Data("zarts: \(error); go on with --resume \(run.files.folder.path)\n".utf8))
      throw ExitCode(128 + signal)
    }
    print(try RunSummary.table([run.files]))
    print("results in \(run.files.folder.path)")
  }

  /// Flags over the file of --config over the defaults of method and space.
  private func searchConfiguration() throws -> SearchConfiguration {
    var result: SearchConfiguration
    if let config {
      let text = try String(decoding: FileBytes.read(config), as: UTF8.self)
      result = try SearchConfiguration(yaml: text, from: config)
    } else {
      guard let method = flags.method else { throw missing("--method") }
      guard let dataset = flags.dataset else { throw missing("--dataset") }
      result = SearchConfiguration(method: method, space: flags.space ?? .s6, dataset: dataset)
      result.mu = SearchConfiguration.defaultMu(result.space, flags.rsDistribution ?? result.rsDistribution)
    }
    flags.apply(to: &result)
    if let threads { result.threads = threads }
    try result.validate()
    return result
  }

  /// Flags that the method does not read, and such settings of --config that someone changed.
  private func unusedSettings(_ configuration: SearchConfiguration) -> [String] {
    let unused = flags.given.filter { !configuration.method.takes($0) }
    let changed = config == nil ? [] : configuration.ignoredSettings.filter { !flags.given.contains($0) }
    return unused.map(SearchFlags.flag) + changed.map { "\($0) of \(config ?? "")" }
  }

  private var givenFlags: [String] {
    flags.given.map(SearchFlags.flag) + (config == nil ? [] : ["--config"]) + (out == nil ? [] : ["--out"])
  }

  private func missing(_ flag: String) -> SearchError {
    .invalid("missing flag", at: "command line", found: "no \(flag)", wanted: "\(flag); see 'zarts help search'")
  }
}
