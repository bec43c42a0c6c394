import Cells
import Compute
import Problems

/// A derived architecture of the closed-form problem is α with 4 at its operations and 0 elsewhere.
extension QuadraticBilevelProblem: DerivableProblem {
  public func evaluate(weights: ParameterVector, genotype: Genotype, batch: Batch) throws -> BatchLoss {
    evaluate(weights: weights, alphas: Self.alphas(of: genotype), batch: batch)
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
