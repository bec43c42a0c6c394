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
  /// Sets to 0 what is removed of the mixing weights of each kind: [edges, operations], row-major, then with partial channels
  /// those of what bypasses the operations of each edge.
  ///
  /// - Parameters:
  ///   - columns: operations of an edge, of each kind.
  ///   - edges: of each kind.
  package func apply(to mixing: inout [[Float]], columns: [Int], edges: [Int]) {
    switch self {
    case .operation(let kind, let edge, let column): mixing[kind][edge * columns[kind] + column] = 0
    case .edge(let kind, let edge):
      let width = columns[kind]
      for place in edge * width..<(edge + 1) * width { mixing[kind][place] = 0 }
      let bypass = edges[kind] * width + edge
      if mixing[kind].indices.contains(bypass) { mixing[kind][bypass] = 0 }
    }
  }
}
