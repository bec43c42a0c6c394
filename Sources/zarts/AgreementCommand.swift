import ArgumentParser
import Formats
import Plots
import Runs

struct AgreementCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "agreement", abstract: "Draw how well L1 and L2 follow the true loss over the epochs of a search.",
    discussion: """
      Takes folders of zarts fidelity, each of another epoch: one panel a statistic of their fidelity.csv and one line an \
      objective, with the studies' own intervals. Next to the figure, a .csv of the same name holds what is drawn. Prints \
      it as a table.
      """)

  @Argument(help: "Folders of zarts fidelity.")
  var studies: [String]
  @Option(
    help: ArgumentHelp(
      "Statistics of fidelity.csv, with commas between; spearman@0.5 is that of one radius.", valueName: "names"))
  var statistic = "gradient_cosine,spearman"
  @Option(
    help: ArgumentHelp(
      "Objectives, and estimators of the gradient such as rs:10, with commas between.", valueName: "labels"))
  var objectives = "first,second"
  @Option(help: "A setting of fidelity.yaml whose values are lines of their own.")
  var by = "method"
  @Option(help: "Title of the figure. Default: none.")
  var title = ""
  @OptionGroup var paths: FigurePaths
  @OptionGroup var figure: FigureFlags

  func run() throws {
    try paths.require(table: FidelityByEpoch.output, maker: AgreementPlot.maker)
    let chosen = try ListText.distinct(
      statistic, of: "statistic", setting: "statistic", forms: "names of fidelity.csv"
    ) { try FidelityByEpoch.Statistic(parsing: $0) }
    let labels = try ListText.distinct(
      objectives, of: "objective", setting: "objectives", forms: "labels of fidelity.txt"
    ) { $0.isEmpty ? nil : $0 }
    let course = try FidelityByEpoch(of: studies.map { try PlotFolder($0) }, statistics: chosen, objectives: labels, by: by)
    for (group, runs) in course.mixed { remark("line \(group) is of several runs: \(runs.joined(separator: ", "))") }
    for difference in course.differences { remark("studies differ in \(difference)") }
    let plot = try AgreementPlot(course, title: title)
    try course.write(to: paths.table, overwrite: paths.overwriting.overwrite)
    for path in paths.out { try plot.write(to: path, figure.style) }
    print(Self.text(course))
    print("written: \(paths.text)")
  }

  private static func text(_ course: FidelityByEpoch) -> String {
    var rows: [[String]] = []
    for line in course.lines {
      for epoch in line.epochs {
        rows.append([line.group, line.objective, String(epoch)] + course.statistics.map { cell(line.point($0, at: epoch)) })
      }
    }
    return TextTable.text(
      header: [course.grouping, "against \(course.truth.label)", "epoch"] + course.statistics.map(\.label), rows: rows)
  }

  private static func cell(_ point: FidelityByEpoch.Point?) -> String {
    point.map { StudyCommand.decimal($0.value, $0.interval?.lower, $0.interval?.upper) } ?? "-"
  }
}
