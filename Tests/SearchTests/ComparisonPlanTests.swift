import Cells
import Formats
import Foundation
import Search
import SearchSupport
import TestSupport
import Testing

struct ComparisonPlanTests {
  private let lists = ComparisonPlan.Lists(methods: [.darts1], datasets: ["closed-form"])

  @Test func layersRankSettingsBelowSpaceBelowMethodBelowRun() throws {
    let plan = try ComparisonPlan(
      yaml: """
        methods: [darts1, zarts-mgs]
        seeds: [3, 1]
        spaces: [s2, s4]
        datasets: [a, "b:c"]
        settings: {channels: 8, layers: 4, batch: 8, tau: 0.5}
        space_settings: {s4: {layers: 5, batch: 9, tau: 0.6}}
        method_settings: {zarts-mgs: {batch: 10, tau: 0.7}}
        run_settings: {s4/zarts-mgs: {tau: 0.8}}
        """, from: "test")
    #expect(plan.runs.count == 16)
    #expect(plan.runs[0].path == "runs/a/s2-darts1-3" && plan.runs[15].path == "runs/b/s4-zarts-mgs-1")
    #expect(plan.runs[15].configuration.dataset == "b:c" && plan.runs[15].configuration.seed == 1)
    let four = plan.runs[0..<4].map(\.configuration)
    #expect(four.map(\.layers) == [4, 4, 5, 5])
    #expect(four.map(\.batch) == [8, 10, 9, 10])
    #expect(four.map(\.tau) == [0.5, 0.7, 0.6, 0.8])
    #expect(four.map(\.warmup) == [0, 10, 0, 10], "defaults stay those of the method")
  }

  @Test func fileThatIsWrittenRepeatsEveryRun() throws {
    for text in [
      "settings: {epochs: 20, rs_distribution: sphere}",
      "method_settings: {zarts-rs: {rs_distribution: sphere, xi: 1.0e-05}}",
      "space_settings: {s2: {sigma: 0.3}}\nrun_settings: {s2/darts2: {warmup: 4}}", "preset: smoke", "budget: steps",
      "budget: steps\nbudget_steps: 5000",
    ] {
      let plan = try ComparisonPlan(
        yaml: text, from: "test",
        lists: .init(
          methods: SearchMethod.allCases, seeds: [0, .max], spaces: SearchSpace.allCases, datasets: ["a \"b\": c"]))
      let again = try ComparisonPlan(yaml: plan.yaml, from: "written")
      #expect(again.runs == plan.runs && again.budget == plan.budget, "\(text)")
      #expect(again.methods == plan.methods && again.datasets == plan.datasets)
      #expect(again.yaml == plan.yaml, "what goes with a space or a method must go on doing so")
    }
  }

  @Test func methodThatJoinsAWrittenFileHasItsOwnDefaultsAndTheGivenSettings() throws {
    let plan = try ComparisonPlan(
      yaml: "settings: {batch: 8}", from: "test", lists: .init(methods: [.darts1], spaces: [.s2], datasets: ["a"]))
    let grown = try ComparisonPlan(
      yaml: plan.yaml, from: "written", lists: .init(methods: [.darts1, .zartsMGS], spaces: [.s2, .s6]))
    #expect(grown.runs.map(\.configuration.warmup) == [0, 10, 0, 10])
    #expect(grown.runs.map(\.configuration.sigma) == [0.2, 0.2, 0.025, 0.025])
    #expect(grown.runs.allSatisfy { $0.configuration.batch == 8 })
    let given = try ComparisonPlan(
      yaml: "settings: {warmup: 3}", from: "test", lists: .init(methods: [.darts1], spaces: [.s2], datasets: ["a"]))
    let other = try ComparisonPlan(yaml: given.yaml, from: "written", lists: .init(methods: [.darts1, .zartsMGS]))
    #expect(other.runs.map(\.configuration.warmup) == [3, 3])
  }

  @Test func overridesWinOverTheFileAndLists() throws {
    let plan = try ComparisonPlan(
      yaml: "methods: [darts1]\nmethod_settings: {darts1: {epochs: 3}}", from: "test",
      lists: .init(methods: [.zartsRS], datasets: ["a"]),
      overrides: .init(keys: ["epochs"], identity: .init(rsDistribution: .sphere)) { $0.epochs = 30 })
    #expect(plan.methods == [.zartsRS] && plan.runs[0].configuration.epochs == 30)
    #expect(plan.runs[0].configuration.mu == SearchConfiguration.defaultMu(.s6, .sphere))
  }

