/// Which edges a derived cell keeps, and which operations may stand on them.
public enum DerivationRule: Hashable, Sendable {
  /// At each node the edges whose strongest operation other than `none` has the largest mixing weights, with that operation
  /// (Liu et al., DARTS, ICLR 2019, §2.4).
  case strongestEdges(perNode: Int)
  /// Every edge, with its strongest operation, `none` among them (Dong and Yang, NAS-Bench-201, ICLR 2020).
  case everyEdge

  /// Whether a derived edge can be `none`.
  public var keepsNone: Bool { self == .everyEdge }

  /// Edges that stay of those into a node.
  public func kept(of edges: Int) -> Int {
    switch self {
    case .strongestEdges(let count): min(count, edges)
    case .everyEdge: edges
    }
  }
}

extension CellKind {
  /// Edges of its derived cell.
  public var derivedEdgeCount: Int { derivedNodes.count }

  /// The node that each edge of its derived cell enters.
  public var derivedNodes: [Int] {
    (0..<topology.nodeCount).flatMap { node in
      Array(repeating: node, count: derivation.kept(of: topology.edgesInto(node: node).count))
    }
  }
}
