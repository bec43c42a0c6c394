import Cells
import ClosedFormSupport
import Compute
import Formats
import Foundation
import Landscape
import Problems
import Search
import TestSupport
import Testing

/// On a problem that can be worked out by hand: A = V = I, D = ½I, a* = 0, ω*(α) = (α₀, α₁), w* = (2, −1), ω = 0 at the start.
/// M steps of size η without momentum lead to ω_M = s (α₀, α₁) with s = 1 − (1 − η)^M, so L_M is least where each of the two is
/// s w* / (s² + ½), L₁ at s = 0, and L₂ at s = η.
@Suite("Methods that are held to a plane") struct ConfinedPathTests {
  private static let target = [2.0, -1.0]
  private static let step = WeightStep(learningRate: 0.1, momentum: 0, weightDecay: 0, gradientClip: 1000)

  private static func problem(noise: Double = 0) throws -> QuadraticBilevelProblem {
    var response = DenseMatrix(rows: 2, columns: 6)
    (response[0, 0], response[1, 1]) = (1, 1)
    return try QuadraticBilevelProblem(
      coefficients: .init(
        trainingCurvature: .identity(2), response: response, responseOffset: [0, 0], validationCurvature: .identity(2),
        weightTarget: target, alphaCurvature: 0.5 * DenseMatrix.identity(6), alphaTarget: [0, 0, 0, 0, 0, 0]),
      initialAlphas: smallAlphas(), stepsPerEpoch: 7, noise: noise, seed: 5)
  }

  /// The plane of the first two values of α, with axes of length 1 and 2.
  private static func plane() throws -> Directions {
    try Directions(
      [
        AlphaDirection(normal: [1, 0, 0, 0], reduce: [0, 0]), AlphaDirection(normal: [0, 2, 0, 0], reduce: [0, 0]),
      ], around: smallAlphas(), normalisation: .own)
  }

  /// The point of the plane where α₀ and α₁ are s w* / (s² + ½).
  private static func least(_ s: Double) -> [Double] {
    let center = smallAlphas().flat.map(Double.init)
    let values = target.map { s * $0 / (s * s + 0.5) }
    return [values[0] - center[0], (values[1] - center[1]) / 2]
  }

  private static func method(
    _ name: String, _ change: (inout SearchConfiguration) -> Void = { _ in }
  ) throws -> ConfinedPathMethod {
    let method = try #require(SearchMethod(rawValue: name))
    var search = SearchConfiguration(method: method, space: .s2, dataset: "closed-form")
    search.sigmaDecay = .constant
    search.seed = 9
    change(&search)
    return try ConfinedPathMethod(name, in: search, epoch: 0)
  }

  private static func walk(
    _ methods: [ConfinedPathMethod], steps: Int, copies: Int = 1, noise: Double = 0
  ) throws -> ConfinedWalk<QuadraticBilevelProblem> {
    let problems = try (0..<copies).map { _ in try problem(noise: noise) }
    return ConfinedWalk(
      problems: problems, weights: problems[0].makeInitialWeights(), velocity: nil, step: step, plane: try plane(),
      settings: try .init(methods: methods, steps: steps, x: 2, y: 0.5))
  }

  private static func distance(_ path: ConfinedPath, to point: [Double]) throws -> Double {
    let last = try #require(path.points.last)
    // In units of α.
    return ((last.x - point[0]) * (last.x - point[0]) + 4 * (last.y - point[1]) * (last.y - point[1])).squareRoot()
  }

  /// Limits are twice the worst of 300 seeds of the same updates in numpy: 0.009, 0.073, and 1e-5 for what float32 leaves of RS,
  /// which is exact on a quadratic; the start is 1.8 away.
  @Test(
    "zero-order methods go down to where the true loss of the plane is least",
    arguments: [
      ("zarts-gld", 0.018), ("zarts-mgs", 0.15), ("zarts-rs", 1e-3),
    ])
  func zeroOrder(name: String, limit: Double) throws {
    let made = try Self.method(name) {
      ($0.radius, $0.radii, $0.candidates, $0.sigma, $0.tau, $0.lambda) = (1, 6, 16, 0.05, 0.001, 0.5)
      ($0.antithetic, $0.mu, $0.xi) = (true, 0.1, 0.5)
      if name == "zarts-rs" { $0.candidates = 8 }
    }
    let path = try #require(try Self.walk([made], steps: 40).run().first)
    #expect(path.name == name && path.points.count == 41 && path.divergence == nil)
    #expect(try Self.distance(path, to: Self.least(1 - pow(0.9, 10))) < limit)
  }

