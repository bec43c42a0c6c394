import Formats

/// The rows of `landscape.csv`: one objective at one point each, points in row-major order. `loss_error` and `accuracy_error`
/// are standard errors over validation batches.
public enum LandscapeTable {
  public static let columns = ["i", "j", "x", "y", "objective", "inner_steps"] + samples.map(\.rawValue)
  private static let samples: [SampleColumn] = [.loss, .accuracy, .lossError, .accuracyError]

  /// Points by their number in the grid.
  static func points(of grid: LandscapeGrid) -> PointTable<Int> {
    PointTable(places: ["i", "j", "x", "y"], samples: samples) { index in
      let point = grid.point(index)
      return [.integer(point.i), .integer(point.j), .real(point.x), .real(point.y)]
    } keys: { table in
      let (rows, columns) = (try table.integers("i"), try table.integers("j"))
      let (x, y) = (try table.doubles("x"), try table.doubles("y"))
      return try rows.indices.map { row in
        func failure(_ problem: String, _ found: String, _ expected: String) -> InputError {
          InputError(problem, at: .file(table.path, "row \(row + 1)"), found: found, wanted: expected)
        }
        guard (0..<grid.x.size).contains(rows[row]), (0..<grid.y.size).contains(columns[row]) else {
          let (last, other) = (grid.x.size - 1, grid.y.size - 1)
          throw failure(
            "not a point of the grid", "i \(rows[row]), j \(columns[row])",
            last == other ? "0 to \(last)" : "0 to \(last), 0 to \(other)")
        }
        let index = rows[row] * grid.y.size + columns[row]
        let point = grid.point(index)
        guard x[row] == point.x, y[row] == point.y else {
          throw failure("other coordinates", "(\(x[row]), \(y[row]))", "(\(point.x), \(point.y))")
        }
        return index
      }
    }
  }

  /// Every row of a landscape.
  public static func rows(of landscape: LandscapePlane) -> [[CSVField]] {
    let table = points(of: landscape.grid)
    return (0..<landscape.grid.count).flatMap { index in
      landscape.objectives.compactMap { objective in
        landscape.samples[objective].map { table.row(index, objective, $0[index]) }
      }
    }
  }

  /// Samples by point index and objective, of a table that may hold only some of the points. Tables of earlier versions have
  /// no errors.
  ///
  /// - Throws: `InputError` where a row is not a row of this grid and these objectives.
  public static func samples(
    in table: CSVTable, grid: LandscapeGrid, objectives: [Objective]
  ) throws -> [Int: [Objective: ObjectiveSample]] {
    var result: [Int: [Objective: ObjectiveSample]] = [:]
    for (index, objective, sample) in try points(of: grid).read(table, objectives) {
      result[index, default: [:]][objective] = sample
    }
    return result
  }
}
