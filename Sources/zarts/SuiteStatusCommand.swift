import ArgumentParser
import Formats
import Runs
import Suites

struct SuiteStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Say which jobs of a suite are done, running, waiting or failed.",
    discussion: """
      Reads the folder of a suite, whether processes work on it or not: how many jobs are where, who runs which since when and \
      in which epoch, what failed and why, and how long the rest should take. --csv and --json print a row a job.
      """)

  @Argument(help: ArgumentHelp("Folder of a suite.", valueName: "dir"))
  var folder: String
  @Flag(help: "Print a CSV table, a row a job.")
  var csv = false
  @Flag(help: "Print a JSON object with counts, what is left, and a row a job.")
  var json = false
  @OptionGroup var claims: ClaimFlags

  func validate() throws {
    if csv, json { throw ValidationError("--csv --json: found both, wanted one") }
  }

  func run() throws {
    let files = try SuiteFolder(existing: folder)
    let status = try SuiteStatus(of: files.plan(), in: files, terms: claims.terms)
    if csv { return print(status.csv, terminator: "") }
    if json { return print(status.json, terminator: "") }
    print(SuiteReport.text(status))
  }
}
