import Cells
import Formats
import Foundation
import Problems
import Search
import Testing

struct SearchConfigurationTests {
  @Test func defaultsArePublishedSettings() {
    let zarts = SearchConfiguration(method: .zartsMGS, space: .s6, dataset: "fashion-mnist")
    #expect(zarts.epochs == 50 && zarts.warmup == 10 && zarts.batch == 64 && zarts.channels == 16 && zarts.layers == 8)
    #expect(zarts.innerSteps == 10 && zarts.candidates == 4 && zarts.tau == 0.01 && zarts.lambda == 1e-3)
    #expect(zarts.sigma == 0.025 && zarts.proposal == .flattened)
    #expect(zarts.learningRate == 0.025 && zarts.minimumLearningRate == 0.001 && zarts.momentum == 0.9)
    #expect(zarts.weightDecay == 3e-4 && zarts.gradientClip == 5)
    #expect(zarts.adam == Adam.Settings())
    for space in [SearchSpace.s1, .s2, .s3, .s4] {
      #expect(SearchConfiguration(method: .darts1, space: space, dataset: "x").sigma == 0.2)
    }
    #expect(SearchConfiguration(method: .darts2, space: .s5, dataset: "x").warmup == 0)
    #expect(zarts.sigmaDecay == .cosine)
  }

  /// Those without a published value, as docs/methods.md derives them.
  @Test func defaultsOfTheOtherMethodsAreTheDocumentedOnes() {
    let rs = SearchConfiguration(method: .zartsRS, space: .s6, dataset: "x")
    #expect(rs.warmup == 10 && rs.candidates == 4 && rs.mu == 0.025 && rs.xi == 0.1)
    #expect(rs.rsDistribution == .gaussian && !rs.antithetic)
    #expect(abs(SearchConfiguration.defaultMu(.s2, .sphere) - 0.2 * 56.0.squareRoot()) < 1e-12)
    let gld = SearchConfiguration(method: .zartsGLD, space: .s2, dataset: "x")
    #expect(gld.warmup == 10 && gld.radii == 4 && abs(gld.radius - 0.2 * 56.0.squareRoot()) < 1e-12)
    #expect(abs(SearchConfiguration(method: .zartsGLD, space: .s6, dataset: "x").radius - 0.35) < 1e-12)
    let random = SearchConfiguration(method: .random, space: .s2, dataset: "x")
    #expect(random.warmup == 0 && random.candidates * random.epochs == 1000)
  }

  @Test func everyMethodKnowsItsSettings() {
    let training = ["candidate_learning_rate", "candidate_momentum"]
    let own: [SearchMethod: [String]] = [
      .darts1: ["alpha_learning_rate"], .darts2: ["alpha_learning_rate"], .rdartsDP: ["alpha_learning_rate"],
      .darts1ES: ["alpha_learning_rate", "early_stop_window", "early_stop_distance"],
      .darts2ES: ["alpha_learning_rate", "early_stop_window", "early_stop_distance"],
      .dartsADA: ["alpha_learning_rate", "early_stop_window", "early_stop_distance"],
      .zartsRS: ["inner_steps", "candidates", "mu", "xi", "antithetic", "rs_distribution"] + training,
      .zartsMGS: ["inner_steps", "candidates", "sigma", "sigma_decay", "tau", "lambda", "proposal"] + training,
      .zartsGLD: ["inner_steps", "radius", "radii", "gld_distribution", "untrained_baseline"] + training,
      .random: ["candidates"], .dartsMinus: ["alpha_learning_rate"], .sdartsRS: ["alpha_learning_rate"],
      .sdartsADV: ["alpha_learning_rate"], .rdartsL2: ["alpha_learning_rate"],
    ]
    for method in SearchMethod.allCases {
      for key in Set(own.values.flatMap { $0 }) {
        #expect(method.takes(key) == (own[method]?.contains(key) == true), "\(method) \(key)")
      }
      #expect(method.takes("epochs") && method.takes("seed") && !method.takes("epoch"))
    }
  }

  @Test func changedSettingsThatTheMethodDoesNotReadAreListed() {
    var configuration = SearchConfiguration(method: .zartsGLD, space: .s2, dataset: "x")
    #expect(configuration.ignoredSettings.isEmpty)
    (configuration.tau, configuration.radius, configuration.antithetic) = (0.5, 3, true)
    #expect(configuration.ignoredSettings == ["tau", "antithetic"])
    // Pairs are a matter of RS alone: an odd number is fine for the others.
    configuration.candidates = 5
    #expect(throws: Never.self) { try configuration.validate() }
  }

