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
          "not one sample a point", at: .file("line \(index + 1), \(objective.label)"),
          found: "\(line[objective]?.count ?? 0)", wanted: "\(axis.size)")
      }
    }
    self.axis = axis
    self.objectives = objectives
    self.lines = lines
  }

  public static let columns = [
    "direction", "index", "t", "objective", "inner_steps", "loss", "loss_error", "accuracy", "accuracy_error",
  ]

  /// One row; an error that one validation batch cannot tell is an empty cell.
  static func row(
    line: Int, index: Int, axis: LandscapeGrid, _ objective: Objective, _ sample: ObjectiveSample
  ) -> [CSVField] {
    [
      .integer(line + 1), .integer(index), .real(axis.coordinate(index)), .text(objective.name),
      .integer(objective.innerSteps), .real(sample.loss), sample.lossError.map(CSVField.real) ?? .text(""),
      .real(sample.accuracy), sample.accuracyError.map(CSVField.real) ?? .text(""),
    ]
  }

  /// The rows of `lines.csv`: line by line, point by point, objective by objective.
  public var rows: [[CSVField]] {
    lines.indices.flatMap { line in
      (0..<axis.size).flatMap { index in
        objectives.compactMap { objective in
          lines[line][objective].map { Self.row(line: line, index: index, axis: axis, objective, $0[index]) }
        }
      }
    }
  }

  /// Samples by line · size + point and objective, of a table that may hold only some of the points.
  ///
  /// - Throws: `InputError` or `InputError` where a row is not a row of these lines and objectives.
  static func samples(
    in table: CSVTable, axis: LandscapeGrid, lines: Int, objectives: [Objective]
  ) throws -> [Int: [Objective: ObjectiveSample]] {
    let (directions, indices, t) = (
      try table.integers("direction"), try table.integers("index"), try table.doubles("t")
    )
    let (names, steps) = (try table.column("objective"), try table.integers("inner_steps"))
    let (losses, accuracies) = (try table.doubles("loss"), try table.doubles("accuracy"))
    let errors = try (table.optionalDoubles("loss_error"), table.optionalDoubles("accuracy_error"))
    var result: [Int: [Objective: ObjectiveSample]] = [:]
    for row in losses.indices {
      func failure(_ problem: String, _ found: String, _ expected: String) -> InputError {
        InputError(problem, at: .file("\(table.path): row \(row + 1)"), found: found, wanted: expected)
      }
      let (line, index) = (directions[row] - 1, indices[row])
      guard (0..<lines).contains(line), (0..<axis.size).contains(index), t[row] == axis.coordinate(index) else {
        throw failure(
          "not a point of the lines", "direction \(directions[row]), index \(index), t \(t[row])",
          "\(lines) lines of \(axis.size) points over ±\(axis.range)")
      }
      guard let objective = objectives.first(where: { $0.name == names[row] && $0.innerSteps == steps[row] }) else {
        throw failure(
          "another objective", "\(names[row]) with \(steps[row]) steps", objectives.map(\.label).joined(separator: ", "))
      }
      result[line * axis.size + index, default: [:]][objective] = ObjectiveSample(
        loss: losses[row], accuracy: accuracies[row], lossError: errors.0[row], accuracyError: errors.1[row])
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
  private let axis: LandscapeGrid
  private let objectives: [Objective]

  /// - Throws: `InputError` where there are no objectives.
  public init(walk: PointWalk<Problem>, axis: LandscapeGrid, objectives: [Objective]) throws {
    guard !objectives.isEmpty else {
      throw InputError("none given", at: "objectives", wanted: "at least one")
    }
    self.walk = walk
    self.axis = axis
    self.objectives = objectives
  }

  /// As `LandscapeSampler.run`, line by line.
  public func run(
    journal path: String? = nil, isStopRequested: () -> Bool = { false },
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> LandscapeLines {
    let lines = walk.directions.directions.count
    var known: [Int: [Objective: ObjectiveSample]] = [:]
    var journal: CSVWriter?
    if let path {
      journal = try CSVWriter(continuing: path, columns: LandscapeLines.columns)
      known = try LandscapeLines.samples(
        in: CSVTable(readingFrom: path), axis: axis, lines: lines, objectives: objectives
      ).filter { $0.value.count == objectives.count }
    }
    let total = lines * axis.size
    progress(known.count, total)
    let left = (0..<total).filter { known[$0] == nil }
    let tasks = left.map { point in
      var coordinates = [Double](repeating: 0, count: lines)
      coordinates[point / axis.size] = axis.coordinate(point % axis.size)
      return PointWalk<Problem>.Task(coordinates: coordinates, objectives: objectives)
    }
    try walk.run(tasks, isStopRequested: isStopRequested) { place, samples in
      let (line, index) = (left[place] / axis.size, left[place] % axis.size)
      if let journal {
        try journal.append(
          rows: zip(objectives, samples).map { LandscapeLines.row(line: line, index: index, axis: axis, $0, $1) })
        try journal.synchronise()
      }
      known[left[place]] = Dictionary(uniqueKeysWithValues: zip(objectives, samples))
      progress(known.count, total)
    }
    return try LandscapeLines(axis: axis, objectives: objectives, count: lines, samples: known)
  }
}
