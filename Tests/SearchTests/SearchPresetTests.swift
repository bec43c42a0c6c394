import Cells
import Formats
import Foundation
import Search
import Testing

struct SearchPresetTests {
  @Test func everyPresetIsAWholeValidConfigurationThatReadsBack() throws {
    #expect(Set(SearchPreset.all.map(\.name)).count == SearchPreset.all.count)
    for preset in SearchPreset.all {
      let configuration = try SearchConfiguration(preset: preset)
      try configuration.validate()
      #expect(try SearchConfiguration(yaml: configuration.yaml, from: preset.name) == configuration)
      #expect(!preset.summary.isEmpty)
      #expect(
        configuration.runningValidation == ["paper-", "authors-"].contains { preset.name.hasPrefix($0) },
        "as public logs have it")
    }
  }

  @Test func paperPresetsHaveThePublishedSettings() throws {
    let paper = try SearchConfiguration(preset: SearchPreset(named: "paper-cifar10", at: ""))
    var expected = SearchConfiguration(method: .zartsMGS, space: .s6, dataset: "cifar10:data/cifar10")
    (expected.split, expected.runningValidation) = (.fileOrder, true)
    #expect(paper == expected)
    #expect(paper.epochs == 50 && paper.warmup == 10 && paper.channels == 16 && paper.layers == 8 && paper.batch == 64)
    #expect(paper.sigma == 0.025 && paper.innerSteps == 10 && paper.candidates == 4)
    for space in [SearchSpace.s1, .s2, .s3, .s4] {
      for dataset in ["cifar10", "cifar100", "svhn"] {
        let name = "paper-rdarts-\(space.rawValue)-\(dataset)"
        expected = SearchConfiguration(method: .zartsMGS, space: space, dataset: "\(dataset):data/\(dataset)")
        (expected.split, expected.runningValidation) = (.fileOrder, true)
        #expect(try SearchConfiguration(preset: SearchPreset(named: name, at: "")) == expected)
        #expect(expected.sigma == 0.2)
      }
    }
  }

  @Test func presetsOfTheVariantsHaveTheirPublishedSettings() throws {
    let partial = try SearchConfiguration(preset: SearchPreset(named: "paper-pcdarts-cifar10", at: ""))
    #expect(partial.partialChannels == 4 && partial.edgeNormalisation && partial.batch == 256 && partial.warmup == 15)
    #expect(partial.learningRate == 0.1 && partial.alphaLearningRate == 6e-4 && partial.space == .s5)
    var merged = try SearchConfiguration(preset: SearchPreset(named: "paper-mergezarts-cifar10", at: ""))
    #expect(merged.mergedConvolutions)
    merged.mergedConvolutions = false
    #expect(try merged == SearchConfiguration(preset: SearchPreset(named: "paper-cifar10", at: "")))
    let minus = try SearchConfiguration(preset: SearchPreset(named: "paper-darts-minus-s3-cifar10", at: ""))
    var expected = SearchConfiguration(method: .dartsMinus, space: .s3, dataset: "cifar10:data/cifar10")
    (expected.split, expected.runningValidation) = (.fileOrder, true)
    #expect(minus == expected)
    #expect(minus.auxiliarySkip == 1 && minus.auxiliaryDecay == .linear && minus.warmup == 0 && minus.epochs == 50)
    let progressive = try SearchPreset(named: "paper-pdarts-cifar10", at: "")
    let stages = try SearchConfiguration(preset: progressive)
    #expect(stages.stages == SearchStage.published && stages.maximumSkips == 2 && stages.batch == 96)
    let zeroOrder = try SearchConfiguration(preset: progressive, given: .init(method: .zartsMGS))
    #expect(zeroOrder.method == .zartsMGS && zeroOrder.stages == SearchStage.published)
    try zeroOrder.validate()
  }

  /// Values of `vis_optimzation.py` in the released code.
  @Test func presetsOfTheAuthorsPathsHaveTheSettingsOfTheirCode() throws {
    func preset(_ name: String) throws -> SearchConfiguration {
      try SearchConfiguration(preset: SearchPreset(named: "authors-path-\(name)", at: ""))
    }
    let (rs, gld, mgs) = try (preset("rs"), preset("gld"), preset("mgs"))
    for configuration in [rs, gld, mgs] {
      #expect(configuration.innerSteps == 10 && configuration.warmup == 10 && configuration.space == .s6)
      #expect(configuration.candidateLearningRate == 0.001 && configuration.candidateMomentum == 0)
      #expect(configuration.ignoredSettings.isEmpty, "\(configuration.ignoredSettings)")
    }
    #expect(rs.method == .zartsRS && rs.rsDistribution == .matrixSphere && rs.mu == 0.1 && rs.xi == 1e-4)
    #expect(rs.antithetic && rs.candidates == 16 && rs.updatePlan.weightSteps == 160, "eight pairs")
    #expect(gld.method == .zartsGLD && gld.gldDistribution == .matrixSphere && gld.untrainedBaseline)
    #expect(gld.radius == 0.13 && gld.updatePlan.weightSteps == 150 && gld.updatePlan.evaluations == 16)
    // K = ⌊log₂(R/r)⌋ + 1 with R = 2·14 and r = 0.01/√98, whatever both are scaled by.
    #expect(gld.radii == Int(log2(28 / (0.01 / 98.0.squareRoot())) + 1))
    #expect(mgs.method == .zartsMGS && mgs.sigma == 0.001 && mgs.sigmaDecay == .constant && mgs.tau == 1)
    #expect(mgs.lambda == 0.1 && mgs.candidates == 4 && mgs.proposal == .flattened)
  }

  /// A shuffled iterator made anew at every step, or one gone through: the lines are in docs/fidelity-to-the-papers.md.
  @Test("Presets draw the validation batches of updates as the code of their source does")
  func validationBatchesAreDrawnAsTheSourceDrawsThem() throws {
    let fresh = Set(
      try SearchPreset.all.filter { try SearchConfiguration(preset: $0).validationSampling == .fresh }.map(\.name))
    #expect(
      fresh == [
        "paper-pcdarts-cifar10", "paper-darts-es-s1-cifar10", "paper-darts-ada-s1-cifar10", "paper-rdarts-dp-s1-cifar10",
        "paper-rdarts-l2-s1-cifar10", "paper-sdarts-rs-s1-cifar10", "paper-sdarts-adv-s1-cifar10",
      ])
    for preset in SearchPreset.all where ["paper-", "authors-"].contains(where: { preset.name.hasPrefix($0) }) {
      #expect(preset.yaml.contains("validation_sampling: "), "\(preset.name) says which")
    }
    // It is the preset's, whatever the method: methods that are compared on it see batches drawn alike.
    let other = try SearchConfiguration(
      preset: SearchPreset(named: "paper-pcdarts-cifar10", at: ""), given: .init(method: .zartsMGS))
    #expect(other.method == .zartsMGS && other.validationSampling == .fresh)
  }

  @Test func presetOfEarlyStoppingHasTheRuleOfThePublicCode() throws {
    let configuration = try SearchConfiguration(preset: SearchPreset(named: "paper-darts-es-s1-cifar10", at: ""))
    #expect(configuration.earlyStopping == .robustDARTSCode)
    #expect(configuration.method == .darts2ES && configuration.space == .s1 && configuration.warmup == 0)
    #expect(configuration.ignoredSettings.isEmpty)
  }

  @Test("The preset of R-DARTS (DP) is DARTS of second order with the rates of the public code's defaults")
  func presetOfDropPathHasTheSettingsOfThePublicCode() throws {
    let configuration = try SearchConfiguration(preset: SearchPreset(named: "paper-rdarts-dp-s1-cifar10", at: ""))
    #expect(configuration.method == .rdartsDP && configuration.space == .s1 && configuration.weightDecay == 3e-4)
    #expect(configuration.dropPath == 0.2 && configuration.cutout == 16 && configuration.cutoutProbability == 1)
    #expect(!configuration.rampsCutout && configuration.variant.dropsPaths && configuration.ignoredSettings.isEmpty)
    let regularisation = configuration.regularisation
    #expect(regularisation.dropPath(epoch: 49) == 0.2 && regularisation.cutoutProbability(epoch: 0) == 1)
    let method = SearchConfiguration(method: .rdartsDP, space: .s1, dataset: "x")
    #expect(method.rampsCutout && method.regularisation.cutoutProbability(epoch: 0) == 0)
    let other = SearchConfiguration(method: .darts2, space: .s1, dataset: "x")
    #expect(method.updatePlan == other.updatePlan && !other.variant.dropsPaths && other.cutout == 0)
  }

  @Test func fileWinsOverPresetAndCommandLineOverBoth() throws {
    let text = "preset: smoke\nchannels: 8\nseed: 3\n"
    let smoke = try SearchPreset(named: "smoke", at: "")
    var expected = try SearchConfiguration(preset: smoke)
    (expected.channels, expected.seed) = (8, 3)
    #expect(try SearchConfiguration(yaml: text, from: "x") == expected)
    let laptop = try SearchPreset(named: "laptop", at: "")
    var other = try SearchConfiguration(preset: laptop)
    (other.channels, other.seed) = (8, 3)
    #expect(try SearchConfiguration(yaml: text, from: "x", preset: laptop) == other)
    #expect(try SearchConfiguration(yaml: "channels: 8\nseed: 3\n", from: "x", preset: smoke) == expected)
  }

  @Test func defaultsThatAPresetLeavesOpenGoWithTheMethodAndSpaceOfTheCommandLine() throws {
    let paper = try SearchPreset(named: "paper-rdarts-s2-svhn", at: "")
    let darts = try SearchConfiguration(preset: paper, given: .init(method: .darts1ES))
    #expect(darts.warmup == 0 && darts.eigenvalueEvery == 1 && darts.space == .s2)
    let random = try SearchConfiguration(preset: paper, given: .init(method: .random, space: .s3, dataset: "fashion-mnist"))
    #expect(random.candidates == 20 && random.space == .s3 && random.dataset == "fashion-mnist")
    let gld = try SearchConfiguration(
      yaml: "method: zarts-rs\ndataset: d\nspace: s2", from: "x", given: .init(method: .zartsGLD, space: .s6))
    var expected = SearchConfiguration(method: .zartsGLD, space: .s6, dataset: "d")
    // As in files of versions that had nothing else.
    expected.hessian = .difference
    #expect(gld == expected)
    let sphere = try SearchConfiguration(preset: paper, given: .init(method: .zartsRS, rsDistribution: .sphere))
    #expect(sphere.mu == SearchConfiguration.defaultMu(.s2, .sphere) && sphere.rsDistribution == .sphere)
  }

  @Test(arguments: [
    ("preset: laptob\n", "laptob"), ("preset: [smoke]\n", "preset"), ("preset: smoke\nepochs: 0\n", "epochs"),
  ])
  func presetsThatAreNoneAndValuesThatDoNotFitAreRefused(yaml: String, mention: String) throws {
    let error = try #require(#expect(throws: InputError.self) { try SearchConfiguration(yaml: yaml, from: "x") })
    #expect("\(error)".contains(mention))
  }
}
