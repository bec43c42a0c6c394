import Cells

/// How the mixing weights of one kind of cell lie in `NetworkInput.mixing`: edge after edge the weights of its operations, each row
/// with that of its auxiliary skip connection behind it, where the network has them; then, with partial channels, the weight of what
/// bypasses the operations of each edge.
struct MixingRows {
  let edges: Int
  /// Operations of an edge.
  let columns: Int
  let hasAuxiliarySkips: Bool
  let hasBypasses: Bool

  /// - Parameter candidates: of each edge of the kind.
  init(of candidates: [[CellOperation]], in variant: SupernetVariant) {
    (edges, columns) = (candidates.count, candidates[0].count)
    (hasAuxiliarySkips, hasBypasses) = (variant.auxiliarySkip, variant.partialChannels > 1)
  }

  var count: Int { operationCount + (hasAuxiliarySkips ? edges : 0) + (hasBypasses ? edges : 0) }
  private var operationCount: Int { edges * columns }
  /// Values of a row.
  var width: Int { columns + (hasAuxiliarySkips ? 1 : 0) }

  /// Values for an engine.
  ///
  /// - Parameters:
  ///   - operations: [edges, columns].
  ///   - auxiliarySkips: one an edge, left out where the network has none; so the bypasses.
  func joined<Value>(_ operations: [Value], auxiliarySkips: [Value], bypasses: [Value]) -> [Value] {
    let rows =
      hasAuxiliarySkips
      ? (0..<edges).flatMap { operations[$0 * columns..<($0 + 1) * columns] + [auxiliarySkips[$0]] } : operations
    return hasBypasses ? rows + bypasses : rows
  }

  /// The parts of what an engine gives back: of operations [edges, columns], of auxiliary skip connections and bypasses one an
  /// edge, nil where there are none.
  func parts<Value>(of values: [Value]) -> (operations: [Value], auxiliarySkips: [Value]?, bypasses: [Value]?) {
    let bypasses = hasBypasses ? Array(values[(edges * width)...]) : nil
    guard hasAuxiliarySkips else { return (Array(values[..<operationCount]), nil, bypasses) }
    let operations = (0..<edges).flatMap { values[$0 * width..<$0 * width + columns] }
    return (operations, (0..<edges).map { values[$0 * width + columns] }, bypasses)
  }
}