  @Test func yamlReadsBackToTheSameValuesWhateverTheyAre() throws {
    var configuration = SearchConfiguration(method: .zartsMGS, space: .s3, dataset: "tensors:/a b/\"c\\d\": #é.safetensors")
    configuration.seed = .max
    configuration.trainLimit = 512
    configuration.sigma = 0.1 + 0.2
    configuration.alphaEpsilon = 1e-08
    configuration.tau = 3.0000000000000004e-5
    configuration.proposal = .exact
    configuration.sigmaDecay = .linear
    configuration.rsDistribution = .sphere
    configuration.mu = 1 / 3
    configuration.xi = 1e-7
    configuration.antithetic = true
    configuration.radius = 2.5
    configuration.radii = 9
    (configuration.eigenvalueEvery, configuration.eigenvalueBatches, configuration.keepLast) = (3, 2, 4)
    (configuration.checkpointEvery, configuration.tensorboard, configuration.earlyStopWindow) = (7, true, 3)
    (configuration.earlyStopRatio, configuration.earlyStopStart) = (0.9, 2)
    #expect(configuration.yaml.contains("\nhessian: exact  # "))
    #expect(try SearchConfiguration(yaml: configuration.yaml, from: "memory") == configuration)
    configuration.trainLimit = nil
    #expect(try SearchConfiguration(yaml: configuration.yaml, from: "memory") == configuration)
    #expect(configuration.yaml.contains("alpha_epsilon: 1.0e-08"), "YAML 1.1 readers take 1e-08 for text")
  }

  @Test func absentSettingsKeepTheDefaultsOfMethodAndSpace() throws {
    let read = try SearchConfiguration(yaml: "method: zarts-mgs\nspace: s2\ndataset: fashion-mnist\nepochs: 20\n", from: "x")
    var expected = SearchConfiguration(method: .zartsMGS, space: .s2, dataset: "fashion-mnist")
    (expected.epochs, expected.hessian) = (20, .difference)
    #expect(read == expected)
  }

