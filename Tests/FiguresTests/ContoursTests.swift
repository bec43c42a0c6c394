import Figures
import Foundation
import Testing

@Suite struct ContoursTests {
  @Test func linesOfALinearFunctionAreExact() throws {
    let grid = try sampled(9) { x, y in 2 * x + y }
    let lines = Contours.lines(of: grid, level: 0.3)
    try #require(lines.count == 1)
    #expect(!lines[0].isClosed)
    #expect(lines[0].points.allSatisfy { abs(2 * $0.x + $0.y - 0.3) < 1e-14 })
    // From the lower side of the grid to the upper one: the line leaves nothing out.
    let ends = [lines[0].points[0], lines[0].points[lines[0].points.count - 1]].map(\.y).sorted()
    #expect(ends == [-1, 1])
  }

  @Test(arguments: [0.1, 0.25, 0.5, 0.81]) func circleIsOneRingWithinTheErrorOfInterpolation(level: Double) throws {
    let grid = try sampled(41) { x, y in x * x + y * y }
    let lines = Contours.lines(of: grid, level: level)
    try #require(lines.count == 1)
    #expect(lines[0].isClosed)
    // Linear interpolation of x² over a side of length h errs by at most h²/4, on the inner side.
    let step = 2.0 / 40
    for point in lines[0].points {
      let value = point.x * point.x + point.y * point.y
      #expect(value <= level + 1e-14 && value >= level - step * step / 4 - 1e-14)
    }
    // Once around: the turned angles add up to one full circle.
    let points = lines[0].points
    let turned = points.indices.reduce(0.0) { sum, index in
      let (a, b) = (points[index], points[(index + 1) % points.count])
      return sum + atan2(a.x * b.y - a.y * b.x, a.x * b.x + a.y * b.y)
    }
    #expect(abs(abs(turned) - 2 * .pi) < 1e-9)
  }

  @Test func twoWellsAreTwoRingsBelowTheSaddleAndOneAboveIt() throws {
    // (x² − ¼)² + y²: wells at ±½, saddle of height 1/16 between them.
    let grid = try sampled(61) { x, y in (x * x - 0.25) * (x * x - 0.25) + y * y }
    let below = Contours.lines(of: grid, level: 0.03)
    #expect(below.count == 2)
    #expect(below.allSatisfy { $0.isClosed })
    let above = Contours.lines(of: grid, level: 0.1)
    #expect(above.count == 1)
    #expect(above.allSatisfy { $0.isClosed })
  }

  @Test func saddleSquareJoinsWhatTheMeanSays() throws {
    let high = try Grid(x: [0, 1], y: [0, 1], values: [4, 0, 0, 4])
    func ends(_ level: Double) -> Set<[Double]> {
      Set(Contours.lines(of: high, level: level).map { $0.points.sorted { $0.x < $1.x }.flatMap { [$0.x, $0.y] } })
    }
    // The middle, 2, is above 1: the two low corners are cut off.
    #expect(ends(1) == [[0.75, 0, 1, 0.25], [0, 0.75, 0.25, 1]])
    // And below 3: the two high corners are.
    #expect(ends(3) == [[0, 0.25, 0.25, 0], [0.75, 1, 1, 0.75]])
  }

  @Test func linesEndAtPointsThatDiverged() throws {
    var values = try sampled(21) { x, y in x * x + y * y }.values
    values[10 * 21 + 15] = .nan
    let list = coordinates(21)
    let lines = Contours.lines(of: try Grid(x: list, y: list, values: values), level: 0.27)
    #expect(lines.count == 1)
    #expect(lines.allSatisfy { !$0.isClosed })
    #expect(lines.allSatisfy { $0.points.allSatisfy { $0.x.isFinite && $0.y.isFinite } })
    values[10 * 21 + 15] = .infinity
    #expect(Contours.lines(of: try Grid(x: list, y: list, values: values), level: 0.27) == lines)
  }

  @Test func levelThroughPointsOfTheGridRepeatsNoPoint() throws {
    let grid = try sampled(5) { x, y in abs(x) + abs(y) }
    let lines = Contours.lines(of: grid, level: 0.5)
    try #require(lines.count == 1)
    #expect(lines[0].isClosed)
    let points = lines[0].points
    #expect(points.indices.allSatisfy { points[$0] != points[($0 + 1) % points.count] })
    #expect(points.allSatisfy { abs(abs($0.x) + abs($0.y) - 0.5) < 1e-15 })
  }

  @Test func nothingIsFoundWhereNothingCrosses() throws {
    #expect(Contours.lines(of: try sampled(5) { _, _ in 1 }, level: 1).isEmpty)
    #expect(Contours.lines(of: try sampled(1) { _, _ in 1 }, level: 0.5).isEmpty)
    #expect(Contours.lines(of: try sampled(5) { x, _ in x }, level: .nan).isEmpty)
    let row = try Grid(x: [0, 1, 2], y: [0], values: [0, 1, 2])
    #expect(Contours.lines(of: row, level: 0.5).isEmpty)
  }

  @Test func hugeValuesDoNotOverflow() throws {
    let big = Double.greatestFiniteMagnitude
    let lines = Contours.lines(of: try Grid(x: [0, 1], y: [0, 1], values: [-big, -big, big, big]), level: 0)
    try #require(lines.count == 1)
    #expect(lines[0].points.allSatisfy { $0.y == 0.5 })
  }
}
