import Foundation

extension ArchitectureParameters.Matrix {
  /// Softmax along a row, in double precision: the mixing weights of that edge (Liu et al., DARTS, eq. 2).
  public func mixingWeights(row: Int) -> [Double] {
    let logits = (0..<columns).map { Double(self[row, $0]) }
    let largest = logits.max() ?? 0
    let powers = logits.map { exp($0 - largest) }
    let total = powers.reduce(0, +)
    return powers.map { $0 / total }
  }

  /// Mean over the edges of the entropy of their mixing weights, in nats: log(operations) where undecided, 0 where decided.
  public var meanEntropy: Double {
    guard rows > 0 else { return 0 }
    let total = (0..<rows).reduce(0.0) { sum, row in
      sum - mixingWeights(row: row).reduce(0.0) { $1 > 0 ? $0 + $1 * log($1) : $0 }
    }
    return total / Double(rows)
  }
}
