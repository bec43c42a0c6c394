import Cells
import Compute
import Datasets
import Engine
import Search
import Testing

/// A supernet within an architecture that random search drew: the rest of it takes no part.
@Suite struct SampledNetworkTests {
  struct Network: CustomTestStringConvertible {
    let space: SearchSpace
    var channels = 12
    var variant = SupernetVariant()

    static let all: [Network] =
      SearchSpace.allCases.map { Network(space: $0) } + [
        Network(space: .s5, channels: 16, variant: partial(4)), Network(space: .s2, channels: 16, variant: partial(2)),
        Network(space: .s6, variant: merging), Network(space: .s1, variant: merging),
      ]

    private static func partial(_ ways: Int) -> SupernetVariant {
      var variant = SupernetVariant()
      variant.partialChannels = ways
      return variant
    }

    private static let merging: SupernetVariant = {
      var variant = SupernetVariant()
      variant.mergedConvolutions = true
      return variant
    }()

    var testDescription: String {
      "\(space)" + (variant.partialChannels > 1 ? ", 1/\(variant.partialChannels) of the channels" : "")
        + (variant.mergedConvolutions ? ", merged" : "")
    }

    func model() throws -> SupernetModel {
      let architecture = try SupernetArchitecture(
        space: space, channels: channels, layers: 3, imageSize: 8, variant: variant)
      return try SupernetModel(architecture: architecture, batch: 3, threads: 2, kernels: Kernels.select(named: nil))
    }

    func architecture(_ index: Int) -> ArchitectureParameters {
      var stream = RandomStream(seed: 9, purpose: .test, index: index)
      return space.randomArchitecture(from: &stream)
    }

    /// The kind of cell, the edge and the candidate that a parameter is of; nil for those of no edge.
    func place(of parameter: String) throws -> (kind: Int, edge: Int, candidate: Int)? {
      if let match = try #/^cells\.(\d+)\._ops\.(\d+)\._ops\.(\d+)\./#.prefixMatch(in: parameter) {
        guard let cell = Int(match.1), let edge = Int(match.2), let candidate = Int(match.3) else { return nil }
        return (space.macroArchitecture.kind(ofCell: cell, layers: 3), edge, candidate)
      }
      if let match = try #/^cells\.\d+\.edges\.(\d+)<-(\d+)\.(\d+)\./#.prefixMatch(in: parameter) {
        guard let target = Int(match.1), let source = Int(match.2), let candidate = Int(match.3) else { return nil }
        let edges = space.kinds[0].topology.edges
        return edges.firstIndex { $0.target == target && $0.source == source }.map { (0, $0, candidate) }
      }
      return nil
    }
  }

  private static let batch: ImageBatch = {
    var stream = RandomStream(seed: 10, purpose: .test)
    return ImageBatch(
      images: (0..<3 * 3 * 64).map { _ in Float(stream.normal()) }, labels: [3, 0, 8], channels: 3, height: 8, width: 8,
      noiseKey: 5)
  }()

  @Test("its loss is that of its genotype, to the bit", arguments: Network.all)
  func loss(network: Network) throws {
    let model = try network.model()
    let weights = model.makeInitialWeights(seed: 3)
    for index in 0..<4 {
      let alphas = network.architecture(index)
      let genotype = try Genotype(alphas: alphas, space: network.space)
      let own = model.evaluate(weights: weights, alphas: alphas, batch: Self.batch)
      let derived = try model.evaluate(weights: weights, genotype: genotype, batch: Self.batch)
      #expect(own.loss.isFinite && own.loss.bitPattern == derived.loss.bitPattern && own.correct == derived.correct)
    }
  }

  @Test("weights of edges and operations that were not drawn get a gradient of exactly zero", arguments: Network.all)
  func gradient(network: Network) throws {
    let model = try network.model()
    let weights = model.makeInitialWeights(seed: 3)
    let gradient = model.makeVector()
    var (silent, moved) = (0, 0)
    for index in 0..<4 {
      let alphas = network.architecture(index)
      _ = model.gradient(
        weights: weights, alphas: alphas, batch: Self.batch, weightGradient: gradient, wantsAlphaGradient: false,
        statistics: nil)
      for tensor in model.export(gradient) {
        guard case .float32(let values) = tensor.values, let place = try network.place(of: tensor.name) else { continue }
        let cell = alphas.matrices[place.kind]
        // Merged convolutions of an edge share their weights.
        let isDrawn =
          network.variant.mergedConvolutions
          ? !cell.isOff(row: place.edge) : cell[place.edge, place.candidate] == 0
        if isDrawn {
          if values.contains(where: { $0 != 0 }) { moved += 1 }
        } else {
          #expect(values.allSatisfy { $0 == 0 }, "\(tensor.name)")
          silent += 1
        }
      }
    }
    #expect(moved > 0 && silent > 0)
  }

  @Test("mixing weights of what was not drawn don't move either, and those of edges are gone", arguments: Network.all)
  func alphaGradient(network: Network) throws {
    let model = try network.model()
    let alphas = network.architecture(1)
    let result = model.gradient(
      weights: model.makeInitialWeights(seed: 3), alphas: alphas, batch: Self.batch, weightGradient: nil,
      wantsAlphaGradient: true, statistics: nil)
    #expect(try #require(result.alphas).flat.allSatisfy { abs($0) < 1e-30 }, "softmax is flat at a decision")
    for (cell, kind) in zip(alphas.matrices, alphas.kinds) {
      #expect(cell.edgeWeights().reduce(0, +) == Double(kind.derivedEdgeCount))
    }
  }
}
