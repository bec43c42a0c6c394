/// Architecture parameters α of the two cell kinds (design vocabulary; Liu et al., DARTS, ICLR 2019, §2.2).
///
/// Two row-major matrices of shape [edges, operations]; softmax along a row gives the mixing weights of that edge.
public struct ArchitectureParameters: Equatable, Sendable {
  public var normal: Matrix
  public var reduce: Matrix

  /// A row-major matrix of float32.
  public struct Matrix: Equatable, Sendable {
    public let rows: Int
    public let columns: Int
    public var values: [Float]

    public init(rows: Int, columns: Int, values: [Float]? = nil) {
      precondition(values == nil || values?.count == rows * columns, "a matrix needs rows × columns values")
      self.rows = rows
      self.columns = columns
      self.values = values ?? [Float](repeating: 0, count: rows * columns)
    }

    public subscript(row: Int, column: Int) -> Float {
      get { values[row * columns + column] }
      set { values[row * columns + column] = newValue }
    }
  }

  public init(normal: Matrix, reduce: Matrix) {
    self.normal = normal
    self.reduce = reduce
  }

  /// Zeros of the same shape.
  public var zeros: ArchitectureParameters {
    .init(
      normal: .init(rows: normal.rows, columns: normal.columns), reduce: .init(rows: reduce.rows, columns: reduce.columns))
  }

  /// Number of values in both matrices.
  public var count: Int { normal.values.count + reduce.values.count }

  /// Both matrices as one vector, normal first: the coordinates in which directions and candidates are sampled.
  public var flat: [Float] {
    get { normal.values + reduce.values }
    set {
      precondition(newValue.count == count, "expected \(count) values, found \(newValue.count)")
      normal.values = Array(newValue[..<normal.values.count])
      reduce.values = Array(newValue[normal.values.count...])
    }
  }
}
