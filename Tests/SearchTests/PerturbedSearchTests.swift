import Cells
import Compute
import Datasets
import Engine
import Formats
import Foundation
import Problems
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// Searches whose weights are trained at perturbed mixing weights (SDARTS).
@Suite("Searches with perturbed mixing weights") struct PerturbedSearchTests {
  private typealias Observed = ObservedProblem<SupernetProblem>

  /// 3 steps an epoch.
  private static func configuration(_ method: SearchMethod, _ kind: PerturbationKind? = nil) -> SearchConfiguration {
    var result = SearchConfiguration(method: method, space: .s3, dataset: "tensors:/a/x.safetensors")
    (result.seed, result.epochs, result.warmup, result.channels, result.layers) = (7, 2, 0, 8, 3)
    (result.batch, result.innerSteps, result.candidates, result.threads) = (4, 2, 3, 2)
    if let kind { result.perturbation = kind }
    (result.perturbationStart, result.perturbationSize, result.perturbationSteps) = (0.1, 0.3, 3)
    return result
  }

  private func run(_ configuration: SearchConfiguration, _ path: String) throws -> SearchRunFolder {
    try search(noiseSupernet(configuration), configuration, in: path, space: configuration.space)
  }

  /// ω, momentum, statistics, α and Adam at the end of an epoch.
  private func state(_ files: SearchRunFolder, epoch: Int = 2) throws -> [String: NamedTensor] {
    try TensorFile(readingFrom: files.checkpointPath(epoch: epoch)).tensors
  }

  private func timeless(_ files: SearchRunFolder) throws -> [EpochRecord] {
    try files.metrics().map {
      var record = $0
      record.seconds = 0
      return record
    }
  }

