import Formats
import Landscape

extension FidelityByEpoch {
  private static let rest = ["objective", "epoch", "value", "lower", "upper"]

  /// The table as a file that is known again.
  public static let output = OutputFile.table("a table of zarts agreement") { columns in
    columns.count == rest.count + 3 && columns.prefix(2) == ["statistic", "radius"] && Array(columns.dropFirst(3)) == rest
  }

  /// Writes what is drawn: one row a statistic, group, objective and epoch; `radius` is empty over all radii, `lower` and
  /// `upper` where there is no interval.
  ///
  /// - Throws: `InputError` where something other than such a table is at `path`, unless `overwrite`, or it cannot be
  ///   written.
  public func write(to path: String, overwrite: Bool = false) throws {
    try Self.output.require(path, overwrite: overwrite)
    func optional(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    let rows = statistics.flatMap { statistic in
      lines.flatMap { line in
        (line.points[statistic] ?? []).map { point -> [CSVField] in
          [
            .text(statistic.name), optional(statistic.radius), .text(line.group), .text(line.objective),
            .integer(point.epoch), .real(point.value), optional(point.interval?.lower), optional(point.interval?.upper),
          ]
        }
      }
    }
    try CSVWriter.write(columns: ["statistic", "radius", grouping] + Self.rest, rows: rows, to: path)
  }
}
