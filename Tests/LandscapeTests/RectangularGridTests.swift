import ClosedFormSupport
import Formats
import Foundation
import Landscape
import Problems
import TestSupport
import Testing

@Suite("Grids of two ranges") struct RectangularGridTests {
  private static let objectives: [Objective] = [.firstOrder, .trueLoss(innerSteps: 2)]

  private static func grid(_ size: GridSize, _ x: Double, _ y: Double) throws -> LandscapeGrid {
    try GridReach(x: x, y: y).grid(size)
  }

  private func run(
    _ grid: LandscapeGrid, levels: Int = 0, change: (inout LandscapeSettings) -> Void = { _ in },
    paths: [AlphaTrajectory] = []
  ) throws -> LandscapeRun<CountingProblem> {
    let problem = CountingProblem(try quadratic(noise: 0.3))
    var settings = LandscapeSettings(
      objectives: Self.objectives, grid: grid, directionsSeed: 4, normalisation: .model,
      step: WeightStep(learningRate: 0.05), refinementLevels: levels)
    change(&settings)
    return try LandscapeRun(
      problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: smallAlphas(), settings: settings,
      trajectories: paths)
  }

  @Test("each axis has its own coordinates, and points go along the second direction first") func coordinates() throws {
    let grid = try Self.grid(.init(x: 3, y: 2), 1, 0.25)
    #expect(grid.count == 6 && grid.x.coordinates == [-1, 0, 1] && grid.y.coordinates == [-0.25, 0.25])
    #expect(grid.point(3) == .init(i: 1, j: 1, x: 0, y: 0.25))
    #expect((0..<6).map { grid.point($0).i } == [0, 0, 1, 1, 2, 2])
    let square = try LandscapeGrid(size: 5, range: 0.3)
    #expect(try GridReach(0.3).grid(.init(x: 5, y: 5)) == square && square.extent.text == "5")
  }

  @Test("sizes and ranges are read as they are written, and what is none is refused") func texts() throws {
    for (text, x, y) in [("51", 51, 51), ("51x31", 51, 31), ("1x2", 1, 2)] {
      #expect(GridSize(text: text) == GridSize(x: x, y: y) && GridSize(x: x, y: y).text == text)
    }
    for bad in ["", "x", "5x", "x5", "5x5x5", "5 x 5", "many", "5.0"] { #expect(GridSize(text: bad) == nil, "\(bad)") }
    #expect(try GridReach(parsing: "0.5") == GridReach(0.5) && !GridReach(parsing: "0.5").isAutomatic)
    #expect(try GridReach(parsing: "1,0.5") == GridReach(x: 1, y: 0.5))
    #expect(try GridReach(parsing: "auto") == GridReach(nil))
    #expect(try GridReach(parsing: "auto,2") == GridReach(x: nil, y: 2) && GridReach(parsing: "auto,2").isAutomatic)
    for bad in ["", "wide", "1,", "1,2,3", "auto,", "1;2"] {
      #expect(refusal { try GridReach(parsing: bad) } == "setting range: '\(bad)'")
    }
    for bad in ["0", "nan", "-1", "inf", "1,0", "1,nan", "0,1"] {
      #expect(
        refusal { try GridReach(parsing: bad).grid(.init(x: 3, y: 3)) }?.hasPrefix("setting range: ") == true, "\(bad)")
    }
    #expect(refusal { try GridReach(1).grid(.init(x: 3, y: 0)) } == "setting grid: 0")
    #expect(refusal { try GridReach(nil).grid(.init(x: 3, y: 3)) } == "setting range: auto")
  }

