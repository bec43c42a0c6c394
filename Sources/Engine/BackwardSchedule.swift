import Cells

/// When the backward pass of a cell can do what: numbers of phases, 0 being the one that completes what later cells give to
/// the cell's output.
///
/// Sums over the batch end a phase. What needs none waits for none: nodes that a cell does not read are complete from the
/// start, whatever their number.
struct BackwardSchedule {
  /// Of each node, the phase that completes its gradient and takes the sums that the norms of its terms need.
  private(set) var completed: [Int]
  /// Of each node, the phase in which separable convolutions into it flow back to their middles; nil where there are none.
  private(set) var secondStage: [Int?]

  /// - Parameters:
  ///   - edges: the cell's, of its topology.
  ///   - isPacked: whether a phase of second stages precedes the first stage of each node that is read.
  init(edges: [MixedEdge], topology: CellTopology, isPacked: Bool) {
    completed = [Int](repeating: 0, count: topology.nodeCount)
    secondStage = [Int?](repeating: nil, count: topology.nodeCount)
    for node in (0..<topology.nodeCount).reversed() {
      for edge in edges where edge.edge.source == topology.inputCount + node {
        completed[node] = max(completed[node], arrival(through: edge, isPacked: isPacked))
      }
      let isFed = edges.contains { $0.edge.node == node && !$0.separables.isEmpty }
      secondStage[node] = isFed ? completed[node] + 1 : nil
    }
  }

  /// The earliest phase in which an edge can give its source a gradient.
  private func arrival(through edge: MixedEdge, isPacked: Bool) -> Int {
    let node = edge.edge.node
    if !edge.separables.isEmpty, let secondStage = secondStage[node] { return secondStage + 1 }
    if edge.hasStatistics { return completed[node] + (isPacked ? 2 : 1) }
    return completed[node]
  }

  /// Number of phases, the one from which it starts counted.
  var count: Int { ((completed + secondStage.compactMap { $0 }).max() ?? 0) + 1 }
}
