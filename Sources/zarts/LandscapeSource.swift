import ArgumentParser
import Datasets
import Formats
import Landscape
import Search
import Supernet

/// The flags that name a checkpoint: of a run of ours, or weights of anyone's with the public names.
struct LandscapeSource: ParsableArguments {
  @Option(help: ArgumentHelp("Run folder of zarts search; its settings are taken over.", valueName: "dir"))
  var run: String?
  @Option(help: "Epochs finished at the checkpoint of --run; 0 is the start. Default: the latest checkpoint.")
  var epoch: Int?
  @Option(
    help: ArgumentHelp(
      "Weights under the public DARTS names, with alphas_normal and alphas_reduce or without.", valueName: "file.safetensors"
    ))
  var weights: String?
  @Option(help: "Candidate operations of each edge. Default: what the weights' metadata say, else s6.")
  var space: SearchSpace?
  @Option(help: "Channels of the first cells. Default: what the weights' metadata say, else 16.")
  var channels: Int?
  @Option(help: "Cells. Default: what the weights' metadata say, else 8.")
  var layers: Int?
  @Option(help: "\(DatasetSpecification.forms) (required beside --weights). Default: the run's.")
  var dataset: String?
  @Option(help: "Images in a batch; tensors: data are one batch. Default: 64.")
  var batch: Int?
  @Option(help: "Key of split and batches. Default: 0.")
  var seed: UInt64?
  @Option(help: "Use only so many training images, half of them to validate. Default: all.")
  var trainLimit: Int?
  @Option(help: "Learning rate of inner steps, and ξ. Default: the checkpoint's, else 0.025.")
  var innerLr: Double?
  @Option(help: "Threads; 0 for one a core. The result does not depend on it. Default: 0.")
  var threads: Int?

  /// What the flags name, not yet read against a problem.
  struct Opened {
    var configuration: SearchConfiguration
    var path: String
    var file: TensorFile
    /// Whether --dataset names the data: they may be others than those of the checkpoint.
    var namesDataset = false
    /// Whether it is noted that they are.
    var notesOtherData = true

    /// The same without a note, for checkpoints after the first of a run.
    var silent: Opened {
      var result = self
      result.notesOtherData = false
      return result
    }
  }

  /// - Throws: `SearchError` or `FormatError` where flags contradict each other or files cannot be read.
  func open() throws -> Opened {
    if let innerLr, !(innerLr > 0 && Float(innerLr).isFinite && Float(innerLr) > 0) {
      throw Self.wrong("value out of range", "--inner-lr \(innerLr)", "a positive finite number")
    }
    switch (run, weights) {
    case (let run?, nil): return try open(run: run)
    case (nil, let weights?): return try open(weights: weights)
    case (nil, nil): throw Self.wrong("no checkpoint named", "neither --run nor --weights", "one of them")
    case (_?, _?): throw Self.wrong("two checkpoints named", "--run and --weights", "one of them")
    }
  }

  private func open(run: String) throws -> Opened {
    let flags: [(String, Any?)] = [
      ("--space", space), ("--channels", channels), ("--layers", layers), ("--batch", batch), ("--seed", seed),
      ("--train-limit", trainLimit),
    ]
    let given = flags.filter { $0.1 != nil }.map(\.0)
    guard given.isEmpty else {
      throw Self.wrong("flags beside --run", given.joined(separator: ", "), "none: the run's settings are taken over")
    }
    let folder = try SearchRunFolder(existing: run)
    var configuration = try folder.configuration()
    if let dataset { configuration.dataset = dataset }
    if let threads { configuration.threads = threads }
    try configuration.validate()
    if let epoch, epoch < 0 { throw Self.wrong("value out of range", "--epoch \(epoch)", "0 or more") }
    let path = try epoch.map { folder.checkpointPath(epoch: $0) } ?? folder.latestCheckpointPath()
    return Opened(
      configuration: configuration, path: path, file: try TensorFile(readingFrom: path), namesDataset: dataset != nil)
  }

