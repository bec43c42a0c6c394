import ArgumentParser
import Cells
import Datasets
import Engine
import Formats
import Landscape
import Problems
import Runs
import Search

/// The flags that name a checkpoint: of a run of ours, or weights of anyone's with the public names.
struct LandscapeSource: ParsableArguments {
  @Option(help: ArgumentHelp("Run folder of zarts search, or of a stage; its settings are taken over.", valueName: "dir"))
  var run: String?
  @Option(help: "Epochs finished at the checkpoint of --run; 0 is the start. Default: the latest checkpoint.")
  var epoch: Int?
  @Option(
    help: ArgumentHelp(
      "Weights under the public DARTS names, safetensors or what torch.save wrote, with alphas_normal, alphas_reduce and "
        + "momentum.NAME or without.",
      valueName: "file"))
  var weights: String?
  @Option(
    help: ArgumentHelp(
      "α beside --weights, in place of what they hold: tensors, JSON, or a log with printed matrices; softmaxed or not.",
      valueName: "file"))
  var alphas: String?
  @Option(
    help: ArgumentHelp(
      "Beside --weights of a stage of a progressive search: the log of P-DARTS, which says what operations its edges kept.",
      valueName: "file"))
  var operations: String?
  @Flag(
    help: ArgumentHelp(
      "Weights of edges beside --weights, with β = 0 where there is none: PC-DARTS' own files have none."))
  var edgeNormalisation = false
  @Option(help: "Candidate operations of each edge. Default: what the weights' metadata or tensors say.")
  var space: SearchSpace?
  @Option(help: "Channels of the first cells. Default: what the weights' metadata or tensors say.")
  var channels: Int?
  @Option(help: "Cells. Default: what the weights' metadata or tensors say.")
  var layers: Int?
  @Option(help: "\(DatasetSpecification.forms) (required beside --weights). Default: the run's.")
  var dataset: String?
  @Option(help: "Images in a batch; tensors: data are one batch. Default: 64.")
  var batch: Int?
  @Option(help: "Key of split and batches. Default: 0.")
  var seed: UInt64?
  @Option(help: "Use only so many training images, half of them to validate. Default: all.")
  var trainLimit: Int?
  @Option(help: "Order in which training images are halved: file-order or seeded. Default: seeded.")
  var split: SplitOrder?
  @Option(help: "Learning rate of inner steps, and ξ. Default: the checkpoint's, else 0.025.")
  var innerLr: Double?
  @Option(help: "Threads; \(ThreadHelp.zero). The result does not depend on it. Default: 0.")
  var threads: Int?
  @OptionGroup var pinning: PinFlag
  @Option(help: EngineKind.help(default: "the run's, else cpu"))
  var engine: EngineKind?

  func validate() throws {
    try RunBounds.start.check(epoch, "--epoch")
    if dataset == "" { throw ValidationError("--dataset: found '', wanted \(DatasetSpecification.forms)") }
    try SupernetArchitecture.channelCounts.check(channels, "--channels")
    try SupernetArchitecture.layerCounts.check(layers, "--layers")
    try BatchLoader.batchSizes.check(batch, "--batch")
    try RunBounds.halvedImages.check(trainLimit, "--train-limit")
    try RunBounds.threads.check(threads, "--threads")
  }

  /// What the flags name, not yet read against a problem.
  struct Opened {
    var configuration: SearchConfiguration
    var path: String
    var file: TensorFile
    /// What the network of weights is and who says so; nil for a run, whose settings say it.
    var network: String?
    /// Where α is from, if not from the checkpoint.
    var alphasPath: String?
    /// What to tell before anything is computed.
    var notes: [String] = []
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

  /// - Throws: `UsageError` where flags contradict each other; `InputError` where files cannot be read.
  func open() throws -> Opened {
    try pinning.apply()
    if let innerLr, !(innerLr > 0 && Float(innerLr).isFinite && Float(innerLr) > 0) {
      throw UsageError("value out of range", found: "--inner-lr \(innerLr)", wanted: "a positive finite number")
    }
    switch (run, weights) {
    case (let run?, nil): return try open(run: run)
    case (nil, let weights?): return try open(weights: weights)
    case (nil, nil): throw UsageError("no checkpoint named", found: "neither --run nor --weights", wanted: "one of them")
    case (_?, _?): throw UsageError("two checkpoints named", found: "--run and --weights", wanted: "one of them")
    }
  }

  /// What only --weights of a supernet have use for.
  private var supernetFlags: [(String, Any?)] {
    [
      ("--alphas", alphas), ("--operations", operations), ("--edge-normalisation", edgeNormalisation ? true : nil),
    ]
  }

  private func open(run: String) throws -> Opened {
    let flags: [(String, Any?)] = [
      ("--space", space), ("--channels", channels), ("--layers", layers), ("--batch", batch), ("--seed", seed),
      ("--train-limit", trainLimit), ("--split", split),
    ]
    let given = (flags + supernetFlags).filter { $0.1 != nil }.map(\.0)
    guard given.isEmpty else {
      throw UsageError(
        "flags beside --run", found: given.joined(separator: ", "), wanted: "none: the run's settings are taken over")
    }
    let named = try SearchRunFolder(existing: run)
    let folder = try named.run(holding: .checkpoint)
    var configuration = try folder.configuration()
    if let dataset { configuration.dataset = dataset }
    if let threads { configuration.threads = threads }
    if let engine { configuration.engine = engine }
    try configuration.validate()
    let path = try epoch.map { folder.checkpointPath(epoch: $0) } ?? folder.latestCheckpointPath()
    let file = try TensorFile(readingFrom: path)
    file.remarkOnChecksum()
    return Opened(
      configuration: configuration, path: path, file: file, notes: folder.notes(insteadOf: named),
      namesDataset: dataset != nil)
  }

