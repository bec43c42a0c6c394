import ArgumentParser
import Cells
import Diagnosis
import Formats
import Foundation
import Runs

/// A log of searches of another program, as flags of zarts diagnose.
struct LogFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Judge searches that another program logged, a row a run and epoch; docs/diagnosis.md lists the columns.",
      valueName: "csv"))
  var log: String?
  @Option(help: "Search space of the logged architectures.")
  var space: SearchSpace?
  @Option(help: "Epochs at the beginning in which α did not move. Default: 0.")
  var warmup: Int?
  @Option(help: ArgumentHelp("What became of the runs: a table with the columns run and --outcome.", valueName: "csv"))
  var outcomes: String?
  @Option(help: "Its column of numbers, such as test_error: what a verdict is to tell apart.")
  var outcome: String?
  @Option(
    help: "Its columns, with commas between, in which runs of one group are alike: what intervals resample. Default: run.")
  var outcomeGroups: String?

  func validate() throws {
    try RunBounds.start.check(warmup, "--warmup")
    guard log != nil else {
      return try DependentFlags.refuse(
        [
          ("--space", space?.rawValue), ("--warmup", warmup.map(String.init)), ("--outcomes", outcomes),
          ("--outcome", outcome),
          ("--outcome-groups", outcomeGroups),
        ], without: "--log")
    }
    guard space != nil else {
      throw ValidationError(
        "--space: missing beside --log, wanted one of \(SearchSpace.allValueStrings.joined(separator: ", "))")
    }
    guard (outcomes == nil) == (outcome == nil) else {
      throw ValidationError(
        outcome == nil
          ? "--outcome: missing beside --outcomes, wanted the name of a column"
          : "--outcomes: missing beside --outcome, wanted a file"
      )
    }
    guard outcomeGroups == nil || outcomes != nil else {
      throw ValidationError("--outcome-groups: found \(outcomeGroups ?? "") without --outcomes, wanted both")
    }
  }

  /// Judges the log, prints what was found and, where a folder is named, writes it.
  func diagnose(_ path: String, thresholds: ThresholdFlags, out: String?) throws {
    guard let space else { return }
    // Before anything is read that takes a while.
    try thresholds.values.validate()
    let log = try SearchLog(readingFrom: path, space: space)
    let outcomes = try self.outcomes.map {
      try LogOutcomes(readingFrom: $0, column: outcome ?? "", groupColumns: groups, for: log)
    }
    if !log.otherColumns.isEmpty { remark("columns that are not read: \(log.otherColumns.joined(separator: ", "))") }
    let report = try LogReport(
      of: log, warmup: warmup ?? 0, thresholds: thresholds.values(for: log), outcomes: outcomes)
    let folder = try out.map(Self.folder)
    try folder.map(report.write)
    print(report.diagnoses.count == 1 ? report.diagnoses[0].text : Self.table(report))
    if outcomes != nil { print("\n" + Self.separations(report)) }
    if let folder { print("results in \(folder.file("log-diagnosis.csv"))") }
  }

  /// A folder of an earlier diagnosis of a log, or a new one.
  private static func folder(_ path: String) throws -> OutputFolder {
    FileManager.default.fileExists(atPath: path + "/log-diagnosis.csv")
      ? try OutputFolder.existing(at: path) : try OutputFolder.create(at: path)
  }

  private var groups: [String] { outcomeGroups.map { $0.split(separator: ",").map(String.init) } ?? [] }

  private static func table(_ report: LogReport) -> String {
    let names =
      ["run", "verdict", "epoch", "stop_epoch", "skips_normal", "skips_reduce"] + (report.outcomes.map { [$0.column] } ?? [])
    return text(report.table, names)
  }

  private static func separations(_ report: LogReport) -> String {
    text(
      report.separationTable,
      ["criterion", "met", "not_met", "area", "lower", "upper", "pairs_within_groups", "area_within_groups"])
  }

  private static func text(_ table: CSVTable, _ names: [String]) -> String {
    let places = names.compactMap { table.columns.firstIndex(of: $0) }
    let rows = table.rows.map { row in
      places.map { place in
        let cell = row[place]
        // The first column has names.
        guard place > 0, Int(cell) == nil, let number = Double(cell) else { return cell.isEmpty ? "-" : cell }
        return "\(Float(number))"
      }
    }
    return TextTable.text(header: names, rows: rows, rightAligned: Set(2..<names.count))
  }
}
