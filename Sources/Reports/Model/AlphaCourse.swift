import Cells
import Foundation

/// The course of α over the epochs of a run as a report shows it: by edge and operation, with names.
public struct AlphaCourse: Equatable, Sendable {
  public struct Cell: Equatable, Sendable {
    /// "normal" or "reduction".
    public let name: String
    public let edges: [Edge]
  }

  public struct Edge: Equatable, Sendable {
    /// "c_{k−2} → 0" in `Label` markup.
    public let name: String
    public let operations: [String]
    /// α before softmax by operation and epoch.
    public let alphas: [[Float]]
    /// softmax over the operations, by operation and epoch.
    public let weights: [[Double]]
    /// β and its softmax over the edges into the node, by epoch; empty without edge normalisation.
    public let betas: [Float]
    public let edgeWeights: [Double]
  }

  public let epochs: Int
  public let cells: [Cell]

  /// - Parameter operations: the candidates of each edge; nil where they are not known, which then only have numbers.
  init(_ history: AlphaHistory, operations: EdgeOperations?) {
    epochs = history.entries.count
    let kinds = operations?.kinds ?? history.entries.first?.kinds ?? .darts
    cells = kinds.enumerated().map { index, kind in
      let candidates = operations?.candidates[index]
      let matrices = history.entries.map { $0.matrices[index] }
      let (rows, width) = (matrices.first?.rows ?? 0, matrices.first?.operationColumns ?? 0)
      let hasBeta = matrices.first?.hasEdgeColumn ?? false
      let weights = matrices.map { $0.softmaxRows() }
      // Nodes are only known for the edges of such a cell.
      let isCell = rows == kind.topology.edges.count
      let edgeWeights = hasBeta && isCell ? matrices.map { $0.edgeWeights() } : []
      let edges = (0..<rows).map { row in
        let known = candidates.flatMap { $0.indices.contains(row) && $0[row].count == width ? $0[row] : nil }
        return Edge(
          name: isCell ? Self.name(kind.topology.edges[row], kind.topology) : "edge \(row)",
          operations: known?.map(\.rawValue) ?? (0..<width).map { "operation \($0)" },
          alphas: (0..<width).map { column in matrices.map { $0[row, column] } },
          weights: (0..<width).map { column in weights.map { $0[row * width + column] } },
          betas: hasBeta ? matrices.map { $0[row, width] } : [], edgeWeights: edgeWeights.map { $0[row] })
      }
      return Cell(name: kind.word, edges: edges)
    }
  }

  private static func name(_ edge: CellTopology.Edge, _ topology: CellTopology) -> String {
    "\(state(edge.source, of: topology)) → \(edge.node)"
  }

  /// A state of a cell as papers write it.
  static func state(_ index: Int, of topology: CellTopology) -> String {
    index < topology.inputCount
      ? "c_{k\u{2212}\(topology.cellsBack(toInput: index))}" : "\(index - topology.inputCount)"
  }
}
