import ArgumentParser
import Formats
import Foundation
import Plots
import Runs
import Search

struct CurvesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "curves", abstract: "Draw columns of metrics.csv over the epochs of several runs.",
    discussion: """
      One panel a column and one line a group of runs: their mean, and a band over their seeds. Runs of a group must \
      differ in nothing but the seed. Next to the figure, a .csv of the same name holds what is drawn: mean, sample \
      deviation, least and greatest value at each epoch. Prints a table of the last epoch. With --log, searches that \
      another program logged are drawn beside the runs.
      """)

  @Argument(help: "Run folders.")
  var runs: [String]
  @Option(help: ArgumentHelp("Columns of metrics.csv, separated by commas.", valueName: "names"))
  var column = "validation_loss"
  @Option(help: "What a line stands for: 'run' for each run by itself, or a setting of config.yaml.")
  var by = "method"
  @Option(help: "The band: mean ± sample standard deviation, least to greatest value, or none.")
  var band = CurvesPlot.Band.deviation
  @Option(
    help: ArgumentHelp(
      "Subtract this group, run by run of the same seed, so that only differences are left.", valueName: "group"))
  var minus: String?
  @Option(help: "Leave out the epochs before this one.")
  var fromEpoch = 1
  @OptionGroup(title: "LOGS OF OTHER PROGRAMS")
  var logs: LoggedCurveFlags
  @Option(help: "Title of the figure. Default: none.")
  var title = ""
  @OptionGroup var paths: FigurePaths
  @OptionGroup var figure: FigureFlags

  func validate() throws {
    try RunBounds.epochs.check(fromEpoch, "--from-epoch")
    if by == LearningCurves.byRun, let name = logs.logName {
      throw ValidationError(
        "--log-name: found \(name) beside --by run, which names each line after its run; wanted one of them")
    }
    let names = columns
    guard !names.contains(""), Set(names).count == names.count, !names.contains("epoch") else {
      throw ValidationError("--column: found '\(column)', wanted names of columns other than epoch, each once")
    }
  }

  private var columns: [String] {
    ListText.items(column)
  }

  func run() throws {
    try paths.require(table: LearningCurves.output, maker: CurvesPlot.maker)
    let folders = try SearchFolders.choose(runs)
    let log = try logs.searches(beside: folders)
    let curves = try LearningCurves(
      of: folders, columns: columns, by: by, minus: minus, from: fromEpoch, beside: log)
    if let absent = log?.absent(of: columns), !absent.isEmpty {
      remark("the log has no values of \(absent.joined(separator: ", "))")
    }
    for run in log?.runs ?? [] where run.omitted > 0 {
      remark("\(run.name) of the log: \(run.omitted) values are not finite, and left out")
    }
    for difference in curves.differences { remark("lines differ in \(difference)") }
    let plot = try CurvesPlot(curves, columns: columns, band: band, title: title)
    try curves.write(to: paths.table, overwrite: paths.overwriting.overwrite)
    for path in paths.out { try plot.write(to: path, figure.style) }
    print(CurvesText.table(curves, columns: columns))
    print("written: \(paths.text)")
  }
}

extension CurvesPlot.Band: ExpressibleByArgument {}

/// The table of `zarts curves`: each group at its last epoch.
enum CurvesText {
  static func table(_ curves: LearningCurves, columns: [String]) -> String {
    let cells = columns.map { curves.last($0) }
    let rows = curves.groups.indices.map { index in
      let points = cells.map { $0[index] }
      let epochs = Set(points.compactMap { $0?.epoch }).sorted().map(String.init).joined(separator: ", ")
      let runs = Set(points.compactMap { $0?.runs }).sorted().map(String.init).joined(separator: ", ")
      return [curves.groups[index], runs, epochs] + points.map(text)
    }
    return TextTable.text(
      header: [curves.grouping, "runs", "epoch"] + columns.map(curves.title), rows: rows,
      rightAligned: Set(1..<(3 + columns.count)))
  }

  private static func text(_ point: LearningCurves.Point?) -> String {
    guard let point else { return "-" }
    guard let deviation = point.deviation else { return String(format: "%.4f", point.mean) }
    return String(format: "%.4f ± %.4f", point.mean, deviation)
  }
}
