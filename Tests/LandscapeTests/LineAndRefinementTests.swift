import ClosedFormSupport
import Formats
import Foundation
import Landscape
import Problems
import TestSupport
import Testing

@Suite("Lines") struct LineTests {
  private let objectives: [Objective] = [.firstOrder, .trueLoss(innerSteps: 2)]

  private func run(
    replicas: Int = 0, split: Bool = false, batches: Int = 3, directions: [DirectionKind] = [.random, .random, .first]
  ) throws -> LandscapeRun<CountingProblem> {
    let problems = try (0...replicas).map { _ in CountingProblem(try quadratic(noise: 0.3)) }
    return try LandscapeRun(
      problem: problems[0], weights: problems[0].makeInitialWeights(), velocity: nil, alphas: smallAlphas(),
      settings: .init(
        objectives: objectives, grid: .init(size: 5, range: 0.5), normalisation: .model, validationBatches: batches,
        isWholeSplit: split, kind: .line, directions: directions), replicas: Array(problems.dropFirst()))
  }

  @Test("points are α + t·d, and errors the standard errors over validation batches", arguments: [false, true])
  func values(split: Bool) throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let made = try run(split: split)
    let lines = try #require(try made.runAny(in: folder).lines)
    let problem = try quadratic(noise: 0.3)
    let batches = (0..<3).map { problem.validationBatch(epoch: split ? 90 : 0, step: $0) }
    for line in 0..<3 {
      for (index, t) in [-0.5, -0.25, 0, 0.25, 0.5].enumerated() {
        var coordinates = [0.0, 0, 0]
        coordinates[line] = t
        let losses = batches.map {
          problem.evaluate(
            weights: problem.makeInitialWeights(), alphas: made.directions.alphas(at: coordinates), batch: $0)
        }
        let mean = losses.reduce(0) { $0 + $1.loss } / 3
        let variance = losses.reduce(0) { $0 + ($1.loss - mean) * ($1.loss - mean) } / 2
        let sample = try #require(lines.lines[line][.firstOrder]?[index])
        #expect(abs(sample.loss - mean) < 1e-12)
        #expect(abs((sample.lossError ?? 0) - (variance / 3).squareRoot()) < 1e-12)
        let accuracies = losses.map { Double($0.correct) / 1000 }
        let average = accuracies.reduce(0, +) / 3
        let spread = accuracies.reduce(0) { $0 + ($1 - average) * ($1 - average) } / 2
        #expect(abs((sample.accuracyError ?? 0) - (spread / 3).squareRoot()) < 1e-12)
      }
    }
    let table = try CSVTable(readingFrom: folder.file("lines.csv"))
    #expect(
      table.columns == [
        "direction", "index", "t", "objective", "inner_steps", "loss", "loss_error", "accuracy", "accuracy_error",
      ])
    #expect(try table.integers("direction") == (1...3).flatMap { Array(repeating: $0, count: 10) })
    #expect(try table.doubles("t").prefix(4) == [-0.5, -0.5, -0.25, -0.25])
    let text = try String(contentsOfFile: folder.file("landscape.yaml"), encoding: .utf8)
    #expect(text.contains("\nkind: line\ndirections: \"random,random,first\"\n") && text.contains("\npoints: 5\n"))
    #expect(text.contains("\nvalidation_batches: \(split ? "all" : "3")\n"))
    #expect(try made.runAny(in: folder, isContinued: true, isStopRequested: { true }).lines == lines)
  }

  @Test("one validation batch has no error") func oneBatch() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let made = try run(batches: 1, directions: [.random])
    let lines = try #require(try made.runAny(in: folder).lines)
    #expect(lines.lines[0][.firstOrder]?[0].lossError == nil)
    #expect(try CSVTable(readingFrom: folder.file("lines.csv")).column("loss_error").allSatisfy(\.isEmpty))
    #expect(try made.runAny(in: folder, isContinued: true, isStopRequested: { true }).lines == lines)
    #expect(refusal { try made.run(in: folder, isContinued: true) } == "kind: line")
  }

  @Test("a walk that was stopped, or of several points at a time, ends with the same bytes") func continuation() throws {
    let scratch = try ScratchFolder()
    let (whole, parts) = (try OutputFolder.create(at: scratch.file("a")), try OutputFolder.create(at: scratch.file("b")))
    _ = try run().runAny(in: whole)
    for stop in [4, 3] {
      var asked = 0
      #expect(throws: CancellationError.self) {
        try run(replicas: 2).runAny(
          in: parts, isContinued: stop < 4,
          isStopRequested: {
            asked += 1
            return asked > stop
          })
      }
    }
    #expect(try run().finishedPoints(in: parts) == 7)
    _ = try run(replicas: 1).runAny(in: parts, isContinued: true)
    #expect(try run().finishedPoints(in: parts) == 15)
    let names = try FileManager.default.contentsOfDirectory(atPath: whole.path).sorted()
    #expect(names == ["directions.safetensors", "landscape.yaml", "lines.csv"])
    for name in names { #expect(try FileBytes.read(whole.file(name)) == FileBytes.read(parts.file(name)), "\(name)") }
  }

  @Test("the error of batches of several sizes is Cochran's, which is s/√B for one size") func errors() {
    func batch(_ loss: Double, _ count: Int) -> BatchLoss { BatchLoss(loss: loss, correct: 0, count: count) }
    #expect(ObjectiveSample(batches: [batch(1, 10)]).lossError == nil)
    let equal = ObjectiveSample(batches: [batch(1, 10), batch(2, 10), batch(6, 10)])
    #expect(equal.loss == 3 && abs((equal.lossError ?? 0) - (14.0 / 2 / 3).squareRoot()) < 1e-15)
    let uneven = ObjectiveSample(batches: [batch(1, 30), batch(5, 10)])
    #expect(uneven.loss == 2)
    // 2/1 · ((3/4)²·1 + (1/4)²·9)
    #expect(abs((uneven.lossError ?? 0) - 2.25.squareRoot()) < 1e-15)
  }

  @Test("a journal of other lines is refused") func foreignJournal() throws {
    let scratch = try ScratchFolder()
    for row in [
      "4,0,-0.5,first,0,1,,0,", "1,5,0.5,first,0,1,,0,", "1,0,0.5,first,0,1,,0,", "1,0,-0.5,second,1,1,,0,",
      "1,0,-0.5,first,0,1,x,0,",
    ] {
      let folder = try OutputFolder.create(at: scratch.file("f\(row.hashValue)"))
      try AtomicFile.write(LandscapeLines.columns.joined(separator: ",") + "\n" + row + "\n", to: folder.file("journal.csv"))
      #expect(refusal { try run().runAny(in: folder) }?.hasPrefix(folder.file("journal.csv") + ": row 1") == true, "\(row)")
    }
  }
}

