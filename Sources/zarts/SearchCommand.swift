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

  @Option(help: "How α is updated (required unless --config or --resume).")
  var method: SearchMethod?
  @Option(help: "Candidate operations of each edge. Default: s6.")
  var space: SearchSpace?
  @Option(help: "fashion-mnist, cifar10:DIR or tensors:FILE.safetensors (required unless --config or --resume).")
  var dataset: String?
  @Option(help: "Key of every random number. Default: 0.")
  var seed: UInt64?
  @Option(help: "Epochs of the search. Default: 50.")
  var epochs: Int?
  @Option(help: "Epochs at the start that train the weights alone. Default: 10 for ZARTS, 0 for DARTS.")
  var warmup: Int?
  @Option(help: "Channels of the first cells, a multiple of 4. Default: 16.")
  var channels: Int?
  @Option(help: "Cells, 3 or more. Default: 8.")
  var layers: Int?
  @Option(help: "Images in a batch. Default: 64.")
  var batch: Int?
  @Option(help: "Use only so many training images, half of them to validate. Default: all.")
  var trainLimit: Int?
  @Option(help: "M: weight steps of a candidate, and between two updates of α (ZARTS). Default: 10.")
  var innerSteps: Int?
  @Option(help: "N: candidates of an update (ZARTS). Default: 4.")
  var candidates: Int?
  @Option(help: "Standard deviation of candidates before its cosine decay (ZARTS). Default: 0.2 on s1-s4, 0.025 on s5, s6.")
  var sigma: Double?
  @Option(help: "Temperature of the candidates' weights (ZARTS). Default: 0.01.")
  var tau: Double?
  @Option(help: "Share of candidates that ignore the gradient (ZARTS). Default: 0.001.")
  var lambda: Double?
  @Option(help: "Importance weights of candidates (ZARTS). Default: flattened.")
  var proposal: ProposalWeighting?
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
    for flag in unusedFlags(configuration.method) {
      progress.note("note: --\(flag) has no effect on \(configuration.method.rawValue)")
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
        "flags beside --resume", at: "command line", found: givenFlags.map { "--\($0)" }.joined(separator: ", "),
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
      if let method { result.method = method }
      if let space { result.space = space }
      if let dataset { result.dataset = dataset }
    } else {
      guard let method else { throw missing("--method") }
      guard let dataset else { throw missing("--dataset") }
      result = SearchConfiguration(method: method, space: space ?? .s6, dataset: dataset)
    }
    func take<Value>(_ value: Value?, _ path: WritableKeyPath<SearchConfiguration, Value>) {
      if let value { result[keyPath: path] = value }
    }
    take(seed, \.seed)
    take(epochs, \.epochs)
    take(warmup, \.warmup)
    take(channels, \.channels)
    take(layers, \.layers)
    take(batch, \.batch)
    if let trainLimit { result.trainLimit = trainLimit }
    take(innerSteps, \.innerSteps)
    take(candidates, \.candidates)
    take(sigma, \.sigma)
    take(tau, \.tau)
    take(lambda, \.lambda)
    take(proposal, \.proposal)
    take(threads, \.threads)
    try result.validate()
    return result
  }

  private func unusedFlags(_ method: SearchMethod) -> [String] {
    if method.isZeroOrder { return [] }
    let zeroOrder: [(String, Any?)] = [
      ("inner-steps", innerSteps), ("candidates", candidates), ("sigma", sigma), ("tau", tau), ("lambda", lambda),
      ("proposal", proposal),
    ]
    return zeroOrder.filter { $0.1 != nil }.map(\.0)
  }

  private var givenFlags: [String] {
    let flags: [(String, Any?)] = [
      ("method", method), ("space", space), ("dataset", dataset), ("seed", seed), ("epochs", epochs), ("warmup", warmup),
      ("channels", channels), ("layers", layers), ("batch", batch), ("train-limit", trainLimit),
      ("inner-steps", innerSteps), ("candidates", candidates), ("sigma", sigma), ("tau", tau), ("lambda", lambda),
      ("proposal", proposal), ("config", config), ("out", out),
    ]
    return flags.filter { $0.1 != nil }.map(\.0)
  }

  private func missing(_ flag: String) -> SearchError {
    .invalid("missing flag", at: "command line", found: "no \(flag)", wanted: "\(flag); see 'zarts help search'")
  }
}
