/// The public name of a tensor of one of an edge's operations in a supernet: `cells.3._ops.7._ops.4.op.1.weight`.
struct OperationTensorName {
  let cell: Int
  /// Of the cell.
  let edge: Int
  /// Of the edge's operations.
  let column: Int
  /// Within the operation: `op.1.weight`.
  let part: String

  /// - Returns: nil for a name of anything else.
  init?(_ name: String) {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count > 6, parts[0] == "cells", parts[2] == "_ops", parts[4] == "_ops", let cell = Int(parts[1]),
      let edge = Int(parts[3]), let column = Int(parts[5]), [cell, edge, column].allSatisfy((0..<1 << 16).contains)
    else { return nil }
    (self.cell, self.edge, self.column, part) = (cell, edge, column, parts[6...].joined(separator: "."))
  }
}
