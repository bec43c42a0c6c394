/// Architecture parameters α of the two cell kinds (design vocabulary; Liu et al., DARTS, ICLR 2019, §2.2).
///
/// Two row-major matrices of shape [edges, operations]; softmax along a row gives the mixing weights of that edge. With edge
/// normalisation a last column holds β, whose softmax over the edges into a node weighs these edges (PC-DARTS, §3.3).
public struct ArchitectureParameters: Equatable, Sendable {
  public var normal: Matrix
  public var reduce: Matrix

  /// A row-major matrix of float32.
  public struct Matrix: Equatable, Sendable {
    public let rows: Int
    public let columns: Int
    /// Whether the last column is β rather than an operation.
    public let hasEdgeColumn: Bool
    public var values: [Float]

    public init(rows: Int, columns: Int, hasEdgeColumn: Bool = false, values: [Float]? = nil) {
      precondition(values == nil || values?.count == rows * columns, "a matrix needs rows × columns values")
      self.rows = rows
      self.columns = columns
      self.hasEdgeColumn = hasEdgeColumn
      self.values = values ?? [Float](repeating: 0, count: rows * columns)
    }

    /// Columns that stand for operations.
    public var operationColumns: Int { hasEdgeColumn ? columns - 1 : columns }

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
    var result = self
    result.normal.values = [Float](repeating: 0, count: normal.values.count)
    result.reduce.values = [Float](repeating: 0, count: reduce.values.count)
    return result
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
