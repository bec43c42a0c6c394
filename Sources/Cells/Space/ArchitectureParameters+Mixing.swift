import Foundation

extension ArchitectureParameters.Matrix {
  /// The same edges with other mixing weights p: the logits log p, whose softmax is p again to the rounding of float32. A weight of 0
  /// is an operation that is switched off (`offLogit`), and reads back as 0. β stays as it is.
  ///
  /// - Parameter mixing: [edges, operations], row-major; the weights of an edge are in [0, 1] and add up to 1. Edges that are
  ///   switched off (`isOff`) stay so, whatever they are given.
  public func withMixing(_ mixing: [Double]) -> Self {
    precondition(mixing.count == rows * operationColumns, "a mixing weight for every operation of every edge")
    var result = self
    for row in 0..<rows where !isOff(row: row) {
      for column in 0..<operationColumns {
        let weight = mixing[row * operationColumns + column]
        result[row, column] = weight > 0 ? max(Self.offLogit, Float(log(weight))) : Self.offLogit
      }
    }
    return result
  }
}
