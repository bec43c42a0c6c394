import Cells
import Compute
import Engine
import NetworkSupport
import Testing

@Suite("Names and shapes of tensors") struct SupernetEvidenceTests {
  /// Of the parameters, statistics and α of a supernet.
  private func shapes(_ space: SearchSpace, layers: Int, _ variant: SupernetVariant) throws -> [String: [Int]] {
    let architecture = try SupernetArchitecture(
      space: space, channels: 8, layers: layers, imageSize: variant.scale == .cifar ? 8 : 64, variant: variant)
    let model = try SupernetModel(architecture: architecture, batch: 1, threads: 1, kernels: Kernels.select(named: nil))
    let tensors =
      model.export(model.makeVector()) + model.exportStatistics(model.makeInitialStatistics())
      + model.makeInitialAlphas(seed: 0).tensors
    return Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.shape) })
  }

  @Test("tell every space, size and variant", arguments: SearchSpace.allCases, [3, 5])
  func every(space: SearchSpace, layers: Int) throws {
    let isChain = space.macroArchitecture == .reductions
    let layers = isChain ? layers : 3 * layers
    for (ways, hasEdges, isMerged) in [(1, false, false), (2, false, false), (4, true, false), (1, false, true)] {
      guard isChain || (ways == 1 && !isMerged) else { continue }
      guard !isMerged || space.hasEdgesOfConvolutions else { continue }
      var variant = SupernetVariant()
      (variant.partialChannels, variant.edgeNormalisation, variant.mergedConvolutions) = (ways, hasEdges, isMerged)
      let evidence = SupernetEvidence(shapes: try shapes(space, layers: layers, variant))
      #expect(evidence.space == space && evidence.channels == 8 && evidence.layers == layers, "\(space) \(evidence)")
      #expect(evidence.partialChannels == ways && evidence.edgeNormalisation == hasEdges, "\(space) \(evidence)")
      #expect(evidence.mergedConvolutions == isMerged, "\(space) \(evidence)")
    }
  }

  @Test("tell auxiliary skip connections, wherever these halve the resolution", arguments: SearchSpace.allCases)
  func auxiliarySkips(space: SearchSpace) throws {
    let isChain = space.macroArchitecture == .reductions
    for variant in [SupernetVariant(), .partial(2, edges: true)] where isChain || variant.partialChannels == 1 {
      let shapes = try shapes(space, layers: isChain ? 4 : 3, .auxiliary(variant))
      let evidence = SupernetEvidence(shapes: shapes)
      #expect(evidence.space == space && evidence.channels == 8, "\(evidence)")
      #expect(evidence.auxiliarySkip == (isChain ? true : nil), "\(evidence)")
      #expect(evidence.text?.contains("auxiliary skip connections") == isChain)
      let plain = SupernetEvidence(shapes: try self.shapes(space, layers: isChain ? 4 : 3, variant))
      #expect(plain.auxiliarySkip == (isChain ? false : nil), "\(plain)")
      // β itself says it where no tensor does.
      let told = SupernetEvidence(shapes: shapes.merging(["auxiliary_skip": [1]]) { first, _ in first })
      #expect(told.auxiliarySkip == true)
    }
  }

  @Test("tell the stem of ImageNet, whose 3C channels say what C is", arguments: [SearchSpace.s2, .s5], [1, 2])
  func imageNet(space: SearchSpace, ways: Int) throws {
    let evidence = SupernetEvidence(shapes: try shapes(space, layers: 4, .imageNet(partial: ways)))
    #expect(evidence.scale == .imagenet && evidence.space == space && evidence.channels == 8 && evidence.layers == 4)
    #expect(evidence.partialChannels == ways && evidence.edgeNormalisation == (ways > 1))
    #expect(evidence.text?.contains("4 cells, the stem of ImageNet") == true, "\(evidence)")
    let usual = SupernetEvidence(shapes: try shapes(space, layers: 4, .partial(ways, edges: ways > 1)))
    #expect(usual.scale == .cifar && usual.text?.contains("ImageNet") == false)
    #expect(SupernetEvidence(shapes: ["alphas_normal": [14, 8]]).scale == nil)
  }

  @Test("tell no space where a stage has fewer operations, or nothing is there") func none() throws {
    let stage = SupernetEvidence(shapes: try shapes(.s5, layers: 3, .shrunk(.s5, to: 3)))
    #expect(stage.space == nil && stage.channels == 8 && stage.layers == 3)
    #expect(stage.text == "operations of no space, 8 channels, 3 cells")
    let nothing = SupernetEvidence(shapes: ["fc.weight": [10, 5]])
    #expect(nothing.text == nil && nothing.space == nil && nothing.edgeNormalisation == nil)
    // Names that no network has are no reason to fail.
    let odd = SupernetEvidence(
      shapes: ["cells.-1.x": [], "cells..x": [3], "cells.99999999999999999999.a": [1], "stem.0.weight": []])
    #expect(odd.layers == nil && odd.channels == nil)
  }
}
