import ArgumentParser
import Formats
import Foundation
import Runs
import Statistics
import Studies

extension DirectionLength: ExpressibleByArgument {}
extension Bootstrap.Method: ExpressibleByArgument {}

/// The flags of confidence intervals.
struct BootstrapFlags: ParsableArguments {
  @Option(
    help: """
      Kind of interval: student (t with the jackknife's error), or bootstrap intervals, accelerated (BCa) or percentile, \
      which hold from \(Bootstrap.fewestDrawn) units on; below that all are Student's.
      """)
  var bootstrap = Bootstrap.Method.student
  @Option(help: "Resamples behind each bootstrap interval.")
  var replicates = 1000
  @Option(help: "Share of repetitions in which an interval is to hold what it is for.")
  var confidence = 0.95
  @Option(help: "Key of the resamples of a bootstrap.")
  var bootstrapSeed: UInt64 = 0

  func settings() throws -> Bootstrap {
    try Bootstrap(method: bootstrap, replicates: replicates, level: confidence, seed: bootstrapSeed)
  }
}

/// Lists of numbers with commas between.
enum NumberList {
  /// - Throws: `InputError` for anything that is no number.
  static func parse<Number: LosslessStringConvertible>(
    _ text: String, _ flag: String, _ kind: Number.Type = Number.self
  ) throws -> [Number] {
    try ListText.items(text).map { part in
      guard let value = Number(part) else {
        throw UsageError("not a list of numbers", found: "\(flag) '\(text)'", wanted: "numbers with commas between")
      }
      return value
    }
  }

  /// Epochs such as `0,5,10-20`, or `all`; ascending.
  ///
  /// - Throws: `InputError` for anything else, and for an epoch twice.
  static func epochs(_ text: String, of available: [Int]) throws -> [Int] {
    if ListText.items(text) == ["all"] { return available }
    var result: [Int] = []
    for part in ListText.items(text) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map {
        RunBounds.start.count($0)
      }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first <= last else {
        throw UsageError(
          "not a list of epochs", found: "--epochs '\(text)'", wanted: "all, or numbers and ranges like 0,5,10-20")
      }
      result += first...last
    }
    guard Set(result).count == result.count else {
      throw UsageError("an epoch twice", found: "--epochs '\(text)'", wanted: "each once")
    }
    return result.sorted()
  }
}

/// A study that can be stopped and resumed.
enum StudyCommand {
  /// Runs the body with a trap for signals and a progress bar; a stop becomes a message and the signal's exit code.
  static func run<Result>(
    unit: String, journal: String,
    _ body: (
      _ isStopRequested: @escaping () -> Bool, _ progress: @escaping (_ done: Int, _ total: Int) -> Void
    ) throws -> Result
  ) throws -> Result {
    let stop = SignalTrap.install()
    let reporter = ProgressReporter.standardError()
    defer { reporter.clear() }
    do {
      return try body(
        { stop.isRequested }, { reporter.report(done: Double($0), of: Double($1), "\($0) of \($1) \(unit)") })
    } catch is CancellationError {
      reporter.clear()
      complain("stopped; the \(unit) so far are in \(journal); go on with --resume")
      throw ExitCode(128 + (stop.signal ?? SIGTERM))
    }
  }

  /// What stands in a table where a number left the finite range.
  static let notFinite = "not finite"

  /// A number in a table.
  static func decimal(_ value: Double?, _ digits: Int = 4) -> String {
    if let value, !value.isFinite { return notFinite }
    return value.map { abs($0) >= 0.001 || $0 == 0 ? String(format: "%.\(digits)f", $0) : String(format: "%.2e", $0) } ?? "-"
  }

  /// What brackets are: "[ ]: 95 % intervals, Student's t over 24 directions"; nil where there are none.
  static func brackets(_ intervals: [StatedInterval], level: Double) -> String? {
    let sampled = intervals.account.map { "\(String(format: "%.3g", 100 * level)) % intervals, \($0)" }
    let others = intervals.contains { $0.kind == StatedInterval.uncertainty }
    let numerical = others ? "of an eigenvalue its numerical uncertainty" : nil
    let parts = [sampled, numerical].compactMap { $0 }
    return parts.isEmpty ? nil : "[ ]: " + parts.joined(separator: "; ")
  }

  /// A value with its interval.
  static func decimal(_ value: Double, _ lower: Double?, _ upper: Double?, _ digits: Int = 3) -> String {
    guard let lower, let upper else { return decimal(value, digits) }
    return "\(decimal(value, digits)) [\(decimal(lower, digits)), \(decimal(upper, digits))]"
  }
}