  /// Runs of versions without exact products go on with the eigenvalues that they began with.
  @Test func filesThatNameNoHessianHaveDifferencesAndNewRunsAreExact() throws {
    let text = "method: darts1-es\nspace: s2\ndataset: d\n"
    #expect(SearchConfiguration(method: .darts1ES, space: .s2, dataset: "d").hessian == .exact)
    #expect(try SearchConfiguration(yaml: text, from: "x").hessian == .difference)
    #expect(try SearchConfiguration(yaml: text + "hessian: exact\n", from: "x").hessian == .exact)
    let preset = try SearchPreset(named: "paper-darts-es-s1-cifar10", at: "")
    #expect(try SearchConfiguration(preset: preset).hessian == .exact)
    // What a preset leaves open is as in new runs, since presets are of this version.
    #expect(try SearchConfiguration(yaml: "seed: 3\n", from: "x", preset: preset).hessian == .exact)
    let error = #expect(throws: InputError.self) {
      try SearchConfiguration(yaml: text + "hessian: inexact\n", from: "x")
    }
    #expect(error?.place == .setting("hessian", in: "x") && error?.found == "'inexact'")
    #expect(error?.wanted == "one of exact, difference")
    // A comparison of an earlier version holds every setting of it, one that flags make is new.
    let lists = ComparisonPlan.Lists(methods: [.darts1ES], seeds: [0], spaces: [.s2], datasets: ["d"])
    #expect(try ComparisonPlan(yaml: "", from: nil, lists: lists).runs[0].configuration.hessian == .exact)
    let old = try ComparisonPlan(yaml: "settings: {eigenvalue_every: 1}\n", from: "c", lists: lists)
    #expect(old.runs[0].configuration.hessian == .difference)
    // By flags alone it goes on as it was begun, unless they say otherwise.
    let flags = try ComparisonPlan(yaml: "", from: nil, lists: lists)
    #expect(flags.goingOn(from: old).runs[0].configuration.hessian == .difference)
    #expect(flags.goingOn(from: flags).runs[0].configuration.hessian == .exact)
    let given = try ComparisonPlan(
      yaml: "", from: nil, lists: lists, overrides: .init(keys: ["hessian"]) { $0.hessian = .exact })
    #expect(given.goingOn(from: old).runs[0].configuration.hessian == .exact)
  }

  @Test func smoothingOfAnAbsentMuGoesWithTheDistribution() throws {
    let text = "method: zarts-rs\nspace: s6\ndataset: d\nrs_distribution: sphere\n"
    #expect(abs(try SearchConfiguration(yaml: text, from: "x").mu - 0.35) < 1e-12)
    #expect(try SearchConfiguration(yaml: text + "mu: 0.5\n", from: "x").mu == 0.5)
    #expect(try SearchConfiguration(yaml: text, from: "x").ignoredSettings.isEmpty)
  }

  @Test(arguments: [
    ("method: darts9\nspace: s2\ndataset: d", "method"), ("method: darts1\nspace: s2", "dataset"),
    ("method: darts1\nspace: s2\ndataset: d\nepoch: 3", "'epoch'"),
    ("method: darts1\nspace: s2\ndataset: d\nepochs: many", "epochs"),
    ("method: darts1\nspace: s2\ndataset: d\nepochs: 1.5", "1.5"),
    ("method: darts1\nspace: s2\ndataset: d\nsigma: [1]", "sigma"),
    ("method: darts1\nspace: s2\ndataset: d\nseed: -1", "seed"),
    ("method: darts1\nspace: s2\ndataset: d\ntrain_limit: few", "train_limit"), ("- a", "mapping"), ("a: b: c", "YAML"),
    ("method: zarts-rs\nspace: s2\ndataset: d\nantithetic: maybe", "true or false"),
    ("method: zarts-rs\nspace: s2\ndataset: d\nrs_distribution: cauchy", "gaussian, sphere"),
    ("method: zarts-mgs\nspace: s2\ndataset: d\nsigma_decay: fast", "cosine, linear, constant"),
    ("method: zarts-gld\nspace: s2\ndataset: d\nradii: 2.5", "radii"), ("", "mapping"),
    ("method: darts1\nspace: s2\ndataset: d\nchannels: 6", "multiple of 4"),
  ])
  func badTextIsRefusedNamingThePlace(yaml: String, mention: String) throws {
    let error = #expect(throws: InputError.self) { try SearchConfiguration(yaml: yaml, from: "run/config.yaml") }
    let text = "\(try #require(error))"
    #expect(text.contains(mention), "\(text)")
  }

  @Test func everySettingOutOfRangeIsNamed() throws {
    let changes: [(String, (inout SearchConfiguration) -> Void)] = [
      ("epochs", { $0.epochs = 0 }), ("warmup", { $0.warmup = 51 }), ("warmup", { $0.warmup = -1 }),
      ("channels", { $0.channels = 18 }), ("channels", { $0.channels = 0 }), ("layers", { $0.layers = 2 }),
      ("batch", { $0.batch = 0 }), ("train_limit", { $0.trainLimit = 1 }), ("threads", { $0.threads = -1 }),
      ("inner_steps", { $0.innerSteps = 0 }), ("candidates", { $0.candidates = 0 }), ("sigma", { $0.sigma = 0 }),
      ("sigma", { $0.sigma = .nan }), ("tau", { $0.tau = -1 }), ("lambda", { $0.lambda = 1.1 }),
      ("lambda", { $0.lambda = .nan }), ("mu", { $0.mu = 0 }), ("mu", { $0.mu = .infinity }), ("xi", { $0.xi = -1 }),
      ("radius", { $0.radius = 0 }), ("radius", { $0.radius = .nan }), ("radii", { $0.radii = 0 }),
      ("radii", { $0.radii = 65 }),
      (
        "candidates",
        { ($0.method, $0.antithetic, $0.candidates) = (.zartsRS, true, 5) }
      ), ("learning_rate", { $0.learningRate = 0 }),
      ("minimum_learning_rate", { $0.minimumLearningRate = 1 }), ("momentum", { $0.momentum = 1 }),
      ("weight_decay", { $0.weightDecay = -1 }), ("gradient_clip", { $0.gradientClip = 0 }),
      ("gradient_clip", { $0.gradientClip = .nan }),
      ("alpha_learning_rate", { $0.alphaLearningRate = .infinity }), ("alpha_beta1", { $0.alphaBeta1 = 1 }),
      ("alpha_beta2", { $0.alphaBeta2 = -0.1 }), ("alpha_epsilon", { $0.alphaEpsilon = 0 }),
      ("alpha_weight_decay", { $0.alphaWeightDecay = -1 }), ("dataset", { $0.dataset = "" }),
      ("eigenvalue_every", { $0.eigenvalueEvery = -1 }), ("eigenvalue_batches", { $0.eigenvalueBatches = 0 }),
      ("eigenvalue_every", { ($0.method, $0.eigenvalueEvery) = (.darts1ES, 0) }),
      ("early_stop_window", { $0.earlyStopWindow = 4 }), ("early_stop_window", { $0.earlyStopWindow = -1 }),
      ("early_stop_distance", { $0.earlyStopDistance = -1 }), ("early_stop_distance", { $0.earlyStopDistance = 100_001 }),
      ("early_stop_ratio", { $0.earlyStopRatio = 0 }), ("early_stop_ratio", { $0.earlyStopRatio = .nan }),
      ("early_stop_start", { $0.earlyStopStart = -1 }), ("keep_last", { $0.keepLast = -1 }),
      ("checkpoint_every", { $0.checkpointEvery = -1 }), ("groups", { $0.groups = -1 }), ("groups", { $0.groups = 1025 }),
    ]
    let good = SearchConfiguration(method: .zartsMGS, space: .s2, dataset: "fashion-mnist")
    try good.validate()
    var unlimited = good
    unlimited.gradientClip = .infinity
    try unlimited.validate()
    for (key, change) in changes {
      var bad = good
      change(&bad)
      let error = #expect(throws: InputError.self, "\(key)") { try bad.validate() }
      #expect("\(try #require(error))".contains("setting \(key):"))
    }
  }
}

