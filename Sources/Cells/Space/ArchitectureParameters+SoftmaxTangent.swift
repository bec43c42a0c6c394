/// Derivatives along a direction of α of what softmax makes of it, in double precision.
extension ArchitectureParameters.Matrix {
  /// d/dt of what a network reads of α + t·v at t = 0.
  ///
  /// - Parameter direction: v, row-major as `values`.
  /// - Returns: the derivatives of `strengths()` [edges, operations] and of `edgeWeights()` [edges].
  package func mixingTangents(along direction: ArraySlice<Double>) -> (strengths: [Double], edges: [Double]) {
    let tangents = SoftmaxTangents(self, along: direction)
    let strengths = tangents.operations.indices.map { index in
      let row = index / operationColumns
      return tangents.operationTangents[index] * tangents.edges[row]
        + tangents.operations[index] * tangents.edgeTangents[row]
    }
    return (strengths, tangents.edgeTangents)
  }

  /// d/dt of what `throughSoftmax` gives at α + t·v, t = 0, from the gradients there and their own derivatives.
  ///
  /// - Parameters:
  ///   - strengths: ∂L/∂strengths and its derivative, [edges, operations].
  ///   - bypasses: the part of ∂L/∂(edge weights) that reaches no operation, and its derivative; nil where there is none.
  /// - Returns: row-major as `values`, the gradient with respect to α and its derivative.
  package func throughSoftmaxTangents(
    along direction: ArraySlice<Double>, strengths: (gradient: ArraySlice<Double>, tangent: ArraySlice<Double>),
    bypasses: (gradient: ArraySlice<Double>, tangent: ArraySlice<Double>)?
  ) -> (gradient: [Double], tangent: [Double]) {
    let softmax = SoftmaxTangents(self, along: direction)
    let (g, d) = (Array(strengths.gradient), Array(strengths.tangent))
    var edgeGradient = bypasses.map { Array($0.gradient) } ?? [Double](repeating: 0, count: rows)
    var edgeTangent = bypasses.map { Array($0.tangent) } ?? [Double](repeating: 0, count: rows)
    var gradient = [Double](repeating: 0, count: rows * columns)
    var tangent = gradient
    for row in 0..<rows {
      let range = row * operationColumns..<(row + 1) * operationColumns
      let (weight, weightTangent) = (softmax.edges[row], softmax.edgeTangents[row])
      var (mean, meanTangent) = (0.0, 0.0)
      for index in range {
        let (p, q) = (softmax.operations[index], softmax.operationTangents[index])
        mean += p * g[index]
        meanTangent += q * g[index] + p * d[index]
      }
      edgeGradient[row] += mean
      edgeTangent[row] += meanTangent
      for index in range {
        let (p, q) = (softmax.operations[index], softmax.operationTangents[index])
        let place = row * columns + index - range.lowerBound
        gradient[place] = weight * p * (g[index] - mean)
        tangent[place] =
          (weightTangent * p + weight * q) * (g[index] - mean) + weight * p * (d[index] - meanTangent)
      }
    }
    guard let topology = edgeTopology else { return (gradient, tangent) }
    for node in 0..<topology.nodeCount {
      let edges = topology.edgesInto(node: node)
      var (mean, meanTangent) = (0.0, 0.0)
      for edge in edges {
        mean += softmax.edges[edge] * edgeGradient[edge]
        meanTangent += softmax.edgeTangents[edge] * edgeGradient[edge] + softmax.edges[edge] * edgeTangent[edge]
      }
      for edge in edges {
        let place = edge * columns + columns - 1
        gradient[place] = softmax.edges[edge] * (edgeGradient[edge] - mean)
        tangent[place] =
          softmax.edgeTangents[edge] * (edgeGradient[edge] - mean)
          + softmax.edges[edge] * (edgeTangent[edge] - meanTangent)
      }
    }
    return (gradient, tangent)
  }
}

/// The weights that softmax makes of a matrix, and their derivatives along a direction: ṗ = p ⊙ (v − ⟨p, v⟩).
private struct SoftmaxTangents {
  let operations: [Double]
  let edges: [Double]
  private(set) var operationTangents: [Double]
  private(set) var edgeTangents: [Double]

  init(_ matrix: ArchitectureParameters.Matrix, along direction: ArraySlice<Double>) {
    precondition(direction.count == matrix.rows * matrix.columns, "a direction has a value for each of α")
    let direction = Array(direction)
    let (width, columns) = (matrix.operationColumns, matrix.columns)
    operations = matrix.softmaxRows()
    edges = matrix.edgeWeights()
    operationTangents = [Double](repeating: 0, count: operations.count)
    edgeTangents = [Double](repeating: 0, count: edges.count)
    for row in 0..<matrix.rows {
      let mean = (0..<width).reduce(0.0) { $0 + operations[row * width + $1] * direction[row * columns + $1] }
      for column in 0..<width {
        operationTangents[row * width + column] =
          operations[row * width + column] * (direction[row * columns + column] - mean)
      }
    }
    guard let topology = matrix.edgeTopology else { return }
    for node in 0..<topology.nodeCount {
      let into = topology.edgesInto(node: node)
      let mean = into.reduce(0.0) { $0 + edges[$1] * direction[$1 * columns + columns - 1] }
      for edge in into { edgeTangents[edge] = edges[edge] * (direction[edge * columns + columns - 1] - mean) }
    }
  }
}
