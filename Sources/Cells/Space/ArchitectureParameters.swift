/// Architecture parameters α (design vocabulary; Liu et al., DARTS, ICLR 2019, §2.2): a matrix for each kind of cell.
///
/// Matrices are row-major, of shape [edges, operations]; softmax along a row gives the mixing weights of that edge. With edge
/// normalisation a last column holds β, whose softmax over the edges into a node weighs these edges (PC-DARTS, §3.3). A network
/// whose architecture is settled has no matrix at all: `none`.
public struct ArchitectureParameters: Equatable, Sendable {
  /// What each matrix is of.
  public let kinds: [CellKind]
  /// In the order of the kinds.
  public var matrices: [Matrix]
  /// β of auxiliary skip connections (Chu et al., DARTS-, ICLR 2021): what every edge adds of its state beside its mixture; 0
  /// without them. It comes from a schedule and is no coordinate: `flat` hasn't got it, and whatever moves α leaves it.
  public var auxiliarySkip: Float = 0

  /// Of the normal cell of the DARTS family.
  public var normal: Matrix {
    get { matrices[0] }
    set { matrices[0] = newValue }
  }
  /// Of the reduction cell of the DARTS family.
  public var reduce: Matrix {
    get { matrices[1] }
    set { matrices[1] = newValue }
  }

  /// A row-major matrix of float32.
  public struct Matrix: Equatable, Sendable {
    public let rows: Int
    public let columns: Int
    /// The cell over whose edges β is normalised; nil without β.
    let edgeTopology: CellTopology?
    public var values: [Float]

    /// - Parameter topology: of the cell, whose edges are the rows; only β asks for it.
    public init(
      rows: Int, columns: Int, hasEdgeColumn: Bool = false, topology: CellTopology = .darts, values: [Float]? = nil
    ) {
      precondition(values == nil || values?.count == rows * columns, "a matrix needs rows × columns values")
      self.rows = rows
      self.columns = columns
      edgeTopology = hasEdgeColumn ? topology : nil
      self.values = values ?? [Float](repeating: 0, count: rows * columns)
    }

    /// Whether the last column is β rather than an operation.
    public var hasEdgeColumn: Bool { edgeTopology != nil }

    /// Columns that stand for operations.
    public var operationColumns: Int { hasEdgeColumn ? columns - 1 : columns }

    public subscript(row: Int, column: Int) -> Float {
      get { values[row * columns + column] }
      set { values[row * columns + column] = newValue }
    }
  }

  /// Of the two cells of the DARTS family.
  public init(normal: Matrix, reduce: Matrix) { self.init(kinds: .darts, matrices: [normal, reduce]) }

  public init(kinds: [CellKind], matrices: [Matrix]) {
    precondition(kinds.count == matrices.count, "a matrix of each kind of cell")
    self.kinds = kinds
    self.matrices = matrices
  }

  /// α of a network in which nothing is left to choose: no matrices, and so no values.
  public static let none = ArchitectureParameters(kinds: [], matrices: [])

  /// Zeros of the same shape, without auxiliary skip connections.
  public var zeros: ArchitectureParameters {
    var result = self
    for index in matrices.indices {
      result.matrices[index].values = [Float](repeating: 0, count: matrices[index].values.count)
    }
    result.auxiliarySkip = 0
    return result
  }

  /// Number of values in all matrices.
  public var count: Int { matrices.reduce(0) { $0 + $1.values.count } }

  /// All matrices as one vector, in the order of the kinds: the coordinates in which directions and candidates are sampled.
  public var flat: [Float] {
    get { matrices.flatMap(\.values) }
    set {
      precondition(newValue.count == count, "expected \(count) values, found \(newValue.count)")
      for (index, range) in ranges.enumerated() { matrices[index].values = Array(newValue[range]) }
    }
  }

  /// Where the values of each matrix are in `flat`.
  public var ranges: [Range<Int>] {
    var start = 0
    return matrices.map { matrix in
      defer { start += matrix.values.count }
      return start..<start + matrix.values.count
    }
  }

  /// Whether β weighs the edges.
  public var hasEdgeColumn: Bool { matrices.first?.hasEdgeColumn ?? false }
}
