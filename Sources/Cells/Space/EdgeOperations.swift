import Formats

/// The candidate operations of every edge of the two cell kinds, in the order of the rows and columns of α.
///
/// A search space names them all; a search that shrinks progressively (Chen et al., P-DARTS, ICCV 2019, §3.2) keeps fewer
/// from stage to stage, not the same ones on every edge.
public struct EdgeOperations: Hashable, Sendable {
  /// Candidates of the 14 edges of a normal cell.
  public let normal: [[CellOperation]]
  /// Candidates of the 14 edges of a reduction cell.
  public let reduce: [[CellOperation]]

  /// - Throws: `InputError` where a cell has not 14 edges, edges differ in the number of their operations, or an edge
  ///   has none or one of them twice.
  public init(normal: [[CellOperation]], reduce: [[CellOperation]]) throws {
    let columns = normal.first?.count ?? 0
    for (cell, edges) in [("normal", normal), ("reduce", reduce)] {
      guard edges.count == CellTopology.edges.count else {
        throw InputError(
          "wrong number of edges", at: "operations, \(cell)", found: "\(edges.count)", wanted: "\(CellTopology.edges.count)")
      }
      for (index, edge) in edges.enumerated() where edge.isEmpty || edge.count != columns || Set(edge).count != edge.count {
        throw InputError(
          "wrong operations", at: "operations, \(cell)[\(index)]",
          found: edge.isEmpty ? "none" : edge.map(\.rawValue).joined(separator: ", "),
          wanted: "\(max(1, columns)) different ones, as many as on every edge")
      }
    }
    self.init(uncheckedNormal: normal, reduce: reduce)
  }

  init(uncheckedNormal normal: [[CellOperation]], reduce: [[CellOperation]]) {
    self.normal = normal
    self.reduce = reduce
  }

  /// Operations of one edge: columns of α, β apart.
  public var operationsPerEdge: Int { normal[0].count }

  /// α of zeros, with or without the column of β.
  public func zeroAlphas(edgeNormalisation: Bool = false) -> ArchitectureParameters {
    let matrix = ArchitectureParameters.Matrix(
      rows: CellTopology.edges.count, columns: operationsPerEdge + (edgeNormalisation ? 1 : 0),
      hasEdgeColumn: edgeNormalisation)
    return ArchitectureParameters(normal: matrix, reduce: matrix)
  }

  /// The `count` operations of each edge with the largest mixing weights, in the order that they had. Of equals the later
  /// operation stays, as in the code of P-DARTS.
  ///
  /// - Throws: `InputError` where α has another shape or is not finite, or fewer operations than `count` are there.
  public func strongest(_ count: Int, alphas: ArchitectureParameters) throws -> EdgeOperations {
    guard (1...operationsPerEdge).contains(count) else {
      throw InputError(
        "cannot keep so many operations", at: "operations of an edge", found: "\(count)", wanted: "1 to \(operationsPerEdge)"
      )
    }
    func shrunk(_ edges: [[CellOperation]], _ matrix: ArchitectureParameters.Matrix, _ key: String) throws
      -> [[CellOperation]]
    {
      try Genotype.validate(matrix, candidates: edges, key: key)
      let weights = matrix.softmaxRows()
      return edges.enumerated().map { row, operations in
        let columns = operations.count
        let order = operations.indices.sorted {
          let (a, b) = (weights[row * columns + $0], weights[row * columns + $1])
          return a == b ? $0 > $1 : a > b
        }
        let kept = Set(order.prefix(count))
        return operations.indices.filter(kept.contains).map { operations[$0] }
      }
    }
    return EdgeOperations(
      uncheckedNormal: try shrunk(normal, alphas.normal, "alphas_normal"),
      reduce: try shrunk(reduce, alphas.reduce, "alphas_reduce"))
  }
}

extension SearchSpace {
  /// All candidates of the space.
  public var operations: EdgeOperations { EdgeOperations(uncheckedNormal: normal, reduce: reduce) }
}
