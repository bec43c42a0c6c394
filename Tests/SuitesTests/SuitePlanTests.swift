import Cells
import Datasets
import Formats
import Retraining
import Search
import Suites
import TestSupport
import Testing

struct SuitePlanTests {
  @Test("Jobs stand cell by cell, each behind those that it needs, and a warm-up that searches share comes once")
  func jobs() throws {
    let jobs = try SuiteSamples.plan().jobs
    let warmups = jobs.filter { $0.kind == .warmup }.map(\.path)
    #expect(warmups.count == 2 && warmups[0].hasPrefix("warmups/s2-0-") && warmups[1].hasPrefix("warmups/s2-1-"))
    let rest: [(SuiteJob.Kind, String, [Int], UInt64)] = [
      (.warmup, warmups[0], [], 0), (.search, "runs/s2-darts1-0", [0], 0), (.warmup, warmups[1], [], 1),
      (.search, "runs/s2-darts1-1", [2], 1), (.choose, "choices/s2-darts1", [1, 3], 0),
      (.retrain, "retrainings/s2-darts1-0", [4], 0), (.retrain, "retrainings/s2-darts1-1", [4], 1),
      (.search, "runs/s2-zarts-mgs-0", [0], 0), (.search, "runs/s2-zarts-mgs-1", [2], 1),
      (.choose, "choices/s2-zarts-mgs", [7, 8], 0), (.retrain, "retrainings/s2-zarts-mgs-0", [9], 0),
      (.retrain, "retrainings/s2-zarts-mgs-1", [9], 1),
    ]
    #expect(jobs.map(\.kind) == rest.map(\.0) && jobs.map(\.path) == rest.map(\.1))
    #expect(jobs.map(\.needs) == rest.map(\.2) && jobs.map(\.seed) == rest.map(\.3))
    #expect(jobs.map(\.epochs) == jobs.map { $0.kind == .warmup ? 1 : nil })
    #expect(Set(jobs.map(\.key)).count == jobs.count && jobs.allSatisfy { !$0.key.contains("/") })
  }

  @Test("Where each network is trained there is no choice, and each has the seed of its search") func each() throws {
    let yaml = SuiteSamples.yaml.replacing("retraining_seeds: [0, 1]", with: "retrain: each")
    let jobs = try SuiteSamples.plan(yaml).jobs
    #expect(jobs.filter { $0.kind == .choose }.isEmpty)
    let trained = jobs.filter { $0.kind == .retrain }
    #expect(trained.map(\.seed) == [0, 1, 0, 1])
    #expect(trained.map { jobs[$0.needs[0]].path } == jobs.filter { $0.kind == .search }.map(\.path))
  }

  @Test("Where 'each' wins over a preset or a file, their seeds of retrainings go with their choice")
  func eachWins() throws {
    for networks in [nil, SuitePlan.Networks.each] {
      let plan = try SuitePlan(
        yaml: networks == nil ? "retrain: each" : "retraining_seeds: [5]", from: "suite.yaml",
        lists: .init(networks: networks), preset: SuitePreset(named: "small", at: "")
      ) { $0 == "fashion-mnist" }
      #expect(plan.networks == .each && plan.jobs.allSatisfy { $0.kind != .choose })
    }
  }

  @Test("A search that shares its warm-up with none computes it itself, and datasets have folders of their own")
  func alone() throws {
    let yaml = SuiteSamples.yaml.replacing("[darts1, zarts-mgs]", with: "[darts1]").replacing(
      "[shades]", with: "[a, \"b:c\"]")
    let plan = try SuiteSamples.plan(yaml)
    #expect(plan.jobs.allSatisfy { $0.kind != .warmup } && plan.cells.map(\.name) == ["a/s2-darts1", "b/s2-darts1"])
    #expect(plan.jobs[0].path == "runs/a/s2-darts1-0" && plan.jobs[2].path == "choices/a/s2-darts1")
  }

