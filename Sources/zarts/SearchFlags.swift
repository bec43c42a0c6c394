import ArgumentParser
import Cells
import Datasets
import Search

/// The flags that set a search, one for each setting of config.yaml that a command line is likely to name.
struct SearchFlags: ParsableArguments {
  @Option(help: "How α is updated (required unless --preset, --config or --resume).")
  var method: SearchMethod?
  @Option(help: "Candidate operations of each edge. Default: s6.")
  var space: SearchSpace?
  @Option(help: "\(DatasetSpecification.forms) (required like --method).")
  var dataset: String?
  @Option(help: "Key of every random number. Default: 0.")
  var seed: UInt64?
  @Option(help: "Epochs of the search. Default: 50.")
  var epochs: Int?
  @Option(help: SettingHelp.of("warmup", "Epochs at the start that train the weights alone"))
  var warmup: Int?
  @Option(help: "Channels of the first cells, a multiple of 4. Default: 16.")
  var channels: Int?
  @Option(help: "Cells, 3 or more. Default: 8.")
  var layers: Int?
  @Option(help: "K: operations see the first 1/K of the channels (PC-DARTS). Default: 1, all.")
  var partialChannels: Int?
  @Flag(inversion: .prefixedNo, help: "Weigh the edges into a node by β, searched like α (PC-DARTS). Default: not.")
  var edgeNormalisation: Bool?
  @Flag(inversion: .prefixedNo, help: "Make the convolutions of an edge one with a shared kernel (MergeNAS). Default: not.")
  var mergedConvolutions: Bool?
  @Option(help: "Rate at which skip connections drop values, at first (P-DARTS). Default: 0.")
  var skipDropout: Double?
  @Option(help: "Skip connections that a genotype's normal cell has at most (P-DARTS). Default: any number.")
  var maximumSkips: Int?
  @Option(
    help: ArgumentHelp(
      "Stages of a progressive search (P-DARTS): 'published', or LAYERS:CHANNELS:OPERATIONS:DROPOUT:EPOCHS:WARMUP for each.",
      valueName: "stage,stage,..."))
  var stages: StageList?
  @Option(help: "Images in a batch. Default: 64.")
  var batch: Int?
  @Option(help: "Use only so many training images, half of them to validate. Default: all.")
  var trainLimit: Int?
  @Option(help: "Order in which training images are halved: file-order, as in the papers' code, or seeded. Default: seeded.")
  var split: SplitOrder?
  @Option(help: SettingHelp.of("inner_steps", "M: weight steps of a candidate, and between two updates of α"))
  var innerSteps: Int?
  @Option(help: SettingHelp.of("candidates", "N: candidates of an update; in random search, architectures tried an epoch"))
  var candidates: Int?
  @Option(help: SettingHelp.of("sigma", "Standard deviation of candidates before its decay"))
  var sigma: Double?
  @Option(help: SettingHelp.of("sigma_decay", "Fall of σ after the warm-up"))
  var sigmaDecay: Decay?
  @Option(help: SettingHelp.of("tau", "Temperature of the candidates' weights"))
  var tau: Double?
  @Option(help: SettingHelp.of("lambda", "Share of candidates that ignore the gradient"))
  var lambda: Double?
  @Option(help: SettingHelp.of("proposal", "Importance weights of candidates"))
  var proposal: ProposalWeighting?
  @Option(
    help: SettingHelp.of("rs_distribution", "Directions of candidates: standard normal, or uniform on the unit sphere"))
  var rsDistribution: DirectionDistribution?
  @Option(
    help: SettingHelp.of(
      "mu", "μ: distance of candidates along directions", default: "that of σ; on the sphere times √(count of α)"))
  var mu: Double?
  @Option(help: SettingHelp.of("xi", "ξ: step along the negative gradient estimate"))
  var xi: Double?
  @Flag(
    inversion: .prefixedNo,
    help: SettingHelp.of("antithetic", "Candidates in opposite pairs, without a baseline", default: "not"))
  var antithetic: Bool?
  @Option(
    help: SettingHelp.of(
      "radius", "R: radius of the largest ball of candidates", default: "σ's default times √(count of α)"))
  var radius: Double?
  @Option(help: SettingHelp.of("radii", "K: candidates, in balls of halving radii"))
  var radii: Int?
  @Option(
    help: SettingHelp.of("eigenvalue_every", "Epochs between dominant eigenvalues of the validation loss in α, 0 for none"))
  var eigenvalueEvery: Int?
  @Option(help: "Validation batches of their Hessian. Default: 4.")
  var eigenvalueBatches: Int?
  @Option(help: SettingHelp.of("early_stop_window", "k: epochs averaged, and back to the returned architecture"))
  var earlyStopWindow: Int?
  @Option(help: SettingHelp.of("early_stop_ratio", "Ratio of averaged eigenvalues k epochs apart below which to stop"))
  var earlyStopRatio: Double?
  @Option(help: SettingHelp.of("early_stop_start", "Epochs before the earliest architecture that may be returned"))
  var earlyStopStart: Int?
  @Option(help: "Keep so many checkpoints of epochs; 0 for all. Default: 0.")
  var keepLast: Int?
  @Option(help: "Write a checkpoint every so many weight steps too; 0 for none. Default: 0.")
  var checkpointEvery: Int?
  @Flag(inversion: .prefixedNo, help: "Write event files for TensorBoard into the run folder. Default: not.")
  var tensorboard: Bool?

