import Cells
import Figures

extension CellFigure {
  /// The cells of a genotype.
  package init(_ genotype: Genotype, title: String) throws {
    try self.init(
      title: title,
      cells: genotype.cells.map { cell in
        try CellDiagram(
          of: cell.kind,
          edges: zip(cell.edges, cell.rows).map { edge, row in
            CellDiagram.Edge(
              from: edge.source, to: cell.kind.topology.edges[row].target, label: Label(edge.operation.rawValue),
              kind: edge.operation.kind)
          }, joined: cell.concat)
      })
  }
}

extension CellDiagram {
  /// A cell of a kind, its states named as papers name them.
  init(of kind: CellKind, edges: [Edge], joined: [Int]) throws {
    let topology = kind.topology
    try self.init(
      title: Label(plain: kind.title),
      inputs: (0..<topology.inputCount).map { Label("${c}_{k\u{2212}\(topology.cellsBack(toInput: $0))}") },
      nodes: (0..<topology.nodeCount).map { Label("\($0)") }, edges: edges, joined: joined)
  }
}

extension CellOperation {
  package var kind: CellDiagram.Kind {
    switch form {
    case .zero: .none
    case .pool: .pool
    case .identity: .skip
    case .depthwise, .dense: .convolution
    case .noise: .noise
    }
  }
}
