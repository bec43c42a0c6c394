import Cells

/// A direction in the space of α, in double precision so that orthogonality and norms hold beyond the float32 of α.
public struct AlphaDirection: Equatable, Sendable {
  /// Of each kind of cell, row-major, of the shape of its matrix of α.
  public var cells: [[Double]]

  public var normal: [Double] { cells[0] }
  public var reduce: [Double] { cells[1] }

  public init(cells: [[Double]]) { self.cells = cells }

  public init(normal: [Double], reduce: [Double]) { self.init(cells: [normal, reduce]) }

  /// Splits a vector in the order of `ArchitectureParameters.flat`.
  public init(flat: [Double], like alphas: ArchitectureParameters) {
    precondition(flat.count == alphas.count, "a direction of \(flat.count) values does not fit α of \(alphas.count)")
    cells = alphas.ranges.map { Array(flat[$0]) }
  }

  /// All matrices as one vector, in the order of the kinds of cells.
  public var flat: [Double] { cells.flatMap { $0 } }
}

/// How long a direction is made, relative to α (Li et al., *Visualizing the Loss Landscape of Neural Nets*, NeurIPS 2018,
/// §4, with cells in the place of filters). The values of α are cut into blocks, and each block of each direction gets
/// the norm of that block of α.
public enum DirectionNormalisation: String, CaseIterable, Sendable {
  /// A block is one edge's row of one matrix.
  case row
  /// A block is one matrix: a kind of cell.
  case cell
  /// One block: all of α.
  case model
  /// Every direction keeps its length, that of its part orthogonal to the ones before it.
  case own = "none"

  /// Ranges of the flat α, in order; empty blocks are left out.
  public func blocks(of alphas: ArchitectureParameters) -> [Range<Int>] {
    let cells = alphas.ranges
    let ranges: [Range<Int>] =
      switch self {
      case .row: zip(alphas.matrices, cells).flatMap { rows(of: $0, from: $1.lowerBound) }
      case .cell: cells
      case .model, .own: [0..<alphas.count]
      }
    return ranges.filter { !$0.isEmpty }
  }

  private func rows(of matrix: ArchitectureParameters.Matrix, from start: Int) -> [Range<Int>] {
    (0..<matrix.rows).map { start + $0 * matrix.columns..<start + ($0 + 1) * matrix.columns }
  }
}
