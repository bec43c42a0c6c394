import Formats
import Foundation

/// What the tensors of a stage of a progressive search (Chen et al., P-DARTS, ICCV 2019, §3.2) say about the operations that its
/// edges have kept.
///
/// Operations stand in the order of the space, so a column that has weights tells its operation: kernels and their number tell
/// convolutions, and a skip connection that halves the resolution has weights of its own. Pools share one form of batch norm, and
/// `none` and a skip connection of full resolution have nothing; which they are follows from their neighbours or stays open.
public struct StageEvidence: Sendable {
  /// Operations of an edge.
  public let operationsPerEdge: Int
  private let space: SearchSpace
  /// Of each kind of cell and edge, every choice that its tensors allow.
  private let choices: [[[[CellOperation]]]]

  /// - Parameters:
  ///   - shapes: of all tensors, by name.
  ///   - space: whose operations the stage keeps some of.
  /// - Returns: nil where the tensors are of no such stage.
  public init?(shapes: [String: [Int]], of space: SearchSpace) {
    guard space.macroArchitecture == .reductions else { return nil }
    let marks = shapes.compactMap { Mark($0, $1) }
    let columns =
      shapes[space.kinds[0].alphaName].flatMap { $0.count == 2 ? $0[1] : nil } ?? marks.map { $0.column + 1 }.max()
    guard let columns, (1..<space.operationsPerEdge).contains(columns), let layers = marks.map({ $0.cell + 1 }).max(),
      marks.allSatisfy({ $0.column < columns })
    else { return nil }
    // A file may hold parameters alone, without running statistics.
    let showsPools = shapes.keys.contains { $0.hasSuffix(".running_mean") }
    choices = space.kinds.enumerated().map { kind, cell in
      let observed = marks.filter { space.macroArchitecture.kind(ofCell: $0.cell, layers: layers) == kind }
      return cell.topology.edges.enumerated().map { edge, ends in
        let isStrided = cell.stride == 2 && ends.source < cell.topology.inputCount
        let signs = (0..<columns).map { column in
          Set(observed.filter { $0.edge == edge && $0.column == column }.map(\.sign))
        }
        return Self.subsequences(of: space.operations.candidates[kind][edge], count: columns).filter { operations in
          zip(operations, signs).allSatisfy { Self.signs(of: $0, isStrided: isStrided, showsPools: showsPools) == $1 }
        }
      }
    }
    guard choices.joined().allSatisfy({ !$0.isEmpty }) else { return nil }
    operationsPerEdge = columns
    self.space = space
  }

  /// The operations, where the tensors leave no choice.
  public var operations: EdgeOperations? {
    guard choices.joined().allSatisfy({ $0.count == 1 }) else { return nil }
    return EdgeOperations(unchecked: choices.map { $0.map { $0[0] } }, kinds: space.kinds)
  }

  /// Whether the tensors can be those of some operations.
  public func allows(_ operations: EdgeOperations) -> Bool {
    operations.kinds == space.kinds
      && zip(choices.joined(), operations.candidates.joined()).allSatisfy { $0.contains($1) }
  }

  /// The first edge that is left open, in words: "edge 3 of the normal cell may be max_pool_3x3, … or avg_pool_3x3, …".
  public var openEdge: String? {
    for (kind, edges) in zip(space.kinds, choices) {
      guard let edge = edges.firstIndex(where: { $0.count > 1 }) else { continue }
      let texts = edges[edge].prefix(3).map { $0.map(\.rawValue).joined(separator: " ") }
      return "edge \(edge) of the \(kind.word) cell may be \(texts.joined(separator: ", or "))"
    }
    return nil
  }

  /// The weights and statistics that an operation shows.
  private enum Sign: Hashable {
    case first(Int), second(Int), factorised, pool
  }

  private struct Mark {
    let cell: Int
    let edge: Int
    let column: Int
    let sign: Sign

    init?(_ name: String, _ shape: [Int]) {
      guard let name = OperationTensorName(name) else { return nil }
      (cell, edge, column) = (name.cell, name.edge, name.column)
      switch name.part {
      case "op.1.weight" where shape.count == 4: sign = .first(shape[3])
      case "op.5.weight" where shape.count == 4: sign = .second(shape[3])
      case "conv_1.weight": sign = .factorised
      case "1.running_mean": sign = .pool
      default: return nil
      }
    }
  }

  private static func signs(of operation: CellOperation, isStrided: Bool, showsPools: Bool) -> Set<Sign> {
    switch operation.form {
    case .depthwise(let kernel, _, let times): times > 1 ? [.first(kernel), .second(kernel)] : [.first(kernel)]
    case .identity: isStrided ? [.factorised] : []
    case .pool: showsPools ? [.pool] : []
    case .zero, .noise, .dense: []
    }
  }

  /// Every choice of so many, in their order.
  private static func subsequences(of operations: [CellOperation], count: Int) -> [[CellOperation]] {
    guard count > 0 else { return [[]] }
    guard operations.count >= count else { return [] }
    let rest = Array(operations.dropFirst())
    return subsequences(of: rest, count: count - 1).map { [operations[0]] + $0 } + subsequences(of: rest, count: count)
  }
}

extension EdgeOperations {
  /// The operations that the log of P-DARTS says were kept at the end of each stage, those of the next
  /// (chenxin061/pdarts, train_search.py, 200–202: `switches_normal = [[True, False, …], …]`, the space's operations of each edge).
  ///
  /// Lines whose edges differ in the number of their operations are of no stage and passed over.
  ///
  /// - Throws: `InputError` where there is no such line, or one that is not of the space.
  public static func switches(inLog text: String, of space: SearchSpace, path: String) throws -> [EdgeOperations] {
    let names = space.kinds.map { "switches_\($0.name) = " }
    var found: [EdgeOperations] = []
    var pending: [[[CellOperation]]] = []
    var lineCount = 0
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      guard let kind = names.firstIndex(where: { line.contains($0) }), let list = line.range(of: names[kind])?.upperBound
      else {
        continue
      }
      lineCount += 1
      let candidates = space.operations.candidates[kind]
      let rows = line[list...].split(separator: "]").map { row in
        row.split { !$0.isLetter }.compactMap { word in ["True": true, "False": false][String(word)] }
      }.filter { !$0.isEmpty }
      guard rows.count == candidates.count, zip(rows, candidates).allSatisfy({ $0.count == $1.count }) else {
        throw InputError(
          "not the switches of space \(space.rawValue)", at: .file(path, "line \(number + 1)"),
          found:
            "\(rows.count) edges of \(Set(rows.map(\.count)).sorted().map(String.init).joined(separator: ", ")) operations",
          wanted: "\(candidates.count) edges of \(candidates[0].count)")
      }
      if kind == 0 { pending = [] }
      pending.append(zip(rows, candidates).map { row, operations in zip(row, operations).filter(\.0).map(\.1) })
      guard pending.count == names.count else { continue }
      if let operations = try? EdgeOperations(kinds: space.kinds, candidates: pending) { found.append(operations) }
      pending = []
    }
    guard lineCount > 0 else {
      throw InputError(
        "no switches of P-DARTS", at: .file(path), found: "no line with '\(names[0])[[…]]'", wanted: "the log of its search")
    }
    return found
  }
}
