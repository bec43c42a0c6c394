import Formats

/// The rows of `landscape.csv`: one objective at one point each, points in row-major order, doubles written with the fewest
/// digits that read back to the same bits.
public enum LandscapeTable {
  public static let columns = ["i", "j", "x", "y", "objective", "inner_steps", "loss", "accuracy"]

  /// One row. `inner_steps` is 0 for `first`, 1 for `second` and M for `true`.
  public static func row(_ point: LandscapeGrid.Point, _ objective: Objective, _ sample: LandscapePlane.Sample) -> [CSVField]
  {
    [
      .integer(point.i), .integer(point.j), .real(point.x), .real(point.y), .text(objective.name),
      .integer(objective.innerSteps), .real(sample.loss), .real(sample.accuracy),
    ]
  }

  /// Every row of a landscape.
  public static func rows(of landscape: LandscapePlane) -> [[CSVField]] {
    (0..<landscape.grid.count).flatMap { index in
      landscape.objectives.compactMap { objective in
        landscape.samples[objective].map { row(landscape.grid.point(index), objective, $0[index]) }
      }
    }
  }

  /// Samples by point index and objective, of a table that may hold only some of the points.
  ///
  /// - Throws: `InputError` or `InputError` where a row is not a row of this grid and these objectives.
  public static func samples(
    in table: CSVTable, grid: LandscapeGrid, objectives: [Objective]
  ) throws -> [Int: [Objective: LandscapePlane.Sample]] {
    let (rows, columns) = (try table.integers("i"), try table.integers("j"))
    let (x, y) = (try table.doubles("x"), try table.doubles("y"))
    let (names, steps) = (try table.column("objective"), try table.integers("inner_steps"))
    let (losses, accuracies) = (try table.doubles("loss"), try table.doubles("accuracy"))
    var result: [Int: [Objective: LandscapePlane.Sample]] = [:]
    for row in rows.indices {
      func failure(_ problem: String, _ found: String, _ expected: String) -> InputError {
        InputError(problem, at: .file("\(table.path): row \(row + 1)"), found: found, wanted: expected)
      }
      guard (0..<grid.size).contains(rows[row]), (0..<grid.size).contains(columns[row]) else {
        throw failure("not a point of the grid", "i \(rows[row]), j \(columns[row])", "0 to \(grid.size - 1)")
      }
      let index = rows[row] * grid.size + columns[row]
      let point = grid.point(index)
      guard x[row] == point.x, y[row] == point.y else {
        throw failure("other coordinates", "(\(x[row]), \(y[row]))", "(\(point.x), \(point.y))")
      }
      guard let objective = objectives.first(where: { $0.name == names[row] && $0.innerSteps == steps[row] }) else {
        throw failure(
          "another objective", "\(names[row]) with \(steps[row]) steps", objectives.map(\.label).joined(separator: ", "))
      }
      result[index, default: [:]][objective] = .init(loss: losses[row], accuracy: accuracies[row])
    }
    return result
  }
}