  @Test("The file that is written is the same suite, and holds every setting", arguments: ["paper", "paper-table", "small"])
  func written(name: String) throws {
    let preset = try SuitePreset(named: name, at: "")
    let plan = try SuitePlan(yaml: "", from: nil, preset: preset) { $0 == "fashion-mnist" || name != "small" }
    let again = try SuitePlan(yaml: plan.yaml, from: "written")
    #expect(again.searches.runs == plan.searches.runs && again.jobs == plan.jobs)
    try again.require(sameAs: plan, in: "written")
    #expect(try again.yaml == plan.yaml)
    for key in SearchConfiguration.fields.map(\.key) where !["method", "space", "dataset", "seed"].contains(key) {
      #expect(try plan.yaml.contains(" \(key): "), "\(key)")
    }
    for key in ["epochs", "learning_rate", "weight_decay", "momentum", "channels", "layers", "drop_path"] {
      #expect(try plan.yaml.components(separatedBy: "retraining_settings:")[1].contains("  \(key): "), "\(key)")
    }
  }

  @Test("Preset paper has the published settings of the twelve benchmarks, one by one") func paper() throws {
    let plan = try SuitePlan(yaml: "", from: nil, preset: SuitePreset(named: "paper", at: ""))
    #expect(plan.searches.spaces == [.s1, .s2, .s3, .s4] && plan.searches.seeds == [0, 1, 2, 3])
    #expect(plan.searches.datasets == ["cifar10:data/cifar10", "cifar100:data/cifar100", "svhn:data/svhn"])
    #expect(plan.searches.methods == [.darts1, .darts2, .darts2ES, .zartsRS, .zartsMGS, .zartsGLD])
    #expect(plan.briefEpochs == 100 && plan.networks == .chosen && plan.retrainingSeeds == [0, 1, 2])
    // 3 datasets, 4 spaces, 6 methods, 4 seeds; the three of ZARTS share the warm-up of each seed.
    let counts = SuiteJob.Kind.allCases.map { kind in plan.jobs.count { $0.kind == kind } }
    #expect(counts == [48, 288, 72, 216])
    for run in plan.searches.runs {
      let found = run.configuration
      let data = DatasetSpecification.kind(of: found.dataset)
      var expected = try SearchConfiguration(
        preset: SearchPreset(named: "paper-rdarts-\(found.space)-\(data)", at: ""), given: .init(method: found.method))
      expected.seed = found.seed
      if found.method == .darts2ES {
        let rule = EarlyStopping.robustDARTSCode
        (expected.eigenvalueEvery, expected.eigenvalueBatches) = (rule.every, 1)
        (expected.earlyStopWindow, expected.earlyStopDistance) = (rule.window, rule.distance)
        (expected.earlyStopRatio, expected.earlyStopStart) = (rule.ratio, rule.start)
      }
      #expect(found == expected, "\(run.name)")
    }
    // DARTS, §3.1; ZARTS, §4.1.
    let mgs = try #require(plan.searches.runs.first { $0.configuration.method == .zartsMGS }).configuration
    #expect([mgs.epochs, mgs.warmup, mgs.channels, mgs.layers, mgs.batch] == [50, 10, 16, 8, 64])
    #expect([mgs.innerSteps, mgs.candidates] == [10, 4] && [mgs.sigma, mgs.tau, mgs.lambda] == [0.2, 0.01, 0.001])
    #expect([mgs.learningRate, mgs.minimumLearningRate, mgs.momentum, mgs.weightDecay] == [0.025, 0.001, 0.9, 3e-4])
    #expect([mgs.gradientClip, mgs.alphaLearningRate, mgs.alphaBeta1, mgs.alphaBeta2] == [5, 3e-4, 0.5, 0.999])
    #expect(mgs.alphaWeightDecay == 1e-3 && mgs.split == .fileOrder && mgs.trainLimit == nil && mgs.runningValidation)
    let warmups = plan.searches.runs.map {
      [$0.configuration.method.rawValue.hasPrefix("zarts") ? 10 : 0, $0.configuration.warmup]
    }
    #expect(warmups.allSatisfy { $0[0] == $0[1] })
    // cnn/script/run_fulltrain_rdarts.sh of the ZARTS release.
    #expect(plan.retraining.preset == "zarts-DATASET")
    let lines = try plan.yaml.components(separatedBy: "retraining_settings:\n")[1].split(separator: "\n").map {
      $0.dropFirst(2)
    }
    let sample =
      "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), "
      + "('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], normal_concat=range(2, 6), "
      + "reduce=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 2), ('sep_conv_3x3', 0), ('skip_connect', 2), "
      + "('sep_conv_3x3', 0), ('skip_connect', 2), ('sep_conv_3x3', 1)], reduce_concat=range(2, 6))"
    let found = try RetrainingConfiguration(
      yaml: lines.joined(separator: "\n") + "\ngenotype: \"\(sample)\"\ndataset: d\n", from: "suite.yaml")
    #expect(
      try found == RetrainingPreset(named: "zarts-cifar10", at: "").configuration(genotype: sample, dataset: "d"))
    #expect([found.epochs, found.batch, found.channels, found.layers, found.cutout] == [600, 64, 36, 20, 16])
    #expect(found.auxiliary && found.auxiliaryWeight == 0.4 && found.dropPath == 0.2 && found.labelSmoothing == 0)
    #expect(found.schedule == .cosine && found.learningRate == 0.025 && found.minimumLearningRate == 0)
    #expect(found.momentum == 0.9 && !found.nesterov && found.weightDecay == 3e-4 && found.gradientClip == 5)
    #expect(found.scale == .cifar && found.trainLimit == nil && found.testLimit == nil)
  }

  @Test("A file wins over a preset setting by setting, and flags over both") func layers() throws {
    let plan = try SuitePlan(
      yaml: """
        preset: small
        seeds: [7]
        datasets: ["tensors:x"]
        settings: {epochs: 3}
        method_settings: {zarts-mgs: {tau: 0.5}}
        retraining_settings: {epochs: 2, auxiliary: false}
        """, from: "suite.yaml", lists: .init(searches: .init(spaces: [.s3]), briefEpochs: 5))
    #expect(plan.searches.seeds == [7] && plan.searches.spaces == [.s3] && plan.briefEpochs == 5)
    let settings = plan.searches.runs.map(\.configuration)
    #expect(settings.allSatisfy { $0.epochs == 3 && $0.warmup == 2 && $0.channels == 8 })
    #expect(settings.map(\.tau) == [0.01, 0.5])
    let text = try plan.yaml.components(separatedBy: "retraining_settings:\n")[1]
    #expect(text.contains("  epochs: 2\n") && text.contains("  train_limit: 4096\n"))
  }

  @Test("Preset small takes the data that are there, and says so where there are none") func whatIsThere() throws {
    let small = try SuitePreset(named: "small", at: "")
    let plan = try SuitePlan(yaml: "", from: nil, preset: small) { $0.hasPrefix("svhn") || $0 == "fashion-mnist" }
    #expect(plan.searches.datasets == ["fashion-mnist", "svhn:data/svhn"])
    #expect(
      refusal { try SuitePlan(yaml: "", from: nil, preset: small) { _ in false } }
        == "setting datasets: none of preset small")
    let given = try SuitePlan(yaml: "datasets: [mine]", from: "f", preset: small) { _ in false }
    #expect(given.searches.datasets == ["mine"])
  }

  @Test("SPACE and DATASET in the name of a recipe stand for those of the cell") func recipes() throws {
    let plan = try SuitePlan(
      yaml: """
        methods: [darts1]
        spaces: [s1, s2]
        datasets: ["cifar10:d", "svhn:d"]
        retraining_preset: rdarts-SPACE-DATASET
        """, from: "suite.yaml")
    let text = try plan.yaml.components(separatedBy: "retraining_settings:\n")[1]
    #expect(!text.contains("  channels:") && !text.contains("  layers:") && text.contains("  epochs: 600\n"))
    #expect(try plan.yaml.contains("retraining_preset: \"rdarts-SPACE-DATASET\""))
  }

  @Test(
    "What is wrong in a file is named with file, key and what was found",
    arguments: [
      ("methods: [darts]", "suite.yaml: setting methods: 'darts'"), ("- a", "suite.yaml: no mapping"),
      ("seed: 3", "suite.yaml: 'seed'"), ("budget: steps", "suite.yaml: 'budget'"),
      ("brief_epochs: 0", "suite.yaml: setting brief_epochs: '0'"),
      ("brief_epochs: [1]", "suite.yaml: setting brief_epochs: a list or mapping"),
      ("retrain: some", "suite.yaml: setting retrain: 'some'"), ("preset: big", "suite.yaml: setting preset: 'big'"),
      ("search_preset: big", "suite.yaml: setting search_preset: 'big'"),
      ("retraining_preset: big", "suite.yaml: setting retraining_preset: 'big'"),
      ("retraining_seeds: [x]", "suite.yaml: setting retraining_seeds: 'x'"),
      ("retraining_seeds: [1, 1]", "suite.yaml: setting retraining_seeds: [1, 1]"),
      ("retraining_seeds: []", "suite.yaml: setting retraining_seeds: []"),
      ("retrain: each\nretraining_seeds: [1]", "suite.yaml: setting retraining_seeds: [1]"),
      ("retraining_settings: {seed: 3}", "suite.yaml: setting retraining_settings: 'seed'"),
      ("retraining_settings: {threads: 3}", "suite.yaml: setting retraining_settings: 'threads'"),
      ("retraining_settings: {epoch: 3}", "suite.yaml: setting retraining_settings: 'epoch'"),
      ("retraining_settings: 3", "suite.yaml: setting retraining_settings: '3'"),
      ("retraining_settings: {epochs: x}", "suite.yaml: retraining_settings: setting epochs: 'x'"),
      ("retraining_settings: {epochs: 0}", "suite.yaml: retraining_settings: setting epochs: 0"),
      ("settings: {epoch: 3}", "suite.yaml: settings: 'epoch'"),
      ("settings: {epochs: x}", "suite.yaml: settings: setting epochs: 'x'"),
    ])
  func refused(text: String, expected: String) throws {
    let base = text.hasPrefix("methods") || text.hasPrefix("-") ? "" : "methods: [darts1]\n"
    #expect(
      refusal {
        try SuitePlan(yaml: base + "datasets: [a]\n".filter { _ in !text.hasPrefix("-") } + text, from: "suite.yaml")
      } == expected)
  }

  @Test("What the settings of retrainings say is in the file that is written, halves and checkpoints too") func said()
    throws
  {
    let plan = try SuiteSamples.plan(
      SuiteSamples.yaml.replacing("keep_last: 0,", with: "keep_last: 0, split: file-order, checkpoint_every: 5,"))
    let again = try SuitePlan(yaml: plan.yaml, from: "written")
    try again.require(sameAs: plan, in: "written")
    let text = try again.yaml.components(separatedBy: "retraining_settings:\n")[1]
    #expect(text.contains("  split: file-order\n") && text.contains("  checkpoint_every: 5\n"))
    #expect(try !SuiteSamples.plan().yaml.components(separatedBy: "retraining_settings:\n")[1].contains("  split:"))
  }

  @Test("Another suite is known by the first setting that differs; threads and places of data make none") func sameness()
    throws
  {
    let plan = try SuiteSamples.plan()
    let yaml = SuiteSamples.yaml
    try plan.require(
      sameAs: SuiteSamples.plan(yaml.replacing("{epochs: 3,", with: "{epochs: 3, threads: 7, keep_last: 1,")), in: "f")
    for (from, to, expected) in [
      ("seeds: [0, 1]\nspaces", "seeds: [0, 2]\nspaces", "f: setting seeds: [0, 1]"),
      ("{epochs: 3,", "{epochs: 4,", "f: setting epochs of s2-darts1-0: 3"),
      ("weight_decay: 0.001", "weight_decay: 0.002", "f: setting weight_decay of retrainings of s2-darts1: 1e-3"),
      ("brief_epochs: 1", "brief_epochs: 2", "f: setting brief_epochs: 1"),
    ] {
      let other = try SuiteSamples.plan(yaml.replacing(from, with: to))
      #expect(refusal { try plan.require(sameAs: other, in: "f") } == expected)
    }
  }
}
