import ArgumentParser
import Cells
import Foundation
import Search

struct SummaryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "summary", abstract: "Print a table of what searches found.",
    discussion: """
      One row a run folder or a stage of a progressive search: its state after the last finished epoch or, where \
      DARTS-ES stopped early, after the one whose architecture it returns. Folders of other commands and files are \
      passed over with a note. --table adds what a table of your own, such as that of NAS-Bench-201, says of each genotype, and \
      its rank from the top.
      """)

  @Argument(help: "Run folders.")
  var runs: [String]

  @OptionGroup var truth: TableFlags

  func run() throws {
    print(try RunSummary.table(SearchFolders.choose(runs), truth: truth.read()))
  }
}

/// The table of `zarts summary`, from the run folders' files alone.
enum RunSummary {
  private static let header = ["run", "method", "seed", "epochs", "loss", "accuracy", "skips n/r", "genotype"]

  /// - Parameter truth: of what was found; adds two columns before the genotype.
  static func table(_ runs: [SearchRunFolder], truth: ArchitectureTable? = nil) throws -> String {
    let rows = try runs.flatMap { try $0.runs() }
    guard let truth else {
      return TextTable.text(header: header, rows: try rows.map(row), rightAligned: [2, 3, 4, 5, 6])
    }
    let extended = try rows.map { run -> [String] in
      let cells = try row(run)
      let entry = try run.result()?.genotype.flatMap { truth.entry(of: $0) }
      let known = entry.map { [String(format: "%g", $0.value), "\($0.rank)/\($0.count)"] } ?? ["-", "-"]
      return cells.dropLast() + known + cells.suffix(1)
    }
    return TextTable.text(
      header: header.dropLast() + [truth.column, "rank"] + header.suffix(1), rows: extended,
      rightAligned: [2, 3, 4, 5, 6, 7, 8])
  }

  private static func row(_ run: SearchRunFolder) throws -> [String] {
    let configuration = try run.configuration()
    let url = URL(fileURLWithPath: run.folder.path)
    let parent = url.deletingLastPathComponent().lastPathComponent
    let isPart = ["stage-", SearchRunFolder.roundPrefix].contains { url.lastPathComponent.hasPrefix($0) }
    let name = (isPart ? parent + "/" : "") + url.lastPathComponent
    let start = [name, configuration.method.rawValue, "\(configuration.seed)"]
    guard let result = try run.result() else {
      return start + ["0/\(configuration.epochs)", "-", "-", "-", "no epoch finished"]
    }
    let last = result.record
    let skips = [last.skipConnections, last.reduceSkipConnections].map { $0.map(String.init) ?? "-" }
    let genotype = result.genotype?.line ?? "-"
    return start + [
      "\(result.isEarly ? "\(last.epoch) of \(result.finished)" : "\(last.epoch)")/\(configuration.epochs)",
      String(format: "%.4f", last.validationLoss),
      String(format: "%.2f %%", 100 * last.validationAccuracy), skips.joined(separator: "/"), genotype,
    ]
  }
}
