/// The DARTS space with `none`, s5 (Liu et al., ICLR 2019, §3.1), and without it, s6 (the space of the ZARTS paper).
extension SearchSpace {
  public static let s5 = uniform("s5", [.none] + dartsOperations, defaultSigma: 0.025)
  public static let s6 = uniform("s6", dartsOperations, defaultSigma: 0.025)

  static let darts = [s5, s6]

  private static let dartsOperations: [CellOperation] = [
    .maxPool3x3, .averagePool3x3, .skipConnect, .separableConv3x3, .separableConv5x5, .dilatedConv3x3, .dilatedConv5x5,
  ]

  /// A space of the DARTS family with the same candidates on every edge.
  package static func uniform(_ name: String, _ candidates: [CellOperation], defaultSigma: Double) -> SearchSpace {
    let edges = Array(repeating: candidates, count: CellTopology.darts.edges.count)
    return SearchSpace(
      name, operations: EdgeOperations(unchecked: [edges, edges], kinds: .darts), defaultSigma: defaultSigma)
  }
}
