import Formats

/// The path of a method in a plane of α: a part of `paths.csv`.
public struct ConfinedPath: Equatable, Sendable {
  /// Where α is after so many updates.
  public struct Point: Equatable, Sendable {
    public var x: Double
    public var y: Double
    /// ‖u‖ of the method's own update, and of its part in the plane, which is the step; nil at the start.
    public var update: Double?
    public var step: Double?

    public init(x: Double, y: Double, update: Double? = nil, step: Double? = nil) {
      (self.x, self.y, self.update, self.step) = (x, y, update, step)
    }
  }

  public let name: String
  /// The start, and then a point an update.
  public let points: [Point]
  /// Why it ends before its last update; nil where it does not.
  public let divergence: String?

  public init(name: String, points: [Point], divergence: String? = nil) {
    (self.name, self.points, self.divergence) = (name, points, divergence)
  }

  public static let columns = ["path", "update", "x", "y", "update_norm", "step_norm"]

  /// The rows of `paths.csv`.
  public var rows: [[CSVField]] { points.indices.map { Self.row(name, $0, points[$0]) } }

  static func row(_ name: String, _ index: Int, _ point: Point) -> [CSVField] {
    [.text(name), .integer(index), .real(point.x), .real(point.y)]
      + [point.update, point.step].map { $0.map(CSVField.real) ?? .text("") }
  }

  /// The points of each path that a table has.
  ///
  /// - Parameter settings: what the table is to be of.
  /// - Throws: `InputError` where a row is none of theirs, or not the next of its path.
  static func points(in table: CSVTable, of settings: ConfinedPathSettings) throws -> [String: [Point]] {
    let (names, updates) = (try table.column("path"), try table.integers("update"))
    let (x, y) = (try table.doubles("x", .finite), try table.doubles("y", .finite))
    let lengths = (try table.optionalDoubles("update_norm"), try table.optionalDoubles("step_norm"))
    var result: [String: [Point]] = [:]
    for row in names.indices {
      let place = result[names[row]]?.count ?? 0
      let isStart = updates[row] != 0 || (x[row] == settings.x && y[row] == settings.y)
      guard settings.methods.contains(where: { $0.name == names[row] }), updates[row] == place, place <= settings.steps,
        isStart
      else {
        throw InputError(
          "not a row of these paths", at: .file(table.path, "row \(row + 1)"),
          found: "\(names[row]), update \(updates[row]), (\(x[row]), \(y[row]))",
          wanted:
            "\(settings.methods.map(\.name).joined(separator: ", ")), 0 to \(settings.steps) from (\(settings.x), \(settings.y))"
        )
      }
      result[names[row], default: []].append(
        Point(x: x[row], y: y[row], update: lengths.0[row], step: lengths.1[row]))
    }
    return result
  }
}
