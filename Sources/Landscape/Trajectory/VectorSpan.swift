import Compute
import Formats
import Problems

/// The span of a few vectors of ω's size, which need be neither orthogonal nor of length 1.
struct VectorSpan {
  private let vectors: [ParameterVector]
  private let lengths: [Double]
  /// Cosines of all pairs.
  private let cosines: DenseMatrix

  /// - Throws: `InputError` where there is none, they differ in size, one is zero, or one is a combination of others.
  init(_ vectors: [ParameterVector]) throws {
    guard let first = vectors.first else { throw InputError("none given", at: "directions", wanted: "at least one") }
    for (index, vector) in vectors.enumerated() where vector.count != first.count {
      throw InputError(
        "of another network", at: "direction \(index + 1)", found: "\(vector.count) values", wanted: "\(first.count)")
    }
    let lengths = vectors.map { $0.dot($0).squareRoot() }
    guard lengths.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw InputError("without a length", at: "directions", found: "\(lengths)", wanted: "lengths above 0")
    }
    var cosines = DenseMatrix.identity(vectors.count)
    for row in vectors.indices {
      for column in 0..<row {
        let cosine = vectors[row].dot(vectors[column]) / (lengths[row] * lengths[column])
        cosines[row, column] = cosine
        cosines[column, row] = cosine
      }
    }
    (self.vectors, self.lengths, self.cosines) = (vectors, lengths, cosines)
    guard cosines.isPositiveDefinite, solve([Double](repeating: 0, count: vectors.count)) != nil else {
      throw InputError("a combination of the others", at: "directions", wanted: "independent directions")
    }
  }

  private func solve(_ right: [Double]) -> [Double]? { cosines.solve(right) }

  /// c that makes ‖vector − Σ c_k v_k‖ least.
  func coordinates(of vector: ParameterVector) -> [Double] {
    let parts = zip(vectors, lengths).map { vector.dot($0) / $1 }
    // The matrix was solved once, so it can be again.
    return zip(solve(parts) ?? parts, lengths).map { $0 / $1 }
  }
}
