import Formats
import Foundation
import Retraining
import Runs
import Search

/// Where the jobs of a suite are, as their files say now.
public struct SuiteState: Sendable {
  public enum Status: String, CaseIterable, Sendable {
    case finished, diverged, failed
    /// A process works on it.
    case running
    /// Begun, and nobody works on it.
    case interrupted
    /// It can begin.
    case ready
    /// What it needs has not ended.
    case waiting
    /// Something that it needs has failed.
    case blocked

    /// Whether nothing more happens to it by itself.
    public var isOver: Bool { [.finished, .diverged, .failed, .blocked].contains(self) }
  }

  public struct Entry: Sendable {
    public let job: SuiteJob
    public let status: Status
    /// Of a job that ended.
    public let record: SuiteRecord?
    /// Who works on it.
    public let holder: Claim.Holder?
    /// Seconds since its holder's last sign of life.
    public let quiet: Double?
  }

  public let plan: SuitePlan
  /// In the order of the jobs of the plan.
  public let entries: [Entry]

  /// - Throws: `InputError` where a record or the claims cannot be read.
  public init(of plan: SuitePlan, in files: SuiteFolder, terms: Claim.Terms = Claim.Terms()) throws {
    self.plan = plan
    var entries: [Entry] = []
    let isPrepared = FileManager.default.fileExists(atPath: files.claimsPath)
    let claimed = isPrepared ? try Claim.names(in: files.claimsPath) : []
    for job in plan.jobs {
      if let record = try files.record(of: job) {
        let status = Status(rawValue: record.status.rawValue) ?? .failed
        entries.append(Entry(job: job, status: status, record: record, holder: nil, quiet: nil))
        continue
      }
      let needed = job.needs.map { entries[$0].status }
      if needed.contains(where: { [.failed, .blocked].contains($0) }) {
        entries.append(Entry(job: job, status: .blocked, record: nil, holder: nil, quiet: nil))
      } else if !needed.allSatisfy({ [.finished, .diverged].contains($0) }) {
        entries.append(Entry(job: job, status: .waiting, record: nil, holder: nil, quiet: nil))
      } else if claimed.contains(job.key),
        case .held(let holder, let quiet) = try Claim.state(of: job.key, in: files.claimsPath, terms: terms)
      {
        entries.append(Entry(job: job, status: .running, record: nil, holder: holder, quiet: quiet))
      } else {
        let isBegun = FileManager.default.fileExists(atPath: files.path(of: job))
        entries.append(
          Entry(job: job, status: isBegun ? .interrupted : .ready, record: nil, holder: nil, quiet: nil))
      }
    }
    self.entries = entries
  }

  public func count(_ status: Status) -> Int { entries.count { $0.status == status } }

  /// Whether nothing is left to do, or nothing that could be done.
  public var isOver: Bool { entries.allSatisfy { $0.status.isOver } }
}

/// How far a job is.
public struct SuiteProgress: Equatable, Sendable {
  /// Epochs finished, and of all.
  public var epochs: Int
  public var total: Int

  public var fraction: Double { total > 0 ? min(1, Double(epochs) / Double(total)) : 1 }

  /// Reads the tables of a job's folder; what cannot be read counts as not begun, since a process may be about to write it.
  public init(of job: SuiteJob, in files: SuiteFolder, _ plan: SuitePlan) {
    func rows(_ path: String) -> Int { (try? CSVTable(readingFrom: path).rows.count) ?? 0 }
    let path = files.path(of: job)
    switch job.kind {
    case .warmup: (epochs, total) = (rows("\(path)/metrics.csv"), job.epochs ?? 0)
    case .search:
      (epochs, total) = (rows("\(path)/metrics.csv"), job.run.map { plan.searches.runs[$0].configuration.epochs } ?? 0)
    case .retrain:
      epochs = rows("\(path)/metrics.csv")
      total = (try? RetrainingFolder(existing: path).configuration().epochs) ?? 0
    case .choose:
      let count = (try? SelectionPlan(readingFrom: "\(path)/\(SelectionRun.planName)").candidates.count) ?? job.needs.count
      epochs = (1...max(1, count)).reduce(0) { $0 + rows("\(path)/candidates/\($1)/metrics.csv") }
      total = count * plan.briefEpochs
    }
  }
}
