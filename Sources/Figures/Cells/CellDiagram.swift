import Formats

/// A cell as a graph: inputs, nodes that each take operations of earlier states, and the output that joins some states.
///
/// States are numbered inputs first, then nodes, as in a genotype.
public struct CellDiagram: Equatable, Sendable {
  /// What an edge does, in the kinds that colours tell apart.
  public enum Kind: CaseIterable, Sendable { case convolution, pool, skip, noise, none }

  /// An operation on a state, added into a node.
  public struct Edge: Equatable, Sendable {
    public var source: Int
    public var target: Int
    /// As `Label` markup.
    public var label: Label
    public var kind: Kind
    /// 0 to 1: how wide and how opaque the line is.
    public var strength: Double
    public var isBold: Bool

    public init(
      from source: Int, to target: Int, label: Label, kind: Kind, strength: Double = 1, isBold: Bool = false
    ) {
      self.source = source
      self.target = target
      self.label = label
      self.kind = kind
      self.strength = strength
      self.isBold = isBold
    }
  }

  public let title: Label
  public let inputs: [Label]
  public let nodes: [Label]
  public let output: Label
  public let edges: [Edge]
  /// States that the output joins.
  public let joined: [Int]

  /// - Throws: `InputError` for an edge that does not lead from an earlier state to a node, a strength outside of
  ///   0…1, a state that the output cannot join or joins twice, or more than a page can show.
  public init(
    title: Label, inputs: [Label] = ["${c}_{k\u{2212}2}", "${c}_{k\u{2212}1}"], nodes: [Label] = ["0", "1", "2", "3"],
    output: Label = "${c}_{k}", edges: [Edge], joined: [Int]
  ) throws {
    let states = inputs.count + nodes.count
    func require(_ condition: Bool, _ field: String, _ found: String, _ wanted: String) throws {
      if !condition { throw InputError.undrawable("cell diagram, \(field)", found: found, wanted: wanted) }
    }
    try require(
      !inputs.isEmpty && !nodes.isEmpty, "states", "\(inputs.count) inputs, \(nodes.count) nodes", "one or more of each")
    try require(states <= 16 && edges.count <= 64, "size", "\(states) states, \(edges.count) edges", "at most 16 and 64")
    for (index, edge) in edges.enumerated() {
      try require(
        (inputs.count..<states).contains(edge.target) && (0..<edge.target).contains(edge.source), "edge \(index)",
        "from state \(edge.source) to state \(edge.target)", "from an earlier state to one of \(inputs.count)…\(states - 1)")
      try require((0...1).contains(edge.strength), "edge \(index)", "strength \(edge.strength)", "0 to 1")
    }
    try require(
      Set(joined).count == joined.count && joined.allSatisfy((0..<states).contains), "output", "\(joined)",
      "different states of 0…\(states - 1)")
    self.title = title
    self.inputs = inputs
    self.nodes = nodes
    self.output = output
    self.edges = edges
    self.joined = joined
  }

  /// A line of the diagram: an operation, or a state that is joined into the output.
  struct Connection: Equatable {
    var source: Int
    /// nil for the output.
    var target: Int?
    /// nil where nothing is written on the line.
    var edge: Int?
  }

  var connections: [Connection] {
    edges.indices.map { Connection(source: edges[$0].source, target: edges[$0].target, edge: $0) }
      + joined.map { Connection(source: $0, target: nil, edge: nil) }
  }
}
