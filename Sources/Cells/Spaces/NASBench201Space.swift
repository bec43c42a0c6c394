/// NAS-Bench-201 (Dong and Yang, ICLR 2020, arXiv 2001.00326): one kind of cell, of an input and three nodes, each of which reads
/// all states before it; every edge keeps its best operation, so there are 5⁶ = 15,625 architectures. σ is that of the small
/// spaces of the ZARTS paper, which did not search this one.
extension SearchSpace {
  public static let nb201 = SearchSpace(
    "nb201",
    operations: EdgeOperations(
      unchecked: [
        Array(
          repeating: [.none, .skipConnect, .norConv1x1, .norConv3x3, .averagePool3x3],
          count: CellKind.nb201.topology.edges.count)
      ], kinds: [.nb201]),
    defaultSigma: 0.2)
}

extension CellKind {
  /// The cell of NAS-Bench-201: its output is its last node.
  public static let nb201 = CellKind(
    name: "cell", title: "Cell", word: "cell", alphaName: "arch_parameters", topology: CellTopology(inputs: 1, nodes: 3),
    derivation: .everyEdge, macroArchitecture: .residualStages(count: 3), outputs: [3])
}
