import Cells

/// Where two rules of selection make different architectures of one supernet.
public struct SelectionDifference: Equatable, Sendable {
  /// An edge of the supernet that is not the same in both.
  public struct Edge: Equatable, Sendable {
    public let kind: CellKind
    /// Row of α.
    public let row: Int
    public let source: Int
    /// From 0.
    public let node: Int
    /// nil where it is not kept.
    public let argmax: CellOperation?
    public let selected: CellOperation?
  }

  public let argmax: Genotype
  public let selected: Genotype
  /// In the order of the kinds and of the rows of α.
  public let edges: [Edge]

  /// - Parameters:
  ///   - argmax: by the largest mixing weights.
  ///   - selected: of the same kinds of cells.
  public init(argmax: Genotype, selected: Genotype) {
    (self.argmax, self.selected) = (argmax, selected)
    edges = zip(argmax.cells, selected.cells).flatMap { first, second -> [Edge] in
      let (own, other) = (Self.operations(first), Self.operations(second))
      return Set(own.keys).union(other.keys).sorted().filter { own[$0] != other[$0] }.map { row in
        let edge = first.kind.topology.edges[row]
        return Edge(
          kind: first.kind, row: row, source: edge.source, node: edge.node, argmax: own[row], selected: other[row])
      }
    }
  }

  /// Operations of the edges that are kept, by row of α.
  private static func operations(_ cell: Genotype.Cell) -> [Int: CellOperation] {
    Dictionary(zip(cell.rows, cell.edges.map(\.operation))) { first, _ in first }
  }

  /// Edges of the supernet's cells that are not the same in both.
  public func count(in kind: CellKind) -> Int { edges.count { $0.kind == kind } }
}
