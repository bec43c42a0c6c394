import Cells
import Diagnosis
import Formats
import Foundation
import Search
import TestSupport
import Testing

/// Logs of other programs: what is read, what is refused, and that they are judged as runs are.
struct SearchLogTests {
  /// Of s2, with so many skip connections in each cell.
  static func genotype(skips: Int, reduce: Int = 0) throws -> Genotype {
    func edges(_ skips: Int) -> [Genotype.Edge] {
      (0..<8).map { Genotype.Edge($0 < skips ? .skipConnect : .separableConv3x3, from: $0 % 2) }
    }
    return try Genotype(
      normal: edges(skips), normalConcat: [2, 3, 4, 5], reduce: edges(reduce), reduceConcat: [2, 3, 4, 5])
  }

  static func line(_ skips: Int) throws -> CSVField { try .text(genotype(skips: skips).line) }

  static func log(
    _ columns: [String], _ rows: [[CSVField]], in scratch: ScratchFolder, space: SearchSpace = .s2, name: String = "log.csv"
  ) throws -> SearchLog {
    try CSVWriter.write(columns: columns, rows: rows, to: scratch.file(name))
    return try SearchLog(readingFrom: scratch.file(name), space: space)
  }

  @Test func cellsAreReadAndWhatIsNotThereIsNil() throws {
    let scratch = try ScratchFolder()
    let text = """
      note,epoch,run,genotype,validation_accuracy,dominant_eigenvalue,hessian_trace,learning_rate,training_loss
      x,0,a,"\(try Self.genotype(skips: 3).pythonLine)",0.5,0.25,-1.5,0.025,2.3
      y,1.0,a,"A = \(try Self.genotype(skips: 4).pythonLine)",0.75,,,0.02,nan

      """
    try AtomicFile.write(text, to: scratch.file("log.csv"))
    let log = try SearchLog(readingFrom: scratch.file("log.csv"), space: .s2)
    #expect(log.runs.map(\.name) == ["a"] && log.otherColumns == ["note"])
    let epochs = log.runs[0].epochs
    #expect(epochs.map(\.epoch) == [0, 1] && epochs.map(\.genotype.skipConnectionCount) == [3, 4])
    #expect(epochs.map(\.eigenvalue) == [0.25, nil] && epochs.map(\.trace) == [-1.5, nil])
    #expect(epochs.map(\.validationAccuracy) == [0.5, 0.75] && epochs.map(\.learningRate) == [0.025, 0.02])
    #expect(epochs[0].trainingLoss == 2.3 && epochs[1].trainingLoss?.isNaN == true)
    #expect(epochs.allSatisfy { $0.validationLoss == nil && $0.trainingAccuracy == nil })
  }

