import Cells
import Formats
import Problems
import Runs

/// What a search tells TensorBoard of α and of what follows from it at the end of an epoch.
extension SearchRun {
  package func events(of record: EpochRecord) -> [TrainingEvent.Value] {
    // Candidates have names where α stands for cells.
    let operations = space == nil ? nil : configuration.operations
    var values: [TrainingEvent.Value] = []
    for (index, (kind, matrix)) in zip(state.alphas.kinds, state.alphas.matrices).enumerated() {
      values.append(.histogram("alphas/\(kind.name)", matrix.values.map(Double.init)))
      values += SearchEvents.mixingWeights(kind, matrix, operations?.candidates[index])
    }
    if let genotype = space == nil ? nil : state.genotypes.last {
      values.append(.text("genotype", "`\(genotype.line)`"))
    }
    return values
  }
}

private enum SearchEvents {
  /// softmax(α), a scalar for each operation of each edge, and with edge normalisation the weight of each edge.
  static func mixingWeights(
    _ kind: CellKind, _ matrix: ArchitectureParameters.Matrix, _ operations: [[CellOperation]]?
  ) -> [TrainingEvent.Value] {
    let (weights, edgeWeights) = (matrix.softmaxRows(), matrix.edgeWeights())
    let (cell, edges) = (kind.name, kind.topology.edges)
    var result: [TrainingEvent.Value] = []
    for row in 0..<matrix.rows {
      // Candidates other than those of the settings have no names here.
      let names = operations.flatMap { row < $0.count && $0[row].count == matrix.operationColumns ? $0[row] : nil }
      let isKnown = names != nil && row < edges.count
      let edge = isKnown ? "node\(edges[row].node)_from_\(source(edges[row].source, kind.topology))" : "edge\(row)"
      if matrix.hasEdgeColumn { result.append(.scalar("edges_\(cell)/\(edge)", edgeWeights[row])) }
      for column in 0..<matrix.operationColumns {
        let name = names?[column].rawValue ?? "operation\(column)"
        result.append(.scalar("mixing_\(cell)/\(edge)/\(name)", weights[row * matrix.operationColumns + column]))
      }
    }
    return result
  }

  private static func source(_ state: Int, _ topology: CellTopology) -> String {
    state < topology.inputCount
      ? "input_k-\(topology.cellsBack(toInput: state))" : "node\(state - topology.inputCount)"
  }
}
