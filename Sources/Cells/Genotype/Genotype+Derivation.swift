import Formats

extension Genotype {
  /// The architecture that α stands for, by the rule of each kind of cell: in DARTS per node the two incoming edges whose strongest operation other than `none` has
  /// the largest mixing weight, with that operation (Liu et al., DARTS, ICLR 2019, §2.4).
  ///
  /// The softmax runs over all operations of an edge, `none` among them. A node's edges are listed in descending
  /// strength; of equals the earlier edge, and on an edge the earlier operation, comes first.
  ///
  /// Where α switches edges off (`Matrix.isChosen`) the cell is chosen already and is given back as it is: the others' edges
  /// come before those that are off, and a chosen `none` stays `none`, as in random search (Li and Talwalkar, 2019).
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
    try operations.validate(alphas)
    try self.init(
      cells: operations.kinds.indices.map { index in
        let edges = Self.edges(
          of: alphas.matrices[index], kind: operations.kinds[index], candidates: operations.candidates[index],
          maximumSkips: index == 0 ? maximumSkips : nil)
        return Cell(operations.kinds[index], edges: edges)
      })
  }

  private static func edges(
    of alphas: ArchitectureParameters.Matrix, kind: CellKind, candidates: [[CellOperation]], maximumSkips: Int?
  ) -> [Edge] {
    var weights = alphas.strengths()
    let off = alphas.isChosen ? Set((0..<alphas.rows).filter(alphas.isOff)) : nil
    var chosen = edges(of: kind, weights: weights, candidates: candidates, off: off)
    // Every round rules one skip connection out for good, so the rounds end.
    while let maximumSkips, chosen.count(where: { $0.edge.operation == .skipConnect }) > maximumSkips {
      let skips = chosen.filter { $0.edge.operation == .skipConnect && $0.weight > 0 }
      guard let weakest = skips.min(by: { $0.weight == $1.weight ? $0.row < $1.row : $0.weight < $1.weight }) else { break }
      let column = candidates[weakest.row].firstIndex(of: .skipConnect) ?? 0
      weights[weakest.row * candidates[0].count + column] = 0
      chosen = edges(of: kind, weights: weights, candidates: candidates, off: off)
    }
    return chosen.map(\.edge)
  }

  private typealias Candidate = (edge: Edge, weight: Double, row: Int)

  /// - Parameter off: rows that are switched off, where α stands for a chosen architecture; nil where it is a mixture.
  private static func edges(
    of kind: CellKind, weights: [Double], candidates: [[CellOperation]], off: Set<Int>?
  ) -> [Candidate] {
    let columns = candidates[0].count
    return (0..<kind.topology.nodeCount).flatMap { node -> [Candidate] in
      let strengths = kind.topology.edgesInto(node: node).map { row -> Candidate in
        let source = kind.topology.edges[row].source
        // Behind every edge that is on, whose weights are 0 at least.
        if off?.contains(row) == true { return (Edge(.none, from: source), -1, row) }
        return strongest(
          of: candidates[row], weights: weights[row * columns..<(row + 1) * columns], row: row, from: source,
          keepsNone: kind.derivation.keepsNone || off != nil)
      }
      let kept = kind.derivation.kept(of: strengths.count)
      guard kept < strengths.count || !kind.derivation.keepsNone else { return strengths }
      // The indices decide between equals, so the order never rests on the sort being stable.
      let order = strengths.indices.sorted {
        strengths[$0].weight == strengths[$1].weight ? $0 < $1 : strengths[$0].weight > strengths[$1].weight
      }
      return order.prefix(kept).map { strengths[$0] }
    }
  }

  private static func strongest(
    of candidates: [CellOperation], weights: ArraySlice<Double>, row: Int, from source: Int, keepsNone: Bool
  ) -> Candidate {
    var best: Candidate = (Edge(.none, from: source), -1, row)
    for (operation, weight) in zip(candidates, weights) where (keepsNone || operation != .none) && weight > best.weight {
      best = (Edge(operation, from: source), weight, row)
    }
    return best
  }
}