  @Test(
    "With ε = 0 a search has the bits of DARTS of first order, and otherwise none of its weights",
    arguments: [(SearchMethod.sdartsRS, PerturbationKind.random), (.sdartsADV, .adversarial)])
  func withoutSize(method: SearchMethod, kind: PerturbationKind) throws {
    let folder = try ScratchFolder()
    let darts = try run(Self.configuration(.darts1), folder.file("darts"))
    var none = Self.configuration(method)
    #expect(none.perturbation == kind)
    (none.perturbationStart, none.perturbationSize) = (0, 0)
    let same = try run(none, folder.file("none"))
    #expect(try state(same) == state(darts) && timeless(same) == timeless(darts))
    let perturbed = try run(Self.configuration(method), folder.file("perturbed"))
    let (found, plain) = (try state(perturbed), try state(darts))
    for name in ["stem.0.weight", "classifier.weight", "alphas_normal"] {
      let (own, other) = (try #require(found[name], "\(name)"), try #require(plain[name], "\(name)"))
      #expect(own != other, "\(name)")
    }
    // Nothing but the kind is the method's.
    let set = try run(Self.configuration(.darts1, kind), folder.file("set"))
    #expect(try state(set) == found)
  }

  /// Where ∂L₁/∂α does not depend on ω, α goes the same way, since it is updated at itself.
  @Test("α is updated where it is, not where the weights are trained", arguments: [SearchMethod.sdartsRS, .sdartsADV])
  func updatesAtItself(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    var settings = shortConfiguration(method)
    settings.warmup = 0
    let perturbed = try search(quadratic(), settings, in: folder.file("a"))
    settings = shortConfiguration(.darts1)
    settings.warmup = 0
    let plain = try search(quadratic(), settings, in: folder.file("b"))
    #expect(try bytes(perturbed.alphasPath) == bytes(plain.alphasPath))
    #expect(try state(perturbed, epoch: 4) != state(plain, epoch: 4), "ω goes another")
  }

  @Test("No bit depends on the number of threads", arguments: [SearchMethod.sdartsRS, .sdartsADV])
  func threads(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    let files = try [1, 3].map { threads in
      var settings = Self.configuration(method)
      settings.threads = threads
      return try run(settings, folder.file("\(threads)"))
    }
    #expect(try state(files[0]) == state(files[1]) && timeless(files[0]) == timeless(files[1]))
  }

  @Test("A search that was stopped within a step and goes on ends with the same bits", arguments: [4, 11, 17])
  func resume(losses: Int) throws {
    let folder = try ScratchFolder()
    let settings = Self.configuration(.sdartsADV)
    let whole = try run(settings, folder.file("whole"))
    let stop = StopRequest()
    let problem = try noiseSupernet(settings)
    problem.interfere = { calls in
      if calls == losses { stop.request(signal: SIGINT) }
      return nil
    }
    #expect(throws: Interruption.self) {
      try search(problem, settings, in: folder.file("broken"), stop: stop, space: settings.space)
    }
    let run = try SearchRun(
      continuing: noiseSupernet(settings), folder: .existing(at: folder.file("broken")), space: settings.space)
    try run.run()
    for epoch in 0...2 { #expect(try state(whole, epoch: epoch) == state(run.files, epoch: epoch)) }
    #expect(try timeless(whole) == timeless(run.files))
  }

  // MARK: Candidates of ZARTS

  @Test(
    "Candidates train under the perturbations of the run, with the same bits on any groups and ranks",
    arguments: [PerturbationKind.random, .adversarial])
  func candidates(kind: PerturbationKind) throws {
    let folder = try ScratchFolder()
    let configuration = Self.configuration(.zartsMGS, kind)
    let alone = try run(configuration, folder.file("alone"))
    let plain = try run(Self.configuration(.zartsMGS), folder.file("plain"))
    #expect(try state(alone) != state(plain))
    for crowd in [Crowd(groups: 2, ranks: 1), Crowd(groups: 2, ranks: 2)] {
      let activity = ServerActivity()
      let files = try crowd.searched(
        configuration, in: folder.file("\(crowd.groups)-\(crowd.ranks)"), activity: activity)
      #expect(try state(alone) == state(files), "\(crowd)")
      #expect((activity.messages > 0) == (crowd.ranks > 1))
    }
  }

  @Test("A candidate's inner steps meet what the run's own steps are going to meet")
  func sameAsTheRun() throws {
    let problem = try quadratic()
    let schedule = PerturbationSchedule(kind: .random, start: 0.2, size: 0.2, epochs: 4, seed: 5)
    let (weights, velocity) = SearchSupport.state(of: problem)
    let step = WeightStep(learningRate: 0.1)
    let alphas = problem.initialAlphas
    // Steps 5 of epoch 1 and 0 of epoch 2.
    let batches = [problem.trainingBatch(epoch: 1, step: 5), problem.trainingBatch(epoch: 2, step: 0)]
    let inner = InnerTraining(problem: problem)
    inner.train(
      from: weights, startVelocity: velocity, alphas: alphas, batches: batches, step: step,
      perturbation: InnerPerturbation(schedule: schedule, epoch: 1, step: 5, statistics: nil))
    let (own, momentum, gradient) = (problem.makeVector(), problem.makeVector(), problem.makeVector())
    own.copy(from: weights)
    momentum.copy(from: velocity)
    for (place, batch) in zip([(1, 5), (2, 0)], batches) {
      let moved = schedule.alphas(
        around: alphas, of: problem, epoch: place.0, step: place.1, weights: own, batch: batch, statistics: nil)
      _ = problem.takeWeightStep(
        step, weights: own, velocity: momentum, gradient: gradient, alphas: moved, batch: batch, statistics: nil)
    }
    #expect(inner.weights.values == own.values)
    inner.train(from: weights, startVelocity: velocity, alphas: alphas, batches: batches, step: step)
    #expect(inner.weights.values != own.values)
  }

  // MARK: Settings and costs

  @Test("Passes of perturbations are counted, for the run's steps and for candidates'")
  func costs() throws {
    var settings = shortConfiguration(.sdartsADV)
    #expect(settings.updatePlan == shortConfiguration(.darts1).updatePlan)
    let cost: Double = 8 + 2.0 / 3
    #expect(settings.weightStepCost == cost)
    // 4 epochs of 6 steps, two of them before α moves: then 7 gradients a step and one an update.
    let wanted = SearchCost(weightSteps: 24, alphaGradients: 96)
    #expect(SearchCost(of: settings, epochs: 4, stepsPerEpoch: 6) == wanted)
    let folder = try ScratchFolder()
    let counted = ObservedProblem(try quadratic())
    let files = try search(counted, settings, in: folder.file("run"))
    #expect(SearchCost(of: try files.metrics(), settings) == wanted)
    #expect(counted.mixingGradients == 84 && counted.alphaGradients == 12 && counted.weightGradients == 24)
    settings.perturbation = .random
    #expect(settings.weightStepCost == 1)
    settings.perturbation = .none
    #expect(settings.weightStepCost == 1 && settings.perturbationSchedule == nil)
    // Three candidates of four steps, each of which takes 7 gradients and 2 evaluations more.
    var zarts = shortConfiguration(.zartsMGS)
    let plain = zarts.updatePlan
    zarts.perturbation = .adversarial
    #expect(zarts.updatePlan.weightSteps == plain.weightSteps && plain.weightSteps == 12)
    #expect(zarts.updatePlan.alphaGradients == plain.alphaGradients + 84)
    #expect(zarts.updatePlan.evaluations == plain.evaluations + 24)
  }

  @Test("The methods are named by their perturbation, and settings out of range are refused by name")
  func refusals() throws {
    var settings = SearchConfiguration(method: .sdartsRS, space: .s1, dataset: "x")
    try settings.validate()
    #expect(settings.perturbation == .random && settings.perturbationSteps == 7)
    #expect(settings.perturbationSize == 0.3 && settings.perturbationStart == 0.03)
    settings.perturbation = .none
    let other = #expect(throws: InputError.self) { try settings.validate() }
    #expect(other?.place == .setting("perturbation") && other?.found == "none")
    #expect(other?.wanted?.hasPrefix("random") == true)
    settings.perturbation = .random
    settings.perturbationSize = 1.5
    let large = #expect(throws: InputError.self) { try settings.validate() }
    #expect(large?.place == .setting("perturbation_size") && large?.found == "1.5")
    settings.perturbationSize = 0.3
    settings.perturbationSteps = 0
    let few = #expect(throws: InputError.self) { try settings.validate() }
    #expect(few?.place == .setting("perturbation_steps") && few?.found == "0")
    var sampled = SearchConfiguration(method: .random, space: .s1, dataset: "x")
    sampled.perturbation = .random
    let unmixed = #expect(throws: InputError.self) { try sampled.validate() }
    #expect(unmixed?.place == .setting("perturbation") && unmixed?.found == "random")
  }

  @Test("Settings of a perturbation that a search has not are named among those without effect")
  func idle() {
    var settings = SearchConfiguration(method: .darts1, space: .s1, dataset: "x")
    (settings.perturbationSize, settings.perturbationSteps) = (0.2, 3)
    #expect(settings.ignoredSettings == ["perturbation_size", "perturbation_steps"])
    settings.perturbation = .random
    #expect(settings.ignoredSettings == ["perturbation_steps"])
    settings.perturbation = .adversarial
    #expect(settings.ignoredSettings.isEmpty)
  }

  @Test("So are settings of auxiliary skips, of cutout and of growing weight decay in a search without them")
  func idleRegularisation() {
    var settings = SearchConfiguration(method: .darts1, space: .s1, dataset: "x")
    (settings.auxiliaryDecay, settings.cutoutProbability, settings.rampsCutout) = (.cosine, 0.5, false)
    settings.adaptiveDecayMaximum = 0.1
    #expect(
      settings.ignoredSettings == ["cutout_probability", "cutout_ramp", "auxiliary_decay", "adaptive_decay_maximum"])
    (settings.auxiliarySkip, settings.cutout, settings.adaptiveDecayFactor) = (1, 4, 3)
    #expect(settings.ignoredSettings.isEmpty)
  }

