import Formats
import Foundation
import Runs
import Suites

/// What `zarts suite` prints.
enum SuiteReport {
  /// A line a cell.
  static func table(_ tables: SuiteTables) -> String {
    func percent(_ value: Double?) -> String { value.map { String(format: "%.2f", 100 * $0) } ?? "-" }
    func count(_ value: Double?) -> String {
      value.map { Int(exactly: $0).map(String.init) ?? String(format: "%.1f", $0) } ?? "-"
    }
    return TextTable.text(
      header: [
        "dataset", "space", "method", "jobs", "test error in %", "best", "skips n/r", "verdict", "collapsed", "steps",
        "core-hours", "reason",
      ] + (tables.hasVariants ? ["variant"] : []),
      rows: tables.rows.map { row in
        [
          row.dataset, row.space, row.method, "\(row.finished)/\(row.jobs)",
          percent(row.mean) + (row.deviation.map { " ± " + percent($0) } ?? ""), percent(row.best),
          "\(count(row.normalSkips))/\(count(row.reduceSkips))", row.verdict.isEmpty ? "-" : row.verdict,
          "\(row.collapsed)/\(row.searches)", "\(row.searchSteps)", String(format: "%.2f", row.coreHours), row.reason,
        ] + (tables.hasVariants ? [row.variant.isEmpty ? "-" : row.variant] : [])
      }, rightAligned: [3, 4, 5, 6, 8, 9, 10])
  }

  /// How many jobs there are, and what they should cost.
  static func estimate(_ estimate: SuiteEstimate, of plan: SuitePlan, threads: Int) -> String {
    func hours(_ value: Double) -> String { String(format: value < 100 ? "%.2f" : "%.0f", value) }
    let kinds = SuiteJob.Kind.allCases.filter { kind in plan.jobs.contains { $0.kind == kind } }
    let rows = kinds.map { kind -> [String] in
      let own = zip(plan.jobs, estimate.rows).filter { $0.0.kind == kind }
      let longest = own.map(\.1.coreSeconds).max() ?? 0
      return [
        kind.rawValue, "\(own.count)", hours(estimate.coreHours(of: kind, in: plan)),
        ProgressReporter.duration(longest / Double(threads)),
      ]
    }
    let goesBack = plan.searches.runs.contains { $0.configuration.adaptiveRegularisation != nil }
    return TextTable.text(
      header: ["jobs", "number", "core-hours", "the longest on \(threads) threads"],
      rows: rows + [["all", "\(plan.jobs.count)", hours(estimate.coreHours(in: plan)), ""]], rightAligned: [1, 2])
      + "\nestimated: training steps counted from the plan, times the time of one"
      + (goesBack ? "\nepochs that searches go back over are not counted" : "")
  }

  static func text(_ status: SuiteStatus) -> String {
    let counts = SuiteState.Status.allCases.filter { status.count($0) > 0 }.map { "\(status.count($0)) \($0.rawValue)" }
    var parts = ["\(status.rows.count) jobs: \(counts.joined(separator: ", "))"]
    if let hours = status.coreHoursLeft, hours > 0 {
      parts[0] += String(format: "\n%.2f core-hours left", hours)
      parts[0] += status.secondsLeft.map { ", about \(ProgressReporter.duration($0)) by those that work now" } ?? ""
    }
    func epochs(_ row: SuiteStatus.Row) -> String { row.total.map { "\(row.epochs ?? 0)/\($0)" } ?? "-" }
    func section(_ title: String, _ header: [String], _ rows: [[String]], _ right: Set<Int> = []) {
      if !rows.isEmpty { parts.append(title + "\n" + TextTable.text(header: header, rows: rows, rightAligned: right)) }
    }
    section(
      "running", ["job", "epochs", "host", "process", "since", "last sign"],
      status.rows.filter { $0.status == .running }.map { row in
        [
          row.job, epochs(row), row.host, row.process.map(String.init) ?? "-", row.since,
          row.quiet.map { "\(ProgressReporter.duration($0)) ago" } ?? "-",
        ]
      }, [1, 3])
    section(
      "interrupted", ["job", "epochs"],
      status.rows.filter { $0.status == .interrupted }.map { [$0.job, epochs($0)] }, [1])
    section(
      "not to their end", ["job", "status", "host", "reason"],
      status.rows.filter { [.failed, .diverged, .blocked].contains($0.status) }.map {
        [$0.job, $0.status.rawValue, $0.host.isEmpty ? "-" : $0.host, $0.reason]
      })
    return parts.joined(separator: "\n\n")
  }
}
