import Cells
import Formats
import Search
import SearchSupport
import TestSupport
import Testing

/// R-DARTS by a stronger weight decay of ω.
@Suite("rdarts-l2") struct RegularisedDARTSTests {
  @Test("is second-order DARTS of the same weight decay, bit for bit, and of another than that has by itself")
  func sameAsSecondOrder() throws {
    let folder = try ScratchFolder()
    let own = shortConfiguration(.rdartsL2)
    var decayed = shortConfiguration(.darts2)
    decayed.weightDecay = own.weightDecay
    #expect(own.weightDecay == 0.0081 && shortConfiguration(.darts2).weightDecay == 3e-4)
    #expect(own.alphaWeightDecay == 1e-3, "α keeps its own")
    func tensors(_ configuration: SearchConfiguration, _ name: String) throws -> [String: NamedTensor] {
      let files = try search(quadratic(), configuration, in: folder.file(name))
      return try TensorFile(readingFrom: files.checkpointPath(epoch: 4)).tensors
    }
    let found = try tensors(own, "own")
    #expect(try found == tensors(decayed, "decayed"))
    let plain = try tensors(shortConfiguration(.darts2), "plain")
    #expect(found.keys == plain.keys && found != plain, "the decay has an effect")
  }

  @Test("was searched by its authors with five strengths, from that of DARTS on, each three times the one before")
  func strengths() throws {
    let variants = SearchMethod.rdartsL2.definition.publishedVariants
    #expect(variants.map { $0.map(\.key) } == [[String]](repeating: ["weight_decay"], count: 5))
    let values = variants.compactMap { $0.first.flatMap { Double($0.value) } }
    try #require(values.count == 5)
    // Each is the nearest number to 3^k · 3e-4, up to the rounding of the product.
    for (index, value) in values.enumerated() {
      #expect(close(value, 3e-4 * [1, 3, 9, 27, 81][index], .ulps(1)))
    }
    #expect(values.contains(SearchConfiguration(method: .rdartsL2, space: .s1, dataset: "x").weightDecay))
  }

  @Test("has a preset of the public code's search on S1, and its own weight decay on the presets of the benchmarks")
  func presets() throws {
    let own = try SearchConfiguration(preset: SearchPreset(named: "paper-rdarts-l2-s1-cifar10", at: ""))
    var expected = SearchConfiguration(method: .rdartsL2, space: .s1, dataset: "cifar10:data/cifar10")
    (expected.split, expected.runningValidation, expected.validationSampling) = (.fileOrder, true, .fresh)
    #expect(own == expected && own.ignoredSettings.isEmpty)
    #expect([own.epochs, own.warmup, own.channels, own.layers, own.batch] == [50, 0, 16, 8, 64])
    let benchmark = try SearchPreset(named: "paper-rdarts-s2-svhn", at: "")
    #expect(try SearchConfiguration(preset: benchmark, given: .init(method: .rdartsL2)).weightDecay == 0.0081)
    #expect(try SearchConfiguration(preset: benchmark).weightDecay == 3e-4)
    let base = try SearchPreset(named: "paper-rdarts-s1-cifar10", at: "")
    let settings = base.ownSettings(of: .rdartsL2)
    #expect(settings.map(\.key) == ["validation_sampling"] && settings.map(\.value) == ["fresh"])
    #expect(base.ownSettings(of: .zartsRS).isEmpty, "there is no preset of it on S1")
    #expect(
      base.ownSettings(of: .darts2ES).map(\.key) == [
        "validation_sampling", "eigenvalue_every", "eigenvalue_batches", "early_stop_distance", "early_stop_ratio",
      ], "those that are the defaults are left out")
  }
}
