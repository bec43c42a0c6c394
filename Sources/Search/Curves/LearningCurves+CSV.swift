import Formats
import Foundation

extension LearningCurves {
  private static let rest = ["epoch", "runs", "mean", "deviation", "least", "greatest"]

  /// Writes the curves as a tidy table: one row a column of metrics.csv, group and epoch; `deviation` is empty for a
  /// single run.
  ///
  /// - Throws: `FormatError` where something other than such a table is at `path`, or it cannot be written.
  public func write(to path: String) throws {
    if FileManager.default.fileExists(atPath: path) {
      let columns = (try? CSVTable(readingFrom: path))?.columns ?? []
      guard columns.count == Self.rest.count + 2, columns.first == "column", Array(columns.dropFirst(2)) == Self.rest else {
        throw FormatError(
          file: path, problem: "would be replaced", found: "a file that holds no curves",
          expected: "no such file; name the figure differently")
      }
    }
    let rows = curves.flatMap { curve in
      curve.points.map { point -> [CSVField] in
        [
          .text(title(curve.column)), .text(curve.group), .integer(point.epoch), .integer(point.runs), .real(point.mean),
          point.deviation.map(CSVField.real) ?? .text(""), .real(point.least), .real(point.greatest),
        ]
      }
    }
    try CSVWriter.write(columns: ["column", grouping] + Self.rest, rows: rows, to: path)
  }
}
