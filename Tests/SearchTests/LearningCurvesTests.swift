import Formats
import Foundation
import Search
import TestSupport
import Testing

struct LearningCurvesTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  /// A run folder with these cells in its metrics.csv.
  private func run(
    _ name: String, method: SearchMethod = .darts1, seed: UInt64 = 0, columns: [String] = ["epoch", "loss"],
    _ rows: [[String]], change: (inout SearchConfiguration) -> Void = { _ in }
  ) throws -> SearchRunFolder {
    let folder = SearchRunFolder(try OutputFolder.create(at: folder.file(name)))
    var configuration = SearchConfiguration(method: method, space: .s2, dataset: "fashion-mnist")
    configuration.seed = seed
    change(&configuration)
    try AtomicFile.write(configuration.yaml, to: folder.configurationPath)
    try CSVWriter.write(columns: columns, rows: rows.map { $0.map(CSVField.text) }, to: folder.metricsPath)
    return folder
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return "\(error)" }
  }

  @Test func meanAndSampleDeviationOverSeedsAreThoseOfTheFormula() throws {
    let runs = [
      try run("a", seed: 0, [["1", "1"], ["2", "0.25"], ["3", "9"]]), try run("b", seed: 1, [["1", "2"], ["2", "0.75"]]),
      try run("c", seed: 2, [["1", "6"], ["2", ""]]),
    ]
    let curves = try LearningCurves(of: runs, columns: ["loss"])
    #expect(curves.groups == ["darts1"] && curves.curves.count == 1 && curves.differences.isEmpty)
    let points = curves.curves[0].points
    #expect(points.map(\.epoch) == [1, 2, 3])
    // The third run stops after the first epoch, the second after the second.
    #expect(points.map(\.runs) == [3, 2, 1])
    #expect(points.map(\.mean) == [3, 0.5, 9])
    #expect(points.map(\.deviation) == [(7.0 as Double).squareRoot(), (0.125 as Double).squareRoot(), nil])
    #expect(points.map(\.least) == [1, 0.25, 9])
    #expect(points.map(\.greatest) == [6, 0.75, 9])
    #expect(curves.last("loss") == [points[2]])
    let late = try LearningCurves(of: runs, columns: ["loss"], from: 2)
    #expect(late.curves[0].points == Array(points.dropFirst()))
  }

  @Test func groupsKeepTheOrderOfTheRunsAndTheirOwnValues() throws {
    let columns = ["epoch", "loss", "ess"]
    let runs = [
      try run("z", method: .zartsMGS, seed: 0, columns: columns, [["1", "4", ""], ["2", "2", "3.5"]]),
      try run("d", method: .darts1, seed: 0, columns: columns, [["1", "4", ""], ["2", "3", ""]]),
      try run("y", method: .zartsMGS, seed: 1, columns: columns, [["1", "6", ""], ["2", "4", "2.5"]]),
    ]
    let curves = try LearningCurves(of: runs, columns: ["ess", "loss"])
    #expect(curves.groups == ["zarts-mgs", "darts1"])
    #expect(curves.curves.map { "\($0.column) \($0.group)" } == ["ess zarts-mgs", "loss zarts-mgs", "loss darts1"])
    #expect(curves.curves[0].points.map(\.epoch) == [2] && curves.curves[0].points[0].mean == 3)
    #expect(curves.curves[1].points.map(\.mean) == [5, 3] && curves.curves[2].points.map(\.mean) == [4, 3])
    #expect(curves.last("ess").map { $0?.mean } == [3, nil])
    // The warm-up's default goes with the method, and both read it.
    #expect(curves.differences == ["warmup 10, 0"])
    let single = try LearningCurves(of: runs, columns: ["loss"], by: LearningCurves.byRun)
    #expect(single.groups == ["z", "d", "y"] && single.curves.allSatisfy { $0.points.allSatisfy { $0.deviation == nil } })
  }

  @Test func differencesAreTakenOnTheSameSeedAndEpoch() throws {
    let runs = [
      try run("a0", method: .darts1, seed: 0, [["1", "10"], ["2", "8"]]),
      try run("a1", method: .darts1, seed: 1, [["1", "1"], ["2", "0.5"]]),
      try run("b1", method: .darts2, seed: 1, [["1", "1"], ["2", "0.25"]]),
      try run("b0", method: .darts2, seed: 0, [["1", "10"], ["2", "8.25"], ["3", "7"]]),
    ]
    let curves = try LearningCurves(of: runs, columns: ["loss"], minus: "darts1")
    #expect(curves.curves[0].points.map(\.mean) == [0, 0] && curves.curves[0].points.map(\.deviation) == [0, 0])
    // Epoch 3 has nothing to subtract.
    #expect(curves.curves[1].points.map(\.epoch) == [1, 2])
    #expect(curves.curves[1].points.map(\.mean) == [0, 0])
    #expect(curves.curves[1].points.map(\.least) == [0, -0.25] && curves.curves[1].points.map(\.greatest) == [0, 0.25])
    #expect(curves.title("loss") == "loss minus darts1")
    #expect(message { _ = try LearningCurves(of: runs, columns: ["loss"], minus: "random") }.contains("random"))
    #expect(
      message { _ = try LearningCurves(of: Array(runs.dropFirst()), columns: ["loss"], minus: "darts1") }
        .contains("no run of darts1 on seed 0"))
  }

  @Test func searchesOfALogAreAGroupBesideTheRunsOrEachByItself() throws {
    let runs = [try run("a", seed: 0, [["1", "1"], ["2", "3"]]), try run("b", seed: 1, [["1", "2"]])]
    let log = LoggedSearches(
      name: "theirs",
      runs: [
        .init(name: "x", epochs: [1, 2, 3], values: ["loss": [4, nil, 1], "trace": [nil, nil, nil]]),
        .init(name: "y", epochs: [1, 2, 3], values: ["loss": [6, 2.5, .nan]]),
      ])
    let curves = try LearningCurves(of: runs, columns: ["loss"], beside: log)
    #expect(curves.groups == ["darts1", "theirs"] && curves.logged == ["theirs"])
    // A log has no settings that could differ.
    #expect(curves.differences.isEmpty && curves.curves[0].points.map(\.mean) == [1.5, 3])
    let theirs = curves.curves[1]
    #expect(theirs.group == "theirs" && theirs.points.map(\.epoch) == [1, 2, 3])
    #expect(theirs.points.map(\.mean) == [5, 2.5, 1] && theirs.points.map(\.runs) == [2, 1, 1])
    #expect(log.runs.map(\.omitted) == [0, 1])
    #expect(theirs.points[0].deviation == (2.0 as Double).squareRoot())
    #expect(log.absent(of: ["loss", "trace", "ess"]) == ["trace", "ess"])
    let single = try LearningCurves(of: runs, columns: ["loss"], by: LearningCurves.byRun, from: 2, beside: log)
    #expect(single.groups == ["a", "b", "x", "y"] && single.logged == ["x", "y"])
    #expect(single.last("loss").map { $0?.mean } == [3, nil, 1, 2.5])

    func refused(_ name: String, columns: [String] = ["loss"], minus: String? = nil) -> String {
      message {
        _ = try LearningCurves(
          of: runs, columns: columns, minus: minus, beside: LoggedSearches(name: name, runs: log.runs))
      }
    }
    #expect(refused("darts1").contains("log_name: a log has the name of a group of runs: found darts1"))
    #expect(refused("theirs", minus: "darts1").contains("minus: nothing to subtract from a log"))
    #expect(refused("theirs", columns: ["epoch"]).contains("the log has none of the columns: found epoch, wanted loss"))
  }

  @Test func runsThatCannotBeAveragedAreRefused() throws {
    let first = try run("a", seed: 0, [["1", "1"]])
    let larger = try run("b", seed: 1, [["1", "1"]]) { $0.channels = 32 }
    let mixed = message { _ = try LearningCurves(of: [first, larger], columns: ["loss"]) }
    #expect(mixed.contains("channels 16 and 32") && mixed.contains("a/metrics.csv") && mixed.contains("b/metrics.csv"))
    #expect(try LearningCurves(of: [first, larger], columns: ["loss"], by: "channels").groups == ["16", "32"])
    #expect(
      message { _ = try LearningCurves(of: [first, first], columns: ["loss"]) }.contains("same settings and seed twice"))
    #expect(message { _ = try LearningCurves(of: [first], columns: ["loss"], by: "colour") }.contains("colour"))
    // Settings that no result depends on, or that the method does not read, are no difference.
    let unread = try run("c", seed: 2, [["1", "3"]]) { ($0.threads, $0.sigma, $0.keepLast) = (7, 0.5, 2) }
    #expect(try LearningCurves(of: [first, unread], columns: ["loss"]).curves[0].points[0].mean == 2)
  }

  @Test func wrongFilesAreNamedWithColumnAndRow() throws {
    let good = try run("good", [["1", "1"]])
    let absent = message { _ = try LearningCurves(of: [good], columns: ["los"]) }
    #expect(absent.contains("good/metrics.csv") && absent.contains("los") && absent.contains("epoch, loss"))
    let cases: [(String, [[String]], String)] = [
      ("text", [["1", "1"], ["2", "low"]], "row 2, column loss"), ("nan", [["1", "nan"]], "row 1, column loss"),
      ("twice", [["1", "1"], ["1", "2"]], "column epoch"), ("none", [], "no finished epoch"),
      ("empty", [["1", ""]], "loss"),
      ("half", [["1.5", "1"]], "column epoch"),
    ]
    for (name, rows, mention) in cases {
      let files = try run(name, rows)
      let text = message { _ = try LearningCurves(of: [files], columns: ["loss"]) }
      #expect(text.contains(mention) && text.contains("\(name)/metrics.csv"), "\(text)")
    }
    try FileManager.default.removeItem(atPath: good.metricsPath)
    #expect(message { _ = try LearningCurves(of: [good], columns: ["loss"]) }.contains("good/metrics.csv"))
  }

  @Test func tableHoldsWhatIsDrawnAndReplacesNothingElse() throws {
    let runs = [
      try run("a", seed: 0, [["1", "1"], ["2", "0.5"]]), try run("b", seed: 1, [["1", "3"]]),
    ]
    let curves = try LearningCurves(of: runs, columns: ["loss"], by: "method")
    let path = folder.file("curves.csv")
    for _ in 0..<2 { try curves.write(to: path) }
    #expect(
      try String(contentsOfFile: path, encoding: .utf8) == """
        column,method,epoch,runs,mean,deviation,least,greatest
        loss,darts1,1,2,2.0,1.4142135623730951,1.0,3.0
        loss,darts1,2,1,0.5,,0.5,0.5

        """)
    let before = try String(contentsOfFile: runs[0].metricsPath, encoding: .utf8)
    #expect(message { try curves.write(to: runs[0].metricsPath) }.contains("would be replaced"))
    #expect(try String(contentsOfFile: runs[0].metricsPath, encoding: .utf8) == before)
  }
}
