import ClosedFormSupport
import Formats
import Foundation
import Landscape
import Problems
import TestSupport
import Testing

@Suite("Grids and their files") struct GridTests {
  private let objectives = [Objective.firstOrder, .secondOrder, .trueLoss(innerSteps: 3)]

  private func sampler(
    size: Int = 3, range: Double = 0.5, objectives: [Objective]? = nil
  ) throws -> LandscapeSampler<QuadraticBilevelProblem> {
    let objectives = objectives ?? self.objectives
    let problem = try quadratic(noise: 0.3)
    let evaluator = try ObjectiveEvaluator(
      problem: problem, weights: problem.makeInitialWeights(), epoch: 0, objectives: objectives)
    return try LandscapeSampler(
      evaluator: evaluator, directions: .random(seed: 1, around: smallAlphas()), grid: .init(size: size, range: range),
      objectives: objectives)
  }

  @Test("coordinates are symmetric to the last bit, end at the range and hold the centre where they can")
  func coordinates() throws {
    for (size, range) in [(2, 1.0), (3, 0.1), (7, 0.3), (25, 1.0), (51, 1.7)] {
      let grid = try LandscapeGrid(size: size, range: range)
      #expect(grid.coordinate(size - 1) == range)
      for index in 0..<size {
        #expect(grid.coordinate(index) == -grid.coordinate(size - 1 - index))
        if index > 0 { #expect(grid.coordinate(index) > grid.coordinate(index - 1)) }
      }
      if size % 2 == 1 { #expect(grid.coordinate(size / 2) == 0) }
    }
    let center = try LandscapeGrid(size: 1, range: 3)
    #expect(center.count == 1)
    #expect(center.point(0) == .init(i: 0, j: 0, x: 0, y: 0))
    let point = try LandscapeGrid(size: 3, range: 2).point(5)
    #expect(point == .init(i: 1, j: 2, x: 0, y: 2))
  }

  @Test("grids without points or extent are refused with the setting's name") func badGrids() {
    for size in [0, -1, 10_002] {
      let error = #expect(throws: InputError.self) { try LandscapeGrid(size: size, range: 1) }
      #expect(error?.place.setting == "grid")
    }
    for range in [0, -1, Double.nan, .infinity] {
      let error = #expect(throws: InputError.self) { try LandscapeGrid(size: 3, range: range) }
      #expect(error?.place.setting == "range")
    }
  }

  @Test("each point holds what the evaluator gives at α + x d₁ + y d₂") func sampling() throws {
    let landscape = try sampler().run()
    let problem = try quadratic(noise: 0.3)
    let evaluator = try ObjectiveEvaluator(
      problem: problem, weights: problem.makeInitialWeights(), epoch: 0, objectives: objectives)
    let directions = try Directions.random(seed: 1, around: smallAlphas())
    for (i, x) in [-0.5, 0, 0.5].enumerated() {
      for (j, y) in [-0.5, 0, 0.5].enumerated() {
        let expected = try evaluator.evaluate(objectives, at: directions.alphas(at: [x, y]))
        for (objective, loss) in zip(objectives, expected) {
          let sample = landscape.samples[objective]?[3 * i + j]
          #expect(sample == .init(loss: loss.loss, accuracy: Double(loss.correct) / 1000))
        }
      }
    }
  }

  @Test("landscape.csv has one row for each point and objective, and its numbers read back to the same bits")
  func table() throws {
    let folder = try ScratchFolder()
    let landscape = try sampler().run()
    try CSVWriter.write(columns: LandscapeTable.columns, rows: LandscapeTable.rows(of: landscape), to: folder.file("l.csv"))
    let text = try String(contentsOfFile: folder.file("l.csv"), encoding: .utf8).split(separator: "\n")
    #expect(text[0] == "i,j,x,y,objective,inner_steps,loss,accuracy,loss_error,accuracy_error")
    #expect(text.count == 1 + 27)
    #expect(text[1].hasPrefix("0,0,-0.5,-0.5,first,0,"))
    #expect(text[2].hasPrefix("0,0,-0.5,-0.5,second,1,"))
    #expect(text[3].hasPrefix("0,0,-0.5,-0.5,true,3,"))
    #expect(text[4].hasPrefix("0,1,-0.5,0.0,first,0,"))
    #expect(text[27].hasPrefix("2,2,0.5,0.5,true,3,"))
    let read = try LandscapeTable.samples(
      in: CSVTable(readingFrom: folder.file("l.csv")), grid: landscape.grid, objectives: objectives)
    for index in 0..<9 {
      for objective in objectives { #expect(read[index]?[objective] == landscape.samples[objective]?[index]) }
    }
  }

  @Test("a row of another grid, or of an objective that was not asked for, is named by its file and number")
  func rowsOfOthers() throws {
    let head = LandscapeTable.columns
    func place(_ cells: String) -> InputError? {
      let good = "0,0,-0.5,-0.5,first,0,1.0,0.5,,"
      let table = CSVTable(
        path: "l.csv", columns: head,
        rows: [good, cells].map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) })
      return #expect(throws: InputError.self) {
        try LandscapeTable.samples(in: table, grid: .init(size: 3, range: 0.5), objectives: [.firstOrder])
      }
    }
    let outside = place("3,0,1.0,-0.5,first,0,1.0,0.5,,")
    #expect(outside?.place == .file("l.csv", "row 2") && outside?.found == "i 3, j 0")
    let shifted = place("0,1,-0.5,0.25,first,0,1.0,0.5,,")
    #expect(shifted?.place == .file("l.csv", "row 2") && shifted?.found == "(-0.5, 0.25)")
    let other = place("0,1,-0.5,0.0,true,3,1.0,0.5,,")
    #expect(other?.place == .file("l.csv", "row 2") && other?.found == "true with 3 steps")
  }

