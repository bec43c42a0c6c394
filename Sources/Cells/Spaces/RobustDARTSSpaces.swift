/// The four reduced spaces on which DARTS collapses (Zela et al., RobustDARTS, ICLR 2020, §3): s1 a pair of operations of its
/// own on each edge, s2 {skip, sep3}, s3 {none, skip, sep3}, s4 {noise, sep3}. σ is that of the ZARTS paper.
extension SearchSpace {
  public static let s1 = SearchSpace(
    "s1", operations: EdgeOperations(unchecked: [s1Normal, s1Reduce], kinds: .darts), defaultSigma: 0.2)
  public static let s2 = uniform("s2", [.skipConnect, .separableConv3x3], defaultSigma: 0.2)
  public static let s3 = uniform("s3", [.none, .skipConnect, .separableConv3x3], defaultSigma: 0.2)
  public static let s4 = uniform("s4", [.noise, .separableConv3x3], defaultSigma: 0.2)

  static let robustDARTS = [s1, s2, s3, s4]

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
