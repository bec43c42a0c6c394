import Cells
import Compute
import Formats
import Foundation
import Problems
import Runs

/// What the supernet loses without something: a row of removals.csv.
public struct RemovalRow: Equatable, Sendable {
  /// Round of decisions, from 1.
  public var round: Int
  /// Name of the kind of cell.
  public var kind: String
  /// Edge, a row of α, and the operation on it that is removed; the operation is nil where the whole edge is, and both are where
  /// nothing is.
  public var edge: Int?
  public var operation: CellOperation?
  /// Where the edge comes from and which node it enters, from 0.
  public var source: Int?
  public var node: Int?
  /// The operation's mixing weight, of an edge the largest of an operation that could be chosen; as α has it when decided.
  public var strength: Double?
  /// Without what is removed; nil where nothing is evaluated.
  public var result: BatchLoss?
  /// Loss and accuracy with it.
  public var whole: BatchLoss?
  /// Whether the operation is the edge's, or the edge stays.
  public var isChosen = false

  /// Accuracy that is lost with it, negative where it is gained.
  public var accuracyDrop: Double? { result.flatMap { found in whole.map { $0.accuracy - found.accuracy } } }
  /// Loss that is added without it.
  public var lossRise: Double? { result.flatMap { found in whole.map { found.loss - $0.loss } } }

  public static let columns = [
    "round", "kind", "edge", "source", "node", "operation", "strength", "loss", "accuracy", "correct", "images", "loss_rise",
    "accuracy_drop", "chosen",
  ]

  var cells: [CSVField] {
    func whole(_ value: Int?) -> CSVField { value.map(CSVField.integer) ?? .text("") }
    func real(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    return [
      .integer(round), .text(kind), whole(edge), whole(source), whole(node), .text(operation?.rawValue ?? ""),
      real(strength), real(result?.loss), real(result?.accuracy), whole(result?.correct), whole(result?.count),
      real(lossRise), real(accuracyDrop), .integer(isChosen ? 1 : 0),
    ]
  }

  /// The rows of a removals.csv.
  ///
  /// - Throws: `InputError` where the file or a column is absent, or a cell does not hold what its column does.
  public static func read(from path: String) throws -> [RemovalRow] {
    let table = try CSVTable(readingFrom: path)
    let rounds = try table.integers("round", RunBounds.epochs)
    let (kinds, operations) = (try table.column("kind"), try table.column("operation"))
    let edges = try table.optionalIntegers("edge", RunBounds.start)
    let sources = try table.optionalIntegers("source", RunBounds.start)
    let nodes = try table.optionalIntegers("node", RunBounds.start)
    let strengths = try table.optionalDoubles("strength", .fraction)
    let results = try Self.results(table)
    let chosen = try table.integers("chosen", CountBounds(0...1))
    var whole: BatchLoss?
    return try rounds.indices.map { index in
      var row = RemovalRow(round: rounds[index], kind: kinds[index])
      if !operations[index].isEmpty {
        guard let operation = CellOperation(rawValue: operations[index]) else {
          throw table.failure(
            "no operation", row: index, column: "operation", found: operations[index], expected: "its name")
        }
        row.operation = operation
      }
      (row.edge, row.source, row.node) = (edges[index], sources[index], nodes[index])
      (row.strength, row.result, row.isChosen) = (strengths[index], results[index], chosen[index] == 1)
      // The network with everything stands first of its kind and round.
      if row.edge == nil { whole = row.result }
      row.whole = row.result == nil ? nil : whole
      return row
    }
  }

  /// The evaluations of a table or journal; nil where a row has none.
  static func results(_ table: CSVTable) throws -> [BatchLoss?] {
    let losses = try table.optionalDoubles("loss", .finite)
    let correct = try table.optionalIntegers("correct", RunBounds.weightSteps)
    let images = try table.optionalIntegers("images", RunBounds.weightSteps)
    return losses.indices.map { row in
      guard let loss = losses[row], let right = correct[row], let count = images[row] else { return nil }
      return BatchLoss(loss: loss, correct: right, count: count)
    }
  }

  var key: RemovalJournal.Key { .init(round: round, kind: kind, edge: edge, operation: operation?.rawValue ?? "") }
}

/// Evaluations as they are made, each on disk before the next: a selection that was stopped or killed makes none of them twice.
final class RemovalJournal {
  struct Key: Hashable {
    var round: Int
    var kind: String
    var edge: Int?
    var operation: String
  }

  static let name = "removals-journal.csv"
  private static let columns = ["round", "kind", "edge", "operation", "loss", "correct", "images"]

  private(set) var known: [Key: BatchLoss] = [:]
  private let path: String
  private var writer: CSVWriter?

  /// What is in the journal and in the table of a folder.
  ///
  /// - Throws: `InputError` where one of them cannot be read.
  init(_ folder: OutputFolder) throws {
    path = folder.file(Self.name)
    for path in [path, folder.file(ProjectionFolder.tableName)] where FileManager.default.fileExists(atPath: path) {
      // Opening a journal drops a row that was cut short.
      if path == self.path { writer = try CSVWriter(continuing: path, columns: Self.columns) }
      try read(CSVTable(readingFrom: path))
    }
  }

  private func read(_ table: CSVTable) throws {
    let rounds = try table.integers("round", RunBounds.epochs)
    let (kinds, operations) = (try table.column("kind"), try table.column("operation"))
    let edges = try table.optionalIntegers("edge", RunBounds.start)
    let results = try RemovalRow.results(table)
    for row in rounds.indices {
      guard let result = results[row] else { continue }
      let key = Key(round: rounds[row], kind: kinds[row], edge: edges[row], operation: operations[row])
      known[key] = result
    }
  }

  /// - Throws: `InputError` where the file cannot be written.
  func add(_ key: Key, _ result: BatchLoss) throws {
    let writer = try self.writer ?? CSVWriter(continuing: path, columns: Self.columns)
    self.writer = writer
    try writer.append([
      .integer(key.round), .text(key.kind), key.edge.map(CSVField.integer) ?? .text(""), .text(key.operation),
      .real(result.loss), .integer(result.correct), .integer(result.count),
    ])
    try writer.synchronise()
    known[key] = result
  }

  /// Once the table holds everything.
  func remove() {
    writer = nil
    try? FileManager.default.removeItem(atPath: path)
  }
}
