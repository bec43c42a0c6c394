import Compute
import Formats

/// A column of a metrics.csv, and what its cells may hold.
public struct MetricsColumn: Sendable {
  package enum Cells: Sendable {
    case whole(CountBounds)
    case real(RealBounds)
  }

  public let name: String
  package let cells: Cells
  /// Whether a cell may be empty.
  package let isOptional: Bool

  package static func count(_ name: String, _ bounds: CountBounds = RunBounds.weightSteps, isOptional: Bool = false)
    -> MetricsColumn
  {
    MetricsColumn(name: name, cells: .whole(bounds), isOptional: isOptional)
  }

  package static func real(_ name: String, _ bounds: RealBounds, isOptional: Bool = false) -> MetricsColumn {
    MetricsColumn(name: name, cells: .real(bounds), isOptional: isOptional)
  }

  /// Checks every cell of the columns that a table has, and that its epochs count 1, 2, 3, ….
  ///
  /// - Throws: `InputError` naming row and column.
  public static func check(_ table: CSVTable, as columns: [MetricsColumn]) throws {
    for column in columns where table.columns.contains(column.name) {
      switch column.cells {
      case .whole(let bounds): _ = try table.optionalIntegers(column.name, bounds)
      case .real(let bounds): _ = try table.optionalDoubles(column.name, bounds)
      }
      guard !column.isOptional else { continue }
      for (row, cell) in try table.column(column.name).enumerated() where cell.isEmpty {
        throw table.failure("empty", row: row, column: column.name, found: "", expected: "a number")
      }
    }
    guard table.columns.contains("epoch") else { return }
    for (row, epoch) in try table.integers("epoch").enumerated() where epoch != row + 1 {
      throw table.failure("not the next epoch", row: row, column: "epoch", found: "\(epoch)", expected: "\(row + 1)")
    }
  }
}

/// The cells of a checked table, column by column.
package struct MetricsCells {
  private let table: CSVTable
  private let columns: [MetricsColumn]
  private var reals: [String: [Double?]] = [:]
  private var wholes: [String: [Int?]] = [:]

  /// - Parameter absent: columns that a table of an earlier version may lack.
  /// - Throws: `InputError` where a column is absent, or a cell is not what its column holds.
  package init(_ table: CSVTable, _ columns: [MetricsColumn], absent: Set<String> = []) throws {
    (self.table, self.columns) = (table, columns)
    try MetricsColumn.check(table, as: columns)
    for column in columns where !(absent.contains(column.name) && !table.columns.contains(column.name)) {
      switch column.cells {
      case .whole: wholes[column.name] = try table.optionalIntegers(column.name)
      case .real: reals[column.name] = try table.optionalDoubles(column.name)
      }
    }
  }

  package func real(_ name: String, _ row: Int) -> Double? { reals[name]?[row] }
  package func whole(_ name: String, _ row: Int) -> Int? { wholes[name]?[row] }

  /// - Throws: `InputError` where the cell is empty.
  package func requiredReal(_ name: String, _ row: Int) throws -> Double { try required(real(name, row), name, row) }
  package func requiredWhole(_ name: String, _ row: Int) throws -> Int { try required(whole(name, row), name, row) }

  private func required<Value>(_ value: Value?, _ name: String, _ row: Int) throws -> Value {
    guard let value else {
      throw table.failure("empty", row: row, column: name, found: "", expected: "a number")
    }
    return value
  }
}
