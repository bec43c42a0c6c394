import ArgumentParser
import Datasets
import Formats
import Foundation
import Retraining
import Runs

struct RetrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retrain", abstract: "Train the network of a genotype and test it.",
    discussion: """
      Writes a run folder: config.yaml, genotype.txt, metrics.csv, log.txt and checkpoints/ of safetensors with the \
      public names. The same settings and seed give the same bits on any number of threads, with or without \
      interruption. SIGINT, SIGTERM, SIGHUP or SIGUSR1 stops after the current step with a checkpoint; --resume goes \
      on. Presets: \(RetrainingPreset.all.map(\.name).joined(separator: ", ")). Exit status: 0 finished, 1 failed, 3 \
      diverged, 64 wrong flags, 128 + N stopped by signal N.
      """)

  @Option(
    help: ArgumentHelp(
      "What to train: a folder of zarts search or derive, a file whose last line is a genotype, or a Genotype(…) line.",
      valueName: "genotype"))
  var genotype: String?
  @Option(
    help: ArgumentHelp(
      """
      Weights to go on from, under the public names: a checkpoint of a retraining or a state_dict of anyone's, which says what \
      channels and layers are. Momentum and schedule begin anew. Default: initial weights.
      """, valueName: "file"))
  var weights: String?
  @Option(help: ArgumentHelp("Published settings to start from; flags win. Default: cifar.", valueName: "name"))
  var preset: String?
  @OptionGroup var flags: RetrainFlags
  @Option(help: "Seconds from one line of progress to the next, where there is no terminal.")
  var reportEvery: Double = 30
  @Option(help: ArgumentHelp("Settings of an earlier retraining; flags given beside it win.", valueName: "config.yaml"))
  var config: String?
  @Option(help: ArgumentHelp("Folder for the results, absent or empty (required unless --resume).", valueName: "dir"))
  var out: String?
  @Option(help: ArgumentHelp("Run folder to go on with from its latest checkpoint.", valueName: "dir"))
  var resume: String?
  @Flag(help: "Print the settings as config.yaml and do nothing.")
  var printConfig = false

  func validate() throws {
    try ReportInterval.check(reportEvery)
    guard config == nil || preset == nil else { throw ValidationError("--preset beside --config: wanted one of them") }
  }

  func run() throws {
    try flags.pinning.apply()
    let stop = SignalTrap.install()
    if let resume { return try goOn(with: resume, stop) }
    let (given, file) = try settings()
    var settings = given
    if printConfig { return print(try settings.yaml, terminator: "") }
    settings.dataset = DatasetSpecification.absolute(settings.dataset)
    guard let out else { throw UsageError(missing: "--out") }
    let dataset = try load(settings.dataset)
    try finish(
      RetrainingRun(
        starting: settings, from: file, dataset: dataset, folder: { try OutputFolder.create(at: out) },
        progress: .standardError(interval: reportEvery), stop: stop, kernels: RunningProgram.kernels()))
  }

  private func load(_ text: String) throws -> ImageDataset { try DatasetSpecification(parsing: text).load() }

  private func goOn(with path: String, _ stop: StopRequest) throws {
    let others =
      flags.givenSettings.filter { $0 != "--dataset" } + (genotype == nil ? [] : ["--genotype"])
      + (weights == nil ? [] : ["--weights"]) + (preset == nil ? [] : ["--preset"]) + (config == nil ? [] : ["--config"])
      + (out == nil ? [] : ["--out"])
      + (printConfig ? ["--print-config"] : [])
    guard others.isEmpty else {
      throw UsageError(
        "flags beside --resume", found: others.joined(separator: ", "),
        wanted: "--dataset, --keep-last, --checkpoint-every, --tensorboard, --threads, --engine at most: the run goes on "
          + "with its own settings")
    }
    try finish(
      RetrainingRun(
        continuing: OutputFolder.existing(at: path), adjusting: adjust,
        dataset: { text in try ProblemFactory.lookingForMovedData { try load(text) } },
        progress: .standardError(interval: reportEvery), stop: stop, kernels: RunningProgram.kernels()))
  }

  /// Puts the flags that may go with --resume into a configuration.
  private func adjust(_ configuration: inout RetrainingConfiguration) {
    flags.applyHousekeeping(to: &configuration)
    if let dataset = flags.dataset { configuration.dataset = DatasetSpecification.absolute(dataset) }
  }

  private func finish(_ run: RetrainingRun) throws {
    let last: RetrainingRecord?
    do {
      last = try run.run()
    } catch let error as Interruption {
      complain("\(error); go on with --resume \(run.files.folder.path)")
      throw ExitCode(128 + error.signal)
    }
    if let last {
      print(String(format: "training loss %.4f, accuracy %.2f %%", last.trainingLoss, 100 * last.trainingAccuracy))
      if let outcome = run.outcome { print(outcome.text) }
    }
    print("results in \(run.files.folder.path)")
  }

  /// The settings, and the weights that training goes on from.
  private func settings() throws -> (RetrainingConfiguration, TensorFile?) {
    var result: RetrainingConfiguration
    var start: RetrainingStart?
    if let config {
      let text = try String(decoding: FileBytes.read(config), as: UTF8.self)
      result = try RetrainingConfiguration(yaml: text, from: config)
      if let genotype { result.genotype = try usage(of: "--genotype") { try GenotypeSource.read(genotype) }.line }
      if let weights {
        start = try RetrainingStart(readingFrom: weights)
      } else if let weights = result.weights {
        start = try RetrainingStart(readingFrom: weights)
        try start?.require(result.weightsSHA256, from: config)
      }
      flags.apply(to: &result)
      try start?.require(result)
    } else {
      let named = try preset.map { try RetrainingPreset(named: $0, at: .setting("preset")) }
      start = try weights.map { try RetrainingStart(readingFrom: $0) }
      let flag = try genotype.map { text in try usage(of: "--genotype") { try GenotypeSource.read(text) } }
      guard let found = try start?.network.genotype(flag: flag) ?? flag else { throw UsageError(missing: "--genotype") }
      let usual = start?.usualPreset ?? RetrainingPreset.usual(for: found)
      let preset = try named ?? RetrainingPreset(named: usual, at: .setting("preset"))
      guard let dataset = flags.dataset ?? preset.dataset else { throw UsageError(missing: "--dataset") }
      result = preset.configuration(genotype: found.line, dataset: dataset)
      try start?.settle(&result, genotype: found, channels: flags.channels, layers: flags.layers)
      flags.apply(to: &result)
    }
    try result.validate()
    start?.record(in: &result)
    return (result, start?.file)
  }
}