  private func open(weights: String) throws -> Opened {
    if let epoch { throw UsageError("flag without its run", found: "--epoch \(epoch)", wanted: "--epoch only beside --run") }
    guard let dataset else {
      throw UsageError(missing: "--dataset", wanted: DatasetSpecification.forms)
    }
    var read = try WeightsFile(readingFrom: weights)
    read.file.remarkOnChecksum()
    if let alphas { read = try read.replacingAlphas(by: AlphaFile(readingFrom: alphas)) }
    var network = WeightsNetwork(of: read.file)
    // Defaults depend on the space.
    let space = try WeightsNetwork(of: read.file).settledSpace(flag: space)
    var configuration = SearchConfiguration(method: .neutral, space: space, dataset: dataset)
    try network.apply(
      to: &configuration, space: self.space, channels: channels, layers: layers, operations: operations,
      edgeNormalisation: edgeNormalisation ? true : nil)
    configuration.batch = batch ?? configuration.batch
    configuration.seed = seed ?? configuration.seed
    configuration.trainLimit = trainLimit
    configuration.split = split ?? configuration.split
    configuration.threads = threads ?? configuration.threads
    configuration.engine = engine ?? configuration.engine
    try configuration.validate()
    var opened = Opened(
      configuration: configuration, path: weights, file: read.file, network: network.text, notes: read.notes + network.notes,
      namesDataset: true)
    opened.alphasPath = alphas
    if !opened.hasAlphas {
      opened.notes.append("\(weights) holds no α: everything is at α = 0, where all operations of an edge mix alike")
    }
    return opened
  }
}

extension LandscapeSource.Opened {
  var hasAlphas: Bool { ArchitectureParameters.isIn(file) }
  var hasMomentum: Bool { file.tensors.keys.contains { $0.hasPrefix(SearchCheckpoint.momentumPrefix) } }

  /// Says on standard error what was inferred and what is missing, before anything is computed.
  ///
  /// - Parameter takingSteps: whether what is asked for takes steps of ω, which begin with the momentum of the checkpoint.
  func announce(takingSteps: Bool) {
    for text in notes { remark(text) }
    if takingSteps, !hasMomentum {
      remark(
        "\(path) holds no momentum: L₂, its gradient and L_M are those of an optimiser at rest; momentum.NAME brings it")
    }
  }

  /// What weights of others lack and what their network is, as keys and values of a YAML mapping; nothing for a checkpoint of
  /// a run, which is whole.
  var peculiarities: [(key: String, value: String)] {
    guard network != nil else { return [] }
    var result: [(key: String, value: String)] = []
    if configuration.partialChannels > 1 { result.append(("partial_channels", "\(configuration.partialChannels)")) }
    if configuration.edgeNormalisation { result.append(("edge_normalisation", "true")) }
    if configuration.mergedConvolutions { result.append(("merged_convolutions", "true")) }
    if let alphasPath { result.append(("checkpoint_alphas", JSONText.quoted(alphasPath))) }
    if !hasAlphas { result.append(("checkpoint_alphas", "none  # 0 throughout: all operations of an edge mix alike")) }
    if !hasMomentum { result.append(("checkpoint_momentum", "none  # steps of ω begin at rest")) }
    return result
  }
}

extension SearchRunFolder {
  /// What to say where a run stands for the folder that was named: a stage for its progressive search.
  func notes(insteadOf named: SearchRunFolder) -> [String] {
    self == named
      ? [] : ["\(named.folder.path) is a progressive search; taking \(folder.path), its last stage that is there"]
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

  /// - Throws: `InputError` where the file does not fit the problem.
  init(_ opened: LandscapeSource.Opened, of problem: Problem, learningRate: Double?) throws {
    self.opened = opened
    self.problem = problem
    let configuration = opened.configuration
    try Self.checkData(opened, problem)
    checkpoint = try SearchCheckpoint(strictly: opened.file, for: problem, network: opened.network)
    alphas = checkpoint.alphas ?? problem.initialAlphas.zeros
    step = WeightStep(
      learningRate: Float(learningRate ?? checkpoint.learningRate ?? 0.025), momentum: Float(configuration.momentum),
      weightDecay: Float(configuration.weightDecay), gradientClip: Float(configuration.gradientClip))
    epoch = checkpoint.epoch ?? 0
    firstStep = checkpoint.step ?? 0
    guard (0..<max(1, problem.stepsPerEpoch)).contains(firstStep) else {
      throw InputError(
        "no moment of a search of this problem", at: .file(opened.path, "metadata"),
        found: "epoch \(epoch), step \(firstStep)", wanted: "a step below \(problem.stepsPerEpoch)")
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
    ] + splitEntries + opened.peculiarities
  }

  /// What ranks must agree on before they share work: the origin, and the engine, which results don't name.
  var agreement: [(key: String, value: String)] { origin + [("engine", configuration.engine.name)] }

  /// Absent at its default, so that results begun before there was a choice go on.
  private var splitEntries: [(key: String, value: String)] {
    configuration.split == .seeded ? [] : [("split", configuration.split.rawValue)]
  }

  /// - Throws: `InputError` where losses cannot be normalised so.
  func check(_ batchNorm: BatchNormMode) throws {
    guard batchNorm.needsStatistics, checkpoint.statistics == nil else { return }
    let others = BatchNormMode.all.filter { !$0.needsStatistics }.map(\.name)
    throw InputError(
      "there are none", at: .file(path, "running statistics"), found: "--batch-norm \(batchNorm.name)",
      wanted: "running_mean and running_var of every batch norm, or --batch-norm \(others.joined(separator: " or "))")
  }

  var path: String { opened.path }
  var configuration: SearchConfiguration { opened.configuration }
}
