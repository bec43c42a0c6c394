import Formats
import Foundation

extension LearningCurves {
  private static let rest = ["epoch", "runs", "mean", "deviation", "least", "greatest"]

  /// The table as a file that is known again.
  public static let output = OutputFile.table("a table of zarts curves") { columns in
    columns.count == rest.count + 2 && columns.first == "column" && Array(columns.dropFirst(2)) == rest
  }

  /// Writes the curves as a tidy table: one row a column of metrics.csv, group and epoch; `deviation` is empty for a
  /// single run.
  ///
  /// - Throws: `InputError` where something other than such a table is at `path`, unless `overwrite`, or it cannot be
  ///   written.
  public func write(to path: String, overwrite: Bool = false) throws {
    try Self.output.require(path, overwrite: overwrite)
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
