import ArgumentParser
import Cells
import Datasets
import Engine
import Problems
import Search

/// The flags that set a search, one for each setting of config.yaml that a command line is likely to name. What a setting is
/// and its default are said by the setting.
struct SearchFlags: ParsableArguments {
  @Option(help: "How α is updated (required unless --preset, --config or --resume).")
  var method: SearchMethod?
  @Option(help: SettingHelp.of("space", default: "s6")) var space: SearchSpace?
  @Option(help: "\(DatasetSpecification.forms) (required like --method).")
  var dataset: String?
  @Option(help: SettingHelp.of("seed")) var seed: UInt64?
  @Option(help: SettingHelp.of("epochs")) var epochs: Int?
  @Option(help: SettingHelp.of("warmup")) var warmup: Int?
  @Option(help: SettingHelp.of("channels")) var channels: Int?
  @Option(help: SettingHelp.of("layers")) var layers: Int?
  @Option(help: SettingHelp.of("scale")) var scale: NetworkScale?
  @Option(help: SettingHelp.of("partial_channels", default: "1, all")) var partialChannels: Int?
  @Flag(inversion: .prefixedNo, help: SettingHelp.of("edge_normalisation", default: "not"))
  var edgeNormalisation: Bool?
  @Flag(inversion: .prefixedNo, help: SettingHelp.of("merged_convolutions", default: "not"))
  var mergedConvolutions: Bool?
  @Option(help: SettingHelp.of("skip_dropout")) var skipDropout: Double?
  @Option(help: SettingHelp.of("drop_path")) var dropPath: Double?
  @Option(help: SettingHelp.of("cutout")) var cutout: Int?
  @Option(help: SettingHelp.of("cutout_probability")) var cutoutProbability: Double?
  @Flag(inversion: .prefixedNo, help: SettingHelp.of("cutout_ramp")) var cutoutRamp: Bool?
  @Option(help: SettingHelp.of("auxiliary_skip")) var auxiliarySkip: Double?
  @Option(help: SettingHelp.of("auxiliary_decay")) var auxiliaryDecay: Decay?
  @Option(
    help: SettingHelp.of(
      "maximum_skips", "Skip connections that a genotype's normal cell has at most (P-DARTS)", default: "any number"))
  var maximumSkips: Int?
  @Option(
    help: ArgumentHelp(
      "Stages of a progressive search (P-DARTS): 'published', or LAYERS:CHANNELS:OPERATIONS:DROPOUT:EPOCHS:WARMUP for each.",
      valueName: "stage,stage,..."))
  var stages: StageList?
  @Option(help: SettingHelp.of("batch")) var batch: Int?
  @Option(help: "Use only so many training images, half of them to validate. Default: all.")
  var trainLimit: Int?
  @Option(help: SettingHelp.of("split")) var split: SplitOrder?
  @Option(help: SettingHelp.of("validation_sampling")) var validationSampling: ValidationSampling?
  @Option(help: SettingHelp.of("depthwise_initialisation")) var depthwiseInitialisation: DepthwiseInitialisation?
  @Option(help: SettingHelp.of("batch_norm_initialisation")) var batchNormInitialisation: BatchNormInitialisation?
  @Flag(inversion: .prefixedNo, help: SettingHelp.of("running_validation", default: "not"))
  var runningValidation: Bool?
  @Option(help: SettingHelp.of("inner_steps")) var innerSteps: Int?
  @Option(help: SettingHelp.of("candidates")) var candidates: Int?
  @Option(help: SettingHelp.of("sigma")) var sigma: Double?
  @Option(help: SettingHelp.of("sigma_decay")) var sigmaDecay: Decay?
  @Option(help: SettingHelp.of("tau")) var tau: Double?
  @Option(help: SettingHelp.of("lambda")) var lambda: Double?
  @Option(help: SettingHelp.of("proposal")) var proposal: ProposalWeighting?
  @Option(help: SettingHelp.of("rs_distribution")) var rsDistribution: DirectionDistribution?
  @Option(
    help: SettingHelp.of("mu", default: "that of σ; on the sphere times √(count of α), on spheres of matrices of one"))
  var mu: Double?
  @Option(help: SettingHelp.of("xi")) var xi: Double?
  @Flag(inversion: .prefixedNo, help: SettingHelp.of("antithetic", default: "not")) var antithetic: Bool?
  @Option(help: SettingHelp.of("radius", default: "σ's default times √(count of α)")) var radius: Double?
  @Option(help: SettingHelp.of("radii")) var radii: Int?
  @Option(help: SettingHelp.of("gld_distribution")) var gldDistribution: RadialDistribution?
  @Flag(inversion: .prefixedNo, help: SettingHelp.of("untrained_baseline", default: "not")) var untrainedBaseline: Bool?
  @Option(
    help: SettingHelp.of(
      "candidate_learning_rate", "Learning rate of candidates' inner training", default: "that of the epoch"))
  var candidateLearningRate: Double?
  @Option(
    help: SettingHelp.of(
      "candidate_momentum", "Momentum of candidates' inner training, from rest", default: "the run's, with its velocity"))
  var candidateMomentum: Double?
  @Option(help: SettingHelp.of("perturbation")) var perturbation: PerturbationKind?
  @Option(help: SettingHelp.of("perturbation_size")) var perturbationSize: Double?
  @Option(help: SettingHelp.of("perturbation_start")) var perturbationStart: Double?
  @Option(help: SettingHelp.of("perturbation_steps")) var perturbationSteps: Int?
  @Option(help: SettingHelp.of("eigenvalue_every")) var eigenvalueEvery: Int?
  @Option(help: SettingHelp.of("eigenvalue_batches")) var eigenvalueBatches: Int?
  @Option(help: SettingHelp.of("hessian")) var hessian: HessianKind?
  @Option(help: SettingHelp.of("early_stop_window")) var earlyStopWindow: Int?
  @Option(help: SettingHelp.of("early_stop_distance")) var earlyStopDistance: Int?
  @Option(help: SettingHelp.of("early_stop_ratio")) var earlyStopRatio: Double?
  @Option(help: SettingHelp.of("early_stop_start")) var earlyStopStart: Int?
  @Option(help: SettingHelp.of("adaptive_decay_factor")) var adaptiveDecayFactor: Double?
  @Option(help: SettingHelp.of("adaptive_decay_maximum")) var adaptiveDecayMaximum: Double?
  @Option(help: SettingHelp.of("keep_last")) var keepLast: Int?
  @Option(help: SettingHelp.of("checkpoint_every")) var checkpointEvery: Int?
  @Flag(inversion: .prefixedNo, help: SettingHelp.of("tensorboard", default: "not")) var tensorboard: Bool?
  @Option(
    help: SettingHelp.of(
      "groups", "Candidates at a time, each on its part of the threads; the result does not depend on it",
      default: "0, a choice by threads and memory"))
  var groups: Int?
  @Option(help: EngineKind.help()) var engine: EngineKind?

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
      Setting("channels", channels, \.channels), Setting("layers", layers, \.layers), Setting("scale", scale, \.scale),
      Setting("batch", batch, \.batch),
      Setting("partial_channels", partialChannels, \.partialChannels),
      Setting("edge_normalisation", edgeNormalisation, \.edgeNormalisation),
      Setting("merged_convolutions", mergedConvolutions, \.mergedConvolutions),
      Setting("skip_dropout", skipDropout, \.skipDropout), Setting("drop_path", dropPath, \.dropPath),
      Setting("cutout", cutout, \.cutout), Setting("cutout_probability", cutoutProbability, \.cutoutProbability),
      Setting("cutout_ramp", cutoutRamp, \.rampsCutout),
      Setting("auxiliary_skip", auxiliarySkip, \.auxiliarySkip),
      Setting("auxiliary_decay", auxiliaryDecay, \.auxiliaryDecay),
      Setting("maximum_skips", maximumSkips.map(Optional.some), \.maximumSkips),
      Setting("stages", stages?.stages, \.stages),
      Setting("train_limit", trainLimit.map(Optional.some), \.trainLimit), Setting("split", split, \.split),
      Setting("validation_sampling", validationSampling, \.validationSampling),
      Setting("depthwise_initialisation", depthwiseInitialisation, \.depthwiseInitialisation),
      Setting("batch_norm_initialisation", batchNormInitialisation, \.batchNormInitialisation),
      Setting("running_validation", runningValidation, \.runningValidation),
      Setting("inner_steps", innerSteps, \.innerSteps), Setting("candidates", candidates, \.candidates),
      Setting("sigma", sigma, \.sigma), Setting("sigma_decay", sigmaDecay, \.sigmaDecay), Setting("tau", tau, \.tau),
      Setting("lambda", lambda, \.lambda), Setting("proposal", proposal, \.proposal),
      Setting("rs_distribution", rsDistribution, \.rsDistribution), Setting("mu", mu, \.mu), Setting("xi", xi, \.xi),
      Setting("antithetic", antithetic, \.antithetic), Setting("radius", radius, \.radius),
      Setting("radii", radii, \.radii), Setting("gld_distribution", gldDistribution, \.gldDistribution),
      Setting("untrained_baseline", untrainedBaseline, \.untrainedBaseline),
      Setting(
        "candidate_learning_rate", candidateLearningRate.map(Optional.some), \.candidateLearningRate),
      Setting("candidate_momentum", candidateMomentum.map(Optional.some), \.candidateMomentum),
      Setting("perturbation", perturbation, \.perturbation),
      Setting("perturbation_size", perturbationSize, \.perturbationSize),
      Setting("perturbation_start", perturbationStart, \.perturbationStart),
      Setting("perturbation_steps", perturbationSteps, \.perturbationSteps),
      Setting("eigenvalue_every", eigenvalueEvery, \.eigenvalueEvery),
      Setting("eigenvalue_batches", eigenvalueBatches, \.eigenvalueBatches),
      Setting("hessian", hessian, \.hessian),
      Setting("early_stop_window", earlyStopWindow, \.earlyStopWindow),
      Setting("early_stop_distance", earlyStopDistance, \.earlyStopDistance),
      Setting("early_stop_ratio", earlyStopRatio, \.earlyStopRatio),
      Setting("early_stop_start", earlyStopStart, \.earlyStopStart),
      Setting("adaptive_decay_factor", adaptiveDecayFactor, \.adaptiveDecayFactor),
      Setting("adaptive_decay_maximum", adaptiveDecayMaximum, \.adaptiveDecayMaximum),
      Setting("keep_last", keepLast, \.keepLast),
      Setting("checkpoint_every", checkpointEvery, \.checkpointEvery),
      Setting("tensorboard", tensorboard, \.tensorboard), Setting("groups", groups, \.groups),
      Setting("engine", engine, \.engine),
    ]
  }

  /// Settings whose flags were given.
  var given: [String] { settings.filter(\.isGiven).map(\.key) }

  /// Those of them that the defaults of other settings go with.
  var identity: SearchConfiguration.Identity {
    .init(method: method, space: space, dataset: dataset, rsDistribution: rsDistribution)
  }

  /// Puts the values of the flags that were given into a configuration.
  func apply(to configuration: inout SearchConfiguration) {
    for setting in settings { setting.apply(&configuration) }
  }
}

extension SplitOrder: ExpressibleByArgument {}
extension ValidationSampling: ExpressibleByArgument {}
extension PerturbationKind: ExpressibleByArgument {}
extension DepthwiseInitialisation: ExpressibleByArgument {}
extension BatchNormInitialisation: ExpressibleByArgument {}
