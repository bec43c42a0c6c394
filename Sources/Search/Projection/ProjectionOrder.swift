import Cells
import Compute

/// The decisions of a selection, one after the other: of each kind of cell first the operations of its edges, then which edges
/// stay of those into its nodes (DARTS-PT, algorithm 1; sota/cnn/projection.py, lines 158–184).
package struct ProjectionOrder: Equatable, Sendable {
  package enum Decision: Equatable, Sendable {
    case operation(edge: Int)
    /// Of a node with more edges than its cell keeps.
    case edges(node: Int)
  }

  /// Of each kind of cell. Those of one place are made together, kind after kind, without training in between.
  package let decisions: [[Decision]]

  package init(_ decisions: [[Decision]]) { self.decisions = decisions }

  /// - Parameter seed: of a random order, in which every edge that is left is as likely as any other to be the next.
  package init(of kinds: [CellKind], _ order: ProjectionSettings.Order, seed: UInt64) {
    decisions = kinds.enumerated().map { index, kind in
      let topology = kind.topology
      let nodes = (0..<topology.nodeCount).filter {
        let count = topology.edgesInto(node: $0).count
        return kind.derivation.kept(of: count) < count
      }
      let numbers = (edges: Array(topology.edges.indices), nodes: Array(nodes.indices))
      var places = numbers
      if order == .random {
        var stream = RandomStream(seed: seed, purpose: .projectionOrder, index: index)
        places.edges = stream.permutation(numbers.edges.count)
        places.nodes = stream.permutation(numbers.nodes.count)
      }
      return places.edges.map { .operation(edge: $0) } + places.nodes.map { .edges(node: nodes[$0]) }
    }
  }

  /// Rounds of decisions, one of each kind of cell that has any left.
  package var count: Int { decisions.map(\.count).max() ?? 0 }

  /// The decision of a kind in a round (from 0); nil where it has none left.
  package func decision(round: Int, kind: Int) -> Decision? {
    decisions[kind].indices.contains(round) ? decisions[kind][round] : nil
  }
}
