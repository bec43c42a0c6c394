import Cells
import ClosedFormSupport
import Formats
import Foundation
import Landscape
import TestSupport
import Testing

/// Expected values: numpy's SVD of the seven points about their mean (numpy 2.4).
@Suite("Paths of α") struct TrajectoryTests {
  private let paths = [
    AlphaTrajectory(
      name: "a",
      points: [
        [0, 0, 0, 0, 0, 0], [1, 0.5, 0, 0.25, -0.5, 0], [2, 0.75, 0.5, 0.25, -1.5, 0.25], [3.5, 1, 0.25, 0.5, -2, 0.5],
      ]
    ),
    AlphaTrajectory(
      name: "b", points: [[0, 0, 0, 0, 0, 0], [0.5, -0.5, 1, 0, 0, 1], [0.25, -1.5, 2, 0.5, 0.25, 1.5]]),
  ]

  @Test("principal components are those of the epochs of all paths together") func components() throws {
    let found = try PrincipalComponents(of: paths)
    #expect(close(Array(found.variances.prefix(3)), [2.55556034, 9.07840130e-01, 2.43961745e-02], .scaled(1e-8)))
    #expect(
      close(
        try found.component(1), [0.70950812, 0.43786957, -0.20212174, 0.05182276, -0.49566984, -0.12506431], .scaled(1e-8)))
    #expect(
      close(
        try found.component(2), [0.39979183, -0.36381792, 0.62906616, 0.15959722, -0.12056527, 0.52160476], .scaled(1e-8)))
    // Seven points, two of them the same, extend in five directions.
    #expect(refusal { try found.component(6) } == "setting directions: pca6")
    #expect(refusal { try found.component(0) } == "setting directions: pca0")
    let tiny = try PrincipalComponents(
      of: paths.map { path in AlphaTrajectory(name: path.name, points: path.points.map { $0.map { $0 * 1e-200 } }) })
    #expect(close(try tiny.component(1), try found.component(1), .scaled(1e-12)))
  }

  @Test("a path that goes nowhere, or none, has no components") func nowhere() {
    let still = AlphaTrajectory(name: "s", points: [[1, 2], [1, 2], [1, 2]])
    for (bad, place) in [
      ([], "setting directions: none"), ([AlphaTrajectory(name: "one", points: [[1, 2]])], "setting directions: 1 epoch"),
      ([still], "setting trajectory"),
    ] {
      #expect(refusal { try PrincipalComponents(of: bad) } == place)
    }
  }

  private func settings(_ kinds: [DirectionKind], automatic: Bool = true) throws -> LandscapeSettings {
    .init(
      objectives: [.firstOrder], grid: try .init(size: 3, range: 1), normalisation: .own, isRangeAutomatic: automatic,
      directions: kinds, center: .trajectory)
  }

  private func run(_ settings: LandscapeSettings, _ paths: [AlphaTrajectory]) throws -> LandscapeRun<CountingProblem> {
    let problem = CountingProblem(try quadratic())
    return try LandscapeRun(
      problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: smallAlphas(), settings: settings,
      trajectories: paths)
  }

  @Test("coordinates, distances and explained variance are numpy's, and the range holds the path")
  func projection() throws {
    let made = try run(settings([.principal(1), .principal(2)]), paths)
    let projection = try #require(made.projection)
    let expected = [
      [-0.8607831118815081, -1.0790379152437286, 0.06456304884575069],
      [0.32845040331457365, -0.7609731125937959, 0.1870268162109588],
      [1.510768809776582, 0.11336376944391134, 0.35084698391534347],
      [2.9645533497496075, 0.6954136165360404, 0.19760523328233665],
      [-0.8607831118815081, -1.0790379152437286, 0.06456304884575069],
      [-1.0521498819757802, 0.4534378797654002, 0.3111486631216891],
      [-2.030056457101967, 1.656833677335901, 0.15923121326318057],
    ]
    #expect(projection.points.map(\.run) == ["a", "a", "a", "a", "b", "b", "b"])
    #expect(projection.points.map(\.epoch) == [1, 2, 3, 4, 1, 2, 3])
    for (point, wanted) in zip(projection.points, expected) {
      #expect(close([point.x, point.y, point.distance], wanted, .scaled(1e-6)))
    }
    #expect(close(try #require(projection.explainedVariance), [7.28037538e-01, 2.58628874e-01], .scaled(1e-8)))
    #expect(abs(made.settings.grid.range - 1.1 * 2.9645533497496075) < 1e-6)
    let text = made.settingsText()
    #expect(text.contains("explained_variance_1: 0.728") && text.contains("\ncenter: mean\n"))
    #expect(text.contains("\ndirections: \"pca1,pca2\"\n") && text.contains("\nnormalisation: none\n"))
  }

  @Test("in any plane, the foot and the distance make up the offset") func anyPlane() throws {
    var chosen = try settings([.random, .first], automatic: false)
    (chosen.center, chosen.normalisation) = (.checkpoint, .cell)
    let made = try run(chosen, paths)
    let center = smallAlphas().flat.map(Double.init)
    let axes = made.directions.directions.map(\.flat)
    for (point, alphas) in zip(try #require(made.projection).points, paths.flatMap(\.points)) {
      let offset = zip(alphas, center).map { $0 - $1 }
      let squares = axes.map { $0.reduce(0) { $0 + $1 * $1 } }
      let whole = offset.reduce(0) { $0 + $1 * $1 }
      let parts = point.x * point.x * squares[0] + point.y * point.y * squares[1] + point.distance * point.distance
      #expect(abs(parts / whole - 1) < 1e-12)
    }
  }

  @Test("trajectory.csv is written beside the landscape") func files() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let made = try run(settings([.principal(1), .principal(2)]), paths)
    _ = try made.run(in: folder)
    let table = try CSVTable(readingFrom: folder.file("trajectory.csv"))
    #expect(table.columns == ["run", "epoch", "x", "y", "distance_from_plane"])
    #expect(try table.column("run") == ["a", "a", "a", "a", "b", "b", "b"])
    #expect(try table.doubles("x") == made.projection?.points.map(\.x))
  }

  @Test("what needs a path is refused without one") func missing() throws {
    #expect(refusal { try run(settings([.random, .random]), []) } == "setting center: mean")
    var chosen = try settings([.random, .random])
    chosen.center = .checkpoint
    let error = #expect(throws: InputError.self) { try run(chosen, []) }
    #expect(error?.place.setting == "range")
    #expect(refusal { try run(settings([.principal(1), .principal(2)], automatic: false), []) } == "setting center: mean")
  }

  @Test("runs are told apart by their names, and a file that is no path of α is refused") func reading() throws {
    let scratch = try ScratchFolder()
    let alphas = SearchSpace.s2.zeroAlphas
    func write(_ name: String, shape: [Int], _ values: [Float]) throws -> String {
      let folder = scratch.file(name)
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try NPYFile(shape: shape, values: .float32(values)).write(to: folder + "/alphas.npy")
      return folder
    }
    let values = (0..<112).map { Float($0) }
    let (one, two) = (
      try write("x/run", shape: [2, 2, 14, 2], values), try write("y/run", shape: [2, 2, 14, 2], values)
    )
    let other = try write("y/other", shape: [2, 2, 14, 2], values)
    #expect(try AlphaTrajectory.read(runs: [one, other], like: alphas).map(\.name) == ["run", "other"])
    #expect(try AlphaTrajectory.read(runs: [one, two], like: alphas).map(\.name) == [one, two])
    let read = try AlphaTrajectory(run: one, like: alphas)
    #expect(read.points == [values[..<56].map(Double.init), values[56...].map(Double.init)])
    var broken = values
    broken[60] = .nan
    for bad in [
      try write("z/a", shape: [2, 2, 28], values), try write("z/b", shape: [1, 2, 14, 4], values),
      try write("z/c", shape: [0, 2, 14, 2], []), try write("z/d", shape: [2, 2, 14, 2], broken),
    ] {
      let error = #expect(throws: InputError.self) { try AlphaTrajectory(run: bad, like: alphas) }
      #expect(error?.place.file == bad + "/alphas.npy")
    }
    #expect(
      refusal { try AlphaTrajectory(run: scratch.file("none"), like: alphas) }?.hasPrefix(scratch.file("none")) == true)
    #expect(refusal { try AlphaTrajectory.read(runs: [one, one], like: alphas) } == "setting trajectory: \(one), \(one)")
  }
}
