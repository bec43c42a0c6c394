import Formats
import Foundation

/// The tables of suites: test errors, a row a benchmark and space and a column a method, and a row a cell.
enum SuiteSection {
  static func html(_ report: Report) throws -> HTML? {
    guard !report.suites.isEmpty else { return nil }
    return section(
      "Suite", id: "suite",
      try report.suites.enumerated().map { index, suite in
        var parts: [HTML] = report.suites.count > 1 ? [.element("h3", [:], [.text(suite.name)])] : []
        if let table = suite.cells {
          parts.append(try errors(table).html())
          let cells = DataTable(table, caption: "Every method, space and dataset", digits: 5).html()
          parts.append(
            table.rows.count <= 24 ? cells : folded("Every cell: \(table.rows.count)", id: "suite-\(index)-cells", [cells]))
        } else {
          parts.append(.element("p", ["class": "note"], [.text("No job has ended yet.")]))
        }
        if let settings = suite.settings {
          parts.append(
            folded(
              "Configuration of the suite", id: "suite-\(index)",
              [ConfigurationSection.table(settings.entries, caption: "suite.yaml")]))
        }
        return .element("div", ["class": "run"], parts)
      })
  }

  /// Test errors in %, mean and sample deviation.
  private static func errors(_ table: CSVTable) throws -> DataTable {
    let (datasets, spaces, methods) = (
      try table.column("dataset"), try table.column("space"), try table.column("method")
    )
    let (means, deviations) = (
      try table.optionalDoubles("test_error"), try table.optionalDoubles("test_error_deviation")
    )
    var (columns, lines): ([String], [[String]]) = ([], [])
    for row in table.rows.indices {
      if !columns.contains(methods[row]) { columns.append(methods[row]) }
      let line = [datasets[row], spaces[row]]
      if !lines.contains(line) { lines.append(line) }
    }
    func percent(_ value: Double) -> String { String(format: "%.2f", 100 * value) }
    func cell(_ line: [String], _ method: String) -> String {
      let found = table.rows.indices.first { [datasets[$0], spaces[$0]] == line && methods[$0] == method }
      guard let row = found, let mean = means[row] else { return "" }
      return percent(mean) + (deviations[row].map { " ± " + percent($0) } ?? "")
    }
    return DataTable(
      caption: "Test error in %, mean ± sample deviation over the networks trained",
      columns: ["dataset", "space"] + columns,
      rows: lines.map { line in line + columns.map { cell(line, $0) } })
  }
}
