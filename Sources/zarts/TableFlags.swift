import ArgumentParser
import Cells

/// A user's table of what architectures reach.
struct TableFlags: ParsableArguments {
  @Option(help: "A CSV or JSON file with the true accuracy of each architecture.")
  var table: String?
  @Option(help: "Which numbers of the table to show, such as cifar10.test_accuracy.")
  var tableColumn: String?

  func validate() throws {
    guard table != nil || tableColumn == nil else {
      throw ValidationError("--table-column \(tableColumn ?? ""): there is no --table")
    }
  }

  /// - Throws: `InputError` where the file is no such table.
  func read() throws -> ArchitectureTable? { try table.map { try ArchitectureTable(readingFrom: $0, column: tableColumn) } }
}
