import Cells
import Compute
import Datasets
import Engine
import Formats
import Problems
import Search
import SearchSupport
import TestSupport
import Testing

/// What a field of config.yaml says that it affects is what it affects, in a small supernet.
@Suite struct SettingEffectTests {
  typealias Change = @Sendable (inout SearchConfiguration) -> Void

  /// Another value for every setting.
  static let changes: [String: Change] = [
    "method": { $0.method = .darts2 }, "space": { $0.space = .s2 }, "dataset": { $0.dataset = "tensors:/b/x.safetensors" },
    "seed": { $0.seed = 8 }, "epochs": { $0.epochs = 4 }, "warmup": { $0.warmup = 3 }, "channels": { $0.channels = 12 },
    "layers": { $0.layers = 4 }, "scale": { $0.scale = .imagenet },
    "partial_channels": { $0.partialChannels = 2 },
    "edge_normalisation": { $0.edgeNormalisation = true }, "merged_convolutions": { $0.mergedConvolutions = true },
    "auxiliary_skip": { $0.auxiliarySkip = 0.5 }, "auxiliary_decay": { $0.auxiliaryDecay = .cosine },
    "skip_dropout": { $0.skipDropout = 0.5 }, "drop_path": { $0.dropPath = 0.5 }, "cutout": { $0.cutout = 4 },
    "cutout_probability": { $0.cutoutProbability = 0 }, "cutout_ramp": { $0.rampsCutout = false },
    "maximum_skips": { $0.maximumSkips = 0 },
    "operations": { $0.keptOperations = try? $0.space.operations.strongest(1, alphas: $0.space.zeroAlphas) },
    "stages": {
      $0.stages = [SearchStage(layers: 4, channels: 8, operations: 2, skipDropout: 0, epochs: 3, warmup: 2)]
    }, "batch": { $0.batch = 6 }, "train_limit": { $0.trainLimit = 20 }, "split": { $0.split = .fileOrder },
    "running_validation": { $0.runningValidation = true },
    "threads": { $0.threads = 2 }, "groups": { $0.groups = 2 }, "engine": { $0.engine = .twin },
    "inner_steps": { $0.innerSteps = 1 }, "candidates": { $0.candidates = 4 }, "sigma": { $0.sigma = 0.3 },
    "sigma_decay": { $0.sigmaDecay = .linear }, "tau": { $0.tau = 0.5 }, "lambda": { $0.lambda = 0.5 },
    "proposal": { $0.proposal = .exact }, "rs_distribution": { $0.rsDistribution = .sphere }, "mu": { $0.mu = 0.3 },
    "xi": { $0.xi = 0.3 }, "antithetic": { $0.antithetic = true }, "radius": { $0.radius = 3 }, "radii": { $0.radii = 1 },
    "gld_distribution": { $0.gldDistribution = .sphere }, "untrained_baseline": { $0.untrainedBaseline = true },
    "candidate_learning_rate": { $0.candidateLearningRate = 0.01 }, "candidate_momentum": { $0.candidateMomentum = 0 },
    "validation_sampling": { $0.validationSampling = .fresh },
    "depthwise_initialisation": { $0.depthwiseInitialisation = .pytorch03 },
    "batch_norm_initialisation": { $0.batchNormInitialisation = .uniform },
    "learning_rate": { $0.learningRate = 0.05 }, "minimum_learning_rate": { $0.minimumLearningRate = 0.002 },
    "momentum": { $0.momentum = 0.5 }, "weight_decay": { $0.weightDecay = 0.01 },
    "gradient_clip": { $0.gradientClip = 0.01 },
    "perturbation": { $0.perturbation = .random }, "perturbation_size": { $0.perturbationSize = 0.1 },
    "perturbation_start": { $0.perturbationStart = 0.2 }, "perturbation_steps": { $0.perturbationSteps = 3 },
    "alpha_learning_rate": { $0.alphaLearningRate = 0.01 }, "alpha_beta1": { $0.alphaBeta1 = 0.9 },
    "alpha_beta2": { $0.alphaBeta2 = 0.9 }, "alpha_epsilon": { $0.alphaEpsilon = 0.1 },
    "alpha_weight_decay": { $0.alphaWeightDecay = 0.1 }, "eigenvalue_every": { $0.eigenvalueEvery = 3 },
    "eigenvalue_batches": { $0.eigenvalueBatches = 2 }, "hessian": { $0.hessian = .difference },
    "early_stop_window": { $0.earlyStopWindow = 3 },
    "early_stop_distance": { $0.earlyStopDistance = 2 },
    "early_stop_ratio": { $0.earlyStopRatio = 0.5 }, "early_stop_start": { $0.earlyStopStart = 2 },
    "adaptive_decay_factor": { $0.adaptiveDecayFactor = 3 }, "adaptive_decay_maximum": { $0.adaptiveDecayMaximum = 0.5 },
    "keep_last": { $0.keepLast = 2 }, "checkpoint_every": { $0.checkpointEvery = 2 },
    "tensorboard": { $0.tensorboard = true },
  ]

