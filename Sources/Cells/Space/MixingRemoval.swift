/// What is taken out of a supernet while everything else stays as it is: a mixing weight, or all of an edge, becomes 0, and the
/// weights that are left are not normalised anew (Wang et al., DARTS-PT, ICLR 2021, §4.1). No α says that: its softmax gives
/// the others what one loses.
public enum MixingRemoval: Hashable, Sendable {
  /// One operation of an edge.
  ///
  /// - `kind`: of cell, in the order of α's matrices; `edge`: row; `column`: of the operation.
  case operation(kind: Int, edge: Int, column: Int)
  /// All operations of an edge and, with partial channels, what bypasses them.
  case edge(kind: Int, edge: Int)
}

extension MixingRemoval {
  /// Sets to 0 what is removed of the mixing weights of each kind as an engine takes them: a row an edge, whose operations come first,
  /// and where something bypasses them its weight of each edge behind all rows.
  ///
  /// - Parameters:
  ///   - edges: of each kind.
  ///   - hasBypasses: whether there are partial channels.
  package func apply(to mixing: inout [[Float]], edges: [Int], hasBypasses: Bool) {
    func width(_ kind: Int) -> Int { (mixing[kind].count - (hasBypasses ? edges[kind] : 0)) / edges[kind] }
    switch self {
    case .operation(let kind, let edge, let column): mixing[kind][edge * width(kind) + column] = 0
    case .edge(let kind, let edge):
      let row = width(kind)
      for place in edge * row..<(edge + 1) * row { mixing[kind][place] = 0 }
      if hasBypasses { mixing[kind][edges[kind] * row + edge] = 0 }
    }
  }
}