  @Test func curvesHaveTheColumnsOfMetricsAndCountEpochsFromOne() throws {
    let scratch = try ScratchFolder()
    let columns = ["run", "epoch", "genotype", "training_loss", "validation_accuracy", "dominant_eigenvalue"]
    func row(_ name: String, _ first: Int, _ place: Int) throws -> [CSVField] {
      let genotype = try Self.genotype(skips: place + 2, reduce: place).line
      let eigenvalue: CSVField = place == 1 ? .text("") : .real(Double(place) + 0.5)
      return [
        .text(name), .integer(first + place), .text(genotype), .real(2 - Double(place)), .real(0.25 * Double(place)),
        eigenvalue,
      ]
    }
    let runs = [("a-1", 0), ("a-2", 1), ("b-1", 0)]
    let rows = try runs.flatMap { name, first in try (0..<3).map { try row(name, first, $0) } }
    let log = try Self.log(columns, rows, in: scratch)
    let curves = try log.curves(of: ["a-*"], named: "theirs", isRunning: false)
    #expect(curves.name == "theirs" && curves.runs.map(\.name) == ["a-1", "a-2"])
    for run in curves.runs {
      #expect(run.epochs == [1, 2, 3] && run.values["training_loss"] == [2, 1, 0])
      #expect(run.values["skip_connections"] == [2, 3, 4] && run.values["skip_connections_reduce"] == [0, 1, 2])
      #expect(run.values["dominant_eigenvalue"] == [0.5, nil, 2.5] && run.values["validation_accuracy"] == [0, 0.25, 0.5])
      #expect(run.values["validation_accuracy_running"] == nil && run.values["validation_loss"] == [nil, nil, nil])
    }
    let running = try log.curves(isRunning: true)
    #expect(running.name == "log.csv" && running.runs.count == 3)
    #expect(running.runs[0].values["validation_accuracy_running"] == [0, 0.25, 0.5])
    #expect(running.runs[0].values["validation_accuracy"] == nil)
    // Every column that a log is drawn in is one of metrics.csv.
    let known = Set(EpochRecord.table.names)
    #expect(Set((curves.runs + running.runs).flatMap(\.values.keys)).isSubset(of: known))
    #expect(
      refusal { try log.curves(of: ["a-1", "c*"], isRunning: false) } == "\(scratch.file("log.csv")): column run: c*")
  }

  @Test func rowsMayStandInAnyOrderAndAFileWithoutRunsIsOne() throws {
    let scratch = try ScratchFolder()
    let rows: [[CSVField]] = try (0..<6).flatMap { epoch in
      [["b", .integer(epoch), try Self.line(epoch)], ["a", .integer(epoch), try Self.line(8 - epoch)]]
    }
    let columns = ["run", "epoch", "genotype"]
    let log = try Self.log(columns, rows, in: scratch)
    #expect(log.runs.map(\.name) == ["b", "a"])
    let mixed = try Self.log(columns, Array(rows.reversed()), in: scratch)
    #expect(mixed.runs == log.runs.reversed())
    let lone = try Self.log(["epoch", "genotype"], rows.filter { $0[0] == "a" }.map { Array($0.dropFirst()) }, in: scratch)
    #expect(lone.runs.map(\.name) == ["log.csv"] && lone.runs[0].epochs == log.runs[1].epochs)
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    var row: Int
    var column: String
    var cell: String
    /// Part of what was found.
    var found: String
    var testDescription: String { "\(column) \(cell)" }
  }

  @Test(arguments: [
    Fault(row: 2, column: "epoch", cell: "1.5", found: "1.5"), Fault(row: 1, column: "epoch", cell: "-1", found: "-1"),
    Fault(row: 3, column: "epoch", cell: "", found: "\"\""), Fault(row: 3, column: "epoch", cell: "3", found: "3"),
    Fault(row: 2, column: "epoch", cell: "0", found: "0"),
    Fault(row: 2, column: "run", cell: "", found: "\"\""),
    Fault(row: 1, column: "dominant_eigenvalue", cell: "nan", found: "nan"),
    Fault(row: 3, column: "dominant_eigenvalue", cell: "high", found: "high"),
    Fault(row: 2, column: "validation_accuracy", cell: "71.2", found: "71.2"),
    Fault(row: 2, column: "genotype", cell: "Genotype(normal=[])", found: ""),
    Fault(row: 2, column: "genotype", cell: "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", found: "cell"),
    Fault(row: 3, column: "genotype", cell: "POOL", found: "max_pool_3x3 from state 1"),
  ])
  func badCellIsNamedByRowAndColumn(fault: Fault) throws {
    let scratch = try ScratchFolder()
    let columns = ["run", "epoch", "genotype", "dominant_eigenvalue", "validation_accuracy"]
    var rows: [[CSVField]] = try (0..<3).map { ["a", .integer($0), try Self.line(2), 0.1, 0.5] }
    var pooled = try Self.genotype(skips: 2)
    pooled.normal[3].operation = .maxPool3x3
    let column = try #require(columns.firstIndex(of: fault.column))
    rows[fault.row - 1][column] = .text(fault.cell == "POOL" ? pooled.line : fault.cell)
    let error = #expect(throws: InputError.self) { try Self.log(columns, rows, in: scratch) }
    // Where epochs are out of step, the first row that does not follow is named; of two alike the later.
    #expect(error?.place == .file(scratch.file("log.csv"), "row \(fault.row), column \(fault.column)"))
    #expect(fault.found.isEmpty || error?.found?.contains(fault.found) == true, "\(String(describing: error))")
  }

  @Test func missingColumnsAndEmptyLogsAreNamed() throws {
    let scratch = try ScratchFolder()
    let first = #expect(throws: InputError.self) { try Self.log(["run", "genotype"], [["a", "x"]], in: scratch) }
    #expect(first?.place == .file(scratch.file("log.csv"), "epoch"))
    let second = #expect(throws: InputError.self) { try Self.log(["epoch", "run"], [[0, "a"]], in: scratch) }
    #expect(second?.place == .file(scratch.file("log.csv"), "genotype"))
    let third = #expect(throws: InputError.self) { try Self.log(["epoch", "genotype"], [], in: scratch) }
    #expect(third?.place == .file(scratch.file("log.csv")))
  }

  /// A run's verdict rests on margins too; where they count for nothing, its log says the same.
  @Test(arguments: CollapseVerdictTests.cases)
  func logOfARunIsJudgedAsTheRunIs(example: CollapseVerdictTests.Case) throws {
    let scratch = try ScratchFolder()
    var thresholds = CollapseThresholds()
    thresholds.margin = 0
    let alphas = CollapseVerdictTests.alphas(example)
    let run = try CollapseDiagnosis(
      configuration: CollapseVerdictTests.configuration(example.space, epochs: example.epochs, warmup: example.warmup),
      alphas: alphas, records: CollapseVerdictTests.records(example.epochs, eigenvalues: example.eigenvalues),
      thresholds: thresholds)
    let rows = try alphas.enumerated().map { index, alphas -> [CSVField] in
      [
        .integer(index + 1), .text(try Genotype(alphas: alphas, space: example.space).line),
        example.eigenvalues.map { .real($0[index]) } ?? .text(""),
      ]
    }
    let log = try Self.log(
      ["epoch", "genotype", "dominant_eigenvalue"], rows, in: scratch, space: example.space)
    let logged = try LoggedDiagnosis(
      of: log.runs[0], space: example.space, warmup: example.warmup, thresholds: thresholds)
    #expect(logged.verdict.state == run.verdict.state && logged.verdict.epoch == run.verdict.epoch)
    #expect(logged.verdict.evidence == run.verdict.evidence && logged.verdict.signs == run.verdict.signs)
    #expect(logged.verdict.gaps == run.verdict.gaps && logged.verdict.sharpness == run.verdict.sharpness)
    #expect(logged.epochs.map(\.eigenvalueRatio) == run.epochs.map(\.eigenvalueRatio))
    #expect(logged.text.contains("a log has no α") && logged.text.contains("a log has no weights"))
    #expect(logged.epochs.allSatisfy { $0.alphaNorm == nil && $0.normal.entropy == nil && $0.normal.skipMargin == nil })
  }

  @Test func epochsAreThoseOfTheLog() throws {
    let scratch = try ScratchFolder()
    func verdict(from first: Int) throws -> CollapseVerdict {
      let rows: [[CSVField]] = try (0..<10).map { [.integer(first + $0), try Self.line($0 < 4 ? 1 : 8)] }
      let log = try Self.log(["epoch", "genotype"], rows, in: scratch)
      return try LoggedDiagnosis(of: log.runs[0], space: .s2).verdict
    }
    #expect(try verdict(from: 0).epoch == 4 && verdict(from: 1).epoch == 5)
  }

  /// Eigenvalues of epochs 0, 2, … 28 and of the last, 29, which is off the grid and changes nothing.
  @Test func eigenvaluesOfEverySecondEpochAreJudgedByTheRuleOfRobustDARTSCode() throws {
    let scratch = try ScratchFolder()
    func diagnosis(_ thresholds: CollapseThresholds, without gap: Int? = nil) throws -> LoggedDiagnosis {
      let rows: [[CSVField]] = try (0..<30).map { epoch in
        let isMeasured = (epoch.isMultiple(of: 2) || epoch == 29) && epoch != gap
        // 1 up to epoch 20, then 2, but for a last one that would end any search.
        let value: CSVField = isMeasured ? .real(epoch == 29 ? 1000 : epoch <= 20 ? 1 : 2) : .text("")
        return [.integer(epoch), try Self.line(2), value]
      }
      let log = try Self.log(["epoch", "genotype", "dominant_eigenvalue"], rows, in: scratch)
      #expect(log.runs[0].eigenvalueSpacing == 2)
      return try LoggedDiagnosis(of: log.runs[0], space: .s2, thresholds: thresholds)
    }
    var thresholds = CollapseThresholds()
    thresholds.earlyStopping = .robustDARTSCode
    let found = try diagnosis(thresholds)
    // Around 18 the mean is that of 14 … 22, 1.2, and around 10 it is 1: a ratio of 0.83. Around 20 it is 1.4: 0.714.
    let sharpness = try #require(found.verdict.sharpness)
    #expect(sharpness.epoch == 20 && sharpness.returned == 12 && sharpness.before == 1 && abs(sharpness.after - 1.4) < 1e-15)
    #expect(found.verdict.state == .suspect && found.verdict.judgesSharpness)
    #expect(found.epochs[20].smoothedEigenvalue == sharpness.after && found.epochs[21].smoothedEigenvalue == nil)
    #expect(found.epochs[20].eigenvalueRatio == sharpness.ratio && found.epochs[19].eigenvalueRatio == nil)
    // Nothing is guessed where one is missing, or where one an epoch is asked for.
    for other in [try diagnosis(thresholds, without: 16), try diagnosis(CollapseThresholds())] {
      #expect(!other.verdict.judgesSharpness && other.verdict.sharpness == nil && other.verdict.state == .healthy)
      #expect(other.verdict.gaps.contains { $0.hasPrefix("sharpness:") })
    }
  }
}