  @Test(arguments: [
    ("methods: [darts]", "methods", "'darts'"), ("methods: []", "methods", "[]"), ("method: darts1", "settings", "'method'"),
    ("seeds: [-1]", "seeds", "'-1'"), ("seeds: [1, 1]", "seeds", "1"), ("spaces: [s2, s7]", "spaces", "'s7'"),
    ("settings: {seed: 3}", "settings", "'seed'"), ("settings: {epoch: 3}", "settings", "'epoch'"),
    ("settings: 3", "settings", "no mapping"), ("method_settings: {darts: {}}", "method_settings", "'darts'"),
    ("run_settings: {darts1: {}}", "run_settings", "'darts1'"), ("settings: {epochs: x}", "epochs", "'x'"),
    ("settings: {channels: 7}", "channels", "7"), ("budget: time", "budget", "'time'"),
    ("budget_steps: 3", "budget_steps", "not given"), ("budget: steps\nbudget_steps: 0", "budget_steps", "0"),
    (
      "settings: {stages: [{layers: 5, channels: 16, operations: 7, skip_dropout: 0, epochs: 3, warmup: 1}]}", "stages",
      "some"
    ),
    ("colour: red", "colour", "unknown"), ("[1, 2]", "test", "no mapping"), ("a: [", "test", "not YAML"),
  ])
  func wrongTextIsRefusedNamingKeyAndValue(text: String, key: String, found: String) throws {
    let isMethods = text.hasPrefix("methods")
    let error = #expect(throws: InputError.self) {
      try ComparisonPlan(
        yaml: text, from: "test", lists: .init(methods: isMethods ? nil : [.darts1], datasets: ["a"]))
    }
    let description = "\(try #require(error))"
    #expect(description.contains(key) && description.contains(found), "\(description)")
  }

  @Test func listThatNobodyGaveIsMissed() throws {
    let error = #expect(throws: InputError.self) { try ComparisonPlan(yaml: "", from: "command line") }
    #expect("\(try #require(error))".contains("methods"))
  }

  @Test func budgetOfStepsGivesEachMethodTheMostEpochsThatStayWithin() throws {
    let plan = try ComparisonPlan(
      yaml: "settings: {epochs: 12, warmup: 2}", from: "test",
      lists: .init(methods: SearchMethod.allCases, spaces: [.s2], datasets: ["a"], budget: .steps(nil)))
    let resolved = try plan.resolved { _ in 25 }
    let costs = resolved.runs.map { run in
      (0...1).map {
        SearchCost(of: run.configuration, epochs: run.configuration.epochs + $0, stepsPerEpoch: 25).weightSteps
      }
    }
    // RS and GLD are the dearest: 12 · 25 steps and 25 updates of 5 · 10.
    #expect(costs.map { $0[0] <= 1550 && $0[1] > 1550 } == costs.map { _ in true })
    let epochs = Dictionary(uniqueKeysWithValues: resolved.runs.map { ($0.configuration.method, $0.configuration.epochs) })
    let wanted: [SearchMethod: Int] = [
      .darts1: 62, .darts1ES: 62, .dartsMinus: 62, .sdartsRS: 62, .sdartsADV: 62, .random: 62, .darts2: 32, .darts2ES: 32,
      .dartsADA: 32, .rdartsL2: 32, .rdartsDP: 32, .zartsRS: 12, .zartsGLD: 12, .zartsMGS: 14,
    ]
    #expect(epochs == wanted)
    #expect(plan.yaml == (try ComparisonPlan(yaml: plan.yaml, from: "written").yaml))
    let small = try ComparisonPlan(
      yaml: "settings: {epochs: 12, warmup: 2}", from: "test",
      lists: .init(methods: [.zartsMGS], datasets: ["a"], budget: .steps(100)))
    let error = #expect(throws: InputError.self) { try small.resolved { _ in 25 } }
    #expect("\(try #require(error))".contains("budget_steps"))
  }

  /// Counted costs are those of the losses that a search really asked its problem for.
  @Test(arguments: SearchMethod.allCases, [false, true])
  func costIsWhatTheProblemWasAskedFor(method: SearchMethod, antithetic: Bool) throws {
    let folder = try ScratchFolder()
    var configuration = shortConfiguration(method)
    (configuration.antithetic, configuration.candidates, configuration.radii) = (antithetic, 4, 3)
    // Beyond the run, so that it does not stop, and no eigenvalues are mixed in.
    configuration.earlyStopStart = 100
    let problem = try ObservedProblem(quadratic())
    let files = try search(problem, configuration, in: folder.file("run"))
    let cost = SearchCost(of: try files.metrics(), configuration)
    #expect(cost.weightSteps == problem.weightGradients)
    if !method.stopsEarly { #expect(cost.alphaGradients == problem.alphaGradients + problem.mixingGradients) }
    #expect(cost == SearchCost(of: configuration, epochs: 4, stepsPerEpoch: 6))
  }
}
