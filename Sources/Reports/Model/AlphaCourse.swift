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
    cells = ["normal", "reduction"].enumerated().map { index, name in
      let candidates = index == 0 ? operations?.normal : operations?.reduce
      let matrices = history.entries.map { index == 0 ? $0.normal : $0.reduce }
      let (rows, width) = (matrices.first?.rows ?? 0, matrices.first?.operationColumns ?? 0)
      let hasBeta = matrices.first?.hasEdgeColumn ?? false
      let weights = matrices.map { $0.softmaxRows() }
      // Nodes are only known for the 14 edges of a DARTS cell.
      let isCell = rows == CellTopology.edges.count
      let edgeWeights = hasBeta && isCell ? matrices.map { $0.edgeWeights() } : []
      let edges = (0..<rows).map { row in
        let known = candidates.flatMap { $0.indices.contains(row) && $0[row].count == width ? $0[row] : nil }
        return Edge(
          name: isCell ? Self.name(CellTopology.edges[row]) : "edge \(row)",
          operations: known?.map(\.rawValue) ?? (0..<width).map { "operation \($0)" },
          alphas: (0..<width).map { column in matrices.map { $0[row, column] } },
          weights: (0..<width).map { column in weights.map { $0[row * width + column] } },
          betas: hasBeta ? matrices.map { $0[row, width] } : [], edgeWeights: edgeWeights.map { $0[row] })
      }
      return Cell(name: name, edges: edges)
    }
  }

  private static func name(_ edge: CellTopology.Edge) -> String { "\(state(edge.source)) → \(edge.node)" }

  /// A state of a cell as papers write it.
  static func state(_ index: Int) -> String {
    switch index {
    case 0: "c_{k\u{2212}2}"
    case 1: "c_{k\u{2212}1}"
    default: "\(index - CellTopology.inputCount)"
    }
  }
}
