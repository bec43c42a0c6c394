import Cells
import Figures

extension CellFigure {
  /// The cells of a genotype.
  package init(_ genotype: Genotype, title: String) throws {
    try self.init(
      title: title,
      cells: genotype.cells.map { cell in
        try CellDiagram(
          title: Label(plain: cell.kind.title),
          edges: zip(cell.edges, cell.rows).map { edge, row in
            CellDiagram.Edge(
              from: edge.source, to: cell.kind.topology.edges[row].target, label: Label(edge.operation.rawValue),
              kind: edge.operation.kind)
          }, joined: cell.concat)
      })
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
