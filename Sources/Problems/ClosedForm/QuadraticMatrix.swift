/// A small row-major matrix in double precision: what a quadratic problem and its closed forms are written in.
public struct DenseMatrix: Equatable, Sendable {
  public let rows: Int
  public let columns: Int
  public private(set) var values: [Double]

  /// A matrix of rows × columns values, zeros where none are given.
  public init(rows: Int, columns: Int, values: [Double]? = nil) {
    precondition(values == nil || values?.count == rows * columns, "a matrix needs rows × columns values")
    self.rows = rows
    self.columns = columns
    self.values = values ?? [Double](repeating: 0, count: rows * columns)
  }

  /// A diagonal matrix.
  public init(diagonal: [Double]) {
    self.init(rows: diagonal.count, columns: diagonal.count)
    for (index, value) in diagonal.enumerated() { self[index, index] = value }
  }

  public static func identity(_ size: Int) -> DenseMatrix { .init(diagonal: [Double](repeating: 1, count: size)) }

  public subscript(row: Int, column: Int) -> Double {
    get { values[row * columns + column] }
    set { values[row * columns + column] = newValue }
  }

  public var transposed: DenseMatrix {
    var result = DenseMatrix(rows: columns, columns: rows)
    for row in 0..<rows { for column in 0..<columns { result[column, row] = self[row, column] } }
    return result
  }

  /// Whether the matrix equals its transpose to the last bit.
  public var isSymmetric: Bool { rows == columns && self == transposed }

  public static func + (left: DenseMatrix, right: DenseMatrix) -> DenseMatrix {
    precondition(left.rows == right.rows && left.columns == right.columns, "matrices of two shapes do not add")
    return .init(rows: left.rows, columns: left.columns, values: sum(left.values, right.values))
  }

  public static func * (scale: Double, matrix: DenseMatrix) -> DenseMatrix {
    .init(rows: matrix.rows, columns: matrix.columns, values: matrix.values.map { scale * $0 })
  }

  public static func * (left: DenseMatrix, right: DenseMatrix) -> DenseMatrix {
    precondition(left.columns == right.rows, "the inner extents of a product differ")
    var result = DenseMatrix(rows: left.rows, columns: right.columns)
    for row in 0..<left.rows {
      for inner in 0..<left.columns {
        for column in 0..<right.columns { result[row, column] += left[row, inner] * right[inner, column] }
      }
    }
    return result
  }

  public static func * (matrix: DenseMatrix, vector: [Double]) -> [Double] {
    precondition(matrix.columns == vector.count, "a matrix of \(matrix.columns) columns cannot take \(vector.count) values")
    return (0..<matrix.rows).map { row in (0..<matrix.columns).reduce(0) { $0 + matrix[row, $1] * vector[$1] } }
  }

  /// x of self · x = right, by Gaussian elimination with partial pivoting; nil where the matrix is singular.
  public func solve(_ right: [Double]) -> [Double]? {
    precondition(rows == columns && right.count == rows, "only a square system of matching size can be solved")
    var matrix = self
    var result = right
    for pivot in 0..<rows {
      guard let best = (pivot..<rows).max(by: { abs(matrix[$0, pivot]) < abs(matrix[$1, pivot]) }),
        abs(matrix[best, pivot]) > 1e-14
      else { return nil }
      if best != pivot {
        for column in 0..<columns {
          (matrix[pivot, column], matrix[best, column]) = (matrix[best, column], matrix[pivot, column])
        }
        result.swapAt(pivot, best)
      }
      for row in pivot + 1..<max(rows, pivot + 1) {
        let factor = matrix[row, pivot] / matrix[pivot, pivot]
        for column in pivot..<columns { matrix[row, column] -= factor * matrix[pivot, column] }
        result[row] -= factor * result[pivot]
      }
    }
    for row in (0..<rows).reversed() {
      for column in row + 1..<max(columns, row + 1) { result[row] -= matrix[row, column] * result[column] }
      result[row] /= matrix[row, row]
    }
    return result
  }

  /// Whether a Cholesky factorisation of the matrix exists, for a symmetric one.
  public var isPositiveDefinite: Bool {
    guard isSymmetric else { return false }
    var factor = DenseMatrix(rows: rows, columns: columns)
    for row in 0..<rows {
      for column in 0...row {
        let rest = (0..<column).reduce(self[row, column]) { $0 - factor[row, $1] * factor[column, $1] }
        if row != column {
          factor[row, column] = rest / factor[column, column]
        } else if rest > 0 {
          factor[row, row] = rest.squareRoot()
        } else {
          return false
        }
      }
    }
    return true
  }
}

/// Entry-wise left + scale · right.
func sum(_ left: [Double], _ right: [Double], scaledBy scale: Double = 1) -> [Double] {
  precondition(left.count == right.count, "vectors of \(left.count) and \(right.count) values do not combine")
  return zip(left, right).map { $0 + scale * $1 }
}

/// ⟨left, right⟩.
func inner(_ left: [Double], _ right: [Double]) -> Double {
  precondition(left.count == right.count, "vectors of \(left.count) and \(right.count) values do not combine")
  return zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
}
