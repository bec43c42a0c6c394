import Cells
import Formats
import Foundation
import Search
import Statistics

/// Whether α tells what operations contribute: their mixing weights beside what the network loses without them (DARTS-PT, §3.1
/// and §4.1).
public struct ContributionAccount: Equatable, Sendable {
  public let survey: RemovalSurvey
  public let epoch: Int
  /// Edges on which the strongest operation by α is the one without which the loss is largest; of equals the first.
  public let agreeing: Int
  public let edges: Int
  /// Kendall's τ-b between mixing weights and rises of the loss on an edge, mean over the edges where it is defined.
  public let edgeKendall: Double?
  /// Spearman's correlation of the same over all operations of all edges.
  public let spearman: Double?
  /// The same with drops of accuracy; they tie where a batch is small.
  public let accuracySpearman: Double?

  /// - Throws: what the statistics throw for numbers that are not finite.
  public init(_ survey: RemovalSurvey, epoch: Int) throws {
    (self.survey, self.epoch) = (survey, epoch)
    let edges = survey.edges
    func first(_ operations: [RemovalSurvey.Operation], by value: (RemovalSurvey.Operation) -> Double) -> CellOperation? {
      operations.reduce(nil as RemovalSurvey.Operation?) { best, next in
        best.map { value(next) > value($0) ? next : $0 } ?? next
      }?.operation
    }
    self.edges = edges.count
    agreeing = edges.count { first($0, by: \.strength) == first($0, by: \.lossRise) }
    let taus = try edges.compactMap { edge -> Double? in
      edge.count > 1 ? try Correlation.kendall(edge.map(\.strength), edge.map(\.lossRise)) : nil
    }
    edgeKendall = taus.isEmpty ? nil : taus.reduce(0, +) / Double(taus.count)
    let strengths = survey.operations.map(\.strength)
    spearman = try Correlation.spearman(strengths, survey.operations.map(\.lossRise))
    accuracySpearman = try Correlation.spearman(strengths, survey.operations.map(\.accuracyDrop))
  }

  public static let tableName = "diagnosis-removals.csv"

  static let columns = [
    "epoch", "kind", "edge", "source", "node", "operation", "strength", "loss", "accuracy", "loss_rise", "accuracy_drop",
  ]

  /// Writes a row an operation.
  ///
  /// - Throws: `InputError` where the file cannot be written.
  public func writeTable(to folder: OutputFolder) throws {
    let rows = survey.operations.map { operation -> [CSVField] in
      let edge = operation.kind.topology.edges[operation.edge]
      return [
        .integer(epoch), .text(operation.kind.name), .integer(operation.edge), .integer(edge.source), .integer(edge.node),
        .text(operation.operation.rawValue), .real(operation.strength), .real(operation.result.loss),
        .real(operation.result.accuracy), .real(operation.lossRise), .real(operation.accuracyDrop),
      ]
    }
    try CSVWriter.write(columns: Self.columns, rows: rows, to: folder.file(Self.tableName))
  }

  public var supplement: DiagnosisSupplement {
    func words(_ value: Double?) -> String { value.map { String(format: "%.2f", $0) } ?? "undefined" }
    func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "null" }
    let images = survey.whole.count
    return DiagnosisSupplement(
      title: "Mixing weights beside what operations contribute, at epoch \(epoch), on \(images) validation images",
      lines: [
        "on \(agreeing) of \(edges) edges the operation of the largest mixing weight is the one without which the loss is largest",
        "rank correlation with the rise of the loss without it: Kendall \(words(edgeKendall)) on an edge (mean), "
          + "Spearman \(words(spearman)) over all operations; with the drop of accuracy Spearman \(words(accuracySpearman))",
      ],
      yaml: """
        contribution:
          epoch: \(epoch)
          images: \(images)
          edges: \(edges)
          agreeing_edges: \(agreeing)
          kendall_of_edges: \(number(edgeKendall))
          spearman: \(number(spearman))
          spearman_accuracy: \(number(accuracySpearman))

        """)
  }
}
