import Cells
import Compute
import Datasets
import Formats
import Foundation
import Runs
import Search

/// What `zarts suite status` tells: a row a job, and how long what is left should take.
public struct SuiteStatus: Sendable {
  public struct Row: Equatable, Sendable {
    public var job: String
    public var kind: SuiteJob.Kind
    /// Empty for what several cells share.
    public var dataset = ""
    public var space = ""
    public var method = ""
    /// Of a search, the name of its method's variant; empty where there is none.
    public var variant = ""
    public var seed: UInt64
    public var status: SuiteState.Status
    /// Finished, and of all; nil of jobs that are over or not begun.
    public var epochs: Int?
    public var total: Int?
    /// Where it runs or has ended, and since when.
    public var host = ""
    public var process: Int?
    public var since = ""
    /// Seconds since the last sign of life of who runs it.
    public var quiet: Double?
    /// Core-hours that it took, or should still take; nil where nothing says.
    public var coreHours: Double?
    /// Why it failed, or what it waits for.
    public var reason = ""

    init(job: String, kind: SuiteJob.Kind, seed: UInt64, status: SuiteState.Status) {
      (self.job, self.kind, self.seed, self.status) = (job, kind, seed, status)
    }
  }

  public let rows: [Row]
  /// Whether tables have a last column `variant`: where the plan has any.
  private let hasVariants: Bool
  /// Core-hours that what is left should take, by the estimate and by how far it was right of jobs that are finished; nil
  /// without an estimate.
  public let coreHoursLeft: Double?
  /// The same shared by the threads of the processes that work now; nil where none does.
  public let secondsLeft: Double?

  public func count(_ status: SuiteState.Status) -> Int { rows.count { $0.status == status } }

  /// - Throws: `InputError` where records, claims or the estimate cannot be read.
  public init(of plan: SuitePlan, in files: SuiteFolder, terms: Claim.Terms = Claim.Terms()) throws {
    let state = try SuiteState(of: plan, in: files, terms: terms)
    let isEstimated = FileManager.default.fileExists(atPath: files.estimatePath)
    let estimate = isEstimated ? try SuiteEstimate(readingFrom: files.estimatePath, of: plan) : nil
    var ratios: [SuiteJob.Kind: (found: Double, expected: Double)] = [:]
    if let estimate {
      for (entry, expected) in zip(state.entries, estimate.rows) {
        guard let record = entry.record, record.status == .finished, record.seconds > 0 else { continue }
        var sum = ratios[entry.job.kind] ?? (0, 0)
        // What a search took over from a shared warm-up is in its seconds and not in its estimate.
        let shared = entry.job.kind == .search ? entry.job.needs.compactMap { state.entries[$0].record } : []
        let taken = Self.share(of: plan, entry.job) * shared.reduce(0) { $0 + $1.seconds * Double($1.threads) }
        sum.found += max(0, record.seconds * Double(record.threads) - taken)
        sum.expected += expected.coreSeconds
        ratios[entry.job.kind] = sum
      }
    }
    var rows: [Row] = []
    var (left, threads) = (0.0, 0)
    for (index, entry) in state.entries.enumerated() {
      let job = entry.job
      var row = Row(job: job.path, kind: job.kind, seed: job.seed, status: entry.status)
      if let cell = job.cell.map({ plan.cells[$0] }) {
        (row.dataset, row.space, row.method) = (plan.title(of: cell), cell.space.rawValue, cell.method.rawValue)
        row.variant = job.run.flatMap { plan.searches.runs[$0].variant?.name } ?? ""
      }
      var done = 0.0
      if [.running, .interrupted].contains(entry.status) {
        let progress = SuiteProgress(of: job, in: files, plan)
        (row.epochs, row.total, done) = (progress.epochs, progress.total, progress.fraction)
      }
      if let record = entry.record {
        (row.host, row.process, row.since) = (record.host, record.process, record.ended)
        (row.reason, row.coreHours) = (record.reason, record.seconds * Double(record.threads) / 3600)
      } else if let estimate {
        let ratio = ratios[job.kind].flatMap { $0.expected > 0 ? $0.found / $0.expected : nil } ?? 1
        let expected = estimate.rows[index].coreSeconds * ratio * (1 - done)
        row.coreHours = expected / 3600
        if entry.status != .blocked { left += expected }
      }
      if let holder = entry.holder {
        (row.host, row.process, row.since, row.quiet) = (holder.host, Int(holder.process), holder.since, entry.quiet)
        threads += Int(holder.note.split(separator: " ").last ?? "") ?? 0
      }
      if [.waiting, .blocked].contains(entry.status) {
        let open = job.needs.first { need in
          let status = state.entries[need].status
          return entry.status == .blocked ? [.failed, .blocked].contains(status) : ![.finished, .diverged].contains(status)
        }
        row.reason = open.map { "\(plan.jobs[$0].path) is \(state.entries[$0].status.rawValue)" } ?? ""
      }
      rows.append(row)
    }
    self.rows = rows
    hasVariants = plan.hasVariants
    coreHoursLeft = estimate == nil ? nil : left / 3600
    secondsLeft = estimate == nil || threads == 0 ? nil : left / Double(threads)
  }

