import Formats
import Problems

/// Losses and accuracies of several objectives along lines through a centre: the content of `lines.csv`.
public struct LandscapeLines: Equatable, Sendable {
  /// Points along each line: its size and range.
  public let axis: LandscapeGrid
  public let objectives: [Objective]
  /// Per line, in the order of the directions: what each objective is at each point of the axis.
  public let lines: [[Objective: [ObjectiveSample]]]

  /// - Throws: `InputError` where an objective has not one sample for every point of a line.
  public init(axis: LandscapeGrid, objectives: [Objective], lines: [[Objective: [ObjectiveSample]]]) throws {
    for (index, line) in lines.enumerated() {
      for objective in objectives where line[objective]?.count != axis.size {
        throw InputError(
          "not one sample a point", at: "line \(index + 1), \(objective.label)",
          found: "\(line[objective]?.count ?? 0)", wanted: "\(axis.size)")
      }
    }
    self.axis = axis
    self.objectives = objectives
    self.lines = lines
  }

  public static let columns = ["direction", "index", "t", "objective", "inner_steps"] + samples.map(\.rawValue)
  private static let samples: [SampleColumn] = [.loss, .lossError, .accuracy, .accuracyError]

  /// Points by line · size + point.
  static func points(of axis: LandscapeGrid, lines: Int) -> PointTable<Int> {
    PointTable(places: ["direction", "index", "t"], samples: samples) { point in
      let (line, index) = (point / axis.size, point % axis.size)
      return [.integer(line + 1), .integer(index), .real(axis.coordinate(index))]
    } keys: { table in
      let (directions, indices, t) = (
        try table.integers("direction"), try table.integers("index"), try table.doubles("t")
      )
      return try directions.indices.map { row in
        let (line, index) = (directions[row] - 1, indices[row])
        guard (0..<lines).contains(line), (0..<axis.size).contains(index), t[row] == axis.coordinate(index) else {
          throw InputError(
            "not a point of the lines", at: .file(table.path, "row \(row + 1)"),
            found: "direction \(directions[row]), index \(index), t \(t[row])",
            wanted: "\(lines) lines of \(axis.size) points over \(axis.x.bounds == nil ? "±" : "")\(axis.x.rangeText)")
        }
        return line * axis.size + index
      }
    }
  }

  /// The rows of `lines.csv`: line by line, point by point, objective by objective.
  public var rows: [[CSVField]] {
    let table = Self.points(of: axis, lines: lines.count)
    return lines.indices.flatMap { line in
      (0..<axis.size).flatMap { index in
        objectives.compactMap { objective in
          lines[line][objective].map { table.row(line * axis.size + index, objective, $0[index]) }
        }
      }
    }
  }

  /// Samples by line · size + point and objective, of a table that may hold only some of the points.
  ///
  /// - Throws: `InputError` where a row is not a row of these lines and objectives.
  static func samples(
    in table: CSVTable, axis: LandscapeGrid, lines: Int, objectives: [Objective]
  ) throws -> [Int: [Objective: ObjectiveSample]] {
    var result: [Int: [Objective: ObjectiveSample]] = [:]
    for (point, objective, sample) in try points(of: axis, lines: lines).read(table, objectives) {
      result[point, default: [:]][objective] = sample
    }
    return result
  }

  /// The lines of samples by line · size + point.
  init(
    axis: LandscapeGrid, objectives: [Objective], count: Int, samples: [Int: [Objective: ObjectiveSample]]
  ) throws {
    try self.init(
      axis: axis, objectives: objectives,
      lines: (0..<count).map { line in
        Dictionary(
          uniqueKeysWithValues: objectives.map { objective in
            (objective, (0..<axis.size).compactMap { samples[line * axis.size + $0]?[objective] })
          })
      })
  }
}

/// Walks lines point by point, journaling each.
public struct LineSampler<Problem: BilevelProblem> {
  private let walk: PointWalk<Problem>
  private let axes: LandscapeAxes
  private let axis: LandscapeGrid
  private let objectives: [Objective]

  /// - Throws: `InputError` where there are no objectives.
  public init(
    walk: PointWalk<Problem>, axes: LandscapeAxes, axis: LandscapeGrid, objectives: [Objective]
  ) throws {
    guard !objectives.isEmpty else {
      throw InputError("none given", at: "objectives", wanted: "at least one")
    }
    self.walk = walk
    self.axes = axes
    self.axis = axis
    self.objectives = objectives
  }

  /// As `LandscapeSampler.run`, line by line.
  public func run(
    journal path: String? = nil, isStopRequested: @escaping () -> Bool = { false },
    progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> LandscapeLines {
    let lines = axes.count
    let journal = try PointJournal(LandscapeLines.points(of: axis, lines: lines), path: path, objectives: objectives)
    let points = (0..<lines * axis.size).map { point in
      WalkPoint(point, objectives, number: point, on: axes) {
        var coordinates = [Double](repeating: 0, count: lines)
        coordinates[point / axis.size] = axis.coordinate(point % axis.size)
        return coordinates
      }
    }
    let watch = WalkWatch(
      total: points.count, done: journal.count(points), isStopRequested: isStopRequested, report: progress)
    try walk.run(points, journal: journal, watch: watch)
    return try LandscapeLines(
      axis: axis, objectives: objectives,
      lines: (0..<lines).map { line in
        Dictionary(
          uniqueKeysWithValues: objectives.map { objective in
            (objective, journal.samples(of: objective, at: line * axis.size..<(line + 1) * axis.size))
          })
      })
  }
}
