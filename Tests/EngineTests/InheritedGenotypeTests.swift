import Cells
import Compute
import Formats
import NetworkSupport
import TestSupport
import Testing

/// Derived architectures with the weights of the supernet.
struct InheritedGenotypeTests {
  /// α that puts everything on the genotype's edges and on `none` elsewhere, which s3 and s5 can say.
  private func decided(_ genotype: Genotype, _ space: SearchSpace) -> ArchitectureParameters {
    var alphas = space.zeroAlphas
    for (cell, candidates, path) in [
      (genotype.normal, space.normal, \ArchitectureParameters.normal),
      (genotype.reduce, space.reduce, \ArchitectureParameters.reduce),
    ] {
      for row in candidates.indices { alphas[keyPath: path][row, candidates[row].firstIndex(of: .none) ?? 0] = 128 }
      for (index, edge) in cell.enumerated() {
        let row = CellTopology.darts.edgesInto(node: index / 2).lowerBound + edge.source
        alphas[keyPath: path][row, candidates[row].firstIndex(of: .none) ?? 0] = 0
        alphas[keyPath: path][row, candidates[row].firstIndex(of: edge.operation) ?? 0] = 128
      }
    }
    return alphas
  }

  @Test(arguments: [SearchSpace.s3, .s5])
  func lossIsThatOfAlphasThatSwitchTheOtherEdgesOff(space: SearchSpace) throws {
    let network = TinySupernet(space: space, channels: 12)
    let model = try network.model()
    let weights = model.makeInitialWeights(seed: 3)
    for seed in 1...3 {
      let genotype = try Genotype(alphas: network.alphas(seed: UInt64(seed)), space: space)
      let whole = model.evaluate(weights: weights, alphas: decided(genotype, space), batch: network.images())
      let derived = try model.evaluate(weights: weights, genotype: genotype, batch: network.images())
      #expect(derived.loss.bitPattern == whole.loss.bitPattern && derived.correct == whole.correct)
    }
  }

  @Test func spaceWithoutNoneSwitchesEdgesOffToo() throws {
    let network = TinySupernet(space: .s2, channels: 12)
    let model = try network.model()
    let weights = model.makeInitialWeights(seed: 3)
    let genotype = try Genotype(alphas: network.alphas(), space: .s2)
    let loss = try model.evaluate(weights: weights, genotype: genotype, batch: network.images()).loss
    let dropped = Set(0..<CellTopology.darts.edges.count).subtracting(
      genotype.normal.enumerated().map { CellTopology.darts.edgesInto(node: $0 / 2).lowerBound + $1.source })
    let row = try #require(dropped.min())
    let values = Dictionary(uniqueKeysWithValues: model.tensors(weights).map { ($0.name, $0.values) })
    // Weights of edges that the genotype does not have must not matter.
    let changed = try model.vector { name, _ in
      let own = values[name] ?? []
      return name.hasPrefix("cells.0._ops.\(row).") ? own.map { 2 * $0 + 0.1 } : own
    }
    #expect(changed.values != weights.values)
    #expect(try model.evaluate(weights: changed, genotype: genotype, batch: network.images()).loss == loss)
    let mixed = { (vector: ParameterVector) in
      model.evaluate(weights: vector, alphas: network.alphas(), batch: network.images()).loss
    }
    #expect(mixed(changed) != mixed(weights))
  }

  @Test func operationThatAnEdgeDoesNotHaveIsNamed() throws {
    let network = TinySupernet(space: .s2, channels: 12)
    let model = try network.model()
    let genotype = try Genotype(alphas: TinySupernet(space: .s4, channels: 12).alphas(), space: .s4)
    let error = #expect(throws: InputError.self) {
      try model.evaluate(weights: model.makeInitialWeights(seed: 1), genotype: genotype, batch: network.images())
    }
    // The one candidate of s4 that s2 lacks.
    #expect("\(try #require(error))".contains("noise"))
  }
}
