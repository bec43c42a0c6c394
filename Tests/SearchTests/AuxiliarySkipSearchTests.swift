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

/// Searches with auxiliary skip connections, whose weight falls from epoch to epoch (DARTS-).
@Suite struct AuxiliarySkipSearchTests {
  /// Three steps an epoch on 8×8 images.
  private static func configuration(_ method: SearchMethod, _ space: SearchSpace = .s2) -> SearchConfiguration {
    var result = SearchConfiguration(method: method, space: space, dataset: "tensors:/a/x.safetensors")
    (result.seed, result.epochs, result.warmup, result.channels, result.layers) = (7, 4, 1, 8, 3)
    (result.batch, result.innerSteps, result.candidates, result.threads) = (4, 2, 3, 2)
    result.auxiliarySkip = 1
    return result
  }

  private static func run(_ configuration: SearchConfiguration, in path: String) throws -> SearchRunFolder {
    try search(noiseSupernet(configuration), configuration, in: path, space: configuration.space)
  }

  private static func beta(_ files: SearchRunFolder, _ epoch: Int) throws -> Float? {
    try ArchitectureParameters.auxiliarySkip(in: TensorFile(readingFrom: files.checkpointPath(epoch: epoch)))
  }

  /// By hand from the decays of DARTS-' code, src/utils.py, lines 183–190, with T_max the epochs and T_start 0.
  @Test(
    "β is that of the authors' schedules",
    arguments: [
      (Decay.linear, 5, 1.0, [1.0, 0.8, 0.6, 0.4, 0.2]),
      (.cosine, 4, 2.0, [2.0, 1.7071067811865475, 1.0, 0.2928932188134524]),
      (.slowCosine, 3, 1.0, [1.0, 0.8660254037844386, 0.5]), (.constant, 2, 0.7, [0.7, 0.7]),
      (.linear, 3, 0.0, [0.0, 0.0, 0.0]),
    ])
  func schedule(decay: Decay, epochs: Int, start: Double, expected: [Double]) {
    var configuration = SearchConfiguration(method: .darts1, space: .s2, dataset: "x")
    (configuration.auxiliarySkip, configuration.auxiliaryDecay, configuration.epochs) = (start, decay, epochs)
    let schedules = Schedules(configuration)
    for (epoch, value) in expected.enumerated() {
      #expect(abs(schedules.auxiliarySkip(epoch: epoch) - value) < 1e-15, "epoch \(epoch)")
    }
  }

  @Test("A checkpoint has β of the epoch that it ends, that of the start the first one; without the setting it has none")
  func checkpoints() throws {
    let folder = try ScratchFolder()
    var configuration = Self.configuration(.dartsMinus)
    let files = try Self.run(configuration, in: folder.file("a"))
    #expect(try (0...4).map { try Self.beta(files, $0) } == [1, 1, 0.75, 0.5, 0.25])
    configuration.method = .darts1
    let same = try Self.run(configuration, in: folder.file("same"))
    #expect(try same.metrics().map(\.validationLoss) == files.metrics().map(\.validationLoss), "the method is DARTS with it")
    configuration.auxiliarySkip = 0
    let plain = try Self.run(configuration, in: folder.file("b"))
    #expect(try (0...4).allSatisfy { try Self.beta(plain, $0) == nil })
    #expect(try plain.metrics().map(\.validationLoss) != files.metrics().map(\.validationLoss))
    #expect(try bytes(plain.alphasPath) != bytes(files.alphasPath))
    // What a landscape of a checkpoint evaluates: the loss of the row is that of the split with the checkpoint's own β.
    let problem = try noiseSupernet(Self.configuration(.dartsMinus))
    let checkpoint = try SearchCheckpoint(readingFrom: files.checkpointPath(epoch: 3), for: problem)
    var alphas = try #require(checkpoint.alphas)
    #expect(alphas.auxiliarySkip == 0.5)
    func loss() throws -> Double { try problem.evaluateValidationSplit(weights: checkpoint.weights, alphas: alphas).loss }
    #expect(try loss() == files.metrics()[2].validationLoss)
    alphas.auxiliarySkip = 0
    #expect(try loss() != files.metrics()[2].validationLoss)
  }