  @Test("a run that was stopped continues where it was, to the same landscape") func resume() throws {
    let folder = try ScratchFolder()
    let whole = try sampler().run()
    var asked = 0
    #expect(throws: CancellationError.self) {
      try sampler().run(
        journal: folder.file("journal.csv"),
        isStopRequested: {
          asked += 1
          return asked > 4
        })
    }
    #expect(try CSVTable(readingFrom: folder.file("journal.csv")).rows.count == 4 * 3)
    // As after a crash of the machine: a point with two of its three rows, the second cut short.
    let handle = try #require(FileHandle(forWritingAtPath: folder.file("journal.csv")))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("1,1,0.0,0.0,first,0,9.0,0.5,,\n1,1,0.0,0.0,sec".utf8))
    try handle.close()
    var reports: [Int] = []
    let resumed = try sampler().run(journal: folder.file("journal.csv"), progress: { done, _ in reports.append(done) })
    #expect(resumed == whole)
    #expect(reports == [4, 5, 6, 7, 8, 9])
    var evaluated = 0
    let again = try sampler().run(
      journal: folder.file("journal.csv"),
      isStopRequested: {
        evaluated += 1; return true
      })
    #expect(again == whole)
    #expect(evaluated == 0)
  }

  @Test("planes keep the standard errors over validation batches, in the table, the arrays and a continued run")
  func standardErrors() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let problem = try quadratic(noise: 0.3)
    let run = try LandscapeRun(
      problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: smallAlphas(),
      settings: .init(objectives: [.firstOrder], grid: .init(size: 3, range: 0.5), validationBatches: 3))
    let plane = try run.run(in: folder)
    for index in 0..<9 {
      let point = plane.grid.point(index)
      let losses = (0..<3).map {
        problem.evaluate(
          weights: problem.makeInitialWeights(), alphas: run.directions.alphas(at: [point.x, point.y]),
          batch: problem.validationBatch(epoch: 0, step: $0)
        ).loss
      }
      let mean = losses.reduce(0, +) / 3
      let variance = losses.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2
      #expect(abs((plane.samples[.firstOrder]?[index].lossError ?? 0) - (variance / 3).squareRoot()) < 1e-12)
    }
    let errors = plane.samples[.firstOrder]?.map { $0.lossError ?? .nan } ?? []
    #expect(try CSVTable(readingFrom: folder.file("landscape.csv")).doubles("loss_error") == errors)
    #expect(try NPZFile(readingFrom: folder.file("landscape.npz"))["loss_error_first"]?.values == .float64(errors))
    #expect(try run.run(in: folder, isContinued: true, isStopRequested: { true }) == plane)
  }

  @Test("a journal that an earlier version began, without errors, is continued to the same losses") func earlierJournal()
    throws
  {
    let folder = try ScratchFolder()
    let path = folder.file("journal.csv")
    let whole = try sampler().run()
    let table = LandscapeTable.rows(of: whole).map { $0.dropLast(2).map(\.encoded).joined(separator: ",") }
    let header = LandscapeTable.columns.dropLast(2).joined(separator: ",")
    // A row of the fifth point is cut short.
    try AtomicFile.write(([header] + table[..<13]).joined(separator: "\n") + "\n1,1,0", to: path)
    var reports: [Int] = []
    #expect(try sampler().run(journal: path, progress: { done, _ in reports.append(done) }) == whole)
    #expect(reports == [4, 5, 6, 7, 8, 9])
    #expect(try CSVTable(readingFrom: path).columns == LandscapeTable.columns)
  }

  @Test("a journal of another grid or other objectives is not continued") func foreignJournal() throws {
    let folder = try ScratchFolder()
    let path = folder.file("journal.csv")
    _ = try sampler().run(journal: path)
    #expect(refusal { try sampler(size: 2).run(journal: path) }?.hasPrefix(path + ": row 4: ") == true)
    #expect(refusal { try sampler(range: 1).run(journal: path) }?.hasPrefix(path + ": row 1: ") == true)
    #expect(
      refusal { try sampler(objectives: [.firstOrder]).run(journal: path) }?.hasPrefix(path + ": row 2: second with ")
        == true)
    try "a,b\n1,2\n".write(toFile: path, atomically: true, encoding: .utf8)
    #expect(refusal { try sampler().run(journal: path) }?.hasPrefix(path) == true)
  }

  @Test("progress counts every point, from none to all") func progress() throws {
    var reports: [[Int]] = []
    _ = try sampler(size: 2).run(progress: { reports.append([$0, $1]) })
    #expect(reports == [[0, 4], [1, 4], [2, 4], [3, 4], [4, 4]])
  }

  @Test("samplers without objectives or without a plane are refused") func badSamplers() throws {
    #expect(refusal { try sampler(objectives: []) } == "objectives")
    let problem = try quadratic()
    let evaluator = try ObjectiveEvaluator(
      problem: problem, weights: problem.makeInitialWeights(), epoch: 0, objectives: objectives)
    #expect(
      refusal {
        try LandscapeSampler(
          evaluator: evaluator, directions: .random(count: 1, seed: 1, around: smallAlphas()),
          grid: .init(size: 1, range: 1), objectives: objectives)
      } == "directions: 1")
  }
}

