import Formats
import Foundation
import Retraining
import Runs
import Search
import TestSupport
import Testing

@Suite("Cells of metrics.csv") struct MetricsCellTests {
  private static let search: [(String, String)] = [
    ("epoch", "1"), ("training_loss", "2.1"), ("training_accuracy", "0.25"), ("validation_loss", "2.2"),
    ("validation_accuracy", "0.2"), ("learning_rate", "0.025"), ("sigma", ""), ("ess", ""), ("alpha_entropy_normal", "0.69"),
    ("alpha_entropy_reduce", "0.69"), ("alpha_norm", "0.01"), ("alpha_updates", "4"), ("accepted_updates", "4"),
    ("baseline_loss", ""), ("alpha_gradient_norm", "0.1"), ("alpha_update_norm", "0.001"), ("diverged_candidates", "0"),
    ("skip_connections", "2"), ("skip_connections_reduce", "3"), ("gradient_norm", "1.5"), ("weight_steps", "4"),
    ("dominant_eigenvalue", ""), ("seconds", "0.5"),
  ]
  private static let retraining: [(String, String)] = [
    ("epoch", "1"), ("training_loss", "2.1"), ("training_accuracy", "0.25"), ("auxiliary_loss", ""), ("test_loss", "2.2"),
    ("test_accuracy", "0.2"), ("learning_rate", "0.025"), ("drop_path", "0"), ("gradient_norm", "1.5"),
    ("weight_steps", "4"),
    ("seconds", "0.5"),
  ]

  private func read(_ cells: [(String, String)], with changes: [String: String], retraining: Bool) throws {
    let folder = try ScratchFolder()
    let path = folder.file("metrics.csv")
    let row = cells.map { changes[$0.0] ?? $0.1 }.joined(separator: ",")
    try AtomicFile.write(cells.map(\.0).joined(separator: ",") + "\n" + row + "\n", to: path)
    if retraining { _ = try RetrainingRecord.read(from: path) } else { _ = try EpochRecord.read(from: path) }
  }

  @Test func soundTablesAreRead() throws {
    try read(Self.search, with: [:], retraining: false)
    try read(
      Self.search, with: ["dominant_eigenvalue": "-0.1", "baseline_loss": "inf", "weight_steps": "4.0"], retraining: false)
    try read(Self.retraining, with: ["test_loss": "", "test_accuracy": ""], retraining: true)
  }

  @Test(arguments: [
    ("epoch", "nan"), ("epoch", "1e300"), ("epoch", "-9223372036854775808"), ("epoch", "1.5"), ("epoch", ""), ("epoch", "2"),
    ("weight_steps", "nan"), ("weight_steps", "1e300"), ("weight_steps", "-1"), ("training_loss", "nan"),
    ("training_loss", ""), ("training_accuracy", "1.01"), ("training_accuracy", "-0.1"), ("gradient_norm", "inf"),
    ("learning_rate", "-1"), ("seconds", "-1"), ("seconds", "x"),
  ])
  func cellsThatCannotBeAreNamedWithFileRowAndColumn(column: String, cell: String) throws {
    for (cells, retraining) in [(Self.search, false), (Self.retraining, true)] {
      let error = #expect(throws: InputError.self) { try read(cells, with: [column: cell], retraining: retraining) }
      let text = "\(try #require(error))"
      #expect(text.contains("metrics.csv: row 1, column \(column)") && text.contains("wanted"), "\(text)")
    }
  }

  @Test(arguments: [
    ("skip_connections", "nan"), ("skip_connections", "1e300"), ("skip_connections_reduce", "9"), ("alpha_updates", "nan"),
    ("diverged_candidates", "-1"), ("validation_accuracy", "75"), ("validation_loss", "inf"), ("alpha_norm", "-1"),
    ("dominant_eigenvalue", "inf"), ("ess", "-2"),
  ])
  func soAreThoseOfSearchesAlone(column: String, cell: String) throws {
    let error = #expect(throws: InputError.self) { try read(Self.search, with: [column: cell], retraining: false) }
    #expect("\(try #require(error))".contains("row 1, column \(column)"))
  }

  @Test func columnsOfMetricsThatEarlierVersionsLackMayBeEmpty() {
    func check<Record>(_ table: RecordTable<Record>) {
      for column in table.columns where column.isNew { #expect(column.isOptional, "\(column.name)") }
      #expect(Set(table.names).count == table.columns.count)
    }
    check(EpochRecord.table)
    check(RetrainingRecord.table)
  }
}