  @Test(
    "DARTS goes to where its own approximation is least, away from the true loss",
    arguments: [
      ("darts1", 0.0), ("darts2", 0.1),
    ])
  func gradients(name: String, sensitivity: Double) throws {
    let made = try Self.method(name) { ($0.alphaLearningRate, $0.alphaWeightDecay) = (0.05, 0) }
    let path = try #require(try Self.walk([made], steps: 300).run().first)
    // numpy: 4e-8 after 300 updates; the gradient of L₂ is a difference of float32 gradients.
    #expect(try Self.distance(path, to: Self.least(sensitivity)) < 1e-3)
    #expect(try Self.distance(path, to: Self.least(1 - pow(0.9, 10))) > 1)
  }

  @Test("a step is the part of the method's update in the plane") func parts() throws {
    let made = try Self.method("darts1") { ($0.alphaLearningRate, $0.alphaWeightDecay) = (0.05, 0.001) }
    let path = try #require(try Self.walk([made], steps: 3).run().first)
    // Adam's first update is the learning rate against the sign of each value's gradient: in the plane −½α with α₀ = 2.5, α₁ =
    // 0.75, and off it weight decay alone, of −α, which moves all four others.
    let first = path.points[1]
    #expect(close(first.x, 2 - 0.05, .absolute(1e-6)) && close(first.y, 0.5 - 0.025, .absolute(1e-6)))
    #expect(close(first.update, 0.05 * 6.squareRoot(), .absolute(1e-5)))
    #expect(close(first.step, 0.05 * 2.squareRoot(), .absolute(1e-6)))
    #expect(path.points[0] == .init(x: 2, y: 0.5))
    #expect(path.rows.count == 4 && path.rows[0].count == ConfinedPath.columns.count)
  }