  @Test("A file reads back, and one of before the settings has no perturbation")
  func files() throws {
    var settings = SearchConfiguration(method: .zartsMGS, space: .s2, dataset: "x")
    (settings.perturbation, settings.perturbationSize) = (.adversarial, 0.2)
    #expect(try SearchConfiguration(yaml: settings.yaml, from: "memory") == settings)
    let earlier = SearchConfiguration(method: .darts1, space: .s2, dataset: "x").yaml.split(separator: "\n")
      .filter { !$0.hasPrefix("perturbation") }.joined(separator: "\n")
    #expect(try SearchConfiguration(yaml: earlier, from: "memory").perturbation == .none)
  }

  @Test("The presets are the published settings", arguments: [("rs", PerturbationKind.random), ("adv", .adversarial)])
  func presets(name: String, kind: PerturbationKind) throws {
    let preset = try SearchPreset(named: "paper-sdarts-\(name)-s1-cifar10", at: .words("test"))
    let settings = try SearchConfiguration(preset: preset)
    try settings.validate()
    #expect(settings.method.rawValue == "sdarts-\(name)" && settings.perturbation == kind && settings.epochs == 50)
    let size = try #require(settings.perturbationSchedule).perturbation(epoch: 25).size
    #expect(close(size, 0.165, .absolute(1e-15)))
    let other = try SearchConfiguration(preset: preset, given: .init(method: .darts1))
    #expect(other.method == .darts1 && other.perturbation == .none, "the perturbation is the method's")
  }
}
