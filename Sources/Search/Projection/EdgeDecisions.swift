import Cells
import Formats

/// What of a supernet has been decided: the operation of an edge, or that the edge goes.
package struct EdgeDecisions: Equatable, Sendable {
  package enum Decision: Equatable, Sendable {
    /// α mixes its operations.
    case open
    /// The operation of a column alone, at weight 1.
    case operation(Int)
    case removed
  }

  /// Of each kind of cell, of each row of its matrix.
  package var edges: [[Decision]]

  /// Nothing decided.
  package init(like alphas: ArchitectureParameters) {
    edges = alphas.matrices.map { [Decision](repeating: .open, count: $0.rows) }
  }

  package var decidedCount: Int { edges.joined().count { $0 != .open } }

  /// α with log p in the rows that are decided: 0 for the operation that stands alone and `offLogit` for the others, of which
  /// softmax makes 1 and 0 exactly in float32; `offLogit` throughout where the edge is gone. The gradient of such rows is 0,
  /// as in the public code (sota/cnn/model_search_darts_proj.py, lines 65–81), where weights are overwritten behind the softmax.
  package func applied(to alphas: ArchitectureParameters) -> ArchitectureParameters {
    var result = alphas
    for (kind, rows) in edges.enumerated() {
      for (row, decision) in rows.enumerated() where decision != .open {
        for column in 0..<result.matrices[kind].operationColumns {
          result.matrices[kind][row, column] =
            decision == .operation(column) ? 0 : ArchitectureParameters.Matrix.offLogit
        }
      }
    }
    return result
  }
}

/// Their part of a checkpoint.
extension EdgeDecisions {
  private static func name(_ kind: CellKind) -> String { "selection.decided_\(kind.name)" }

  /// For each row the column of its operation; −1 where α decides, −2 where the edge is gone.
  package func tensors(_ kinds: [CellKind]) -> [NamedTensor] {
    zip(kinds, edges).map { kind, rows in
      let values = rows.map { decision -> Int64 in
        switch decision {
        case .open: -1
        case .removed: -2
        case .operation(let column): Int64(column)
        }
      }
      return NamedTensor(name: Self.name(kind), shape: [rows.count], values: .int64(values))
    }
  }

  /// - Throws: `InputError` where a tensor is absent or misshapen, or names an operation that there is not.
  package init(from file: TensorFile, like alphas: ArchitectureParameters) throws {
    edges = try zip(alphas.kinds, alphas.matrices).map { kind, matrix in
      try file.integers(Self.name(kind), shape: [matrix.rows]).map { value in
        switch value {
        case -1: return .open
        case -2: return .removed
        case 0..<matrix.operationColumns: return .operation(value)
        default:
          throw InputError(
            "no operation of the edge", at: .file(file.path, Self.name(kind)), found: "\(value)",
            wanted: "-2 to \(matrix.operationColumns - 1)")
        }
      }
    }
  }
}