  /// Which part of a shared warm-up a search takes over.
  private static func share(of plan: SuitePlan, _ job: SuiteJob) -> Double {
    guard let run = job.run, let warmup = job.needs.first.map({ plan.jobs[$0] }), let epochs = warmup.epochs else {
      return 0
    }
    return epochs > 0 ? Double(plan.searches.runs[run].configuration.warmup) / Double(epochs) : 0
  }

  public static let columns = [
    "job", "kind", "dataset", "space", "method", "seed", "status", "epochs", "total_epochs", "host", "process", "since",
    "quiet_seconds", "core_hours", "reason",
  ]

  private var table: (columns: [String], rows: [[CSVField]]) {
    let fields = rows.map { Self.fields($0) + (hasVariants ? [.text($0.variant)] : []) }
    return (Self.columns + (hasVariants ? ["variant"] : []), fields)
  }

  /// A CSV table, a row a job.
  public var csv: String {
    let table = table
    return ([table.columns.map { CSVField.text($0) }] + table.rows).map {
      $0.map(\.encoded).joined(separator: ",") + "\n"
    }
    .joined()
  }

  private static func fields(_ row: Row) -> [CSVField] {
    func whole(_ value: Int?) -> CSVField { value.map(CSVField.integer) ?? .text("") }
    func real(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    return [
      .text(row.job), .text(row.kind.rawValue), .text(row.dataset), .text(row.space), .text(row.method),
      .text("\(row.seed)"), .text(row.status.rawValue), whole(row.epochs), whole(row.total), .text(row.host),
      whole(row.process), .text(row.since), real(row.quiet), real(row.coreHours), .text(row.reason),
    ]
  }

  /// The same as a JSON object: counts, what is left, and the jobs; null where nothing is known.
  public var json: String {
    func number(_ value: Double?) -> String { value.map { $0.isFinite ? "\($0)" : "null" } ?? "null" }
    func value(_ field: CSVField) -> String {
      switch field {
      case .text(let text): text.isEmpty ? "null" : JSONText.quoted(text)
      case .integer(let count): "\(count)"
      case .real(let real): number(real)
      }
    }
    let table = table
    let jobs = table.rows.map { fields in
      "    {" + zip(table.columns, fields).map { "\"\($0)\": \(value($1))" }.joined(separator: ", ") + "}"
    }
    let counts = SuiteState.Status.allCases.map { "\"\($0.rawValue)\": \(count($0))" }.joined(separator: ", ")
    return """
      {
        "jobs": \(rows.count),
        "counts": {\(counts)},
        "core_hours_left": \(number(coreHoursLeft)),
        "seconds_left": \(number(secondsLeft)),
        "rows": [
      \(jobs.joined(separator: ",\n"))
        ]
      }

      """
  }
}