  @Test("paths side by side, alone, stopped and continued are the same, and the journal loses nothing") func continuation()
    throws
  {
    let methods = try ["darts1", "zarts-gld", "zarts-mgs"].map { try Self.method($0) { $0.radius = 0.5 } }
    let whole = try Self.walk(methods, steps: 9, noise: 0.2).run()
    #expect(try Self.walk(methods, steps: 9, copies: 3, noise: 0.2).run() == whole)
    #expect(Set(whole.map { $0.points.last?.x }).count == 3)
    let scratch = try ScratchFolder()
    let journal = scratch.file("paths-journal.csv")
    var counts: [Int] = []
    for (copies, stop) in [(1, 7), (2, 30), (3, 61)] {
      var asked = 0
      #expect(throws: CancellationError.self) {
        try Self.walk(methods, steps: 9, copies: copies, noise: 0.2).run(journal: journal) {
          asked += 1
          return asked > stop
        }
      }
      counts.append(try CSVTable(readingFrom: journal).rows.count)
    }
    #expect(counts == counts.sorted() && (counts.last ?? 0) < 30)
    // As after a crash of the machine: a row that is cut short.
    let handle = try #require(FileHandle(forWritingAtPath: journal))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("zarts-mgs,9,0.1".utf8))
    try handle.close()
    #expect(try Self.walk(methods, steps: 9, copies: 2, noise: 0.2).run(journal: journal) == whole)
    #expect(try CSVTable(readingFrom: journal).rows.count == 30)
    var asked = 0
    _ = try Self.walk(methods, steps: 9, noise: 0.2).run(journal: journal) {
      asked += 1
      return false
    }
    // Nothing is left but to ask before each path.
    #expect(asked == 3)
  }

  @Test(
    "a journal of other paths is refused by its row",
    arguments: [
      "zarts-rs,0,2.0,0.5,,", "darts1,1,2.0,0.5,,", "darts1,0,1.0,0.5,,", "darts1,0,nan,0.5,,",
    ])
  func foreignJournal(row: String) throws {
    let scratch = try ScratchFolder()
    let journal = scratch.file("paths-journal.csv")
    try AtomicFile.write(ConfinedPath.columns.joined(separator: ",") + "\n" + row + "\n", to: journal)
    let walk = try Self.walk([Self.method("darts1")], steps: 2)
    #expect(refusal { try walk.run(journal: journal) }?.hasPrefix(journal + ": row 1") == true)
  }

  @Test("a path that leaves the finite range ends there, and says so") func divergence() throws {
    let made = try Self.method("zarts-rs") { ($0.antithetic, $0.mu, $0.xi) = (true, 0.1, 1e300) }
    let path = try #require(try Self.walk([made], steps: 5).run().first)
    #expect(path.points.count < 6 && path.divergence?.hasPrefix("update \(path.points.count): ") == true)
  }

  @Test("a method has the search's settings where it is the search's own, else its published ones; a preset has its own")
  func settings() throws {
    var search = SearchConfiguration(method: .zartsMGS, space: .s2, dataset: "closed-form")
    (search.candidates, search.seed, search.warmup, search.epochs) = (7, 4, 2, 12)
    let own = try ConfinedPathMethod("zarts-mgs", in: search, epoch: 7)
    #expect(own.configuration.candidates == 7 && close(own.sigma, search.sigma / 2, .relative(1e-12)))
    let over = try ConfinedPathMethod("zarts-mgs", in: search, epoch: 12)
    #expect(over.sigma > 0)
    let other = try ConfinedPathMethod("zarts-gld", in: search, epoch: 7)
    #expect(other.configuration.space == .s2 && other.configuration.seed == 4)
    #expect(other.configuration.radii == SearchConfiguration(method: .zartsGLD, space: .s2, dataset: "").radii)
    let preset = try ConfinedPathMethod("authors-path-gld", in: search, epoch: 7)
    #expect(preset.configuration.method == .zartsGLD && preset.configuration.radii == 15)
    #expect(preset.configuration.space == .s2 && preset.configuration.seed == 4)
    #expect(try ConfinedPathMethod("authors-path-mgs", in: search, epoch: 7).sigma == 0.001)
    for bad in ["sgd", "", "random"] {
      #expect(refusal { try ConfinedPathMethod(bad, in: search, epoch: 7) } == "setting paths: '\(bad)'")
    }
    #expect(refusal { try ConfinedPathSettings(methods: [own, own]) } == "setting paths: 'zarts-mgs'")
    #expect(refusal { try ConfinedPathSettings(methods: []) } == "setting paths")
    #expect(refusal { try ConfinedPathSettings(methods: [own], steps: 0) } == "setting path_steps: 0")
    #expect(refusal { try ConfinedPathSettings(methods: [own], x: .infinity) } == "setting path_start: inf")
    let start = try ConfinedPathSettings.start(parsing: "-0.5, 1e-1")
    #expect(start.x == -0.5 && start.y == 0.1)
    for bad in ["1", "1,2,3", "1,x", "nan,0", ""] {
      #expect(refusal { try ConfinedPathSettings.start(parsing: bad) } == "setting path_start: '\(bad)'")
    }
  }

  private func landscape(_ paths: ConfinedPathSettings?) throws -> LandscapeRun<QuadraticBilevelProblem> {
    let problem = try Self.problem()
    var settings = LandscapeSettings(
      objectives: [.firstOrder, .trueLoss(innerSteps: 3)], grid: try .init(size: 3, range: 1), normalisation: .model,
      step: Self.step)
    settings.paths = paths
    return try LandscapeRun(
      problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: smallAlphas(), settings: settings)
  }

  @Test("a landscape writes its paths and says which they are; without any it is what it was") func files() throws {
    let scratch = try ScratchFolder()
    let wanted = try ConfinedPathSettings(methods: [Self.method("darts1"), Self.method("zarts-gld")], steps: 4)
    let folder = try OutputFolder.create(at: scratch.file("with"))
    let made = try landscape(wanted)
    let result = try made.runAny(in: folder)
    let paths = try #require(result.paths)
    #expect(paths.map(\.name) == ["darts1", "zarts-gld"] && paths.allSatisfy { $0.points.count == 5 })
    let table = try CSVTable(readingFrom: folder.file("paths.csv"))
    #expect(table.columns == ["path", "update", "x", "y", "update_norm", "step_norm"])
    let names = ["darts1", "zarts-gld"].flatMap { Array(repeating: $0, count: 5) }
    #expect(try table.column("path") == names)
    #expect(try table.integers("update") == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
    #expect(try table.doubles("x") == paths.flatMap { $0.points.map(\.x) })
    #expect(!FileManager.default.fileExists(atPath: folder.file("paths-journal.csv")))
    #expect(try made.runAny(in: folder, isContinued: true, isStopRequested: { true }) == result)
    let text = try String(contentsOfFile: folder.file("landscape.yaml"), encoding: .utf8)
    #expect(
      text.contains("\npaths: \"darts1,zarts-gld\"\npath_steps: 4\npath_start: \"-0.5,0.5\"\npath_1: \"method darts1, "))
    let bare = try OutputFolder.create(at: scratch.file("without"))
    #expect(try landscape(nil).runAny(in: bare).landscape == result.landscape)
    let other = try String(contentsOfFile: bare.file("landscape.yaml"), encoding: .utf8)
    #expect(!other.contains("path"))
    let common = try #require(other.components(separatedBy: "\nstate_sha256").first)
    #expect(text.hasPrefix(common))
    // Other paths are another landscape.
    let fewer = try landscape(try ConfinedPathSettings(methods: [Self.method("darts1")], steps: 4))
    #expect(refusal { try fewer.runAny(in: folder, isContinued: true) }?.contains("'paths: \"darts1,zarts-gld\"'") == true)
  }

  @Test("lines have no plane to be held to") func lines() throws {
    let problem = try Self.problem()
    var settings = LandscapeSettings(objectives: [.firstOrder], grid: try .init(size: 3, range: 1), kind: .line)
    settings.paths = try ConfinedPathSettings(methods: [Self.method("darts1")])
    #expect(
      refusal {
        try LandscapeRun(
          problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: smallAlphas(), settings: settings)
      } == "setting paths: kind line, over alphas")
  }
}
