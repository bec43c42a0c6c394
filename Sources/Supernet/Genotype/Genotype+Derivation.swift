extension Genotype {
  /// The architecture that α stands for: per node the two incoming edges whose strongest operation other than `none` has
  /// the largest mixing weight, with that operation (Liu et al., DARTS, ICLR 2019, §2.4).
  ///
  /// The softmax runs over all operations of an edge, `none` among them. A node's edges are listed in descending
  /// strength; of equals the earlier edge, and on an edge the earlier operation, comes first.
  ///
  /// - Throws: `SupernetError` where α does not have the space's shape or is not finite.
  public init(alphas: ArchitectureParameters, space: SearchSpace) throws {
    let nodes = Array(CellTopology.inputCount..<CellTopology.stateCount)
    try self.init(
      normal: Self.edges(of: alphas.normal, candidates: space.normal, key: "alphas_normal"), normalConcat: nodes,
      reduce: Self.edges(of: alphas.reduce, candidates: space.reduce, key: "alphas_reduce"), reduceConcat: nodes)
  }

  private static func edges(
    of alphas: ArchitectureParameters.Matrix, candidates: [[Operation]], key: String
  ) throws -> [Edge] {
    let columns = candidates[0].count
    guard alphas.rows == candidates.count, alphas.columns == columns else {
      throw SupernetError(
        "wrong shape", at: key, found: "[\(alphas.rows), \(alphas.columns)]",
        wanted: "[\(candidates.count), \(columns)]")
    }
    guard alphas.values.allSatisfy(\.isFinite) else {
      throw SupernetError(
        "no architecture can be derived", at: key, found: "values that are not finite", wanted: "finite α")
    }
    let weights = alphas.softmaxRows()
    return (0..<CellTopology.nodeCount).flatMap { node in
      let strengths = CellTopology.edgesInto(node: node).map { row in
        strongest(
          of: candidates[row], weights: weights[row * columns..<(row + 1) * columns], source: CellTopology.edges[row].source)
      }
      // The indices decide between equals, so the order never rests on the sort being stable.
      let order = strengths.indices.sorted {
        strengths[$0].weight == strengths[$1].weight ? $0 < $1 : strengths[$0].weight > strengths[$1].weight
      }
      return order.prefix(edgesPerNode).map { strengths[$0].edge }
    }
  }

  private static func strongest(
    of candidates: [Operation], weights: ArraySlice<Double>, source: Int
  ) -> (edge: Edge, weight: Double) {
    var best: (edge: Edge, weight: Double) = (Edge(.none, from: source), -1)
    for (operation, weight) in zip(candidates, weights) where operation != .none && weight > best.weight {
      best = (Edge(operation, from: source), weight)
    }
    return best
  }
}
