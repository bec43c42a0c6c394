/// What the α of a run or of a file stands for: the candidates of each edge, and whether a column of β weighs the edges.
///
/// Whoever reads α asks the run or the file for its shape; nobody works it out from the space, since stages of a progressive
/// search keep fewer candidates and edge normalisation adds a column.
public struct AlphaShape: Hashable, Sendable {
  /// The operations that the columns stand for, edge by edge.
  public let operations: EdgeOperations
  /// Whether there is β (PC-DARTS, §3.3).
  public let hasEdgeColumn: Bool

  public init(operations: EdgeOperations, hasEdgeColumn: Bool = false) {
    self.operations = operations
    self.hasEdgeColumn = hasEdgeColumn
  }

  /// α of zeros.
  public var zeroAlphas: ArchitectureParameters { operations.zeroAlphas(edgeNormalisation: hasEdgeColumn) }
}
