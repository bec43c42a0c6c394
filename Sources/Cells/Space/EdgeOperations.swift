import Compute
import Formats

/// The candidate operations of every edge of each kind of cell, in the order of the rows and columns of α.
///
/// A search space names them all; a search that shrinks progressively (Chen et al., P-DARTS, ICCV 2019, §3.2) keeps fewer
/// from stage to stage, not the same ones on every edge.
public struct EdgeOperations: Hashable, Sendable {
  public let kinds: [CellKind]
  /// Of each kind, candidates of each edge of its topology.
  public let candidates: [[[CellOperation]]]

  /// Candidates of the 14 edges of a normal cell.
  public var normal: [[CellOperation]] { candidates[0] }
  /// Candidates of the 14 edges of a reduction cell.
  public var reduce: [[CellOperation]] { candidates[1] }

  /// Candidates of the two cells of the DARTS family.
  ///
  /// - Throws: as the other does.
  public init(normal: [[CellOperation]], reduce: [[CellOperation]]) throws {
    try self.init(kinds: .darts, candidates: [normal, reduce])
  }

  /// - Throws: `InputError` where a cell has not as many edges as its topology, edges differ in the number of their
  ///   operations, or an edge has none or one of them twice.
  public init(kinds: [CellKind], candidates: [[[CellOperation]]]) throws {
    let columns = candidates.first?.first?.count ?? 0
    for (kind, edges) in zip(kinds, candidates) {
      let expected = kind.topology.edges.count
      guard edges.count == expected else {
        throw InputError(
          "wrong number of edges", at: "operations, \(kind.name)", found: "\(edges.count)", wanted: "\(expected)")
      }
      for (index, edge) in edges.enumerated() where edge.isEmpty || edge.count != columns || Set(edge).count != edge.count {
        throw InputError(
          "wrong operations", at: "operations, \(kind.name)[\(index)]",
          found: edge.isEmpty ? "none" : edge.map(\.rawValue).joined(separator: ", "),
          wanted: "\(max(1, columns)) different ones, as many as on every edge")
      }
    }
    self.init(unchecked: candidates, kinds: kinds)
  }

  init(unchecked candidates: [[[CellOperation]]], kinds: [CellKind]) {
    precondition(candidates.count == kinds.count, "candidates of each kind of cell")
    self.kinds = kinds
    self.candidates = candidates
  }

  /// Operations of one edge: columns of α, β apart.
  public var operationsPerEdge: Int { candidates[0][0].count }

  /// α of zeros, with or without the column of β.
  public func zeroAlphas(edgeNormalisation: Bool = false) -> ArchitectureParameters {
    ArchitectureParameters(
      kinds: kinds,
      matrices: kinds.map { kind in
        ArchitectureParameters.Matrix(
          rows: kind.topology.edges.count, columns: operationsPerEdge + (edgeNormalisation ? 1 : 0),
          hasEdgeColumn: edgeNormalisation, topology: kind.topology)
      })
  }

  /// The `count` operations of each edge with the largest mixing weights, in the order that they had. Of equals the later
  /// operation stays, as in the code of P-DARTS.
  ///
  /// - Throws: `InputError` where α has another shape or is not finite, or fewer operations than `count` are there.
  public func strongest(_ count: Int, alphas: ArchitectureParameters) throws -> EdgeOperations {
    try CountBounds(1...max(1, operationsPerEdge))
      .require(count, at: "operations of an edge", "cannot keep so many operations")
    try validate(alphas)
    let kept = zip(candidates, alphas.matrices).map { edges, matrix in
      let weights = matrix.softmaxRows()
      return edges.enumerated().map { row, operations -> [CellOperation] in
        let columns = operations.count
        let order = operations.indices.sorted {
          let (a, b) = (weights[row * columns + $0], weights[row * columns + $1])
          return a == b ? $0 > $1 : a > b
        }
        let kept = Set(order.prefix(count))
        return operations.indices.filter(kept.contains).map { operations[$0] }
      }
    }
    return EdgeOperations(unchecked: kept, kinds: kinds)
  }

  /// - Throws: `InputError` where α is not of these candidates or not finite.
  func validate(_ alphas: ArchitectureParameters) throws {
    guard alphas.kinds == kinds else {
      func text(_ kinds: [CellKind]) -> String { kinds.map(\.name).joined(separator: ", ") }
      throw InputError(
        "α of other cells", at: .words("α"), found: text(alphas.kinds), wanted: text(kinds))
    }
    for ((kind, matrix), edges) in zip(zip(kinds, alphas.matrices), candidates) {
      let columns = edges[0].count
      guard matrix.rows == edges.count, matrix.operationColumns == columns else {
        throw InputError(
          "wrong shape", at: .words(kind.alphaName), found: "[\(matrix.rows), \(matrix.operationColumns)]",
          wanted: "[\(edges.count), \(columns)]")
      }
      guard matrix.values.allSatisfy(\.isFinite) else {
        throw InputError(
          "no architecture can be derived", at: .words(kind.alphaName), found: "values that are not finite",
          wanted: "finite α")
      }
    }
  }
}