/// What became of logged searches, beside their verdicts.
struct LogReportTests {
  /// Runs c0, c1, … collapse at epoch 3, h0, h1, … never.
  private func log(in scratch: ScratchFolder, count: Int = 3) throws -> SearchLog {
    let rows: [[CSVField]] = try (0..<count).flatMap { ["c\($0)", "h\($0)"] }.flatMap { name in
      try (1...8).map { epoch in
        [.text(name), .integer(epoch), try SearchLogTests.line(name.hasPrefix("c") && epoch >= 3 ? 8 : 1)]
      }
    }
    return try SearchLogTests.log(["run", "epoch", "genotype"], rows, in: scratch)
  }

  private func outcomes(_ text: String, _ log: SearchLog, groups: [String] = [], in scratch: ScratchFolder) throws
    -> LogOutcomes
  {
    try AtomicFile.write(text, to: scratch.file("outcomes.csv"))
    return try LogOutcomes(readingFrom: scratch.file("outcomes.csv"), column: "error", groupColumns: groups, for: log)
  }

  @Test func separationIsTheAreaOverRunsAndWithinGroups() throws {
    let scratch = try ScratchFolder()
    let log = try log(in: scratch)
    let table = "run,error,setting\nc0,5,x\nh0,3,x\nc1,9,y\nh1,8,y\nc2,7,y\nh2,,x\nother,1,z\n"
    let report = try LogReport(of: log, outcomes: outcomes(table, log, groups: ["setting"], in: scratch))
    let collapsed = try #require(report.separations.first { $0.criterion == "collapsed" })
    // h2 has no outcome. 5, 9, 7 above 3, 8: four of six pairs. Within x one of one, within y one of two.
    #expect(collapsed.area.positives == 3 && collapsed.area.negatives == 2 && collapsed.area.value == 4.0 / 6)
    #expect(collapsed.within.pairs == 3 && collapsed.within.value == 2.0 / 3)
    #expect(collapsed.groups == 2 && collapsed.interval == nil, "two groups say nothing about others")
    #expect(report.separations.map(\.criterion) == ["collapsed", "warned", "skips_normal", "parameter_free_normal"])
  }