  private func open(weights: String) throws -> Opened {
    if let epoch { throw Self.wrong("flag without its run", "--epoch \(epoch)", "--epoch only beside --run") }
    guard let dataset else {
      throw Self.wrong("missing flag", "no --dataset", DatasetSpecification.forms)
    }
    let file = try TensorFile(readingFrom: weights)
    let described = file.metadata["space"].flatMap(SearchSpace.init)
    var configuration = SearchConfiguration(method: .darts1, space: space ?? described ?? .s6, dataset: dataset)
    configuration.channels = channels ?? file.metadata["channels"].flatMap { Int($0) } ?? configuration.channels
    configuration.layers = layers ?? file.metadata["layers"].flatMap { Int($0) } ?? configuration.layers
    configuration.partialChannels = file.metadata["partial_channels"].flatMap { Int($0) } ?? 1
    configuration.edgeNormalisation = file.metadata["edge_normalisation"] == "true"
    configuration.mergedConvolutions = file.metadata["merged_convolutions"] == "true"
    configuration.batch = batch ?? configuration.batch
    configuration.seed = seed ?? configuration.seed
    configuration.trainLimit = trainLimit
    configuration.threads = threads ?? configuration.threads
    try configuration.validate()
    return Opened(configuration: configuration, path: weights, file: file, namesDataset: true)
  }

  static func wrong(_ problem: String, _ found: String, _ wanted: String) -> SearchError {
    .invalid(problem, at: "command line", found: found, wanted: wanted)
  }
}

/// A checkpoint in terms of its problem.
struct LandscapeCheckpoint<Problem: BilevelProblem> {
  let problem: Problem
  let checkpoint: SearchCheckpoint
  /// α of the file; zeros, which mix uniformly, where it holds none.
  let alphas: ArchitectureParameters
  /// Settings of an inner step, ξ its learning rate.
  let step: WeightStep
  /// The weight step of the search (both counted from 0) whose batches come first.
  let epoch: Int
  let firstStep: Int
  private let opened: LandscapeSource.Opened

  /// - Throws: `LandscapeError`, `SearchError` or `FormatError` where the file does not fit the problem.
  init(_ opened: LandscapeSource.Opened, of problem: Problem, learningRate: Double?) throws {
    self.opened = opened
    self.problem = problem
    let configuration = opened.configuration
    try Self.checkData(opened, problem)
    checkpoint = try SearchCheckpoint(strictly: opened.file, for: problem)
    alphas = checkpoint.alphas ?? problem.initialAlphas.zeros
    step = WeightStep(
      learningRate: Float(learningRate ?? checkpoint.learningRate ?? 0.025), momentum: Float(configuration.momentum),
      weightDecay: Float(configuration.weightDecay), gradientClip: Float(configuration.gradientClip))
    epoch = checkpoint.epoch ?? 0
    firstStep = checkpoint.step ?? 0
    guard epoch >= 0, epoch < 1 << 20, (0..<max(1, problem.stepsPerEpoch)).contains(firstStep) else {
      throw SearchError.invalid(
        "no moment of a search of this problem", at: "\(opened.path): metadata", found: "epoch \(epoch), step \(firstStep)",
        wanted: "a step below \(problem.stepsPerEpoch)")
    }
  }

  /// Data that were meant to be the checkpoint's are its own, and others that a flag names are noted.
  private static func checkData(_ opened: LandscapeSource.Opened, _ problem: Problem) throws {
    guard let earlier = RunData(metadata: opened.file.metadata), earlier.checksum != nil else { return }
    let data = RunData(dataset: opened.configuration.dataset, checksum: problem.dataChecksum)
    guard opened.namesDataset else { return try data.require(sameAs: earlier, from: opened.path) }
    if opened.notesOtherData, !data.isSame(as: earlier) {
      complain("note: --dataset \(data.dataset) is other data than \(opened.path) was trained on, \(earlier.dataset)")
    }
  }

  /// Where everything comes from, as keys and values of a YAML mapping.
  var origin: [(key: String, value: String)] {
    let configuration = opened.configuration
    return [
      ("checkpoint", JSONText.quoted(opened.path)), ("dataset", JSONText.quoted(configuration.dataset)),
      (RunData.checksumKey, problem.dataChecksum.map(JSONText.quoted) ?? "null"),
      ("space", configuration.space.rawValue), ("channels", "\(configuration.channels)"),
      ("layers", "\(configuration.layers)"),
      ("seed", "\(configuration.seed)"), ("batch", "\(configuration.batch)"),
      ("train_limit", configuration.trainLimit.map(String.init) ?? "null"),
      ("method", checkpoint.file.metadata["method"].flatMap(SearchMethod.init)?.rawValue ?? "null"),
      ("finished_epochs", checkpoint.epoch.map(String.init) ?? "null"),
    ]
  }

  var path: String { opened.path }
  var configuration: SearchConfiguration { opened.configuration }
}
