import CGSL
import Formats

/// Eigenvalues and eigenvectors of a real symmetric matrix, which GSL finds by tridiagonal reduction and QR
/// (`gsl_eigen_symmv`).
public struct SymmetricEigenproblem: Equatable, Sendable {
  /// In ascending order.
  public let values: [Double]
  /// `vectors[k]` belongs to `values[k]`; orthonormal.
  public let vectors: [[Double]]

  /// - Parameter matrix: rows of a symmetric matrix; the lower triangle counts.
  /// - Throws: `InputError` where it is not square or holds a value that is not finite.
  public init(_ matrix: [[Double]]) throws {
    let size = matrix.count
    guard size > 0, matrix.allSatisfy({ $0.count == size }) else {
      throw InputError(
        "cannot be used", at: "symmetric matrix", found: "\(size) rows of \(Set(matrix.map(\.count)).sorted()) values",
        wanted: "a square matrix")
    }
    guard matrix.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
      throw InputError("cannot be used", at: "symmetric matrix", found: "NaN or infinity", wanted: "finite values")
    }
    guard let work = gsl_eigen_symmv_alloc(size), let copy = gsl_matrix_alloc(size, size),
      let vectors = gsl_matrix_alloc(size, size), let values = gsl_vector_alloc(size)
    else {
      throw InputError("cannot be used", at: "symmetric matrix", found: "\(size) rows", wanted: "a size that fits in memory")
    }
    defer {
      gsl_eigen_symmv_free(work)
      gsl_matrix_free(copy)
      gsl_matrix_free(vectors)
      gsl_vector_free(values)
    }
    for row in 0..<size {
      for column in 0..<size { gsl_matrix_set(copy, row, column, matrix[max(row, column)][min(row, column)]) }
    }
    gsl_eigen_symmv(copy, values, vectors, work)
    gsl_eigen_symmv_sort(values, vectors, GSL_EIGEN_SORT_VAL_ASC)
    self.values = (0..<size).map { gsl_vector_get(values, $0) }
    self.vectors = (0..<size).map { column in (0..<size).map { gsl_matrix_get(vectors, $0, column) } }
  }
}
