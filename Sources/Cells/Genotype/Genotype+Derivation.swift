import Formats

extension Genotype {
  /// The architecture that α stands for: per node the two incoming edges whose strongest operation other than `none` has
  /// the largest mixing weight, with that operation (Liu et al., DARTS, ICLR 2019, §2.4).
  ///
  /// The softmax runs over all operations of an edge, `none` among them. A node's edges are listed in descending
  /// strength; of equals the earlier edge, and on an edge the earlier operation, comes first.
  ///
  /// - Throws: `InputError` where α does not have the space's shape or is not finite.
  public init(alphas: ArchitectureParameters, space: SearchSpace) throws {
    try self.init(alphas: alphas, operations: space.operations)
  }

  /// The same for the candidates of each edge. Where α has a column of β, an operation's strength is its mixing weight times
  /// the weight of its edge (as the code of PC-DARTS has it).
  ///
  /// - Parameter maximumSkips: skip connections that the normal cell may have at most: while there are more, the weakest of
  ///   them is ruled out and the cell is derived anew (Chen et al., P-DARTS, ICCV 2019, §3.3.2). A skip connection that is
  ///   the only operation of an edge that its node needs stays.
  public init(alphas: ArchitectureParameters, operations: EdgeOperations, maximumSkips: Int? = nil) throws {
    let nodes = Array(CellTopology.inputCount..<CellTopology.stateCount)
    try self.init(
      normal: Self.edges(of: alphas.normal, candidates: operations.normal, key: "alphas_normal", maximumSkips: maximumSkips),
      normalConcat: nodes,
      reduce: Self.edges(of: alphas.reduce, candidates: operations.reduce, key: "alphas_reduce", maximumSkips: nil),
      reduceConcat: nodes)
  }

  static func validate(_ alphas: ArchitectureParameters.Matrix, candidates: [[CellOperation]], key: String) throws {
    let columns = candidates[0].count
    guard alphas.rows == candidates.count, alphas.operationColumns == columns else {
      throw InputError(
        "wrong shape", at: .words(key), found: "[\(alphas.rows), \(alphas.operationColumns)]",
        wanted: "[\(candidates.count), \(columns)]")
    }
    guard alphas.values.allSatisfy(\.isFinite) else {
      throw InputError(
        "no architecture can be derived", at: .words(key), found: "values that are not finite", wanted: "finite α")
    }
  }

  private static func edges(
    of alphas: ArchitectureParameters.Matrix, candidates: [[CellOperation]], key: String, maximumSkips: Int?
  ) throws -> [Edge] {
    try validate(alphas, candidates: candidates, key: key)
    var weights = alphas.strengths()
    var chosen = edges(weights: weights, candidates: candidates)
    // Every round rules one skip connection out for good, so the rounds end.
    while let maximumSkips, chosen.count(where: { $0.edge.operation == .skipConnect }) > maximumSkips {
      let skips = chosen.filter { $0.edge.operation == .skipConnect && $0.weight > 0 }
      guard let weakest = skips.min(by: { $0.weight == $1.weight ? $0.row < $1.row : $0.weight < $1.weight }) else { break }
      let column = candidates[weakest.row].firstIndex(of: .skipConnect) ?? 0
      weights[weakest.row * candidates[0].count + column] = 0
      chosen = edges(weights: weights, candidates: candidates)
    }
    return chosen.map(\.edge)
  }

  private typealias Candidate = (edge: Edge, weight: Double, row: Int)

  private static func edges(weights: [Double], candidates: [[CellOperation]]) -> [Candidate] {
    let columns = candidates[0].count
    return (0..<CellTopology.nodeCount).flatMap { node in
      let strengths = CellTopology.edgesInto(node: node).map { row in
        strongest(of: candidates[row], weights: weights[row * columns..<(row + 1) * columns], row: row)
      }
      // The indices decide between equals, so the order never rests on the sort being stable.
      let order = strengths.indices.sorted {
        strengths[$0].weight == strengths[$1].weight ? $0 < $1 : strengths[$0].weight > strengths[$1].weight
      }
      return order.prefix(edgesPerNode).map { strengths[$0] }
    }
  }

  private static func strongest(of candidates: [CellOperation], weights: ArraySlice<Double>, row: Int) -> Candidate {
    let source = CellTopology.edges[row].source
    var best: Candidate = (Edge(.none, from: source), -1, row)
    for (operation, weight) in zip(candidates, weights) where operation != .none && weight > best.weight {
      best = (Edge(operation, from: source), weight, row)
    }
    return best
  }
}
