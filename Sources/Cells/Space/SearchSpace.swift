/// The candidate operations of each edge: s1–s4 of RobustDARTS (Zela et al., ICLR 2020, §3), s5 the DARTS space with
/// `none`, s6 without it (the space of the ZARTS paper).
public enum SearchSpace: String, CaseIterable, Codable, Sendable {
  case s1, s2, s3, s4, s5, s6

  /// Candidates of the 14 edges of a normal cell, in the order of the columns of α.
  public var normal: [[CellOperation]] {
    switch self {
    case .s1: Self.s1Normal
    default: uniform
    }
  }

  /// Candidates of the 14 edges of a reduction cell.
  public var reduce: [[CellOperation]] {
    switch self {
    case .s1: Self.s1Reduce
    default: uniform
    }
  }

  /// Columns of α.
  public var operationsPerEdge: Int { normal[0].count }

  /// α of zeros.
  public var zeroAlphas: ArchitectureParameters {
    operations.zeroAlphas()
  }

  private var uniform: [[CellOperation]] {
    let candidates: [CellOperation] =
      switch self {
      case .s1: []
      case .s2: [.skipConnect, .separableConv3x3]
      case .s3: [.none, .skipConnect, .separableConv3x3]
      case .s4: [.noise, .separableConv3x3]
      case .s5: [.none] + Self.dartsOperations
      case .s6: Self.dartsOperations
      }
    return Array(repeating: candidates, count: CellTopology.edges.count)
  }

  /// Whether an edge has several convolutions, which can be merged.
  public var hasEdgesOfConvolutions: Bool {
    (normal + reduce).contains { edge in edge.count { $0.depthwise != nil } > 1 }
  }

  private static let dartsOperations: [CellOperation] = [
    .maxPool3x3, .averagePool3x3, .skipConnect, .separableConv3x3, .separableConv5x5, .dilatedConv3x3, .dilatedConv5x5,
  ]

  private static let s1Normal: [[CellOperation]] = [
    [.skipConnect, .dilatedConv3x3], [.skipConnect, .dilatedConv5x5],
    [.skipConnect, .dilatedConv5x5], [.skipConnect, .separableConv3x3], [.skipConnect, .dilatedConv3x3],
    [.maxPool3x3, .skipConnect], [.skipConnect, .separableConv3x3], [.skipConnect, .separableConv3x3],
    [.skipConnect, .dilatedConv3x3],
    [.skipConnect, .separableConv3x3], [.maxPool3x3, .skipConnect], [.skipConnect, .dilatedConv3x3],
    [.dilatedConv3x3, .dilatedConv5x5], [.dilatedConv3x3, .dilatedConv5x5],
  ]

  private static let s1Reduce: [[CellOperation]] = [
    [.maxPool3x3, .averagePool3x3], [.maxPool3x3, .dilatedConv3x3],
    [.maxPool3x3, .averagePool3x3], [.maxPool3x3, .averagePool3x3], [.skipConnect, .dilatedConv5x5],
    [.maxPool3x3, .averagePool3x3], [.maxPool3x3, .separableConv3x3], [.skipConnect, .dilatedConv3x3],
    [.skipConnect, .dilatedConv5x5],
    [.maxPool3x3, .averagePool3x3], [.maxPool3x3, .averagePool3x3], [.skipConnect, .dilatedConv5x5],
    [.skipConnect, .dilatedConv5x5], [.skipConnect, .dilatedConv5x5],
  ]
}
