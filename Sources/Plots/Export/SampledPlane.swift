import Figures
import Formats
import Foundation
import Landscape

/// What was measured over a plane or along a line, as other programs take it.
struct SampledPlane: Equatable {
  /// Along the first direction, ascending.
  let x: [Double]
  /// Along the second; empty for a line.
  let y: [Double]
  let surfaces: [Surface]
  /// Ways of α or ω in the plane.
  var paths: [Path] = []

  /// One loss with what belongs to it.
  struct Surface: Equatable {
    /// In names of files and arrays: `first`, `true10`, `train`.
    let name: String
    /// In words or as a symbol, for messages and titles, as `Label` markup.
    let title: String
    /// `loss`, `accuracy`, and their standard errors `loss_error`, `accuracy_error`, where there are any.
    let columns: [Column]
    /// Of each point, whether it was evaluated.
    let isThere: [Bool]
    /// Whether its values are losses; those of a curvature stand in the same columns and have another name elsewhere.
    var isLoss = true

    /// What an array of a column is called: `loss`, or `value` where the values are no losses, as in NPZ files.
    func word(_ column: String) -> String { isLoss ? column : column.replacing("loss", with: "value") }

    subscript(column: String) -> [Double]? { columns.first { $0.name == column }?.values }
  }

  /// Numbers of all points, x fastest; NaN where there is none.
  struct Column: Equatable {
    let name: String
    let values: [Double]

    /// Equal bits, so that NaN is equal to itself.
    static func == (left: Self, right: Self) -> Bool {
      left.name == right.name && left.values.map(\.bitPattern) == right.values.map(\.bitPattern)
    }
  }

  struct Path: Equatable {
    let name: String
    /// What counts its points: epochs of a run, updates of a method that was held to the plane.
    let steps: [Int]
    let points: [Point]
  }

  var count: Int { x.count * max(1, y.count) }

  /// Columns of tables that are handed on.
  static let columns = ["loss", "accuracy", "loss_error", "accuracy_error"]

  /// Where values of a column are not finite, in words: "L₁ at 2 of 9 points"; empty where they all are.
  func gaps(of column: String) -> [String] {
    surfaces.compactMap { surface in
      let missing = surface[column]?.count { !$0.isFinite } ?? 0
      return missing == 0 ? nil : "\(Label(surface.title).unicode) at \(missing) of \(count) points"
    }
  }
}

extension SampledPlane {
  /// The plane of `landscape.csv`.
  ///
  /// - Parameter wanted: objectives, in this order; nil for all.
  /// - Throws: `InputError` where the table is not that of a grid, or lacks an objective that is asked for.
  init(_ folder: PlotFolder, objectives wanted: [Objective]?) throws {
    let table = try CSVTable(readingFrom: folder.file("landscape.csv"))
    try table.requireRows()
    let (rows, places) = (try table.objectives(), (try table.doubles("x"), try table.doubles("y")))
    let objectives = try wanted.map { try Self.require($0, of: rows, in: table) } ?? rows.unique()
    let (xs, ys) = (Set(places.0).sorted(), Set(places.1).sorted())
    let isGrid = xs.count * ys.count <= 4 * rows.count / rows.unique().count + 4
    guard isGrid, xs.allSatisfy(\.isFinite), ys.allSatisfy(\.isFinite) else {
      throw InputError(
        "not the points of a grid", at: .file(table.path, "x, y"),
        found: "\(rows.count) rows at \(xs.count) different x and \(ys.count) different y")
    }
    let columnOf = Dictionary(uniqueKeysWithValues: xs.enumerated().map { ($1, $0) })
    let rowOf = Dictionary(uniqueKeysWithValues: ys.enumerated().map { ($1, $0) })
    let points = rows.indices.map { (rowOf[places.1[$0]] ?? 0) * xs.count + (columnOf[places.0[$0]] ?? 0) }
    (x, y) = (xs, ys)
    surfaces = try Self.surfaces(objectives, rows: rows, at: points, of: xs.count * ys.count, in: table)
    paths =
      try Self.paths(folder, "trajectory.csv", of: "run", by: "epoch")
      + Self.paths(folder, "paths.csv", of: "path", by: "update")
  }

  /// One direction of `lines.csv`, by its number.
  static func lines(_ folder: PlotFolder, objectives wanted: [Objective]?) throws -> [(direction: Int, line: SampledPlane)] {
    let table = try CSVTable(readingFrom: folder.file("lines.csv"))
    try table.requireRows()
    let (directions, t, rows) = (try table.integers("direction"), try table.doubles("t"), try table.objectives())
    let objectives = try wanted.map { try require($0, of: rows, in: table) } ?? rows.unique()
    return try directions.unique().sorted().map { direction in
      let mine = rows.indices.filter { directions[$0] == direction }
      let ts = Set(mine.map { t[$0] }).sorted()
      let placeOf = Dictionary(uniqueKeysWithValues: ts.enumerated().map { ($1, $0) })
      let points = rows.indices.map { directions[$0] == direction ? placeOf[t[$0]] : nil }
      let surfaces = try surfaces(objectives, rows: rows, at: points, of: ts.count, in: table)
      return (direction, SampledPlane(x: ts, y: [], surfaces: surfaces))
    }
  }

  private static func require(_ wanted: [Objective], of rows: [Objective], in table: CSVTable) throws -> [Objective] {
    let found = rows.unique()
    for objective in wanted where !found.contains(objective) {
      throw InputError(
        "was not sampled", at: .file(table.path, "objective \(objective.label)"),
        wanted: found.map(\.label).joined(separator: ", "))
    }
    return wanted
  }

  /// - Parameter points: the point of each row; nil for a row that is not asked for.
  private static func surfaces(
    _ objectives: [Objective], rows: [Objective], at points: [Int?], of count: Int, in table: CSVTable
  ) throws -> [Surface] {
    let columns = try Self.columns.filter(table.columns.contains).map { ($0, try table.numbersOrGaps($0)) }
    return objectives.map { objective in
      let mine = rows.indices.filter { rows[$0] == objective }
      var isThere = [Bool](repeating: false, count: count)
      for row in mine { if let point = points[row] { isThere[point] = true } }
      let filled = columns.map { name, values in
        var plane = [Double](repeating: .nan, count: count)
        for row in mine { if let point = points[row] { plane[point] = values[row] } }
        return Column(name: name, values: plane)
      }
      return Surface(
        name: objective.arrayName, title: objective.symbol,
        // Errors of a single batch are not there at all.
        columns: filled.filter { column in !column.name.hasSuffix("_error") || column.values.contains { !$0.isNaN } },
        isThere: isThere, isLoss: objective.quantity == .loss)
    }
  }

  /// The paths of a table, where it is there.
  ///
  /// - Parameters:
  ///   - name: the column with a path's name.
  ///   - count: the column that counts its points.
  private static func paths(_ folder: PlotFolder, _ file: String, of name: String, by count: String) throws -> [Path] {
    guard folder.has(file) else { return [] }
    let table = try CSVTable(readingFrom: folder.file(file))
    let (names, steps) = (try table.column(name), try table.integers(count))
    let (x, y) = (try table.doubles("x"), try table.doubles("y"))
    return names.unique().map { name in
      let rows = names.indices.filter { names[$0] == name }.sorted { steps[$0] < steps[$1] }
      return Path(name: name, steps: rows.map { steps[$0] }, points: rows.map { Point(x[$0], y[$0]) })
    }
  }
}
