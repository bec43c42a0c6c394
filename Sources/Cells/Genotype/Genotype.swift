import Formats

/// A derived architecture: which operations of which edges remain in each kind of cell (Liu et al., DARTS, ICLR 2019, §2.4).
public struct Genotype: Equatable, Sendable {
  /// One remaining edge into a node.
  public struct Edge: Hashable, Sendable {
    public var operation: CellOperation
    /// Source state: the cell's inputs come first (0 and 1 in DARTS), then its nodes.
    public var source: Int

    public init(_ operation: CellOperation, from source: Int) {
      self.operation = operation
      self.source = source
    }
  }

  /// A derived cell.
  public struct Cell: Equatable, Sendable {
    public let kind: CellKind
    /// Node after node, as many a node as the kind keeps; a node's stronger edge first where it was derived from α.
    public var edges: [Edge]
    /// States concatenated into its output.
    public var concat: [Int]

    /// - Parameter concat: the kind's own where nil.
    public init(_ kind: CellKind, edges: [Edge], concat: [Int]? = nil) {
      self.kind = kind
      self.edges = edges
      self.concat = concat ?? kind.outputs
    }

    /// The edges into each node.
    public var edgesByNode: [[Edge]] {
      let nodes = kind.derivedNodes
      return (0..<kind.topology.nodeCount).map { node in
        zip(nodes, edges).filter { $0.0 == node }.map(\.1)
      }
    }

    /// The row of α that each edge is of.
    public var rows: [Int] { zip(kind.derivedNodes, edges).map { kind.topology.edge(from: $1.source, into: $0) } }

    public var skipConnectionCount: Int { edges.count { $0.operation == .skipConnect } }
    public var parameterFreeCount: Int { edges.count { $0.operation.isParameterFree } }
  }

  /// In the order of the kinds of cells.
  public var cells: [Cell]

  public var kinds: [CellKind] { cells.map(\.kind) }
  /// The networks that it stands for.
  public var macroArchitecture: MacroArchitecture { cells[0].kind.macroArchitecture }

  /// Of the DARTS family: two edges a node, node after node, and the states concatenated into the output of the cell.
  public var normal: [Edge] {
    get { cells[0].edges }
    set { cells[0].edges = newValue }
  }
  public var normalConcat: [Int] { cells[0].concat }
  public var reduce: [Edge] {
    get { cells[1].edges }
    set { cells[1].edges = newValue }
  }
  public var reduceConcat: [Int] { cells[1].concat }

  /// Of the DARTS family.
  ///
  /// - Throws: as the other does.
  public init(normal: [Edge], normalConcat: [Int], reduce: [Edge], reduceConcat: [Int]) throws {
    try self.init(cells: [
      Cell(.normal, edges: normal, concat: normalConcat), Cell(.reduce, edges: reduce, concat: reduceConcat),
    ])
  }

  /// - Throws: `InputError` where a cell does not have the edges that its kind keeps, each from an earlier state, or
  ///   concatenates states that it does not have.
  public init(cells: [Cell]) throws {
    precondition(!cells.isEmpty, "a genotype has a cell")
    self.cells = cells
    for cell in cells {
      try Self.validate(cell)
      try Self.validate(concat: cell.concat, of: cell.kind)
    }
  }

  /// Remaining `skip_connect` operations in the first kind of cell: 5 to 8 of the 8 of a normal cell is how a collapsed search
  /// looks (Zela et al., RobustDARTS, ICLR 2020, §3).
  public var skipConnectionCount: Int { cells[0].skipConnectionCount }
  /// Remaining `skip_connect` operations in the reduction cell; nil where there is none.
  public var reduceSkipConnectionCount: Int? { cells.count > 1 ? cells[1].skipConnectionCount : nil }
  /// Remaining operations without weights in the first kind of cell.
  public var parameterFreeCount: Int { cells[0].parameterFreeCount }

  private static func validate(_ cell: Cell) throws {
    let (kind, nodes) = (cell.kind, cell.kind.derivedNodes)
    guard cell.edges.count == nodes.count else {
      let wanted =
        switch kind.derivation {
        case .strongestEdges(let count):
          "\(nodes.count), \(count == 2 ? "two" : "\(count)") for each of \(kind.topology.nodeCount) nodes"
        case .everyEdge: "\(nodes.count), one for each edge"
        }
      throw InputError(
        "wrong number of edges", at: "genotype, \(kind.name)", found: "\(cell.edges.count)", wanted: wanted)
    }
    for (index, (edge, node)) in zip(cell.edges, nodes).enumerated() {
      let states = kind.topology.inputCount + node
      guard (0..<states).contains(edge.source) else {
        throw InputError(
          "edge from a state that node \(node) cannot see", at: "genotype, \(kind.name)[\(index)]",
          found: "state \(edge.source)", wanted: "0 to \(states - 1)")
      }
    }
    guard kind.derivation == .everyEdge else { return }
    let (found, wanted) = (cell.edges.map(\.source), kind.topology.edges.map(\.source))
    guard found == wanted else {
      throw InputError(
        "edges out of order", at: "genotype, \(kind.name)", found: "sources \(found)",
        wanted: "\(wanted), node after node from each state once")
    }
  }

  private static func validate(concat: [Int], of kind: CellKind) throws {
    guard kind.derivation != .everyEdge || concat == kind.outputs else {
      throw InputError(
        "wrong states to concatenate", at: "genotype, \(kind.name)_concat", found: "\(concat)", wanted: "\(kind.outputs)")
    }
    let nodes = kind.topology.nodeStates
    guard !concat.isEmpty, Set(concat).count == concat.count, concat.allSatisfy(nodes.contains) else {
      throw InputError(
        "wrong states to concatenate", at: "genotype, \(kind.name)_concat", found: "\(concat)",
        wanted: "different states of \(nodes.lowerBound) to \(nodes.upperBound - 1)")
    }
  }
}
