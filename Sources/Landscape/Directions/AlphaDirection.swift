import Cells

/// A direction in the space of α, in double precision so that orthogonality and norms hold beyond the float32 of α.
public struct AlphaDirection: Equatable, Sendable {
  /// Row-major, of the shape of the normal matrix of α.
  public var normal: [Double]
  /// Row-major, of the shape of the reduction matrix of α.
  public var reduce: [Double]

  public init(normal: [Double], reduce: [Double]) {
    self.normal = normal
    self.reduce = reduce
  }

  /// Splits a vector in the order of `ArchitectureParameters.flat`.
  public init(flat: [Double], like alphas: ArchitectureParameters) {
    precondition(flat.count == alphas.count, "a direction of \(flat.count) values does not fit α of \(alphas.count)")
    normal = Array(flat[..<alphas.normal.values.count])
    reduce = Array(flat[alphas.normal.values.count...])
  }

  /// Both matrices as one vector, normal first.
  public var flat: [Double] { normal + reduce }
}

/// How long a direction is made, relative to α (Li et al., *Visualizing the Loss Landscape of Neural Nets*, NeurIPS 2018,
/// §4, with cells in the place of filters). The values of α are cut into blocks, and each block of each direction gets
/// the norm of that block of α.
public enum DirectionNormalisation: String, CaseIterable, Sendable {
  /// A block is one edge's row of one matrix.
  case row
  /// A block is one matrix: the normal or the reduction cell.
  case cell
  /// One block: all of α.
  case model
  /// Every direction keeps its length, that of its part orthogonal to the ones before it.
  case own = "none"

  /// Ranges of the flat α, in order; empty blocks are left out.
  public func blocks(of alphas: ArchitectureParameters) -> [Range<Int>] {
    let normal = alphas.normal.values.count
    let ranges: [Range<Int>] =
      switch self {
      case .row:
        rows(of: alphas.normal, from: 0) + rows(of: alphas.reduce, from: normal)
      case .cell: [0..<normal, normal..<alphas.count]
      case .model, .own: [0..<alphas.count]
      }
    return ranges.filter { !$0.isEmpty }
  }

  private func rows(of matrix: ArchitectureParameters.Matrix, from start: Int) -> [Range<Int>] {
    (0..<matrix.rows).map { start + $0 * matrix.columns..<start + ($0 + 1) * matrix.columns }
  }
}
