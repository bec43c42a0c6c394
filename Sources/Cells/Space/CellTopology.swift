/// The DARTS cell: two inputs and four nodes, each node fed by every earlier state.
public enum CellTopology {
  public static let nodeCount = 4
  public static let inputCount = 2
  public static let stateCount = inputCount + nodeCount
  /// Edges in the order of the rows of α: node by node, and within a node by source state.
  public static let edges: [Edge] = (0..<nodeCount).flatMap { node in
    (0..<inputCount + node).map { Edge(source: $0, node: node) }
  }

  /// From a state (0 and 1 are the cell's inputs, 2… its nodes) to a node.
  public struct Edge: Hashable, Sendable {
    public let source: Int
    public let node: Int

    /// The state that the node is.
    public var target: Int { CellTopology.inputCount + node }
  }

  /// The indices, within `edges`, of the edges that enter a node.
  public static func edgesInto(node: Int) -> Range<Int> {
    let first = (0..<node).reduce(0) { $0 + inputCount + $1 }
    return first..<first + inputCount + node
  }
}