  @Test(
    "A search that is stopped and goes on ends with the bits of one that was not",
    arguments: [SearchMethod.dartsMinus, .zartsMGS, .random])
  func resumed(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    let configuration = Self.configuration(method)
    let counted = try noiseSupernet(configuration)
    let whole = try search(counted, configuration, in: folder.file("whole"), space: .s2)
    for part in 1...3 {
      let (problem, stop) = (try noiseSupernet(configuration), StopRequest())
      let losses = counted.calls * part / 4
      problem.interfere = { calls in
        if calls == losses { stop.request(signal: SIGINT) }
        return nil
      }
      let path = folder.file("broken-\(part)")
      #expect(throws: Interruption.self) { try search(problem, configuration, in: path, stop: stop, space: .s2) }
      let run = try SearchRun(continuing: noiseSupernet(configuration), folder: .existing(at: path), space: .s2)
      try run.run()
      for epoch in 0...4 {
        #expect(
          try bytes(whole.checkpointPath(epoch: epoch)) == bytes(run.files.checkpointPath(epoch: epoch)), "\(part), \(epoch)"
        )
      }
      #expect(try bytes(whole.alphasPath) == bytes(run.files.alphasPath))
    }
  }

  @Test(
    "Candidates on groups and other ranks are evaluated at the epoch's β",
    arguments: [(SearchMethod.zartsMGS, SearchSpace.s2), (.zartsRS, .s3), (.random, .s2)])
  func groupsAndRanks(method: SearchMethod, space: SearchSpace) throws {
    let folder = try ScratchFolder()
    let configuration = Self.configuration(method, space)
    let alone = try Self.run(configuration, in: folder.file("alone"))
    for crowd in [Crowd(groups: 2, ranks: 1), Crowd(groups: 1, ranks: 2)] {
      let activity = ServerActivity()
      let files = try crowd.searched(
        configuration, in: folder.file("\(crowd.groups)-\(crowd.ranks)"), activity: activity)
      for epoch in 0...4 {
        #expect(
          try bytes(alone.checkpointPath(epoch: epoch)) == bytes(files.checkpointPath(epoch: epoch)), "\(crowd), \(epoch)")
      }
      #expect((activity.messages > 0) == (crowd.ranks > 1))
    }
    #expect(try Self.beta(alone, 4) == 0.25)
  }

  @Test("Every method takes them, and finds other losses with them", arguments: SearchMethod.allCases)
  func everyMethod(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    var configuration = Self.configuration(method)
    configuration.epochs = 2
    configuration.eigenvalueBatches = 1
    let with = try Self.run(configuration, in: folder.file("with"))
    #expect(try Self.beta(with, 2) == 0.5)
    configuration.auxiliarySkip = 0.5
    let less = try Self.run(configuration, in: folder.file("less"))
    #expect(try with.metrics().map(\.validationLoss) != less.metrics().map(\.validationLoss))
  }

  @Test("What does not go with them is refused by name, with the method that is nothing without them")
  func refused() throws {
    func refusal(_ key: String, _ found: String, _ change: (inout SearchConfiguration) -> Void) {
      var wrong = SearchConfiguration(method: .darts1, space: .s5, dataset: "x")
      wrong.auxiliarySkip = 1
      change(&wrong)
      let error = #expect(throws: InputError.self, "\(key)") { try wrong.validate() }
      #expect(error?.place.setting == key && error?.found == found, "\(String(describing: error))")
    }
    refusal("merged_convolutions", "true") { $0.mergedConvolutions = true }
    refusal("stages", "some") { $0.stages = SearchStage.published }
    refusal("auxiliary_skip", "-1.0") { $0.auxiliarySkip = -1 }
    refusal("auxiliary_skip", "0.0") { ($0.method, $0.auxiliarySkip) = (.dartsMinus, 0) }
    var fitting = SearchConfiguration(method: .zartsMGS, space: .s5, dataset: "x")
    (fitting.auxiliarySkip, fitting.partialChannels, fitting.edgeNormalisation, fitting.skipDropout) = (1, 4, true, 0.25)
    try fitting.validate()
    #expect(fitting.variant.auxiliarySkip)
    #expect(try SearchConfiguration(yaml: fitting.yaml, from: "test") == fitting)
  }

  @Test("The method is first-order DARTS as the authors' script sets it")
  func method() throws {
    let minus = SearchConfiguration(method: .dartsMinus, space: .s3, dataset: "x")
    var darts = SearchConfiguration(method: .darts1, space: .s3, dataset: "x")
    (darts.method, darts.auxiliarySkip, darts.auxiliaryDecay) = (.dartsMinus, 1, .linear)
    #expect(minus == darts)
    #expect(
      SearchMethod.dartsMinus.definition.plan(minus).alphaGradients
        == SearchMethod.darts1.definition.plan(minus).alphaGradients)
    #expect(!SearchMethod.dartsMinus.searchesInStages && !SearchMethod.dartsMinus.stopsEarly)
  }
}