  /// Three epochs, two of them warm-up, by a method that reads the setting.
  private static func base(of key: String) -> SearchConfiguration {
    let method = SearchMethod.readers(of: key)?.first ?? .darts1
    var result = SearchConfiguration(method: method, space: .s1, dataset: "tensors:/a/x.safetensors")
    (result.seed, result.epochs, result.warmup, result.channels, result.layers) = (7, 3, 2, 8, 3)
    (result.batch, result.threads, result.innerSteps, result.candidates, result.radii) = (4, 1, 2, 2, 2)
    (result.eigenvalueEvery, result.eigenvalueBatches) = (1, 1)
    // What is done to a cutout shows where there is one.
    if key.hasPrefix("cutout_") { result.cutout = 4 }
    // It says how something falls that has to be there.
    if key == "auxiliary_decay" { result.auxiliarySkip = 1 }
    if key.hasPrefix("perturbation_") { result.perturbation = .adversarial }
    return result
  }

  /// Of the images; the network for ImageNet takes none that are smaller.
  private static func side(for key: String) -> Int { key == "scale" ? 64 : 8 }

  private static func problem(_ configuration: SearchConfiguration, side: Int) throws -> SupernetProblem {
    var stream = RandomStream(seed: 4, purpose: .test)
    // Bytes, since tensors are used as they are.
    let images = (0..<24 * 3 * side * side).map { _ in UInt8(stream.integer(below: 256)) }
    let dataset = try ImageDataset(
      name: "noise", classes: 3, side: side,
      training: .init(pixels: .bytes(images), labels: (0..<24).map { _ in Int32(stream.integer(below: 3)) }), test: nil,
      normalisation: .cifar10)
    let loader = try BatchLoader(
      dataset: dataset, seed: configuration.seed, batchSize: configuration.batch, trainLimit: configuration.trainLimit,
      split: configuration.split, validationSampling: configuration.validationSampling,
      augmentation: configuration.augmentation(of: dataset), threads: configuration.threads)
    return try SupernetProblem(
      space: configuration.space, channels: configuration.channels, layers: configuration.layers, loader: loader,
      seed: configuration.seed, threads: configuration.threads, variant: configuration.variant,
      skipDropout: configuration.skipDropoutSchedule, regularisation: configuration.regularisation,
      initialisation: configuration.weightInitialisation, engine: configuration.engine)
  }

  /// What a run computed until α first moved, and in all.
  private struct Outcome {
    /// ω, momentum, statistics and α at the end of the second epoch.
    var state: [String: NamedTensor]
    var rows: [EpochRecord]
    var genotypes: [Genotype]
    /// The same at the end of the run, with the optimiser.
    var end: [String: NamedTensor]
    var eigenvalues: [Double?]

    var warmup: ([String: NamedTensor], [EpochRecord], [Genotype]) {
      (state, Array(rows.prefix(2)), Array(genotypes.prefix(2)))
    }
  }

  private static func run(_ configuration: SearchConfiguration, side: Int, in path: String) throws -> Outcome {
    try configuration.validate()
    // A search in stages begins with the first of them.
    let configuration = configuration.stages.isEmpty ? configuration : configuration.stage(0, operations: nil)
    let (problem, plan) = (
      try problem(configuration, side: side),
      GroupPlan.choose(requested: configuration.groups, cores: configuration.threads, pieces: configuration.lossesAtOnce)
    )
    let groups = try plan.groups > 1 ? (0..<plan.groups).map { _ in try Self.problem(configuration, side: side) } : []
    let files = try search(
      problem, configuration, in: path, space: configuration.space, crew: CandidateCrew(of: problem, groups: groups))
    let rows = try files.metrics()
    let own = ["adam.", "random.", "early_stop."]
    let end = try TensorFile(readingFrom: files.checkpointPath(epoch: rows.count)).tensors
    return Outcome(
      state: try TensorFile(readingFrom: files.checkpointPath(epoch: 2)).tensors.filter { name, _ in
        !own.contains { name.hasPrefix($0) }
      },
      rows: rows.map {
        var row = $0
        (row.seconds, row.dominantEigenvalue) = (0, nil)
        return row
      }, genotypes: try files.genotypes(), end: end, eigenvalues: rows.map(\.dominantEigenvalue))
  }

