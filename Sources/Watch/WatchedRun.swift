import Foundation
import Reports

/// The page and the state of a folder, made anew only where its files have changed.
actor WatchedRun {
  private let files: RunFiles
  private var known: (revision: String, report: Result<Report, any Error>)?
  private var page: (revision: String, page: ReportPage)?

  init(folder: String) { files = RunFiles(folder: folder) }

  private func report() -> (revision: String, report: Result<Report, any Error>) {
    let revision = files.revision()
    if let known, known.revision == revision { return known }
    let fresh = (revision, Result { try Report(reading: [files.folder], reach: .within(files.folder)) })
    known = fresh
    return fresh
  }

  /// The page as of now.
  func currentPage() -> ReportPage {
    let (revision, report) = report()
    var live = ReportPage.Live(revision: revision, progress: nil, files: files.names())
    do {
      let report = try report.get()
      live.progress = RunProgress(of: report, isWorking: Self.isWorking)
      // Progress moves on without the files.
      if let page, page.revision == revision, live.progress?.isFinished == true { return page.page }
      let fresh = try ReportPage(report, live: live)
      page = (revision, fresh)
      return fresh
    } catch {
      let name = URL(fileURLWithPath: files.folder).lastPathComponent
      return ReportPage(problem: "\(error)", title: name, live: live)
    }
  }

  /// What status.json says.
  struct Status: Encodable {
    var revision: String
    var fraction: Double?
    var text: String
    var remaining: String?
    var finished: Bool
    var error: String?

    enum CodingKeys: CodingKey { case revision, fraction, text, remaining, finished, error }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(revision, forKey: .revision)
      // null rather than absent, so that a reader need not tell the two apart.
      try container.encode(fraction, forKey: .fraction)
      try container.encode(text, forKey: .text)
      try container.encode(remaining, forKey: .remaining)
      try container.encode(finished, forKey: .finished)
      try container.encode(error, forKey: .error)
    }
  }

  func status() -> Status {
    let (revision, report) = report()
    do {
      let progress = RunProgress(of: try report.get(), isWorking: Self.isWorking)
      return Status(
        revision: revision, fraction: progress.fraction, text: progress.text, remaining: progress.remaining,
        finished: progress.isFinished, error: nil)
    } catch {
      return Status(revision: revision, fraction: nil, text: "", remaining: nil, finished: false, error: "\(error)")
    }
  }

  func file(_ path: String) -> Result<[UInt8], RunFiles.Refusal> {
    do throws(RunFiles.Refusal) { return .success(try files.read(path)) } catch { return .failure(error) }
  }

  /// Whether a process holds the lock of a run's folder, as the kernel lists it: asking for the lock could take it from a
  /// search that starts in this moment.
  private static func isWorking(_ run: ReportRun) -> Bool {
    var status = stat()
    guard stat("\(run.path)/log.txt", &status) == 0 else { return false }
    guard let text = try? String(contentsOfFile: "/proc/locks", encoding: .utf8) else {
      // Where nothing tells, a log that grew within a quarter of an hour speaks for it.
      return run.log.lastChange.map { Date().timeIntervalSince($0) < 900 } ?? false
    }
    return text.split(separator: "\n").contains { line in
      let fields = line.split(separator: " ")
      guard fields.contains("FLOCK"), let place = fields.first(where: { $0.split(separator: ":").count == 3 }) else {
        return false
      }
      return place.split(separator: ":").last == "\(status.st_ino)"
    }
  }
}
