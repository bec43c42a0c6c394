import Formats
import Problems

/// Walks a grid, journaling each point, so that a run that was stopped or killed continues where it was.
public struct LandscapeSampler<Problem: BilevelProblem> {
  private let walk: PointWalk<Problem>
  private let grid: LandscapeGrid
  private let objectives: [Objective]

  /// - Throws: `InputError` where there are no objectives or not two directions.
  public init(walk: PointWalk<Problem>, grid: LandscapeGrid, objectives: [Objective]) throws {
    guard !objectives.isEmpty else {
      throw InputError("none given", at: "objectives", wanted: "at least one")
    }
    guard walk.directions.directions.count == 2 else {
      throw InputError("not those of a plane", at: "directions", found: "\(walk.directions.directions.count)", wanted: "2")
    }
    self.walk = walk
    self.grid = grid
    self.objectives = objectives
  }

  /// A sampler that evaluates one point at a time.
  public init(
    evaluator: ObjectiveEvaluator<Problem>, directions: Directions, grid: LandscapeGrid, objectives: [Objective]
  ) throws {
    try self.init(walk: PointWalk(evaluators: [evaluator], directions: directions), grid: grid, objectives: objectives)
  }

  /// Evaluates every point that the journal does not hold yet, begun in row-major order.
  ///
  /// - Parameters:
  ///   - journal: path of a CSV file with the columns of `LandscapeTable`, continued where it is there; nil for none. Each
  ///     point is brought to disk as it is finished.
  ///   - isStopRequested: asked before each point.
  ///   - progress: told, before the first point and after each, how many points are done, those of an
  ///     earlier run included, and of how many.
  /// - Throws: `CancellationError` when a stop was requested; `InputError` or `InputError` where the journal is of
  ///   another grid or cannot be written.
  public func run(
    journal path: String? = nil, isStopRequested: () -> Bool = { false },
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> LandscapePlane {
    var known: [Int: [Objective: LandscapePlane.Sample]] = [:]
    var journal: CSVWriter?
    if let path {
      // Opening drops a row that was cut short, so the table is read after it.
      journal = try CSVWriter(continuing: path, columns: LandscapeTable.columns)
      known = try LandscapeTable.samples(in: CSVTable(readingFrom: path), grid: grid, objectives: objectives)
        .filter { $0.value.count == objectives.count }
    }
    progress(known.count, grid.count)
    let left = (0..<grid.count).filter { known[$0] == nil }
    let tasks = left.map { index in
      let point = grid.point(index)
      return PointWalk<Problem>.Task(coordinates: [point.x, point.y], objectives: objectives)
    }
    try walk.run(tasks, isStopRequested: isStopRequested) { place, found in
      let samples = found.map { LandscapePlane.Sample(loss: $0.loss, accuracy: $0.accuracy) }
      if let journal {
        try journal.append(
          rows: zip(objectives, samples).map { LandscapeTable.row(grid.point(left[place]), $0, $1) })
        try journal.synchronise()
      }
      known[left[place]] = Dictionary(uniqueKeysWithValues: zip(objectives, samples))
      progress(known.count, grid.count)
    }
    var samples: [Objective: [LandscapePlane.Sample]] = [:]
    for objective in objectives { samples[objective] = (0..<grid.count).compactMap { known[$0]?[objective] } }
    return try LandscapePlane(grid: grid, objectives: objectives, samples: samples)
  }
}