  @Test("Every setting has another value here, which changes no other setting")
  func changesAreOfOneSettingEach() throws {
    #expect(Set(Self.changes.keys) == Set(SearchConfiguration.fields.map(\.key)))
    for field in SearchConfiguration.fields {
      let base = Self.base(of: field.key)
      var changed = base
      let change = try #require(Self.changes[field.key])
      change(&changed)
      #expect(SearchConfiguration.fields.filter { $0.write(base) != $0.write(changed) }.map(\.key) == [field.key])
    }
  }

  @Test(
    "A setting changes the bits of the warm-up where its field says so, and nothing where it says that",
    arguments: SearchConfiguration.fields.map(\.key))
  func effect(key: String) throws {
    let folder = try ScratchFolder()
    let field = try #require(SearchConfiguration.field(key))
    let base = Self.base(of: key)
    var changed = base
    let change = try #require(Self.changes[key])
    change(&changed)
    let (first, second) = try EngineKind.$guests.withValue([.twin]) {
      let side = Self.side(for: key)
      return try (Self.run(base, side: side, in: folder.file("a")), Self.run(changed, side: side, in: folder.file("b")))
    }
    let isSameWarmup = first.warmup == second.warmup
    switch field.affects {
    case .warmup: #expect(!isSameWarmup, "\(key) says that it changes the warm-up")
    case .afterWarmup: #expect(isSameWarmup, "\(key) says that it leaves the warm-up as it is")
    case .nothing, .dataset:
      #expect(isSameWarmup && first.rows == second.rows && first.genotypes == second.genotypes)
      #expect(first.end == second.end && first.eigenvalues == second.eigenvalues, "\(key) says that it changes nothing")
    }
  }

  @Test(
    "Searches share a warm-up where no setting that changes it differs", arguments: SearchConfiguration.fields.map(\.key))
  func sharing(key: String) throws {
    let base = Self.base(of: key)
    var changed = base
    let change = try #require(Self.changes[key])
    change(&changed)
    let isShared = base.sharedWarmup.withoutHousekeeping.yaml == changed.sharedWarmup.withoutHousekeeping.yaml
    #expect(isShared == (SearchConfiguration.field(key)?.affects != .warmup))
    #expect(changed.sharedWarmup.keepLast == 0, "every epoch of it is taken over")
    #expect(changed.sharedWarmup.warmup == changed.epochs, "α never moves in it")
  }

  @Test("What a run may change where it goes on is the housekeeping and the place of its data")
  func adjustable() {
    #expect(
      SearchConfiguration.housekeeping == ["threads", "groups", "engine", "keep_last", "checkpoint_every", "tensorboard"])
    #expect(SearchConfiguration.adjustable == SearchConfiguration.housekeeping + ["dataset"])
    for (key, change) in Self.changes {
      let base = Self.base(of: key)
      var changed = base
      change(&changed)
      #expect((base.withoutHousekeeping == changed.withoutHousekeeping) == SearchConfiguration.adjustable.contains(key))
    }
  }

  /// A comparison that an earlier version began goes on with its warm-ups, however settings are described.
  @Test("The folder of a shared warm-up is named by the values of its settings alone")
  func name() throws {
    let plan = try ComparisonPlan(
      yaml: "settings: {channels: 4, layers: 3, batch: 4, epochs: 3, warmup: 1, inner_steps: 2, candidates: 2, threads: 1}",
      from: "test",
      lists: .init(
        methods: [.darts1, .zartsMGS, .random], seeds: [0, 1], spaces: [.s2], datasets: ["tensors:x.safetensors"]))
    let folder = try ScratchFolder()
    let files = try ComparisonFolder(existing: folder.path)
    let names = plan.runs.map { files.warmup(of: $0).folder.path.split(separator: "/").last.map(String.init) }
    #expect(Set(names) == (["s2-0-fce7c277", "s2-1-b9475d87"]))
  }
}

extension EngineKind {
  /// Another name for the engine of the CPU, which gives the same bits.
  fileprivate static let twin = EngineKind("twin", summary: "the CPU's by another name") {
    try EngineKind.cpu.make($0, batch: $1, threads: $2, kernels: $3)
  }
}
