import Formats
import Search

/// Walks a grid point by point, journaling each, so that a run that was stopped or killed continues where it was.
public struct LandscapeSampler<Problem: BilevelProblem> {
  private let evaluator: ObjectiveEvaluator<Problem>
  private let directions: Directions
  private let grid: LandscapeGrid
  private let objectives: [Objective]

  /// - Throws: `LandscapeError` where there are no objectives or fewer than two directions.
  public init(
    evaluator: ObjectiveEvaluator<Problem>, directions: Directions, grid: LandscapeGrid, objectives: [Objective]
  ) throws {
    guard !objectives.isEmpty else {
      throw LandscapeError(item: "objectives", problem: "none given", expected: "at least one")
    }
    guard directions.directions.count >= 2 else {
      throw LandscapeError(
        item: "directions", problem: "too few for a plane", found: "\(directions.directions.count)", expected: "2")
    }
    self.evaluator = evaluator
    self.directions = directions
    self.grid = grid
    self.objectives = objectives
  }

  /// Evaluates every point that the journal does not hold yet, in row-major order.
  ///
  /// - Parameters:
  ///   - journal: path of a CSV file with the columns of `LandscapeTable`, continued where it is there; nil for none. Each
  ///     point is brought to disk before the next is begun.
  ///   - isStopRequested: asked before each point.
  ///   - progress: told, before the first point and after each, how many points are done, those of an
  ///     earlier run included, and of how many.
  /// - Throws: `CancellationError` when a stop was requested; `LandscapeError` or `FormatError` where the journal is of
  ///   another grid or cannot be written.
  public func run(
    journal path: String? = nil, isStopRequested: () -> Bool = { false },
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> Landscape {
    var known: [Int: [Objective: Landscape.Sample]] = [:]
    var journal: CSVWriter?
    if let path {
      // Opening drops a row that was cut short, so the table is read after it.
      journal = try CSVWriter(continuing: path, columns: LandscapeTable.columns)
      known = try LandscapeTable.samples(in: CSVTable(readingFrom: path), grid: grid, objectives: objectives)
        .filter { $0.value.count == objectives.count }
    }
    progress(known.count, grid.count)
    for index in 0..<grid.count where known[index] == nil {
      if isStopRequested() { throw CancellationError() }
      let point = grid.point(index)
      let losses = try evaluator.evaluate(objectives, at: directions.alphas(at: [point.x, point.y]))
      let samples = losses.map { Landscape.Sample(loss: $0.loss, accuracy: Double($0.correct) / Double(max($0.count, 1))) }
      if let journal {
        try journal.append(rows: zip(objectives, samples).map { LandscapeTable.row(point, $0, $1) })
        try journal.synchronise()
      }
      known[index] = Dictionary(uniqueKeysWithValues: zip(objectives, samples))
      progress(known.count, grid.count)
    }
    var samples: [Objective: [Landscape.Sample]] = [:]
    for objective in objectives { samples[objective] = (0..<grid.count).compactMap { known[$0]?[objective] } }
    return try Landscape(grid: grid, objectives: objectives, samples: samples)
  }
}
