import Cells
import Formats
import Foundation
import Problems
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// What holds for every declared method, and for one that is declared nowhere in the package.
@Suite struct MethodTests {
  private static let every = SearchMethod.all + [.signum]

  @Test("Every method that a file declares is in the list, once, under a name of its own")
  func registry() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources/Search/Methods")
    var declared: [String] = []
    var listed: [String] = []
    for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
      let text = try String(contentsOf: file, encoding: .utf8)
      declared += text.matches(of: /static let (\w+) = SearchMethod\(/).map { String($0.1) }
      if file.lastPathComponent == "SearchMethod+All.swift", let list = text.firstMatch(of: /= \[([^\]]*)\]/) {
        listed = list.1.matches(of: /\.(\w+)/).map { String($0.1) }
      }
    }
    #expect(declared.sorted() == listed.sorted())
    #expect(listed.count == SearchMethod.all.count)
    #expect(Set(Self.every.map(\.rawValue)).count == Self.every.count)
    #expect(SearchMethod.allCases == SearchMethod.all)
  }

  /// Names stand in files that others have written.
  @Test("Methods have the names and the order that they always had")
  func names() {
    #expect(
      SearchMethod.all.map(\.rawValue) == [
        "darts1", "darts2", "darts1-es", "darts2-es", "darts-ada", "rdarts-l2", "rdarts-dp", "sdarts-rs", "sdarts-adv",
        "darts-minus", "zarts-rs", "zarts-mgs", "zarts-gld", "random",
      ])
    #expect(SearchMethod.all.allSatisfy { SearchMethod(rawValue: $0.rawValue) == $0 })
    #expect(SearchMethod(rawValue: "signum") == nil)
  }

  @Test("A method reads settings that exist, and its defaults are valid", arguments: every)
  func settings(method: SearchMethod) throws {
    let configuration = SearchConfiguration(method: method, space: .s2, dataset: "x")
    try configuration.validate()
    #expect(configuration.ignoredSettings.isEmpty)
    #expect(!method.summary.isEmpty)
    for key in method.definition.settings {
      let field = try #require(SearchConfiguration.field(key), "\(method) reads \(key)")
      #expect(
        [.afterWarmup, .nothing].contains(field.affects), "\(key) is read by some methods alone, so no warm-up depends on it"
      )
      #expect(method.takes(key))
    }
    #expect(method.takes("epochs") && method.takes("momentum") && !method.takes("colour"))
  }

  /// One update on a problem that counts.
  @Test("An update takes what the plan of its method says", arguments: every, [false, true])
  func plan(method: SearchMethod, antithetic: Bool) throws {
    var configuration = shortConfiguration(method)
    (configuration.candidates, configuration.radii, configuration.antithetic) = (4, 3, antithetic)
    let problem = ObservedProblem(try quadratic())
    let optimiser = try configuration.makeOptimiser(for: problem)
    let plan = configuration.updatePlan
    #expect(optimiser.plan == plan)
    let (weights, velocity) = state(of: problem.base)
    let batches = (0..<plan.trainingBatches).map { problem.base.trainingBatch(epoch: 2, step: $0) }
    var alphas = problem.initialAlphas
    _ = try optimiser.update(
      &alphas,
      at: ArchitectureStep(
        weights: weights, velocity: velocity, weightStep: WeightStep(learningRate: 0.1), trainingBatches: batches,
        validationBatch: problem.base.validationBatch(epoch: 2, step: 0), sigma: 0.1, seed: 5, epoch: 2, step: 0))
    #expect(problem.weightGradients == plan.weightSteps)
    #expect(problem.alphaGradients == plan.alphaGradients)
    #expect(problem.evaluations == plan.evaluations)
    #expect(problem.batches == 0, "all batches of an update are given to it")
    #expect(
      abs(optimiser.updateCost - (Double(plan.weightSteps + plan.alphaGradients) + Double(plan.evaluations) / 3)) < 1e-12)
  }
}

/// A method that the package does not know, from its settings to the end of a search that was interrupted.
@Suite struct AddedMethodTests {
  @Test("An added method keeps the laws of an optimiser")
  func laws() throws {
    let problem = try quadratic()
    let configuration = shortConfiguration(.signum)
    let report = try ArchitectureOptimiserLaws.check(problem) { try configuration.makeOptimiser(for: problem) }
    #expect(report.isEmpty, "\(report)")
  }

