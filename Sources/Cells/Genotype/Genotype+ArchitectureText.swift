import Formats

/// The text of NAS-Bench-201: `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`, nodes joined by `+`, of each its edges as operation and
/// source state.
extension Genotype {
  /// Of the one cell of a genotype.
  var architectureText: String {
    cells[0].edgesByNode.map { edges in
      "|" + edges.map { "\($0.operation.rawValue)~\($0.source)|" }.joined()
    }.joined(separator: "+")
  }

  /// Reads `architectureText`. As in the public reader a node's edges may stand in any order, and an edge that is left out is
  /// `none`.
  ///
  /// - Throws: `InputError` with the node and the edge that does not fit.
  public init(architecture text: String) throws {
    let kind = CellKind.nb201
    let topology = kind.topology
    let operations = SearchSpace.nb201.operations.candidates[0][0]
    func refusal(_ place: String, _ found: String, _ wanted: String) -> InputError {
      InputError("not an architecture", at: .words(place), found: found, wanted: wanted)
    }
    let nodes = text.filter { !$0.isWhitespace }.split(separator: "+", omittingEmptySubsequences: false)
    guard nodes.count == topology.nodeCount else {
      throw refusal("the text", "\(nodes.count) nodes", "\(topology.nodeCount), as in |op~0|+|op~0|op~1|+|op~0|op~1|op~2|")
    }
    var edges = topology.edges.map { Edge(.none, from: $0.source) }
    for (node, part) in nodes.enumerated() {
      guard part.first == "|", part.last == "|", part.count > 1 else {
        throw refusal("node \(node + 1)", "'\(part)'", "edges between bars, as in |op~0|op~1|")
      }
      var seen: Set<Int> = []
      for item in part.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false) {
        let place = "node \(node + 1), '\(item)'"
        let pair = item.split(separator: "~", omittingEmptySubsequences: false)
        guard pair.count == 2, let source = Int(pair[1]), (0...node).contains(source) else {
          throw refusal(place, "no edge that the node has", "an operation and one of the states 0 to \(node), as in op~0")
        }
        guard seen.insert(source).inserted else { throw refusal(place, "a second edge from state \(source)", "one") }
        guard let operation = operations.first(where: { $0.rawValue == pair[0] }) else {
          throw refusal(place, "operation '\(pair[0])'", "one of \(operations.map(\.rawValue).joined(separator: ", "))")
        }
        edges[topology.edge(from: source, into: node)].operation = operation
      }
    }
    try self.init(cells: [Cell(kind, edges: edges)])
  }
}
