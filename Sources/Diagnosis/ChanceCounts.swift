import Cells
import Compute
import Search
import Synchronization

/// How many edges of a derived cell are of a kind where α is drawn at random: what a count has to exceed to say anything. In
/// s2 half of them are skip connections on average, in s6 one of seven.
public struct ChanceCounts: Equatable, Sendable {
  /// Of the cells of the space.
  let kinds: [CellKind]
  /// `shares[cell][kind][k]`: the part of random α whose derived cell has k or more.
  private let shares: [CellKind: [CollapseKind: [Double]]]

  /// Draws α from a standard normal distribution, all operations and edges alike, 4000 times.
  ///
  /// - Throws: `InputError` where no architecture can be derived for these candidates.
  public init(operations: EdgeOperations, edgeNormalisation: Bool = false, maximumSkips: Int? = nil) throws {
    var counts: [CellKind: [CollapseKind: [Int]]] = [:]
    for cell in operations.kinds {
      for kind in CollapseKind.allCases {
        counts[cell, default: [:]][kind] = [Int](repeating: 0, count: cell.derivedEdgeCount + 1)
      }
    }
    var alphas = operations.zeroAlphas(edgeNormalisation: edgeNormalisation)
    for draw in 0..<Self.draws {
      var stream = RandomStream(seed: 0, purpose: .statistics, epoch: 1, index: draw)
      alphas.flat = stream.normals(alphas.count).map { Float($0) }
      let genotype = try Genotype(alphas: alphas, operations: operations, maximumSkips: maximumSkips)
      for cell in genotype.cells {
        counts[cell.kind]?[.skips]?[cell.skipConnectionCount] += 1
        counts[cell.kind]?[.parameterFree]?[cell.parameterFreeCount] += 1
      }
    }
    kinds = operations.kinds
    shares = counts.mapValues { kinds in
      kinds.mapValues { histogram in
        histogram.indices.map { Double(histogram[$0...].reduce(0, +)) / Double(Self.draws) }
      }
    }
  }

  private static let draws = 4000

  private struct Key: Hashable {
    let operations: EdgeOperations
    let edgeNormalisation: Bool
    let maximumSkips: Int?
  }
  private static let known = Mutex<[Key: ChanceCounts]>([:])

  /// The counts of a search's candidates, drawn once a process.
  ///
  /// - Throws: as `init` does.
  static func of(_ configuration: SearchConfiguration) throws -> ChanceCounts {
    try of(
      Key(
        operations: configuration.operations, edgeNormalisation: configuration.edgeNormalisation,
        maximumSkips: configuration.maximumSkips))
  }

  /// The counts of a space, drawn once a process.
  static func of(_ space: SearchSpace) throws -> ChanceCounts {
    try of(Key(operations: space.operations, edgeNormalisation: false, maximumSkips: nil))
  }

  private static func of(_ key: Key) throws -> ChanceCounts {
    if let counts = known.withLock({ $0[key] }) { return counts }
    let counts = try ChanceCounts(
      operations: key.operations, edgeNormalisation: key.edgeNormalisation, maximumSkips: key.maximumSkips)
    known.withLock { $0[key] = counts }
    return counts
  }

  /// The part of random architectures that have `count` or more.
  public func share(of kind: CollapseKind, in cell: CellKind, atLeast count: Int) -> Double {
    guard let values = shares[cell]?[kind], count < values.count else { return 0 }
    return count <= 0 ? 1 : values[count]
  }

  /// The least count, `least` or more, that at most a part `chance` of random architectures reaches; nil where even a cell
  /// of nothing else is more usual than that.
  public func threshold(for kind: CollapseKind, in cell: CellKind, least: Int, chance: Double) -> Int? {
    (max(1, least)...max(max(1, least), cell.derivedEdgeCount)).first {
      $0 <= cell.derivedEdgeCount && share(of: kind, in: cell, atLeast: $0) <= chance
    }
  }
}
