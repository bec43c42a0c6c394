import Cells
import Compute
import Formats
import Foundation
import Problems
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// Progressive searches on quadratics whose α has the shape that each stage asks for.
struct StagedSearchTests {
  private static let stages = [
    SearchStage(layers: 5, channels: 16, operations: 7, skipDropout: 0, epochs: 3, warmup: 1),
    SearchStage(layers: 6, channels: 8, operations: 4, skipDropout: 0.4, epochs: 2, warmup: 1),
    SearchStage(layers: 7, channels: 16, operations: 2, skipDropout: 0.7, epochs: 2, warmup: 0),
  ]

  private func configuration(_ method: SearchMethod) -> SearchConfiguration {
    var configuration = shortConfiguration(method)
    configuration.space = .s6
    configuration.stages = Self.stages
    configuration.maximumSkips = 2
    return configuration
  }

  private func problem(_ configuration: SearchConfiguration) throws -> QuadraticBilevelProblem {
    var stream = RandomStream(seed: 3, purpose: .alphas)
    var alphas = configuration.operations.zeroAlphas(edgeNormalisation: configuration.edgeNormalisation)
    alphas.flat = stream.normals(alphas.count).map { Float(0.3 * $0) }
    return try .random(seed: 3, weightCount: 4, alphas: alphas, stepsPerEpoch: 6, noise: 0.1)
  }

  private func run(_ configuration: SearchConfiguration, in path: String) throws -> (SearchRunFolder, Genotype) {
    let search = try StagedSearch(starting: configuration, folder: .create(at: path), makeProblem: problem)
    return (search.files, try search.run())
  }

  @Test(arguments: [SearchMethod.darts1, .darts2, .zartsRS, .zartsMGS, .zartsGLD])
  func everyStageKeepsTheStrongestOperationsOfTheOneBefore(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    let (files, genotype) = try run(configuration(method), in: folder.file("run"))
    var operations = SearchSpace.s6.operations
    for (index, stage) in Self.stages.enumerated() {
      let own = try files.stage(index).configuration()
      #expect(own.operations == operations, "stage \(index)")
      #expect(own.layers == stage.layers && own.channels == stage.channels && own.epochs == stage.epochs)
      #expect(own.warmup == stage.warmup && own.skipDropout == stage.skipDropout && own.stages.isEmpty)
      #expect(own.maximumSkips == (index == 2 ? 2 : nil))
      let last = try TensorFile(readingFrom: files.stage(index).checkpointPath(epoch: stage.epochs))
      let alphas = try ArchitectureParameters(from: last, like: operations.zeroAlphas())
      if index < 2 { operations = try operations.strongest(Self.stages[index + 1].operations, alphas: alphas) }
    }
    #expect(try bytes(files.genotypePath) == Array((genotype.pythonLine + "\n").utf8))
    #expect(try files.genotypes().last == genotype && genotype.skipConnectionCount <= 2)
    #expect(try files.stage(2).genotypes().last == genotype)
    #expect(try files.runs().map(\.folder.path) == (1...3).map { folder.file("run/stage-\($0)") })
  }

