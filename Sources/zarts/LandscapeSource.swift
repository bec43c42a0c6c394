import ArgumentParser
import Cells
import Datasets
import Engine
import Formats
import Landscape
import Problems
import Retraining
import Runs
import Search

/// The flags that name a checkpoint: of a search or a retraining of ours, or weights of anyone's with the public names.
struct LandscapeSource: ParsableArguments {
  @Option(help: ArgumentHelp("Run folder of zarts search, or of a stage; its settings are taken over.", valueName: "dir"))
  var run: String?
  @Option(help: ArgumentHelp("Run folder of zarts retrain; its settings are taken over.", valueName: "dir"))
  var retraining: String?
  @Option(
    help: "Epochs finished at the checkpoint of --run or --retraining; 0 is the start. Default: the latest checkpoint.")
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
  @Option(
    help: ArgumentHelp(
      "β of auxiliary skip connections beside --weights of a network that has them (DARTS-). Default: what the weights say.")
  )
  var auxiliarySkip: Double?
  @Option(
    help: """
      The architecture that --weights are of, where they are of a derived network: a search's run folder, a file whose last line is a \
      genotype, or a Genotype(…) line. Default: what the weights' metadata say.
      """)
  var genotype: String?
  @Option(help: "Candidate operations of each edge. Default: what the weights' metadata or tensors say.")
  var space: SearchSpace?
  @Option(help: "Channels of the first cells. Default: what the weights' metadata or tensors say.")
  var channels: Int?
  @Option(help: "Cells. Default: what the weights' metadata or tensors say.")
  var layers: Int?
  @Option(help: "\(DatasetSpecification.forms) (required beside --weights). Default: the run's.")
  var dataset: String?
  @Option(
    help: "Images in a batch; tensors: data are one batch. Default: 64, of derived networks 96, imagenet 128, nb201 256.")
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
    if let auxiliarySkip, !(auxiliarySkip >= 0 && Float(auxiliarySkip).isFinite) {
      throw ValidationError("--auxiliary-skip: found \(auxiliarySkip), wanted a finite number, 0 or more")
    }
  }

  /// What a command can work on.
  enum Subjects {
    /// Supernets, whose α is moved or asked about.
    case supernets
    /// Derived networks too.
    case networks
    /// And architectures of supernets with the weights that they inherit.
    case inheriting
  }

  /// What the flags name, not yet read against a problem.
  struct Opened {
    /// Of a derived network: what it has in common with a search, the data, batches, threads and steps of ω.
    var configuration: SearchConfiguration
    var path: String
    var file: TensorFile
    /// What the network of weights is and who says so; nil for a run, whose settings say it.
    var network: String?
    /// Where α is from, if not from the checkpoint.
    var alphasPath: String?
    /// β of the auxiliary skip connections of weights without a run; nil where α has its own.
    var auxiliarySkip: Float?
    /// How a derived network is or was trained; nil for a supernet.
    var retraining: RetrainingConfiguration?
    /// The architecture of a supernet that is asked about with the weights that it inherits; nil for the mixture.
    var inheriting: Genotype?
    /// The file as it is, where `file` leaves something out.
    var whole: TensorFile?
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

  /// - Throws: `UsageError` where flags contradict each other, or name what is none of the subjects; `InputError` where files cannot
  ///   be read.
  func open(_ subjects: Subjects = .supernets) throws -> Opened {
    try pinning.apply()
    if let innerLr, !(innerLr > 0 && Float(innerLr).isFinite && Float(innerLr) > 0) {
      throw UsageError("value out of range", found: "--inner-lr \(innerLr)", wanted: "a positive finite number")
    }
    let named = [("--run", run), ("--retraining", retraining), ("--weights", weights)].filter { $0.1 != nil }.map(\.0)
    guard named.count == 1 else {
      throw UsageError(
        named.isEmpty ? "no checkpoint named" : "two checkpoints named",
        found: named.isEmpty ? "none of --run, --retraining, --weights" : named.joined(separator: " and "),
        wanted: "one of them")
    }
    var opened = try run.map(open(run:)) ?? retraining.map(open(retraining:)) ?? open(weights: weights ?? "")
    if opened.retraining != nil {
      guard subjects != .supernets else {
        throw UsageError(
          "a derived network has no α", found: "\(named[0]) \(retraining ?? weights ?? "")",
          wanted: "--run, or --weights of a supernet")
      }
    } else if let genotype {
      guard subjects == .inheriting else {
        throw UsageError(
          "a genotype beside a supernet", at: "--genotype", found: genotype,
          wanted: "none: \(opened.path) is of a supernet, whose α mixes all operations")
      }
      opened.inheriting = try usage(of: "--genotype") { try GenotypeSource.read(genotype) }
    }
    return opened
  }

  /// All checkpoints of --run or --retraining, the one that got farthest last; none of --weights.
  ///
  /// - Throws: `InputError` where there is no such folder.
  func checkpoints() throws -> [RunCheckpoint] {
    if let run { return try SearchRunFolder(existing: run).run(holding: .checkpoint).checkpoints() }
    return try retraining.map { try RetrainingFolder(existing: $0).checkpoints() } ?? []
  }

  /// Puts what flags say about data, batches and the machine into settings of weights without a run.
  private func lay(over configuration: inout some SubjectSettings) {
    if let batch { configuration.batch = batch }
    if let seed { configuration.seed = seed }
    configuration.trainLimit = trainLimit
    if let split { configuration.split = split }
    layMachine(over: &configuration)
  }

  /// The same of what no result depends on, which may be changed beside a run too.
  private func layMachine(over configuration: inout some SubjectSettings) {
    if let threads { configuration.threads = threads }
    if let engine { configuration.engine = engine }
  }

  /// Files that the flags name.
  var inputs: [String] { [weights, alphas, operations, genotype].compactMap { $0 } }

  /// What only --weights of a supernet have use for.
  private var supernetFlags: [(String, Any?)] {
    [
      ("--alphas", alphas), ("--operations", operations), ("--edge-normalisation", edgeNormalisation ? true : nil),
      ("--auxiliary-skip", auxiliarySkip),
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
    layMachine(over: &configuration)
    try configuration.validate()
    let path = try epoch.map { folder.checkpointPath(epoch: $0) } ?? folder.latestCheckpointPath()
    let file = try TensorFile(readingFrom: path)
    file.remarkOnChecksum()
    return Opened(
      configuration: configuration, path: path, file: file, notes: folder.notes(insteadOf: named),
      namesDataset: dataset != nil)
  }

  private func open(weights: String) throws -> Opened {
    if let epoch {
      throw UsageError(
        "flag without its run", found: "--epoch \(epoch)", wanted: "--epoch only beside --run or --retraining")
    }
    guard let dataset else {
      throw UsageError(missing: "--dataset", wanted: DatasetSpecification.forms)
    }
    var read = try WeightsFile(readingFrom: weights)
    read.file.remarkOnChecksum()
    if let alphas { read = try read.replacingAlphas(by: AlphaFile(readingFrom: alphas)) }
    var network = WeightsNetwork(of: read.file)
    if network.derived != nil { return try open(derived: read, network, dataset: dataset) }
    // Defaults depend on the space.
    let space = try WeightsNetwork(of: read.file).settledSpace(flag: space)
    var configuration = SearchConfiguration(method: .neutral, space: space, dataset: dataset)
    try network.apply(
      to: &configuration, space: self.space, channels: channels, layers: layers, operations: operations,
      edgeNormalisation: edgeNormalisation ? true : nil, auxiliarySkip: auxiliarySkip)
    lay(over: &configuration)
    try configuration.validate()
    var opened = Opened(
      configuration: configuration, path: weights, file: read.file, network: network.text, notes: read.notes + network.notes,
      namesDataset: true)
    (opened.alphasPath, opened.auxiliarySkip) = (alphas, network.auxiliarySkip)
    if !opened.hasAlphas {
      opened.notes.append("\(weights) holds no α: everything is at α = 0, where all operations of an edge mix alike")
    }
    return opened
  }
}

/// What a search and a retraining are alike in for those who ask about their networks.
private protocol SubjectSettings {
  var batch: Int { get set }
  var seed: UInt64 { get set }
  var trainLimit: Int? { get set }
  var split: SplitOrder { get set }
  var threads: Int { get set }
  var engine: EngineKind { get set }
}

extension SearchConfiguration: SubjectSettings {}
extension RetrainingConfiguration: SubjectSettings {}

/// Derived networks.
extension LandscapeSource {
  private func open(retraining: String) throws -> Opened {
    let flags: [(String, Any?)] = [
      ("--genotype", genotype), ("--space", space), ("--channels", channels), ("--layers", layers), ("--batch", batch),
      ("--seed", seed), ("--train-limit", trainLimit), ("--split", split),
    ]
    let given = (flags + supernetFlags).filter { $0.1 != nil }.map(\.0)
    guard given.isEmpty else {
      throw UsageError(
        "flags beside --retraining", found: given.joined(separator: ", "),
        wanted: "none: the retraining's settings are taken over")
    }
    let folder = try RetrainingFolder(existing: retraining)
    let path = try epoch.map { folder.checkpointPath(epoch: $0) } ?? folder.latestCheckpointPath()
    let file = try TensorFile(readingFrom: path)
    guard file.metadata["format"] == RetrainingRun.format else {
      throw InputError(
        "not the checkpoint of a retraining", at: .file(path, "metadata format"),
        found: file.metadata["format"] ?? "nothing",
        wanted: RetrainingRun.format + (file.isSearchCheckpoint ? ", or --run for a search" : ""))
    }
    file.remarkOnChecksum()
    var configuration = try folder.configuration()
    if let dataset { configuration.dataset = dataset }
    layMachine(over: &configuration)
    try configuration.validate()
    return try Opened(derived: configuration, file, network: nil, namesDataset: dataset != nil)
  }

  private func open(derived read: WeightsFile, _ network: WeightsNetwork, dataset: String) throws -> Opened {
    var network = network
    if let space {
      throw UsageError(
        "a derived network has no candidates", at: "--space", found: space.rawValue,
        wanted: "no --space: the weights are of \(network.derived?.text ?? "a derived network")")
    }
    let given = supernetFlags.filter { $0.1 != nil }.map(\.0)
    guard given.isEmpty else {
      throw UsageError(
        "flags of a supernet", found: given.joined(separator: ", "),
        wanted: "none: the weights are of \(network.derived?.text ?? "a derived network")")
    }
    let flag = try genotype.map { text in try usage(of: "--genotype") { try GenotypeSource.read(text) } }
    let found = try network.genotype(flag: flag)
    var configuration = RetrainingConfiguration(
      genotype: found.line, dataset: dataset, scale: network.derived?.scale ?? .cifar)
    try network.apply(to: &configuration, genotype: found, channels: channels, layers: layers)
    // How others trained is not known: their images are augmented as the dataset's are, and no more.
    configuration.cutout = 0
    lay(over: &configuration)
    try configuration.validate()
    var opened = try Opened(derived: configuration, read.file, network: network.text, namesDataset: true)
    opened.notes = read.notes + network.notes
    if configuration.auxiliary {
      opened.notes.append("\(read.file.path): its auxiliary head, which only training has, is left out")
    }
    return opened
  }
}

extension LandscapeSource.Opened {
  /// A derived network, which is evaluated without an auxiliary head.
  init(derived: RetrainingConfiguration, _ file: TensorFile, network: String?, namesDataset: Bool) throws {
    configuration = try SearchConfiguration(sharedBy: derived)
    (path, whole, retraining) = (file.path, file, derived)
    self.file = file.withoutAuxiliaryHead
    (self.network, self.namesDataset) = (network, namesDataset)
  }
}

extension SearchConfiguration {
  /// What a retraining has in common with a search: data, batches, threads, steps of ω. What only a search has is of no meaning.
  init(sharedBy retraining: RetrainingConfiguration) throws {
    let isChain = try Genotype(parsing: retraining.genotype).macroArchitecture == .reductions
    self.init(method: .neutral, space: isChain ? .s5 : .nb201, dataset: retraining.dataset)
    (channels, layers, batch, seed) = (retraining.channels, retraining.layers, retraining.batch, retraining.seed)
    (trainLimit, split) = (retraining.trainLimit, retraining.split)
    (threads, engine) = (retraining.threads, retraining.engine)
    (momentum, weightDecay, gradientClip) = (retraining.momentum, retraining.weightDecay, retraining.gradientClip)
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
    guard retraining == nil else {
      return hasMomentum ? [] : [("checkpoint_momentum", "none  # steps of ω begin at rest")]
    }
    if configuration.scale != .cifar { result.append(("scale", configuration.scale.rawValue)) }
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
    var alphas = checkpoint.alphas ?? problem.initialAlphas.zeros
    if let beta = opened.auxiliarySkip { alphas.auxiliarySkip = beta }
    self.alphas = alphas
    let finished = checkpoint.epoch ?? 0
    epoch = finished
    // A schedule may end at 0, which is no step.
    let scheduled =
      opened.network == nil ? opened.retraining.map { $0.learningRate(epoch: min(finished, $0.epochs - 1)) } : nil
    step = WeightStep(
      learningRate: Float(learningRate ?? checkpoint.learningRate ?? scheduled ?? 0.025),
      momentum: Float(configuration.momentum), weightDecay: Float(checkpoint.weightDecay ?? configuration.weightDecay),
      gradientClip: Float(configuration.gradientClip), isNesterov: opened.retraining?.nesterov ?? false)
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
    if let retraining = opened.retraining { return origin(of: retraining) + splitEntries + opened.peculiarities }
    return [
      ("checkpoint", JSONText.quoted(opened.path)), ("dataset", JSONText.quoted(configuration.dataset)),
      (RunData.checksumKey, problem.dataChecksum.map(JSONText.quoted) ?? "null"),
      ("space", configuration.space.rawValue), ("channels", "\(configuration.channels)"),
      ("layers", "\(configuration.layers)"),
      ("seed", "\(configuration.seed)"), ("batch", "\(configuration.batch)"),
      ("train_limit", configuration.trainLimit.map(String.init) ?? "null"),
      ("method", checkpoint.file.metadata["method"].flatMap(SearchMethod.init)?.rawValue ?? "null"),
      ("finished_epochs", checkpoint.epoch.map(String.init) ?? "null"),
    ] + splitEntries + auxiliaryEntries + opened.peculiarities
  }

  /// β of auxiliary skip connections, where there are any.
  private var auxiliaryEntries: [(key: String, value: String)] {
    alphas.auxiliarySkip == 0 && !configuration.variant.auxiliarySkip
      ? [] : [(ArchitectureParameters.auxiliarySkipName, "\(alphas.auxiliarySkip)")]
  }

  private func origin(of retraining: RetrainingConfiguration) -> [(key: String, value: String)] {
    [
      ("checkpoint", JSONText.quoted(opened.path)), ("dataset", JSONText.quoted(retraining.dataset)),
      (RunData.checksumKey, problem.dataChecksum.map(JSONText.quoted) ?? "null"),
      ("genotype", JSONText.quoted(retraining.genotype)), ("scale", retraining.scale.rawValue),
      ("channels", "\(retraining.channels)"), ("layers", "\(retraining.layers)"), ("seed", "\(retraining.seed)"),
      ("batch", "\(retraining.batch)"), ("train_limit", retraining.trainLimit.map(String.init) ?? "null"),
      ("test_limit", retraining.testLimit.map(String.init) ?? "null"), ("hold_out", "\(retraining.holdOut)"),
      ("cutout", "\(retraining.cutout)"), ("finished_epochs", checkpoint.epoch.map(String.init) ?? "null"),
    ]
  }

  /// What ranks must agree on before they share work: the origin, and the engine, which results don't name.
  var agreement: [(key: String, value: String)] { origin + [("engine", configuration.engine.name)] }

  /// Absent at its default, so that results begun before there was a choice go on.
  private var splitEntries: [(key: String, value: String)] {
    configuration.split == .seeded ? [] : [("split", configuration.split.rawValue)]
  }

  /// - Throws: `UsageError` where what is asked for moves α and the network has none.
  func requireAlphas() throws {
    guard problem.initialAlphas.count == 0 else { return }
    throw UsageError(
      "a derived network has no α", found: path, wanted: "a supernet, or what is over the weights")
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
