import Cells

/// What α says about one cell at the end of an epoch.
public struct CellState: Equatable, Sendable {
  /// Of the edges of the derived cell, eight in DARTS, those that are `skip_connect`, and those without weights.
  public var skips: Int
  public var parameterFree: Int
  /// Mean over the edges of the entropy of their mixing weights, in nats; nil where α is not known.
  public var entropy: Double?
  /// Mean mixing weight of `skip_connect` over the edges that have it; nil where none has.
  public var skipWeight: Double?
  /// By how much the derived edges that are `skip_connect` chose it: its mixing weight minus that of the best other operation
  /// of the edge, as parts of what `none` leaves, on average; nil where there is no such choice.
  public var skipMargin: Double?
  /// The same for derived edges without weights, against the best operation with weights.
  public var parameterFreeMargin: Double?

  /// What a derived cell says without α.
  init(_ cell: Genotype.Cell) {
    skips = cell.skipConnectionCount
    parameterFree = cell.parameterFreeCount
  }

  /// - Parameters:
  ///   - cell: derived from α.
  ///   - candidates: of each edge.
  init(_ alphas: ArchitectureParameters.Matrix, cell: Genotype.Cell, candidates: [[CellOperation]]) {
    self.init(cell)
    entropy = alphas.meanEntropy
    let weights = alphas.softmaxRows()
    let columns = alphas.operationColumns
    func weight(_ row: Int, _ operation: CellOperation) -> Double? {
      candidates[row].firstIndex(of: operation).map { weights[row * columns + $0] }
    }
    let skipWeights = candidates.indices.compactMap { weight($0, .skipConnect) }
    skipWeight = skipWeights.isEmpty ? nil : skipWeights.reduce(0, +) / Double(skipWeights.count)
    /// Over the derived edges of a kind, against rivals of another.
    func margin(of isCounted: (CellOperation) -> Bool, against isRival: (CellOperation) -> Bool) -> Double? {
      let margins = zip(cell.edges, cell.rows).compactMap { edge, row -> Double? in
        guard isCounted(edge.operation) else { return nil }
        let rivals = candidates[row].filter { $0 != .none && isRival($0) }.compactMap { weight(row, $0) }
        guard let own = weight(row, edge.operation), let best = rivals.max() else { return nil }
        let left = 1 - (weight(row, .none) ?? 0)
        return left > 0 ? (own - best) / left : 0
      }
      return margins.isEmpty ? nil : margins.reduce(0, +) / Double(margins.count)
    }
    skipMargin = margin(of: { $0 == .skipConnect }, against: { $0 != .skipConnect })
    parameterFreeMargin = margin(of: { $0.isParameterFree }, against: { !$0.isParameterFree })
  }
}

/// What collapsed cells are full of.
public enum CollapseKind: String, CaseIterable, Sendable {
  case skips
  case parameterFree = "parameter_free"

  func count(in cell: CellState) -> Int { self == .skips ? cell.skips : cell.parameterFree }
  func margin(in cell: CellState) -> Double? { self == .skips ? cell.skipMargin : cell.parameterFreeMargin }
}
