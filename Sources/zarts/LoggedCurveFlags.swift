import ArgumentParser
import Cells
import Diagnosis
import Formats
import Foundation
import Runs
import Search

/// Searches of another program beside runs, as flags of zarts curves.
struct LoggedCurveFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Draw searches that another program logged, a row a run and epoch; docs/diagnosis.md lists the columns.",
      valueName: "csv"))
  var log: String?
  @Option(
    help: ArgumentHelp(
      "Its runs, with commas between; a * at the end of a name stands for all that begin so. Default: all.",
      valueName: "names"))
  var logRuns: String?
  @Option(help: ArgumentHelp("The name of their line. Default: that of the file.", valueName: "name"))
  var logName: String?
  @Option(help: "Search space of the logged architectures. Default: the runs'.")
  var logSpace: SearchSpace?
  @Flag(
    help: """
      Its validation is with running statistics of batch norm: drawn as validation_loss_running and \
      validation_accuracy_running.
      """)
  var logRunning = false

  func validate() throws {
    guard log == nil else { return }
    try DependentFlags.refuse(
      [
        ("--log-runs", logRuns), ("--log-name", logName), ("--log-space", logSpace?.rawValue),
        ("--log-running", logRunning ? "--log-running" : nil),
      ], without: "--log")
  }

  /// Nil where no log is named.
  ///
  /// - Throws: `InputError` where the log cannot be read, lacks a run, or its space is not known.
  func searches(beside runs: [SearchRunFolder]) throws -> LoggedSearches? {
    guard let log else { return nil }
    return try SearchLog(readingFrom: log, space: logSpace ?? Self.space(of: runs))
      .curves(of: logRuns.map(ListText.items) ?? [], named: logName, isRunning: logRunning)
  }

  private static func space(of runs: [SearchRunFolder]) throws -> SearchSpace {
    let spaces = try runs.map { try $0.configuration().space }
    guard let first = spaces.first, spaces.allSatisfy({ $0 == first }) else {
      throw InputError(
        "which space is not known", at: .setting("log_space"),
        found: "runs on \(Set(spaces.map(\.rawValue)).sorted().joined(separator: ", "))",
        wanted: "the space of the log")
    }
    return first
  }
}