  /// A flag: its name as a setting, whether it was given, and what it does to a configuration.
  private struct Setting {
    let key: String
    let isGiven: Bool
    let apply: (inout SearchConfiguration) -> Void

    init<Value>(_ key: String, _ value: Value?, _ path: WritableKeyPath<SearchConfiguration, Value>) {
      self.key = key
      isGiven = value != nil
      apply = { configuration in
        if let value { configuration[keyPath: path] = value }
      }
    }
  }

  private var settings: [Setting] {
    [
      Setting("method", method, \.method), Setting("space", space, \.space), Setting("dataset", dataset, \.dataset),
      Setting("seed", seed, \.seed), Setting("epochs", epochs, \.epochs), Setting("warmup", warmup, \.warmup),
      Setting("channels", channels, \.channels), Setting("layers", layers, \.layers), Setting("batch", batch, \.batch),
      Setting("partial_channels", partialChannels, \.partialChannels),
      Setting("edge_normalisation", edgeNormalisation, \.edgeNormalisation),
      Setting("merged_convolutions", mergedConvolutions, \.mergedConvolutions),
      Setting("skip_dropout", skipDropout, \.skipDropout),
      Setting("maximum_skips", maximumSkips.map(Optional.some), \.maximumSkips),
      Setting("stages", stages?.stages, \.stages),
      Setting("train_limit", trainLimit.map(Optional.some), \.trainLimit), Setting("split", split, \.split),
      Setting("inner_steps", innerSteps, \.innerSteps), Setting("candidates", candidates, \.candidates),
      Setting("sigma", sigma, \.sigma), Setting("sigma_decay", sigmaDecay, \.sigmaDecay), Setting("tau", tau, \.tau),
      Setting("lambda", lambda, \.lambda), Setting("proposal", proposal, \.proposal),
      Setting("rs_distribution", rsDistribution, \.rsDistribution), Setting("mu", mu, \.mu), Setting("xi", xi, \.xi),
      Setting("antithetic", antithetic, \.antithetic), Setting("radius", radius, \.radius),
      Setting("radii", radii, \.radii), Setting("eigenvalue_every", eigenvalueEvery, \.eigenvalueEvery),
      Setting("eigenvalue_batches", eigenvalueBatches, \.eigenvalueBatches),
      Setting("early_stop_window", earlyStopWindow, \.earlyStopWindow),
      Setting("early_stop_ratio", earlyStopRatio, \.earlyStopRatio),
      Setting("early_stop_start", earlyStopStart, \.earlyStopStart), Setting("keep_last", keepLast, \.keepLast),
      Setting("checkpoint_every", checkpointEvery, \.checkpointEvery),
      Setting("tensorboard", tensorboard, \.tensorboard),
    ]
  }

  /// Settings that have flags.
  var keys: [String] { settings.map(\.key) + ["threads"] }

  /// Settings whose flags were given.
  var given: [String] { settings.filter(\.isGiven).map(\.key) }

  /// Those of them that the defaults of other settings go with.
  var identity: SearchConfiguration.Identity {
    .init(method: method, space: space, dataset: dataset, rsDistribution: rsDistribution)
  }

  /// The flag of a setting.
  static func flag(_ key: String) -> String { "--" + key.replacing("_", with: "-") }

  /// Puts the values of the flags that were given into a configuration.
  func apply(to configuration: inout SearchConfiguration) {
    for setting in settings { setting.apply(&configuration) }
  }
}

extension SplitOrder: ExpressibleByArgument {}
