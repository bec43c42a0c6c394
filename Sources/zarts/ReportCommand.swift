import ArgumentParser
import Formats
import Foundation
import Reports
import Runs

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Put runs, landscapes and statistics onto one HTML page.",
    discussion: """
      Takes folders of zarts search, retrain, compare, suite, landscape, fidelity, spectrum or estimators, or folders that hold \
      such, and shows what is there. The page needs no network and no other file: it can be mailed, printed and read on a phone. \
      Figures say the value that stands in the file under a pointer, a finger or the arrow keys.
      """)

  @Argument(help: "Folders of results.")
  var paths: [String]
  @Option(help: ArgumentHelp("A landscape folder to add; may be given several times.", valueName: "dir"))
  var landscape: [String] = []
  @Option(help: ArgumentHelp("The page. Default: report.html in the first folder.", valueName: "file.html"))
  var out: String?
  @OptionGroup var truth: TableFlags
  @OptionGroup var overwriting: OverwriteFlag
  @Flag(help: "Leave out command lines, versions and settings, and paths with them.")
  var noMetadata = false

  func run() throws {
    let target = out ?? ((paths[0].hasSuffix("/") ? paths[0] : paths[0] + "/") + "report.html")
    guard target.lowercased().hasSuffix(".html") || target.lowercased().hasSuffix(".htm") else {
      throw ValidationError("--out: found \(target), wanted a path that ends in .html")
    }
    try ReportPage.output.require(target, overwrite: overwriting.overwrite)
    let table = try truth.read()
    var report = try Report(reading: paths, landscapes: landscape)
    report.truth = table
    for skipped in report.passedOver { remark("\(skipped) is passed over: none of our results in it") }
    let page = try ReportPage(noMetadata ? report.withoutOrigin() : report, command: Provenance.commandLine)
    try AtomicFile.write(page.html, to: target)
    print(target)
  }
}