  @Test func withoutGroupsRunsAreResampled() throws {
    let scratch = try ScratchFolder()
    let log = try log(in: scratch, count: 16)
    // Those of the collapsed lie three higher: of 16 by 16 pairs those with i > j − 3 are in order, those with i = j − 3 tie.
    let rows = (0..<16).map { "c\($0),\($0)\nh\($0),\($0 - 3)\n" }.joined()
    let report = try LogReport(of: log, outcomes: outcomes("run,error\n" + rows, log, in: scratch))
    let collapsed = try #require(report.separations.first)
    let (above, ties) = (256 - (1...13).reduce(0, +), 13)
    #expect(collapsed.area.value == (Double(above) + 0.5 * Double(ties)) / 256)
    #expect(collapsed.groups == 32 && collapsed.within.pairs == 0 && collapsed.within.value == nil)
    let interval = try #require(collapsed.interval)
    let value = try #require(collapsed.area.value)
    // Hanley and McNeil's standard error is 0.09 here.
    #expect(interval.lower < value - 0.08 && interval.lower > value - 0.35)
    #expect(interval.upper > value + 0.08 && interval.upper <= 1)
  }

  @Test func whatIsSeparatedPerfectlyHasNoInterval() throws {
    let scratch = try ScratchFolder()
    let log = try log(in: scratch)
    let report = try LogReport(
      of: log, outcomes: outcomes("run,error\nc0,5\nh0,3\nc1,9\nh1,2\nc2,7\nh2,1\n", log, in: scratch))
    #expect(report.separations[0].area.value == 1 && report.separations[0].interval == nil)
  }

