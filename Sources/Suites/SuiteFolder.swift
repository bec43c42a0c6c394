import Formats
import Foundation
import Retraining
import Search

/// The files of a suite. Searches are run folders under `runs/` and `warmups/`, as those of a comparison; choices are folders
/// of `zarts select` under `choices/`, retrainings those of `zarts retrain` under `retrainings/`. `jobs/` has a record of each
/// job that ended, `claims/` says who works.
public struct SuiteFolder: Equatable, Sendable {
  public let folder: OutputFolder

  public init(_ folder: OutputFolder) { self.folder = folder }

  /// - Throws: `InputError` where there is no suite.
  public init(existing path: String) throws {
    folder = try OutputFolder.existing(at: path)
    guard FileManager.default.fileExists(atPath: planPath) else {
      throw InputError("not a suite", at: .file(path), found: "no suite.yaml", wanted: "a folder of zarts suite")
    }
  }

  /// Begins a suite, or joins the processes that have begun it: whichever comes first writes the plan.
  ///
  /// - Throws: `InputError` where the folder holds another suite or anything else, or cannot be written.
  public static func begin(_ plan: SuitePlan, at path: String) throws -> (files: SuiteFolder, isFirst: Bool) {
    let isThere = FileManager.default.fileExists(atPath: path + "/suite.yaml")
    let files = SuiteFolder(isThere ? try .existing(at: path) : try folder(at: path))
    let isFirst = try isThere ? false : AtomicFile.create(plan.yaml, at: files.planPath)
    if !isFirst { try files.plan().require(sameAs: plan, in: files.planPath) }
    try files.prepare()
    return (files, isFirst)
  }

  /// A new folder, or one in which another process is just about to begin the same.
  private static func folder(at path: String) throws -> OutputFolder {
    do {
      return try OutputFolder.create(at: path)
    } catch {
      let entries = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      let isBegun = !entries.isEmpty && entries.allSatisfy { $0.hasPrefix(".suite.yaml.") }
      guard isBegun || entries.contains("suite.yaml") else { throw error }
      return try .existing(at: path)
    }
  }

  /// Makes the folders of records and claims, where they are not there.
  ///
  /// - Throws: `InputError` where they cannot be made.
  public func prepare() throws {
    for name in ["jobs", "claims"] { _ = try folder.subfolder(name) }
  }

  public var planPath: String { folder.file("suite.yaml") }
  /// A row a job that was begun.
  public var jobsTablePath: String { folder.file("suite-jobs.csv") }
  /// A row a cell.
  public var tablePath: String { folder.file("suite.csv") }
  public var markdownPath: String { folder.file("suite.md") }
  public var latexPath: String { folder.file("suite.tex") }
  public var estimatePath: String { folder.file("suite-estimate.csv") }
  public var claimsPath: String { folder.file("claims") }

  /// - Throws: `InputError` where suite.yaml cannot be read or is no suite.
  public func plan() throws -> SuitePlan {
    try SuitePlan(yaml: String(decoding: FileBytes.read(planPath), as: UTF8.self), from: planPath)
  }

  /// Of a job that ended.
  public func recordPath(of job: SuiteJob) -> String { folder.file("jobs/\(job.key).csv") }

  /// nil where the job has not ended.
  ///
  /// - Throws: `InputError` where the record cannot be read.
  public func record(of job: SuiteJob) throws -> SuiteRecord? {
    let path = recordPath(of: job)
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    do {
      return try SuiteRecord(readingFrom: path)
    } catch {
      // Another process may just have forgotten a failure.
      guard FileManager.default.fileExists(atPath: path) else { return nil }
      throw error
    }
  }

  func path(of job: SuiteJob) -> String { folder.file(job.path) }

  /// The run folder of a search or a warm-up, there or not.
  func search(_ job: SuiteJob) -> SearchRunFolder { SearchRunFolder(unchecked: path(of: job)) }

  /// Forgets failures, so that they are tried again. What diverged stays: it would diverge again.
  ///
  /// - Returns: how many there were.
  /// - Throws: `InputError` where a record cannot be read or removed.
  public func forgetFailures(of plan: SuitePlan) throws -> Int {
    var count = 0
    for job in plan.jobs where try record(of: job)?.status == .failed {
      let path = recordPath(of: job)
      guard unlink(path) == 0 || errno == ENOENT else {
        throw InputError("cannot be removed", at: .file(path), found: String(cString: strerror(errno)))
      }
      count += 1
    }
    return count
  }
}
