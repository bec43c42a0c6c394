/// A line of equal value through a grid.
public struct ContourLine: Equatable, Sendable {
  public var level: Double
  /// In the coordinates of the grid; a closed line does not repeat its first point.
  public var points: [Point]
  public var isClosed: Bool
}

/// Lines of equal value by marching squares (W. Lorensen and H. Cline 1987, in two dimensions).
public enum Contours {
  /// The lines where the values of `grid`, linearly interpolated along the sides of its squares, equal `level`.
  ///
  /// Squares with a corner that isn't finite are left out, and lines end there. In a square whose diagonals
  /// disagree, the mean of the corners says which pair is joined.
  public static func lines(of grid: Grid, level: Double) -> [ContourLine] {
    guard level.isFinite, grid.columns > 1, grid.rows > 1 else { return [] }
    var crossings = Crossings(grid: grid, level: level)
    crossings.collect()
    return crossings.joined()
  }

  /// A side of a square: from node (column, row) to the right or downwards, as one number.
  private typealias Side = Int

  private struct Crossings {
    let grid: Grid
    let level: Double
    /// The sides that each side is joined to: at most two.
    var neighbours: [Side: [Side]] = [:]
    /// Sides in the order in which they were met, so that the result does not depend on hashing.
    var order: [Side] = []

    init(grid: Grid, level: Double) {
      self.grid = grid
      self.level = level
    }

    func horizontal(_ column: Int, _ row: Int) -> Side { 2 * (row * grid.columns + column) }
    func vertical(_ column: Int, _ row: Int) -> Side { 2 * (row * grid.columns + column) + 1 }

    mutating func collect() {
      for row in 0..<(grid.rows - 1) {
        for column in 0..<(grid.columns - 1) { visit(column, row) }
      }
    }

    mutating func visit(_ column: Int, _ row: Int) {
      let corners = [grid[column, row], grid[column + 1, row], grid[column + 1, row + 1], grid[column, row + 1]]
      guard corners.allSatisfy(\.isFinite) else { return }
      let above = corners.map { $0 >= level }
      let sides = [
        horizontal(column, row), vertical(column + 1, row), horizontal(column, row + 1), vertical(column, row),
      ]
      let crossed = (0..<4).filter { above[$0] != above[($0 + 1) % 4] }
      if crossed.count == 2 {
        join(sides[crossed[0]], sides[crossed[1]])
      } else if crossed.count == 4 {
        // A saddle: cut off the two corners that differ from the middle.
        let middle = corners.reduce(0) { $0 + $1 / 4 } >= level
        if middle == above[0] {
          join(sides[0], sides[1])
          join(sides[2], sides[3])
        } else {
          join(sides[3], sides[0])
          join(sides[1], sides[2])
        }
      }
    }

    mutating func join(_ a: Side, _ b: Side) {
      for (from, to) in [(a, b), (b, a)] {
        if neighbours[from] == nil { order.append(from) }
        neighbours[from, default: []].append(to)
      }
    }

    func joined() -> [ContourLine] {
      var left = Set(order)
      var lines: [ContourLine] = []
      // Open lines first, from an end; what then remains are rings.
      for start in order.filter({ neighbours[$0]?.count == 1 }) + order where left.contains(start) {
        var sides = [start]
        left.remove(start)
        var current = start
        while let next = neighbours[current]?.first(where: left.contains) {
          sides.append(next)
          left.remove(next)
          current = next
        }
        let closed = neighbours[start]?.count == 2
        var points: [Point] = []
        for point in sides.map(point) where point != points.last { points.append(point) }
        if closed, points.count > 1, points.first == points.last { points.removeLast() }
        if points.count > 1 { lines.append(ContourLine(level: level, points: points, isClosed: closed && points.count > 2)) }
      }
      return lines
    }

    func point(_ side: Side) -> Point {
      let node = side / 2
      let (column, row) = (node % grid.columns, node / grid.columns)
      let start = grid[column, row]
      if side.isMultiple(of: 2) {
        let t = along(start, grid[column + 1, row])
        return Point(grid.x[column] + t * (grid.x[column + 1] - grid.x[column]), grid.y[row])
      }
      let t = along(start, grid[column, row + 1])
      return Point(grid.x[column], grid.y[row] + t * (grid.y[row + 1] - grid.y[row]))
    }

    /// Halved first, so that the difference of huge values stays finite.
    func along(_ start: Double, _ end: Double) -> Double { (level / 2 - start / 2) / (end / 2 - start / 2) }
  }
}
