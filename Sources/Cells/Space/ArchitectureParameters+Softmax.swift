import Foundation

extension ArchitectureParameters.Matrix {
  /// Softmax of the operations along each row, row-major [edges, operations]: the mixing weights of an edge. Of an edge that
  /// is switched off (`isOff`) all are 0.
  public func softmaxRows() -> [Double] {
    let width = operationColumns
    var result = [Double](repeating: 0, count: rows * width)
    for row in 0..<rows where !isOff(row: row) {
      let places = (0..<width).map { (value: row * columns + $0, result: row * width + $0) }
      let largest = places.map { values[$0.value] }.max() ?? 0
      var total = 0.0
      for place in places {
        result[place.result] = exp(Double(values[place.value]) - Double(largest))
        total += result[place.result]
      }
      for place in places { result[place.result] /= total }
    }
    return result
  }

  /// The weight of each edge beside those of its operations: softmax of β over the edges into a node (PC-DARTS, eq. 3), or 1
  /// where there is no β. An edge that is switched off has 0, and β is normalised over the others.
  public func edgeWeights() -> [Double] {
    guard let topology = edgeTopology else { return (0..<rows).map { isOff(row: $0) ? 0 : 1 } }
    var result = [Double](repeating: 0, count: rows)
    for node in 0..<topology.nodeCount {
      let edges = topology.edgesInto(node: node).filter { !isOff(row: $0) }
      let largest = edges.map { self[$0, columns - 1] }.max() ?? 0
      for edge in edges { result[edge] = exp(Double(self[edge, columns - 1]) - Double(largest)) }
      let total = edges.reduce(0.0) { $0 + result[$1] }
      for edge in edges { result[edge] /= total }
    }
    return result
  }

  /// What each operation contributes to its node: its mixing weight times the weight of its edge, [edges, operations].
  public func strengths() -> [Double] {
    let mixing = softmaxRows()
    guard hasEdgeColumn else { return mixing }
    let edges = edgeWeights()
    return mixing.indices.map { mixing[$0] * edges[$0 / operationColumns] }
  }

  /// ∂L/∂α from ∂L/∂strengths [edges, operations] and the part of ∂L/∂(edge weights) that reaches no operation, 0 where
  /// there is none: p ⊙ (g − ⟨p, g⟩) in each row, and likewise for β in each node. Zero on edges that are switched off.
  package func throughSoftmax(strengthGradient: [Double], bypassGradient: [Double]?) -> ArchitectureParameters.Matrix {
    let probabilities = softmaxRows()
    let weights = edgeWeights()
    let width = operationColumns
    var result = self
    var edgeGradient = bypassGradient ?? [Double](repeating: 0, count: rows)
    for row in 0..<rows {
      let range = row * width..<(row + 1) * width
      let mean = range.reduce(0.0) { $0 + probabilities[$1] * strengthGradient[$1] }
      edgeGradient[row] += mean
      for index in range {
        result[row, index - range.lowerBound] = Float(
          weights[row] * (probabilities[index] * (strengthGradient[index] - mean)))
      }
    }
    guard let topology = edgeTopology else { return result }
    for node in 0..<topology.nodeCount {
      let edges = topology.edgesInto(node: node)
      let mean = edges.reduce(0.0) { $0 + weights[$1] * edgeGradient[$1] }
      for edge in edges { result[edge, columns - 1] = Float(weights[edge] * (edgeGradient[edge] - mean)) }
    }
    return result
  }
}
