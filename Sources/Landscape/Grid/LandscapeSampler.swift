import Formats
import Problems

/// Walks a grid, journaling each point, so that a run that was stopped or killed continues where it was.
public struct LandscapeSampler<Problem: BilevelProblem> {
  private let walk: PointWalk<Problem>
  private let axes: LandscapeAxes
  private let grid: LandscapeGrid
  private let objectives: [Objective]

  /// - Throws: `InputError` where there are no objectives or not two directions.
  public init(
    walk: PointWalk<Problem>, axes: LandscapeAxes, grid: LandscapeGrid, objectives: [Objective]
  ) throws {
    guard !objectives.isEmpty else {
      throw InputError("none given", at: "objectives", wanted: "at least one")
    }
    guard axes.count == 2 else {
      throw InputError("not those of a plane", at: "directions", found: "\(axes.count)", wanted: "2")
    }
    self.walk = walk
    self.axes = axes
    self.grid = grid
    self.objectives = objectives
  }

  /// A sampler that evaluates one point at a time.
  public init(
    evaluator: ObjectiveEvaluator<Problem>, directions: Directions, grid: LandscapeGrid, objectives: [Objective]
  ) throws {
    try self.init(
      walk: PointWalk(evaluators: [evaluator]), axes: LandscapeAxes(directions), grid: grid, objectives: objectives)
  }

  /// Evaluates every point that the journal does not hold yet, begun in row-major order.
  ///
  /// - Parameters:
  ///   - journal: path of a CSV file with the columns of `LandscapeTable`, continued where it is there; nil for none. Each
  ///     point is brought to disk as it is finished.
  ///   - isStopRequested: asked before each point.
  ///   - progress: told, before the first point and after each, how many points are done, those of an
  ///     earlier run included, and of how many.
  /// - Throws: `CancellationError` when a stop was requested; `InputError` where the journal is of another grid or cannot be
  ///   written.
  public func run(
    journal path: String? = nil, isStopRequested: @escaping () -> Bool = { false },
    progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> LandscapePlane {
    let journal = try PointJournal(LandscapeTable.points(of: grid), path: path, objectives: objectives)
    let points = (0..<grid.count).map { index in
      WalkPoint(index, objectives, number: index, on: axes) { [grid.point(index).x, grid.point(index).y] }
    }
    let watch = WalkWatch(
      total: grid.count, done: journal.count(points), isStopRequested: isStopRequested, report: progress)
    try walk.run(points, journal: journal, watch: watch)
    var samples: [Objective: [ObjectiveSample]] = [:]
    for objective in objectives { samples[objective] = journal.samples(of: objective, at: 0..<grid.count) }
    return try LandscapePlane(grid: grid, objectives: objectives, samples: samples)
  }
}
