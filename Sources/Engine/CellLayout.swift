import Cells

/// What one cell computes, before it has tensors: the mixed operations of a supernet's cell, or the two operations a node of
/// a derived one.
struct CellLayout {
  /// An operation of an edge.
  struct Candidate {
    let operation: CellOperation
    /// Prefix of its tensors in the public state_dict, e.g. `cells.3._ops.7._ops.4`.
    let name: String
    /// Which path it is, where drop-path can take it away: one of its own in a derived network, that of its edge in a supernet.
    var path: Int?
    /// Whether it is the auxiliary skip connection, whose weight is given and which drops no values.
    var isAuxiliary = false
  }

  let index: Int
  /// Channels of every state.
  let channels: Int
  let kind: CellKind
  /// Its place among the network's kinds.
  let kindIndex: Int
  /// Whether the cell's farther input has twice the resolution.
  let isAfterReduction: Bool
  /// Of each edge.
  let candidates: [[Candidate]]
  /// States that are concatenated into the output.
  let outputs: [Int]
  /// Whether batch norms have γ and β.
  let hasAffineNorms: Bool
  /// Whether pools are followed by batch norm.
  let normalisesPools: Bool
  /// K: operations see the first 1/K of the channels.
  var partialChannels = 1
  /// Whether skip connections of full resolution drop values.
  var dropsSkips = false
  /// Whether the convolutions of an edge are one.
  var mergesConvolutions = false

  var topology: CellTopology { kind.topology }
  var isReduction: Bool { kind.stride == 2 }

  /// Mixing weights of the cell's operations, edge after edge.
  var mixingCount: Int { candidates.reduce(0) { $0 + $1.count } }
  /// Where those of each edge begin.
  var mixingOffsets: [Int] {
    var next = 0
    return candidates.map { candidates in
      defer { next += candidates.count }
      return next
    }
  }

  /// The first random stream of an edge's noise and dropout; a block of channels has one.
  func stream(ofEdge edge: Int) -> UInt32 { UInt32((index * topology.edges.count + edge) << 8) }

  /// The path that a supernet's edge is, where drop-path can take it away.
  func path(ofEdge edge: Int) -> Int? { candidates[edge].first?.path }

  /// Whether a skip connection of full resolution drops values.
  func dropsValues(_ candidate: Candidate) -> Bool { dropsSkips && !candidate.isAuxiliary }

  /// Of the edges that leave a state.
  func stride(from source: Int) -> Int { source < topology.inputCount ? kind.stride : 1 }

  /// The candidates of an edge that are merged: its convolutions, where there are two or more.
  func mergedCandidates(of edge: Int) -> [Int] {
    guard mergesConvolutions else { return [] }
    let convolutions = candidates[edge].indices.filter { candidates[edge][$0].operation.depthwise != nil }
    return convolutions.count > 1 ? convolutions : []
  }

  /// Whether everything that reads an input can apply its norm on the way, so that the normalised values need no memory.
  func readsThroughNorm(of input: Int) -> Bool {
    guard hasAffineNorms, partialChannels == 1 else { return false }
    return zip(topology.edges, candidates).allSatisfy { edge, candidates in
      edge.source != input
        || candidates.allSatisfy { candidate in
          switch candidate.operation.form {
          case .depthwise, .zero, .noise: true
          case .identity: !isReduction && !dropsValues(candidate)
          case .pool, .dense: false
          }
        }
    }
  }
}
