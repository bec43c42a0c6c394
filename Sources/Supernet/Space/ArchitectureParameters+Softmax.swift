import Foundation

extension ArchitectureParameters.Matrix {
  /// Softmax along each row: the mixing weights, row-major.
  public func softmaxRows() -> [Double] {
    var result = [Double](repeating: 0, count: values.count)
    for row in 0..<rows {
      let range = row * columns..<(row + 1) * columns
      let largest = values[range].max() ?? 0
      var total = 0.0
      for index in range {
        result[index] = exp(Double(values[index]) - Double(largest))
        total += result[index]
      }
      for index in range { result[index] /= total }
    }
    return result
  }

  /// ∂L/∂α from ∂L/∂(mixing weights): p ⊙ (g − ⟨p, g⟩) in each row.
  func throughSoftmax(mixingGradient: [Double]) -> ArchitectureParameters.Matrix {
    let probabilities = softmaxRows()
    var result = self
    for row in 0..<rows {
      let range = row * columns..<(row + 1) * columns
      let mean = range.reduce(0.0) { $0 + probabilities[$1] * mixingGradient[$1] }
      for index in range { result.values[index] = Float(probabilities[index] * (mixingGradient[index] - mean)) }
    }
    return result
  }
}