  /// Stops within the first, at the border to the second, within the second, and in the third stage.
  @Test(arguments: [SearchMethod.darts1, .zartsMGS], [4, 20, 26, 29, 41, 44, 60])
  func stoppedSearchEndsWithTheBitsOfAnUninterruptedOne(method: SearchMethod, losses: Int) throws {
    let folder = try ScratchFolder()
    let (whole, genotype) = try run(configuration(method), in: folder.file("whole"))
    let stop = StopRequest()
    var count = 0
    let search = try StagedSearch(
      starting: configuration(method), folder: .create(at: folder.file("broken")), stop: stop
    ) { settings in
      let observed = ObservedProblem(try self.problem(settings))
      observed.interfere = { _ in
        count += 1
        if count == losses { stop.request(signal: SIGINT) }
        return nil
      }
      return observed
    }
    #expect(throws: Interruption.self) { try search.run() }
    let resumed = try StagedSearch(continuing: search.files, adjusting: { $0.threads = 2 }, makeProblem: problem)
    #expect(try resumed.run() == genotype)
    for (index, stage) in Self.stages.enumerated() {
      for epoch in 0...stage.epochs {
        #expect(
          try bytes(whole.stage(index).checkpointPath(epoch: epoch))
            == bytes(search.files.stage(index).checkpointPath(epoch: epoch)), "stage \(index), epoch \(epoch)")
      }
      #expect(try bytes(whole.stage(index).alphasPath) == bytes(search.files.stage(index).alphasPath))
    }
    #expect(try bytes(whole.genotypesPath) == bytes(search.files.genotypesPath))
  }

  @Test func folderOfAllStagesStandsForTheLastOneThatHoldsWhatIsAskedFor() throws {
    let folder = try ScratchFolder()
    let (files, genotype) = try run(configuration(.darts1), in: folder.file("run"))
    #expect(try files.run(holding: .finishedEpoch) == files.stage(2))
    #expect(try files.run(holding: .finishedEpoch).result()?.genotype == genotype)
    #expect(try files.stage(1).run(holding: .checkpoint) == files.stage(1))
    // The third stage has begun, but not finished an epoch.
    for path in [files.stage(2).metricsPath, files.stage(2).genotypesPath, files.stage(2).alphasPath] {
      try FileManager.default.removeItem(atPath: path)
    }
    #expect(try files.run(holding: .finishedEpoch) == files.stage(1))
    #expect(try files.run(holding: .checkpoint) == files.stage(2))
    let refusal = #expect(throws: InputError.self) { try files.requireOneRun() }
    #expect("\(refusal.map { "\($0)" } ?? "")".contains(files.stage(1).folder.path))
    #expect(throws: Never.self) { try files.stage(1).requireOneRun() }
    for index in 0..<3 { try FileManager.default.removeItem(atPath: files.stage(index).folder.path) }
    let nothing = #expect(throws: InputError.self) { try files.run(holding: .checkpoint) }
    #expect("\(nothing.map { "\($0)" } ?? "")".contains("without a checkpoint"))
  }

  @Test func stageThatWasKilledBeforeItsFirstCheckpointStartsAnew() throws {
    let folder = try ScratchFolder()
    let (files, genotype) = try run(configuration(.darts1), in: folder.file("run"))
    let expected = try bytes(files.stage(1).checkpointPath(epoch: 2))
    try FileManager.default.removeItem(atPath: files.stage(1).checkpointsPath)
    try FileManager.default.removeItem(atPath: files.stage(2).folder.path)
    #expect(try StagedSearch(continuing: files, makeProblem: problem).run() == genotype)
    #expect(try bytes(files.stage(1).checkpointPath(epoch: 2)) == expected)
  }

  @Test func changedSettingsAreRefusedAtTheStageThatTheyContradict() throws {
    let folder = try ScratchFolder()
    let (files, _) = try run(configuration(.darts1), in: folder.file("run"))
    try FileManager.default.removeItem(atPath: files.stage(2).checkpointPath(epoch: 2))
    var other = configuration(.darts1)
    other.learningRate = 0.05
    try AtomicFile.write(other.yaml, to: files.configurationPath)
    #expect(refusal { try StagedSearch(continuing: files, makeProblem: problem).run() }?.contains("learning_rate") == true)
  }

  @Test func settingsSurviveTheirFile() throws {
    var original = configuration(.zartsMGS)
    (original.partialChannels, original.edgeNormalisation) = (2, true)
    #expect(try SearchConfiguration(yaml: original.yaml, from: "test") == original)
    (original.partialChannels, original.edgeNormalisation, original.mergedConvolutions) = (1, false, true)
    #expect(try SearchConfiguration(yaml: original.yaml, from: "test") == original)
    var shrunk = original.stage(1, operations: try SearchSpace.s6.operations.strongest(4, alphas: SearchSpace.s6.zeroAlphas))
    shrunk.skipDropout = 0.125
    #expect(shrunk.keptOperations != nil)
    #expect(try SearchConfiguration(yaml: shrunk.yaml, from: "test") == shrunk)
  }

  @Test func settingsThatCannotBeAreNamed() throws {
    func refusal(_ key: String, _ change: (inout SearchConfiguration) -> Void, method: SearchMethod = .darts1) {
      var wrong = configuration(method)
      change(&wrong)
      let error = #expect(throws: InputError.self, "\(key)") { try wrong.validate() }
      #expect("\(error.map { "\($0)" } ?? "")".contains(key), "\(key): \(String(describing: error))")
    }
    refusal("stages[0].operations") { $0.stages[0].operations = 6 }
    refusal("stages[2].operations") { $0.stages[2].operations = 5 }
    refusal("setting stages [1], warmup") { $0.stages[1].warmup = 3 }
    refusal("setting stages [1], skip_dropout") { $0.stages[1].skipDropout = 1 }
    refusal("setting stages [1], channels") { $0.stages[1].channels = 6 }
    refusal("setting stages [1], partial_channels") { ($0.partialChannels, $0.stages[1].channels) = (8, 8) }
    refusal("maximum_skips") { $0.maximumSkips = -1 }
    refusal("operations") { $0.keptOperations = SearchSpace.s6.operations }
    refusal("stages", { _ in }, method: .random)
    refusal("edge_normalisation", { ($0.stages, $0.edgeNormalisation) = ([], true) }, method: .random)
    refusal("operations") { ($0.stages, $0.keptOperations) = ([], SearchSpace.s5.operations) }
    refusal("partial_channels") { ($0.stages, $0.partialChannels, $0.channels) = ([], 4, 12) }
    refusal("partial_channels") { ($0.stages, $0.partialChannels) = ([], 0) }
    refusal("merged_convolutions") { ($0.stages, $0.partialChannels, $0.mergedConvolutions) = ([], 2, true) }
    refusal("merged_convolutions") { ($0.stages, $0.edgeNormalisation, $0.mergedConvolutions) = ([], true, true) }
    refusal("edges of s1, s5, s6 have") { ($0.stages, $0.space, $0.mergedConvolutions) = ([], .s2, true) }
    for text in ["stages: [{layers: 3}]", "stages: 3", "operations: {normal: [[skip_connect]]}", "operations: [a]"] {
      let error = #expect(throws: InputError.self, "\(text)") {
        try SearchConfiguration(yaml: "method: darts1\nspace: s2\ndataset: x\n\(text)\n", from: "test")
      }
      let place = error.map { "\($0.place)" } ?? ""
      #expect(place.hasPrefix("test") && place.contains(text.prefix { $0 != ":" }), "\(place)")
    }
  }

  @Test func dropoutFallsAsInTheCodeOfPDARTS() {
    let schedule = SkipDropout(initialRate: 0.4, epochs: 25, warmup: 10)
    #expect(abs(schedule.rate(epoch: 0) - 0.4 * 24 / 25) < 1e-15)
    #expect(abs(schedule.rate(epoch: 9) - 0.4 * 15 / 25) < 1e-15)
    #expect(schedule.rate(epoch: 10) == 0.4)
    #expect(abs(schedule.rate(epoch: 24) - 0.4 * exp(-2.8)) < 1e-15)
  }
}