@Suite("Comparison with the true loss") struct ComparisonTests {
  private func landscape(_ first: [Double], _ truth: [Double], size: Int = 2) throws -> LandscapePlane {
    let samples: [Objective: [Double]] = [
      .firstOrder: first, .trueLoss(innerSteps: 2): truth, .trueLoss(innerSteps: 1): first,
    ]
    return try LandscapePlane(
      grid: .init(size: size, range: 1), objectives: [.firstOrder, .trueLoss(innerSteps: 2), .trueLoss(innerSteps: 1)],
      samples: samples.mapValues { $0.map { .init(loss: $0, accuracy: 0.5) } })
  }

  @Test("bias, error and minimisers are those of the two grids") func figures() throws {
    let result = try landscape([1, 2, 3, 4], [2, 2, 1, 5])
    #expect(result.reference == .trueLoss(innerSteps: 2))
    let all = try LandscapeComparison.all(in: result)
    #expect(all.map(\.approximation) == [.firstOrder, .trueLoss(innerSteps: 1)])
    let found = all[0]
    #expect(found.points == 4)
    #expect(found.bias == 0)
    #expect(found.rootMeanSquare == (6.0 / 4).squareRoot())
    // From (−1, −1) to (1, −1).
    #expect(found.minimiserDistance == 2)
    // Of the six pairs, three agree, two disagree and one is tied in the truth: (3 − 2)/√(6 · 5).
    #expect(abs((found.kendall ?? 0) - 1 / 30.0.squareRoot()) < 1e-15)
    // r = 3.5 − … by hand: Sxy = 4, Sxx = 5, Syy = 9.
    #expect(abs((found.pearson ?? 0) - 4 / 45.0.squareRoot()) < 1e-15)
    #expect(found.fields.map(\.encoded).prefix(3) == ["first", "true:2", "4"])
  }

  @Test("points that diverged are left out, and ties go to the first point") func divergence() throws {
    let result = try landscape([1, .nan, 3, 1], [.infinity, 2, 1, 5])
    #expect(result.minimiser(of: .firstOrder)?.point == result.grid.point(0))
    #expect(result.minimiser(of: .trueLoss(innerSteps: 2))?.point == result.grid.point(2))
    let found = try LandscapeComparison(of: .firstOrder, against: .trueLoss(innerSteps: 2), in: result)
    #expect(found.points == 2)
    #expect(abs((found.pearson ?? 0) + 1) < 1e-15)
    #expect(found.bias == -1)
    let nothing = try landscape([.nan, .nan, .nan, .nan], [1, 2, 3, 4])
    #expect(nothing.minimiser(of: .firstOrder) == nil)
    let empty = try LandscapeComparison(of: .firstOrder, against: .trueLoss(innerSteps: 2), in: nothing)
    #expect(empty.points == 0)
    #expect(empty.fields.map(\.encoded) == ["first", "true:2", "0", "", "", "", "", "", ""])
  }

  @Test("what was not sampled is neither compared nor made up") func missing() throws {
    let result = try landscape([1, 2, 3, 4], [2, 2, 1, 5])
    #expect(
      refusal {
        try LandscapeComparison(of: .secondOrder, against: .trueLoss(innerSteps: 2), in: result)
      } == "second")
    #expect(result.minimiser(of: .secondOrder) == nil)
    #expect(refusal { try landscape([1, 2, 3], [1, 2, 3, 4]) } == "first: 3")
    let only = try LandscapePlane(
      grid: .init(size: 1, range: 1), objectives: [.firstOrder],
      samples: [.firstOrder: [.init(loss: 1, accuracy: 0)]])
    #expect(only.reference == nil)
    #expect(try LandscapeComparison.all(in: only).isEmpty)
  }
}
