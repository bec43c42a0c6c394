import Formats

/// A derived architecture: which operations of which edges remain in the two cells (Liu et al., DARTS, ICLR 2019, §2.4).
public struct Genotype: Equatable, Sendable {
  /// One remaining edge into a node.
  public struct Edge: Hashable, Sendable {
    public var operation: CellOperation
    /// Source state: 0 and 1 are the cell's inputs, 2… its nodes.
    public var source: Int

    public init(_ operation: CellOperation, from source: Int) {
      self.operation = operation
      self.source = source
    }
  }

  /// Edges that remain into each node.
  public static let edgesPerNode = 2

  /// Two edges a node, node after node; a node's stronger edge first where the genotype was derived from α.
  public var normal: [Edge]
  /// States concatenated into the output of the normal cell.
  public var normalConcat: [Int]
  public var reduce: [Edge]
  public var reduceConcat: [Int]

  /// - Throws: `InputError` where a cell does not have two edges from earlier states for each of the four nodes, or
  ///   concatenates states that it does not have.
  public init(normal: [Edge], normalConcat: [Int], reduce: [Edge], reduceConcat: [Int]) throws {
    self.normal = normal
    self.normalConcat = normalConcat
    self.reduce = reduce
    self.reduceConcat = reduceConcat
    try Self.validate(edges: normal, key: "normal")
    try Self.validate(concat: normalConcat, key: "normal_concat")
    try Self.validate(edges: reduce, key: "reduce")
    try Self.validate(concat: reduceConcat, key: "reduce_concat")
  }

  /// Remaining `skip_connect` operations in the normal cell: 5 to 8 of 8 is how a collapsed search looks
  /// (Zela et al., RobustDARTS, ICLR 2020, §3).
  public var skipConnectionCount: Int { normal.count { $0.operation == .skipConnect } }
  /// Remaining `skip_connect` operations in the reduction cell.
  public var reduceSkipConnectionCount: Int { reduce.count { $0.operation == .skipConnect } }
  /// Remaining operations without weights in the normal cell.
  public var parameterFreeCount: Int { normal.count { $0.operation.isParameterFree } }

  private static func validate(edges: [Edge], key: String) throws {
    let expected = CellTopology.nodeCount * edgesPerNode
    guard edges.count == expected else {
      throw InputError(
        "wrong number of edges", at: "genotype, \(key)", found: "\(edges.count)",
        wanted: "\(expected), two for each of \(CellTopology.nodeCount) nodes")
    }
    for (index, edge) in edges.enumerated() {
      let states = CellTopology.inputCount + index / edgesPerNode
      guard (0..<states).contains(edge.source) else {
        throw InputError(
          "edge from a state that node \(index / edgesPerNode) cannot see", at: "genotype, \(key)[\(index)]",
          found: "state \(edge.source)", wanted: "0 to \(states - 1)")
      }
    }
  }

  private static func validate(concat: [Int], key: String) throws {
    let nodes = CellTopology.inputCount..<CellTopology.stateCount
    guard !concat.isEmpty, Set(concat).count == concat.count, concat.allSatisfy(nodes.contains) else {
      throw InputError(
        "wrong states to concatenate", at: "genotype, \(key)", found: "\(concat)",
        wanted: "different states of \(nodes.lowerBound) to \(nodes.upperBound - 1)")
    }
  }
}