struct SchedulesTests {
  private func schedules(epochs: Int, warmup: Int) -> Schedules {
    var configuration = SearchConfiguration(method: .zartsMGS, space: .s2, dataset: "d")
    (configuration.epochs, configuration.warmup) = (epochs, warmup)
    return Schedules(configuration)
  }

  @Test func learningRateFollowsTheCosineOfTorch() {
    let schedules = schedules(epochs: 50, warmup: 10)
    #expect(schedules.learningRate(epoch: 0) == 0.025)
    #expect(abs(schedules.learningRate(epoch: 25) - 0.013) < 1e-15)
    #expect(abs(schedules.learningRate(epoch: 10) - (0.001 + 0.024 * (1 + cos(Double.pi / 5)) / 2)) < 1e-15)
    #expect(abs(schedules.learningRate(epoch: 50) - 0.001) < 1e-15)
    #expect(schedules.weightStep(epoch: 0) == WeightStep())
  }

  @Test func sigmaDecaysOnlyAfterTheWarmup() {
    let schedules = schedules(epochs: 50, warmup: 10)
    #expect(schedules.sigma(epoch: 3) == 0.2)
    #expect(schedules.sigma(epoch: 10) == 0.2)
    #expect(abs(schedules.sigma(epoch: 30) - 0.1) < 1e-15)
    #expect(schedules.sigma(epoch: 49) > 0)
    #expect(self.schedules(epochs: 5, warmup: 5).sigma(epoch: 5) == 0.2)
  }

  @Test(arguments: [
    (Decay.cosine, [1.0, 0.8535533905932737, 0.5, 0.1464466094067262, 0]), (.linear, [1, 0.75, 0.5, 0.25, 0]),
    (.constant, [1, 1, 1, 1, 1]),
  ])
  func sigmaDecaysAsAsked(decay: Decay, parts: [Double]) {
    var configuration = SearchConfiguration(method: .zartsMGS, space: .s2, dataset: "d")
    (configuration.epochs, configuration.warmup, configuration.sigmaDecay) = (50, 10, decay)
    let schedules = Schedules(configuration)
    #expect(schedules.sigma(epoch: 4) == 0.2)
    for (index, part) in parts.enumerated() {
      #expect(abs(schedules.sigma(epoch: 10 + 10 * index) - 0.2 * part) < 1e-15)
    }
    #expect(abs(schedules.learningRate(epoch: 25) - 0.013) < 1e-15, "the decay of σ is none of the learning rate's")
  }
}
