import Cells
import Compute
import Problems

/// A derived architecture of the closed-form problem is α with 4 at its operations and 0 elsewhere.
extension QuadraticBilevelProblem: DerivableProblem {
  public func evaluate(weights: ParameterVector, genotype: Genotype, batch: Batch) throws -> BatchLoss {
    evaluate(weights: weights, alphas: Self.alphas(of: genotype), batch: batch)
  }

  /// What is removed is α = 0 in its place.
  public func evaluate(
    weights: ParameterVector, alphas: ArchitectureParameters, without removal: MixingRemoval, batch: Batch
  ) -> BatchLoss {
    evaluate(weights: weights, alphas: Self.alphas(alphas, without: removal), batch: batch)
  }

  package static func alphas(_ alphas: ArchitectureParameters, without removal: MixingRemoval) -> ArchitectureParameters {
    var alphas = alphas
    switch removal {
    case .operation(let kind, let edge, let column): alphas.matrices[kind][edge, column] = 0
    case .edge(let kind, let edge):
      for column in 0..<alphas.matrices[kind].columns { alphas.matrices[kind][edge, column] = 0 }
    }
    return alphas
  }

  package static func alphas(of genotype: Genotype) -> ArchitectureParameters {
    var alphas = SearchSpace.s2.zeroAlphas
    for (cell, path) in [
      (genotype.normal, \ArchitectureParameters.normal), (genotype.reduce, \ArchitectureParameters.reduce),
    ] {
      for (index, edge) in cell.enumerated() {
        let row = CellTopology.darts.edgesInto(node: index / 2).lowerBound + edge.source
        alphas[keyPath: path][row, edge.operation == .skipConnect ? 0 : 1] = 4
      }
    }
    return alphas
  }
}