  @Test func outcomesThatDoNotFitAreNamed() throws {
    let scratch = try ScratchFolder()
    let log = try log(in: scratch)
    let rest = "c1,1\nh1,1\nc2,1\nh2,1\n"
    for (text, place) in [
      ("run,error\nc0,1\nh0,bad\n" + rest, "row 2, column error"),
      ("run,error\nc0,1\nc0,2\nh0,1\n" + rest, "row 2, column run"),
      ("run,error\nc0,1\n" + rest, "run"), ("run,mistake\nc0,1\nh0,1\n" + rest, "error"),
      ("name,error\nc0,1\nh0,1\n" + rest, "run"),
    ] {
      let error = #expect(throws: InputError.self) { try outcomes(text, log, in: scratch) }
      #expect(error?.place == .file(scratch.file("outcomes.csv"), place), "\(text)")
    }
  }

  @Test func filesHaveARowARunAndARowAnEpoch() throws {
    let scratch = try ScratchFolder()
    let log = try log(in: scratch)
    let table = "run,error\nc0,5\nh0,3\nc1,9\nh1,8\nc2,7\nh2,\n"
    let report = try LogReport(of: log, outcomes: outcomes(table, log, in: scratch))
    let folder = try OutputFolder.create(at: scratch.file("out"))
    try report.write(to: folder)
    let runs = try CSVTable(readingFrom: folder.file("log-diagnosis.csv"))
    #expect(runs.columns == report.table.columns && runs.rows == report.table.rows)
    #expect(try runs.column("verdict") == ["c", "h", "c", "h", "c", "h"].map { $0 == "c" ? "collapsed" : "not collapsed" })
    #expect(try runs.column("epoch") == ["3", "", "3", "", "3", ""])
    #expect(try runs.column("evidence")[0] == "skips_normal@3 parameter_free_normal@3")
    #expect(try runs.optionalDoubles("error") == [5, 3, 9, 8, 7, nil])
    let epochs = try CSVTable(readingFrom: folder.file("log-epochs.csv"))
    #expect(epochs.rows.count == 48)
    #expect(try epochs.column("skips_normal").prefix(4) == ["1", "1", "8", "8"])
    #expect(try epochs.column("entropy_normal").allSatisfy(\.isEmpty))
    #expect(try CSVTable(readingFrom: folder.file("log-separation.csv")).column("criterion").first == "collapsed")
    // The same again takes its place; another's file does not.
    try report.write(to: folder)
    try AtomicFile.write("a,b\n1,2\n", to: folder.file("log-epochs.csv"))
    #expect(throws: InputError.self) { try report.write(to: folder) }
  }
}
