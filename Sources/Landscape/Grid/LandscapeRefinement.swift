import Compute
import Formats
import Problems

/// Further points of a landscape's plane, ever closer around the minimiser of each objective: the content of
/// `refinement.csv`.
public struct LandscapeRefinement: Equatable, Sendable {
  /// One objective at one further point.
  public struct Point: Equatable, Sendable {
    /// Counted from 1.
    public let level: Int
    public let x: Double
    public let y: Double
    public let objective: Objective
    public let sample: LandscapePlane.Sample

    public init(level: Int, x: Double, y: Double, objective: Objective, sample: LandscapePlane.Sample) {
      self.level = level
      self.x = x
      self.y = y
      self.objective = objective
      self.sample = sample
    }
  }

  /// Level by level, objective by objective, x before y.
  public let points: [Point]

  public init(points: [Point]) { self.points = points }

  /// The least finite loss of an objective, over the grid and what was refined, and where; the first of equals.
  public func minimiser(of objective: Objective, in landscape: LandscapePlane) -> (x: Double, y: Double, loss: Double)? {
    var best = landscape.minimiser(of: objective).map { (x: $0.point.x, y: $0.point.y, loss: $0.loss) }
    for point in points where point.objective == objective && point.sample.loss.isFinite {
      if point.sample.loss < best?.loss ?? .infinity { best = (point.x, point.y, point.sample.loss) }
    }
    return best
  }

  /// A point's level and coordinates.
  struct Place: Hashable {
    let level: Int
    let x: Double
    let y: Double
  }

  static var table: PointTable<Place> {
    PointTable(places: ["level", "x", "y"], samples: [.loss, .accuracy, .lossError, .accuracyError]) {
      [.integer($0.level), .real($0.x), .real($0.y)]
    } keys: { table in
      let (levels, x, y) = (try table.integers("level"), try table.doubles("x"), try table.doubles("y"))
      return levels.indices.map { Place(level: levels[$0], x: x[$0], y: y[$0]) }
    }
  }

  public static var columns: [String] { table.columns }

  public var rows: [[CSVField]] {
    let table = Self.table
    return points.map { table.row(Place(level: $0.level, x: $0.x, y: $0.y), $0.objective, $0.sample) }
  }

  /// - Throws: `InputError` where a row is not of these objectives.
  static func points(in table: CSVTable, objectives: [Objective]) throws -> [Point] {
    try Self.table.read(table, objectives).map { place, objective, sample in
      Point(level: place.level, x: place.x, y: place.y, objective: objective, sample: sample)
    }
  }
}

/// Numbers of a refinement's points, which follow those of the grid.
enum RefinementCount {
  /// Points at most.
  static func largest(levels: Int, objectives: Int) -> Int { 8 * levels * objectives }
}

/// Refines a landscape around its minimisers: at each level the spacing is halved, and the objective evaluated at the eight
/// neighbours of the best point so far that lie within the grid.
public struct RefinementSampler<Problem: BilevelProblem> {
  private let walk: PointWalk<Problem>
  private let axes: LandscapeAxes
  private let landscape: LandscapePlane
  private let levels: Int

  /// Most levels: coordinates of a grid stay exact in double precision.
  public static var largestLevels: Int { 30 }

  /// - Throws: `InputError` where the grid has no spacing or the number of levels is out of range.
  public static func check(levels: Int, grid: LandscapeGrid) throws {
    try CountBounds(0...largestLevels).require(levels, at: .setting("refine"), "not a number of levels")
    try InputError.require(
      levels == 0 || min(grid.x.size, grid.y.size) > 1, "refine", "grid \(grid.extent.text)", "a grid of 2 or more",
      "one point has no spacing to halve")
  }

  public init(
    walk: PointWalk<Problem>, axes: LandscapeAxes, landscape: LandscapePlane, levels: Int
  ) throws {
    try Self.check(levels: levels, grid: landscape.grid)
    self.walk = walk
    self.axes = axes
    self.landscape = landscape
    self.levels = levels
  }

  /// A point of the plane by its place on a lattice as fine as the level, so that equal points have equal coordinates.
  private struct Place: Hashable {
    var column: Int
    var row: Int
  }

  /// - Parameters:
  ///   - journal: path of a CSV file with the columns of `LandscapeRefinement`, continued where it is there; nil for none.
  ///   - isStopRequested: asked before each point.
  /// - Throws: as `LandscapeSampler.run`.
  public func run(
    journal path: String? = nil, isStopRequested: @escaping () -> Bool = { false }
  ) throws -> LandscapeRefinement {
    let journal = try PointJournal(LandscapeRefinement.table, path: path, objectives: landscape.objectives)
    let watch = WalkWatch(isStopRequested: isStopRequested)
    let grid = landscape.grid
    var best: [Objective: (place: Place, loss: Double)] = [:]
    for objective in landscape.objectives {
      best[objective] = landscape.minimiser(of: objective).map {
        (Place(column: 2 * $0.point.i - (grid.x.size - 1), row: 2 * $0.point.j - (grid.y.size - 1)), $0.loss)
      }
    }
    var result: [LandscapeRefinement.Point] = []
    for level in stride(from: 1, through: levels, by: 1) {
      let finest = (column: (grid.x.size - 1) << level, row: (grid.y.size - 1) << level)
      for objective in best.keys {
        best[objective]?.place.column *= 2
        best[objective]?.place.row *= 2
      }
      var wanted: [(objective: Objective, place: Place)] = []
      for objective in landscape.objectives {
        guard let center = best[objective]?.place else { continue }
        for column in -1...1 {
          for row in -1...1 where column != 0 || row != 0 {
            let place = Place(column: center.column + 2 * column, row: center.row + 2 * row)
            if abs(place.column) <= finest.column, abs(place.row) <= finest.row { wanted.append((objective, place)) }
          }
        }
      }
      func key(_ place: Place) -> LandscapeRefinement.Place {
        .init(
          level: level, x: grid.x.coordinate(place.column, of: finest.column),
          y: grid.y.coordinate(place.row, of: finest.row))
      }
      // Of all that are wanted, also where a journal has some: a point's number must not depend on what was done before.
      let first = grid.count + RefinementCount.largest(levels: level - 1, objectives: landscape.objectives.count)
      var numbers: [Place: Int] = [:]
      for (index, entry) in wanted.enumerated() where numbers[entry.place] == nil { numbers[entry.place] = first + index }
      // Objectives that meet in a point share its inner training.
      var places: [Place] = []
      var objectives: [Place: [Objective]] = [:]
      for (objective, place) in wanted where !journal.holds(key(place), [objective]) {
        if objectives[place] == nil { places.append(place) }
        objectives[place, default: []].append(objective)
      }
      let points = places.map { place in
        WalkPoint(key(place), objectives[place] ?? [], number: numbers[place] ?? first, on: axes) {
          [key(place).x, key(place).y]
        }
      }
      try walk.run(points, journal: journal, watch: watch)
      for (objective, place) in wanted {
        let (key, sample) = (key(place), journal.samples(key(place), [objective])?[0])
        guard let sample else { continue }
        let point = LandscapeRefinement.Point(level: level, x: key.x, y: key.y, objective: objective, sample: sample)
        result.append(point)
        if point.sample.loss.isFinite, point.sample.loss < best[objective]?.loss ?? .infinity {
          best[objective] = (place, point.sample.loss)
        }
      }
    }
    return LandscapeRefinement(points: result)
  }
}
