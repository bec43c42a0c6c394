import Cells

/// What stands between α and the weights p by which a problem mixes its operations.
public enum MixingRule: Equatable, Sendable {
  /// p is the softmax of α along each edge (Liu et al., DARTS, ICLR 2019, eq. 2).
  case softmax
  /// Nothing: a problem that mixes no operations has α in the place of p.
  case identity

  /// p of each matrix of α: [edges, operations], row-major; of a problem that mixes nothing, all its values.
  public func weights(of alphas: ArchitectureParameters) -> [[Double]] {
    switch self {
    case .softmax: alphas.matrices.map { $0.softmaxRows() }
    case .identity: alphas.matrices.map { $0.values.map(Double.init) }
    }
  }

  /// The α of these weights; all else is as in the α that is given.
  public func alphas(of weights: [[Double]], like alphas: ArchitectureParameters) -> ArchitectureParameters {
    var result = alphas
    for (index, weights) in weights.enumerated() {
      switch self {
      case .softmax: result.matrices[index] = alphas.matrices[index].withMixing(weights)
      case .identity: result.matrices[index].values = weights.map(Float.init)
      }
    }
    return result
  }

  /// What moved weights are made of again, as the published code does it (`clip` in sota/cnn/model_search.py of SmoothDARTS): on
  /// each edge, weights outside of [0, 1] are cut off, and the rest is divided by its sum; where nothing is left, the operation that
  /// was largest before the cut gets 1, the first of equals. Weights of a problem that mixes nothing stay as they are.
  package func clipped(_ weights: [Double], columns: Int) -> [Double] {
    guard self == .softmax else { return weights }
    var result = weights
    for start in stride(from: 0, to: weights.count, by: max(1, columns)) {
      let row = start..<start + columns
      var sum = 0.0
      for index in row {
        result[index] = min(1, max(0, weights[index]))
        sum += result[index]
      }
      if sum == 0, let largest = row.max(by: { weights[$0] < weights[$1] }) {
        result[largest] = 1
        sum = 1
      }
      for index in row { result[index] /= sum }
    }
    return result
  }
}

/// Loss on a batch with its gradient with respect to the mixing weights of operations.
public struct BatchMixingGradient: Equatable, Sendable {
  public var loss: BatchLoss
  /// ∂L/∂p of each matrix of α, of the shape of `MixingRule.weights`.
  public var mixing: [[Double]]

  public init(loss: BatchLoss, mixing: [[Double]]) {
    self.loss = loss
    self.mixing = mixing
  }
}
