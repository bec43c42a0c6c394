import ArgumentParser
import Foundation
import Search

struct SummaryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "summary", abstract: "Print a table of what searches found.",
    discussion: """
      One row a run folder or a stage of a progressive search: its state after the last finished epoch or, where \
      DARTS-ES stopped early, after the one whose architecture it returns. Folders of other commands and files are \
      passed over with a note.
      """)

  @Argument(help: "Run folders.")
  var runs: [String]

  func run() throws {
    print(try RunSummary.table(SearchFolders.choose(runs)))
  }
}

/// The table of `zarts summary`, from the run folders' files alone.
enum RunSummary {
  private static let header = ["run", "method", "seed", "epochs", "loss", "accuracy", "skips n/r", "genotype"]

  static func table(_ runs: [SearchRunFolder]) throws -> String {
    TextTable.text(header: header, rows: try runs.flatMap { try $0.runs() }.map(row), rightAligned: [2, 3, 4, 5, 6])
  }

  private static func row(_ run: SearchRunFolder) throws -> [String] {
    let configuration = try run.configuration()
    let url = URL(fileURLWithPath: run.folder.path)
    let parent = url.deletingLastPathComponent().lastPathComponent
    let name = (url.lastPathComponent.hasPrefix("stage-") ? parent + "/" : "") + url.lastPathComponent
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
