import Cells
import Figures

extension CellFigure {
  /// The normal and the reduction cell of a genotype.
  package init(_ genotype: Genotype, title: String) throws {
    func diagram(_ title: Label, _ edges: [Genotype.Edge], _ concat: [Int]) throws -> CellDiagram {
      try CellDiagram(
        title: title,
        edges: edges.enumerated().map { index, edge in
          CellDiagram.Edge(
            from: edge.source, to: CellTopology.inputCount + index / Genotype.edgesPerNode,
            label: Label(edge.operation.rawValue), kind: edge.operation.kind)
        }, joined: concat)
    }
    try self.init(
      title: title,
      cells: [
        diagram("Normal cell", genotype.normal, genotype.normalConcat),
        diagram("Reduction cell", genotype.reduce, genotype.reduceConcat),
      ])
  }
}

extension CellOperation {
  package var kind: CellDiagram.Kind {
    switch self {
    case .none: .none
    case .maxPool3x3, .averagePool3x3: .pool
    case .skipConnect: .skip
    case .separableConv3x3, .separableConv5x5, .dilatedConv3x3, .dilatedConv5x5: .convolution
    case .noise: .noise
    }
  }
}