@Suite("Refinement") struct RefinementTests {
  private func run(levels: Int, replicas: Int = 0, size: Int = 5) throws -> LandscapeRun<CountingProblem> {
    let problems = try (0...replicas).map { _ in CountingProblem(try quadratic()) }
    return try LandscapeRun(
      problem: problems[0], weights: problems[0].makeInitialWeights(), velocity: nil, alphas: smallAlphas(),
      settings: .init(
        objectives: [.firstOrder, .trueLoss(innerSteps: 3)], grid: .init(size: size, range: 2), directionsSeed: 4,
        normalisation: .model, step: WeightStep(learningRate: 0.05), refinementLevels: levels),
      replicas: Array(problems.dropFirst()))
  }

  @Test("what is left of a refinement that was interrupted is estimated without what its journal has") func remaining()
    throws
  {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let made = try run(levels: 3)
    // L₁ costs a forward pass, L₃ one and three steps; eight points a level at most.
    #expect(try made.estimate().refinement == .init(forwards: 2 * 24, steps: 3 * 24))
    // The grid has 25 points; the refinement's first ones follow.
    var asked = 0
    #expect(throws: CancellationError.self) {
      try made.runAny(
        in: folder,
        isStopRequested: {
          asked += 1
          return asked > 30
        })
    }
    let done = made.finished(in: folder)
    let table = try CSVTable(readingFrom: folder.file("refinement-journal.csv"))
    #expect(done.points == 25 && !table.rows.isEmpty && table.rows.count < 16)
    #expect(try table.integers("level").allSatisfy { $0 == 1 })
    let found = try table.column("objective")
    let (first, truth) = (found.count { $0 == "first" }, found.count { $0 == "true" })
    let estimate = try made.estimate(done: done)
    #expect(estimate.points == 0)
    #expect(estimate.refinement == .init(forwards: 48 - first - truth, steps: 3 * (24 - truth)))
    // What goes on says the same before its first point, and nothing where nothing is left.
    for told in [[estimate.refinement], []] {
      var estimates: [TimeEstimate] = []
      _ = try made.runAny(in: folder, isContinued: true, estimated: { estimates.append($0) })
      #expect(estimates.map(\.refinement) == told && estimates.allSatisfy { $0.points == 0 && $0.stepSeconds > 0 })
    }
    #expect(try made.estimate(done: made.finished(in: folder)).refinement == .init())
  }

  @Test("before the first points of a plane or of lines its time is estimated, once", arguments: [0, 2], [0, 1])
  func estimatedOnce(levels: Int, replicas: Int) throws {
    let scratch = try ScratchFolder()
    let made = try run(levels: levels, replicas: replicas)
    var (estimates, early) = ([TimeEstimate](), 0)
    _ = try made.runAny(
      in: OutputFolder.create(at: scratch.file("out")), estimated: { estimates.append($0) },
      progress: { done, _ in early = estimates.isEmpty ? done : early })
    let told = try #require(estimates.first)
    #expect(estimates.count == 1)
    // One of two workers may have points before the other has measured.
    if replicas == 0 { #expect(early == 0) }
    var expected = try made.estimate()
    (expected.forwardSeconds, expected.stepSeconds) = (told.forwardSeconds, told.stepSeconds)
    #expect(told == expected && told.forwardSeconds > 0 && told.stepSeconds > 0)
  }

  @Test("each level looks at the neighbours at half the spacing, and moves to the best of them")
  func levels() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let made = try run(levels: 6)
    let result = try made.runAny(in: folder)
    let (landscape, refinement) = (try #require(result.landscape), try #require(result.refinement))
    for objective in landscape.objectives {
      var best = try #require(landscape.minimiser(of: objective).map { (x: $0.point.x, y: $0.point.y, loss: $0.loss) })
      for level in 1...6 {
        let spacing = 1.0 / Double(1 << level)
        let points = refinement.points.filter { $0.objective == objective && $0.level == level }
        var inside: [[Double]] = []
        for column in [-spacing, 0, spacing] {
          for row in [-spacing, 0, spacing] where column != 0 || row != 0 {
            let (x, y) = (best.x + column, best.y + row)
            if abs(x) <= 2, abs(y) <= 2 { inside.append([x, y]) }
          }
        }
        #expect(points.map { [$0.x, $0.y] } == inside)
        for point in points where point.sample.loss < best.loss { best = (point.x, point.y, point.sample.loss) }
      }
      let found = try #require(refinement.minimiser(of: objective, in: landscape))
      #expect(found.x == best.x && found.y == best.y && found.loss == best.loss)
      #expect(found.loss < (landscape.minimiser(of: objective)?.loss ?? 0))
    }
    let table = try CSVTable(readingFrom: folder.file("refinement.csv"))
    #expect(
      table.columns == [
        "level", "x", "y", "objective", "inner_steps", "loss", "accuracy", "loss_error", "accuracy_error",
      ])
    #expect(try table.doubles("loss") == refinement.points.map(\.sample.loss))
    #expect(!FileManager.default.fileExists(atPath: folder.file("refinement-journal.csv")))
    #expect(try made.runAny(in: folder, isContinued: true, isStopRequested: { true }) == result)
  }

  /// In the plane L₁ of the quadratic problem is a quadratic, whose minimiser a linear system gives.
  @Test("the refined minimiser of L₁ is the closed form's") func exact() throws {
    let scratch = try ScratchFolder()
    let made = try run(levels: 20, size: 9)
    let result = try made.runAny(in: OutputFolder.create(at: scratch.file("out")))
    let problem = try quadratic()
    let axes = made.directions.directions.map(\.flat)
    func gradient(_ x: Double, _ y: Double) -> [Double] {
      let flat = smallAlphas().flat.indices.map { Double(smallAlphas().flat[$0]) + x * axes[0][$0] + y * axes[1][$0] }
      let slope = problem.firstOrderGradient(alphas: flat)
      return axes.map { axis in zip(axis, slope).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    let (g, gx, gy) = (gradient(0, 0), gradient(1, 0), gradient(0, 1))
    let (a, b, c, d) = (gx[0] - g[0], gy[0] - g[0], gx[1] - g[1], gy[1] - g[1])
    let determinant = a * d - b * c
    let (x, y) = ((-g[0] * d + b * g[1]) / determinant, (-a * g[1] + g[0] * c) / determinant)
    let landscape = try #require(result.landscape)
    let found = try #require(result.refinement?.minimiser(of: .firstOrder, in: landscape))
    #expect(abs(x) < 2 && abs(y) < 2, "the exact minimiser (\(x), \(y)) lies outside")
    #expect(abs(found.x - x) < 2e-3 && abs(found.y - y) < 2e-3, "(\(found.x), \(found.y)) for (\(x), \(y))")
  }

  @Test("a refinement that was stopped, or of several points at a time, ends with the same bytes") func continuation() throws
  {
    let scratch = try ScratchFolder()
    let (whole, parts) = (try OutputFolder.create(at: scratch.file("a")), try OutputFolder.create(at: scratch.file("b")))
    _ = try run(levels: 4).runAny(in: whole)
    for (count, stop) in [20, 13, 9].enumerated() {
      var asked = 0
      #expect(throws: CancellationError.self) {
        try run(levels: 4, replicas: count).runAny(
          in: parts, isContinued: count > 0,
          isStopRequested: {
            asked += 1
            return asked > stop
          })
      }
    }
    #expect(FileManager.default.fileExists(atPath: parts.file("refinement-journal.csv")))
    _ = try run(levels: 4, replicas: 2).runAny(in: parts, isContinued: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: whole.path) {
      #expect(try FileBytes.read(whole.file(name)) == FileBytes.read(parts.file(name)), "\(name)")
    }
  }

  @Test("a refinement that cannot be is refused") func badLevels() {
    for (levels, size) in [(-1, 5), (31, 5), (1, 1)] {
      let error = #expect(throws: InputError.self) { try run(levels: levels, size: size) }
      #expect(error?.place.setting == "refine")
    }
  }

  @Test("the arrays of landscape.npz are the losses and accuracies, x first") func arrays() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let landscape = try run(levels: 0, replicas: 1).run(in: folder)
    let file = try NPZFile(readingFrom: folder.file("landscape.npz"))
    #expect(
      file.arrays.map(\.name) == ["x", "y", "loss_first", "accuracy_first", "loss_true3", "accuracy_true3"])
    #expect(file["x"]?.values == .float64([-2, -1, 0, 1, 2]))
    #expect(file["loss_true3"] == NPYFile(shape: [5, 5], values: .float64(landscape.losses(of: .trueLoss(innerSteps: 3)))))
    #expect(
      file["accuracy_first"]?.values == .float64(landscape.samples[.firstOrder]?.map(\.accuracy) ?? []))
    // The file's first index goes along direction 1, as `i` of landscape.csv.
    let table = try CSVTable(readingFrom: folder.file("landscape.csv"))
    let row = try #require(table.rows.firstIndex { $0[0] == "1" && $0[1] == "3" && $0[4] == "first" })
    guard case .float64(let losses)? = file["loss_first"]?.values else { throw TestFailure("loss_first is not float64") }
    #expect(try losses[5 * 1 + 3] == table.doubles("loss")[row])
  }
}