  @Test("table, arrays and settings are of the rectangle, and a finished one reads back") func files() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let made = try run(Self.grid(.init(x: 3, y: 5), 1, 0.5), levels: 2)
    let result = try made.runAny(in: folder)
    let plane = try #require(result.landscape)
    let problem = try quadratic(noise: 0.3)
    let evaluator = try ObjectiveEvaluator(
      problem: problem, weights: problem.makeInitialWeights(), step: WeightStep(learningRate: 0.05), epoch: 0,
      objectives: Self.objectives)
    for (i, x) in [-1.0, 0, 1].enumerated() {
      for (j, y) in [-0.5, -0.25, 0, 0.25, 0.5].enumerated() {
        let wanted = try evaluator.evaluate(Self.objectives, at: made.directions.alphas(at: [x, y]))
        #expect(plane.losses(of: .firstOrder)[5 * i + j] == wanted[0].loss)
        #expect(plane.losses(of: .trueLoss(innerSteps: 2))[5 * i + j] == wanted[1].loss)
      }
    }
    #expect(plane.centre(of: .firstOrder)?.loss == plane.losses(of: .firstOrder)[7])
    let table = try CSVTable(readingFrom: folder.file("landscape.csv"))
    #expect(table.rows.count == 30)
    let (xs, ys) = (Set(try table.doubles("x")), Set(try table.doubles("y")))
    #expect(xs == [-1, 0, 1])
    #expect(ys == [-0.5, -0.25, 0, 0.25, 0.5])
    let arrays = try NPZFile(readingFrom: folder.file("landscape.npz"))
    #expect(arrays["x"]?.values == .float64([-1, 0, 1]))
    #expect(arrays["y"]?.shape == [5])
    #expect(arrays["loss_first"] == NPYFile(shape: [3, 5], values: .float64(plane.losses(of: .firstOrder))))
    #expect(try NPYFile(readingFrom: folder.file("landscape.npy")).shape == [2, 3, 5])
    let text = try String(contentsOfFile: folder.file("landscape.yaml"), encoding: .utf8)
    #expect(text.contains("\ngrid: 3x5\nrange: \"1.0,0.5\"\n"))
    #expect(try made.runAny(in: folder, isContinued: true, isStopRequested: { true }) == result)
    let other = try run(Self.grid(.init(x: 3, y: 5), 1, 1), levels: 2)
    #expect(refusal { try other.runAny(in: folder, isContinued: true) }?.contains("range: \"1.0,0.5\"") == true)
  }

  @Test(
    "an axis between bounds meets both, has the centre of the directions where it lies on a point, and is written with a colon"
  )
  func bounds() throws {
    let reach = try GridReach(parsing: "-0.2:1.2,-1:1")
    #expect(reach == GridReach(x: .between(-0.2, 1.2), y: .between(-1, 1)) && !reach.isAutomatic && !reach.isSquare)
    let grid = try reach.grid(.init(x: 15, y: 3))
    #expect(grid.x.coordinates.first == -0.2 && grid.x.coordinates.last == 1.2)
    #expect(grid.x.coordinates[2] == 0 && close(grid.x.coordinates[12], 1, .absolute(1e-15)))
    #expect(zip(grid.x.coordinates, grid.x.coordinates.dropFirst()).allSatisfy { close($1 - $0, 0.1, .absolute(1e-15)) })
    // As far either way: what it always was, by every name.
    let usual = try LandscapeGrid.Axis(size: 3, range: 1)
    #expect(grid.y == usual)
    #expect(grid.x.range == 1.2)
    #expect(try GridReach(parsing: "0.5:0.75").grid(.init(x: 1, y: 1)).point(0) == .init(i: 0, j: 0, x: 0.625, y: 0.625))
    let text = try run(grid).settingsText()
    #expect(text.contains("\ngrid: 15x3\nrange: \"-0.2:1.2,1.0\"\n"))
    #expect(try run(GridReach(parsing: "0:2").grid(.init(x: 3, y: 3))).settingsText().contains("\nrange: \"0.0:2.0\"\n"))
    for bad in ["1:0", "1:1", "0:nan", "0:inf", "-inf:1"] {
      #expect(
        refusal { try GridReach(parsing: bad).grid(.init(x: 3, y: 3)) }?.hasPrefix("setting range: ") == true, "\(bad)")
    }
    for bad in [":1", "1:", "1:2:3", "a:b", "path:1"] {
      #expect(refusal { try GridReach(parsing: bad) } == "setting range: '\(bad)'")
    }
  }

  @Test("a plane between bounds is sampled there, refined within them, and goes on after an interruption") func boundedRun()
    throws
  {
    let scratch = try ScratchFolder()
    let (whole, parts) = (try OutputFolder.create(at: scratch.file("a")), try OutputFolder.create(at: scratch.file("b")))
    let grid = try GridReach(parsing: "-0.5:1.5,0.25:0.75").grid(.init(x: 5, y: 3))
    let result = try run(grid, levels: 3).runAny(in: whole)
    let plane = try #require(result.landscape)
    let table = try CSVTable(readingFrom: whole.file("landscape.csv"))
    let (xs, ys) = (Set(try table.doubles("x")), Set(try table.doubles("y")))
    #expect(xs == [-0.5, 0, 0.5, 1, 1.5])
    #expect(ys == [0.25, 0.5, 0.75])
    // y never is 0.
    #expect(plane.centre(of: .firstOrder) == nil)
    let refinement = try #require(result.refinement)
    #expect(refinement.points.allSatisfy { (-0.5...1.5).contains($0.x) && (0.25...0.75).contains($0.y) })
    // At level 1 spacings are 0.25 and 0.125 around a point of the grid.
    let best = try #require(plane.minimiser(of: .firstOrder)?.point)
    let near = refinement.points.filter { $0.level == 1 && $0.objective == .firstOrder }
    #expect(!near.isEmpty)
    for point in near {
      #expect([0, 0.25].contains(abs(point.x - best.x)) && [0, 0.125].contains(abs(point.y - best.y)), "\(point)")
    }
    var asked = 0
    #expect(throws: CancellationError.self) {
      try run(grid, levels: 3).runAny(
        in: parts,
        isStopRequested: {
          asked += 1
          return asked > 7
        })
    }
    _ = try run(grid, levels: 3).runAny(in: parts, isContinued: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: whole.path) {
      #expect(try FileBytes.read(whole.file(name)) == FileBytes.read(parts.file(name)), "\(name)")
    }
    let other = try run(GridReach(parsing: "-0.5:1.5,0.25:1").grid(.init(x: 5, y: 3)), levels: 3)
    #expect(refusal { try other.runAny(in: whole, isContinued: true) }?.contains("range: \"-0.5:1.5,0.25:0.75\"") == true)
  }

  @Test("a line runs between bounds, from one network to another") func boundedLine() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let grid = try GridReach(parsing: "0:1").grid(.init(x: 3, y: 3))
    let result = try run(grid) { $0.kind = .line }.runAny(in: folder)
    #expect(try CSVTable(readingFrom: folder.file("lines.csv")).doubles("t").prefix(6) == [0, 0, 0.5, 0.5, 1, 1])
    #expect(try run(grid) { $0.kind = .line }.runAny(in: folder, isContinued: true, isStopRequested: { true }) == result)
  }

  @Test("a square is written as it always was") func square() throws {
    let text = try run(.init(size: 3, range: 0.5)).settingsText()
    #expect(text.contains("\ngrid: 3\nrange: 0.5\ndirections_seed: 4\n"))
  }

  @Test("refinement halves both spacings and stays within both ranges") func refinement() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let result = try run(Self.grid(.init(x: 5, y: 3), 2, 0.5), levels: 4).runAny(in: folder)
    let (plane, refinement) = (try #require(result.landscape), try #require(result.refinement))
    for objective in Self.objectives {
      var best = try #require(plane.minimiser(of: objective).map { (x: $0.point.x, y: $0.point.y, loss: $0.loss) })
      for level in 1...4 {
        let (width, height) = (1 / Double(1 << level), 0.5 / Double(1 << level))
        var inside: [[Double]] = []
        for column in [-width, 0, width] {
          for row in [-height, 0, height] where column != 0 || row != 0 {
            let (x, y) = (best.x + column, best.y + row)
            if abs(x) <= 2, abs(y) <= 0.5 { inside.append([x, y]) }
          }
        }
        let points = refinement.points.filter { $0.objective == objective && $0.level == level }
        #expect(points.map { [$0.x, $0.y] } == inside)
        for point in points where point.sample.loss < best.loss { best = (point.x, point.y, point.sample.loss) }
      }
    }
    #expect(refusal { try run(Self.grid(.init(x: 5, y: 1), 1, 1), levels: 1) } == "setting refine: grid 5x1")
  }

  @Test("one auto makes the square that it always made, two the rectangle around the path") func automatic() throws {
    let path = AlphaTrajectory(
      name: "a", points: [[0, 0, 0, 0, 0, 0], [1, 0.5, 0, 0.25, -0.5, 0], [2, 0.75, 0.5, 0.25, -1.5, 0.25]])
    func reached(_ reach: GridReach) throws -> LandscapeGrid {
      try run(
        .init(size: 3, range: 1),
        change: {
          $0.directions = [.principal(1), .principal(2)]
          ($0.normalisation, $0.center, $0.automaticReach) = (.own, .trajectory, reach)
        }, paths: [path]
      ).settings.grid
    }
    let square = try reached(GridReach(nil))
    #expect(square.x == square.y)
    let both = try reached(GridReach(x: nil, y: nil))
    #expect(both.x == square.x && both.y.range < square.y.range && both.y.range > 0)
    let one = try reached(GridReach(x: 7, y: nil))
    #expect(one.x.range == 7 && one.y == both.y)
    #expect(
      refusal { try run(.init(size: 3, range: 1), change: { $0.automaticReach = GridReach(x: nil, y: 1) }) }
        == "setting range: auto")
    // Where the path lies: its own bounds and a tenth of half their width more; the square as long along both.
    let feet = try #require(
      run(
        .init(size: 3, range: 1),
        change: {
          $0.directions = [.principal(1), .principal(2)]
          ($0.normalisation, $0.center, $0.automaticReach) = (.own, .trajectory, GridReach(.path))
        }, paths: [path]
      ).projection?.points)
    let (xs, ys) = (feet.map(\.x), feet.map(\.y))
    let tight = try reached(GridReach(x: .path, y: .path))
    for (axis, values) in [(tight.x, xs), (tight.y, ys)] {
      let (low, high) = (try #require(values.min()), try #require(values.max()))
      let bounds = try #require(axis.bounds)
      #expect(close(bounds.lowerBound, low - 0.05 * (high - low), .absolute(1e-12)))
      #expect(close(bounds.upperBound, high + 0.05 * (high - low), .absolute(1e-12)))
      #expect(bounds.upperBound - bounds.lowerBound < 2.2 * max(abs(low), abs(high)))
    }
    let whole = try reached(GridReach(.path))
    let (wide, high) = (try #require(whole.x.bounds), try #require(whole.y.bounds))
    #expect(wide == tight.x.bounds)
    #expect(close(high.upperBound - high.lowerBound, wide.upperBound - wide.lowerBound, .absolute(1e-12)))
    #expect(close(high.upperBound + high.lowerBound, (ys.min() ?? 0) + (ys.max() ?? 0), .absolute(1e-12)))
    let mixed = try reached(GridReach(x: .between(-1, 4), y: .path))
    #expect(mixed.x.bounds == -1...4 && mixed.y == tight.y)
  }

  @Test("a row of another rectangle is named") func foreign() throws {
    let table = CSVTable(
      path: "l.csv", columns: LandscapeTable.columns, rows: [["2", "1", "1.0", "0.5", "first", "0", "1.0", "0.5", "", ""]])
    let wide = try Self.grid(.init(x: 3, y: 2), 1, 0.5)
    #expect(try LandscapeTable.samples(in: table, grid: wide, objectives: [.firstOrder])[5]?[.firstOrder]?.loss == 1)
    let high = try Self.grid(.init(x: 2, y: 3), 1, 0.5)
    let error = #expect(throws: InputError.self) {
      try LandscapeTable.samples(in: table, grid: high, objectives: [.firstOrder])
    }
    #expect(error?.place == .file("l.csv", "row 1") && error?.wanted == "0 to 1, 0 to 2")
  }
}
