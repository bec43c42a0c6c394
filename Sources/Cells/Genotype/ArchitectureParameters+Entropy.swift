import Foundation

extension ArchitectureParameters.Matrix {
  /// Mean over the edges of the entropy of their mixing weights, in nats: log(operations) where undecided, 0 where decided
  /// or switched off.
  public var meanEntropy: Double {
    guard rows > 0 else { return 0 }
    return softmaxRows().reduce(0.0) { $1 > 0 ? $0 - $1 * log($1) : $0 } / Double(rows)
  }
}
