/// The states of a cell and the edges between them: some inputs, then nodes each of which is fed by every earlier state.
public struct CellTopology: Hashable, Sendable {
  /// States that the cell is given, the first `inputCount`.
  public let inputCount: Int
  /// States that it computes.
  public let nodeCount: Int
  /// In the order of the rows of α: node by node, and within a node by source state.
  public let edges: [Edge]

  /// - Parameters:
  ///   - inputs: at least 1.
  ///   - nodes: at least 1.
  public init(inputs: Int, nodes: Int) {
    precondition(inputs > 0 && nodes > 0, "a cell has an input and a node at least")
    inputCount = inputs
    nodeCount = nodes
    edges = (0..<nodes).flatMap { node in
      (0..<inputs + node).map { Edge(source: $0, node: node, target: inputs + node) }
    }
  }

  /// Two inputs and four nodes: 14 edges (Liu et al., DARTS, ICLR 2019, §2.1).
  public static let darts = CellTopology(inputs: 2, nodes: 4)

  public var stateCount: Int { inputCount + nodeCount }

  /// The states that are nodes.
  public var nodeStates: Range<Int> { inputCount..<stateCount }

  /// From a state (the cell's inputs come first, then its nodes) to a node.
  public struct Edge: Hashable, Sendable {
    public let source: Int
    /// Counted from 0.
    public let node: Int
    /// The state that the node is.
    public let target: Int
  }

  /// The indices, within `edges`, of the edges that enter a node.
  public func edgesInto(node: Int) -> Range<Int> {
    let first = node * inputCount + node * (node - 1) / 2
    return first..<first + inputCount + node
  }

  /// The index, within `edges`, of the edge from a state to a node.
  ///
  /// - Parameter source: of a state before the node.
  public func edge(from source: Int, into node: Int) -> Int { edgesInto(node: node).lowerBound + source }

  /// The indices, within `edges`, of the edges that leave a state.
  package func edges(leaving source: Int) -> [Int] { edges.indices.filter { edges[$0].source == source } }

  /// How many cells before this one an input comes from: 1 is the last.
  public func cellsBack(toInput input: Int) -> Int { inputCount - input }
}