  @Test("An added method has its defaults, settings and checks, and is read where it is known")
  func configuration() throws {
    var configuration = SearchConfiguration(method: .signum, space: .s2, dataset: "x")
    #expect(configuration.alphaLearningRate == 0.01 && configuration.warmup == 0)
    (configuration.tau, configuration.alphaBeta1) = (0.5, 0.25)
    #expect(configuration.ignoredSettings == ["tau"])
    let yaml = configuration.yaml
    #expect(yaml.contains("method: signum  #"))
    let read = try SearchMethod.$guests.withValue([.signum]) { try SearchConfiguration(yaml: yaml, from: "memory") }
    #expect(read == configuration)
    let unknown = #expect(throws: InputError.self) { try SearchConfiguration(yaml: yaml, from: "memory") }
    #expect(try #require(unknown).place == .setting("method", in: "memory") && unknown?.found == "'signum'")
    configuration.alphaBeta1 = 0
    let refused = #expect(throws: InputError.self) { try configuration.validate() }
    #expect(try #require(refused).place == .setting("alpha_beta1") && refused?.found == "0.0")
  }

  @Test(
    "A search by an added method that is stopped and goes on has the bits of one that never was", arguments: [3, 15, 22])
  func resume(losses: Int) throws {
    try SearchMethod.$guests.withValue([.signum]) {
      let folder = try ScratchFolder()
      let configuration = shortConfiguration(.signum)
      let whole = try search(quadratic(), configuration, in: folder.file("whole"))
      #expect(try whole.metrics().map(\.alphaUpdates) == [0, 0, 3, 3])
      let problem = ObservedProblem(try quadratic())
      let stop = StopRequest()
      problem.interfere = { calls in
        if calls == losses { stop.request(signal: SIGINT) }
        return nil
      }
      #expect(throws: Interruption.self) {
        try search(problem, configuration, in: folder.file("broken"), stop: stop)
      }
      let run = try SearchRun(continuing: quadratic(), folder: .existing(at: folder.file("broken")), space: .s2)
      try run.run()
      for epoch in 0...4 {
        #expect(try bytes(whole.checkpointPath(epoch: epoch)) == bytes(run.files.checkpointPath(epoch: epoch)))
      }
      #expect(try bytes(whole.alphasPath) == bytes(run.files.alphasPath))
      let cost = SearchCost(of: try whole.metrics(), configuration)
      #expect(cost == SearchCost(weightSteps: 24, alphaGradients: 6))
      #expect(cost == SearchCost(of: configuration, epochs: 4, stepsPerEpoch: 6))
    }
  }
}

/// The arithmetic that a search and a study of estimators share.
@Suite struct UpdateFormulaTests {
  @Test("The estimate of RS is the mean of slopes over the directions whose losses are finite")
  func slopes() {
    let directions = [[1.0, 0], [0, 2], [4, 4]]
    let found = RandomSlopes.oneSided(directions, losses: [2, 0.5, .nan], baseline: 1, smoothing: 0.5)
    #expect(found == [1, -1])
    let pairs = RandomSlopes.pairs(directions, above: [2, 1, 3], below: [1, 2, .infinity], smoothing: 0.25)
    #expect(pairs == [1, -2])
    #expect(RandomSlopes.oneSided(directions, losses: [.nan, .nan, .nan], baseline: 1, smoothing: 0.5) == nil)
    #expect(RandomSlopes.pairs([[1]], above: [.infinity], below: [0], smoothing: 1) == nil)
  }

  @Test("The update of MGS is the mean of its candidates where their losses are equal, and no loss that is lost counts")
  func weighted() throws {
    let proposal = MixtureProposal(gradient: [0, 0], sigma: 1, lambda: 0.5)
    func update(_ losses: [Double]) -> (update: [Double], weights: ImportanceWeights)? {
      MGSSettings.update(
        [[1, 0], [0, 3]], losses: losses, proposal: proposal, temperature: 0.5, weighting: .flattened)
    }
    let even = try #require(update([0.25, 0.25]))
    #expect(even.update == [0.5, 1.5] && even.weights.effectiveSampleSize == 2)
    #expect(update([.nan, 7])?.update == [0, 3])
    #expect(update([.nan, .nan]) == nil)
  }

  @Test("GLD moves to the least finite loss below the baseline, and nowhere else")
  func choice() {
    #expect(GradientlessDescent.choice(of: [0.9, 0.2, .nan, 0.2], baseline: 1) == 1)
    #expect(GradientlessDescent.choice(of: [1, 1.5, -.infinity], baseline: 1) == nil)
    #expect(GradientlessDescent.choice(of: [], baseline: 1) == nil)
  }
}
