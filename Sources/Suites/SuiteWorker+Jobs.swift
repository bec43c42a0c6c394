import Cells
import Datasets
import Diagnosis
import Formats
import Foundation
import Retraining
import Runs
import Search

/// What a job does, from where its folder is to its end.
extension SuiteWorker {
  /// - Returns: the record of a finished job, or of one that has diverged since all that it needs has.
  /// - Throws: `Divergence`, `Interruption` and `CancellationError` of what is run; whatever fails it.
  func result(of job: SuiteJob, _ reporter: ProgressReporter, _ stop: StopRequest) throws -> SuiteRecord {
    let needed = try job.needs.compactMap { try files.record(of: plan.jobs[$0]) }
    // Somebody may have removed a record since this job was found ready.
    guard needed.count == job.needs.count, needed.allSatisfy({ $0.status != .failed }) else { throw CancellationError() }
    if let first = needed.first, needed.allSatisfy({ $0.status == .diverged }) {
      var record = SuiteRecord(job: job.key, status: .diverged)
      record.reason = "\(plan.jobs[job.needs[0]].path): \(first.reason)"
      return record
    }
    return switch job.kind {
    case .warmup: try warmUp(job, reporter, stop)
    case .search: try search(job, reporter, stop)
    case .choose: try choose(job, among: needed, reporter, stop)
    case .retrain: try retrain(job, needed[0], reporter, stop)
    }
  }

  private func configuration(of job: SuiteJob) -> SearchConfiguration {
    plan.searches.runs[job.run ?? job.cell.map { plan.cells[$0].runs[0] } ?? 0].configuration
  }

  private func problem(_ configuration: SearchConfiguration, of job: SuiteJob) throws -> Problem {
    var settings = configuration
    settings.threads = threadCount(of: job)
    return try makeProblem(settings)
  }

  private func warmUp(_ job: SuiteJob, _ reporter: ProgressReporter, _ stop: StopRequest) throws -> SuiteRecord {
    let (settings, folder) = (configuration(of: job).sharedWarmup, files.search(job))
    try SearchJob(settings, in: folder).advance(
      to: job.epochs ?? 0, on: problem(settings, of: job), progress: reporter, stop: stop)
    var record = SuiteRecord(job: job.key, status: .finished)
    let rows = try folder.metrics()
    record.seconds = rows.reduce(0) { $0 + $1.seconds }
    record.trainingSteps = rows.last?.weightSteps ?? 0
    return record
  }

  private func search(_ job: SuiteJob, _ reporter: ProgressReporter, _ stop: StopRequest) throws -> SuiteRecord {
    let (settings, folder) = (configuration(of: job), files.search(job))
    let warmup = job.needs.first.map { files.search(plan.jobs[$0]) }
    let problem = try problem(settings, of: job)
    var crewed = settings
    crewed.threads = threadCount(of: job)
    try SearchJob(settings, in: folder).run(
      on: problem, after: warmup, crew: makeCrew?(crewed, problem) ?? nil, progress: reporter, stop: stop)
    guard let result = try folder.result(), let genotype = result.genotype else {
      throw InputError("nothing found", at: .file(folder.folder.path), found: "no architecture", wanted: "that of an epoch")
    }
    var record = SuiteRecord(job: job.key, status: .finished)
    let (rows, abandoned) = (try folder.metrics(), try folder.abandonedMetrics())
    let cost = SearchCost(of: rows, abandoned: abandoned, settings)
    record.seconds = (rows + abandoned).reduce(0) { $0 + $1.seconds }
    (record.trainingSteps, record.alphaGradients) = (cost.weightSteps, cost.alphaGradients)
    (record.genotype, record.searchSeed) = (genotype.line, job.seed)
    record.variant = job.run.flatMap { plan.searches.runs[$0].variant?.name } ?? ""
    (record.normalSkips, record.reduceSkips) = (genotype.skipConnectionCount, genotype.reduceSkipConnectionCount)
    record.validationAccuracy = result.record.validationAccuracy
    let verdict = try CollapseDiagnosis(of: folder).verdict
    (record.verdict, record.collapsedSince) = (verdict.state.rawValue, verdict.epoch)
    return record
  }

  /// Searches that diverged are no candidates; of searches that found the same the first is.
  private func choose(
    _ job: SuiteJob, among needed: [SuiteRecord], _ reporter: ProgressReporter, _ stop: StopRequest
  ) throws -> SuiteRecord {
    var candidates: [(record: SuiteRecord, source: String)] = []
    for (record, need) in zip(needed, job.needs)
    where record.status == .finished && !candidates.contains(where: { $0.record.genotype == record.genotype }) {
      candidates.append((record, plan.jobs[need].path))
    }
    var record = SuiteRecord(job: job.key, status: .finished)
    var choice = 0
    if candidates.count > 1 {
      var settings = try retrainingSettings(of: job, genotype: candidates[0].record.genotype)
      settings.seed = job.seed
      // A limit of the test is one of the held-out images where there are as many.
      if let limit = settings.testLimit, limit > SuiteImages(of: try load(settings.dataset)).heldOut(settings) {
        settings.testLimit = nil
      }
      let path = files.path(of: job)
      let folder = FileManager.default.fileExists(atPath: path) ? try OutputFolder.existing(at: path) : try .create(at: path)
      let selection = try SelectionRun(
        of: SelectionPlan(
          candidates: candidates.map { .init(source: $0.source, genotype: $0.record.genotype) },
          briefEpochs: plan.briefEpochs, settings: settings),
        in: folder, isContinued: false, dataset: load, progress: reporter, stop: stop)
      choice = try selection.choose()
      record.validationAccuracy = selection.rows[choice].validation?.accuracy
      for row in selection.rows {
        let rows = try RetrainingFolder(existing: folder.file(row.folder)).metrics()
        record.seconds += rows.reduce(0) { $0 + $1.seconds }
        record.trainingSteps += rows.last?.weightSteps ?? 0
      }
    }
    let chosen = candidates[choice].record
    (record.genotype, record.searchSeed, record.variant) = (chosen.genotype, chosen.searchSeed, chosen.variant)
    (record.normalSkips, record.reduceSkips) = (chosen.normalSkips, chosen.reduceSkips)
    (record.verdict, record.collapsedSince) = (chosen.verdict, chosen.collapsedSince)
    return record
  }

  /// On all training images; the test images are read once, after the last epoch.
  private func retrain(
    _ job: SuiteJob, _ source: SuiteRecord, _ reporter: ProgressReporter, _ stop: StopRequest
  ) throws -> SuiteRecord {
    var settings = try retrainingSettings(of: job, genotype: source.genotype)
    (settings.seed, settings.holdOut, settings.testEvery) = (job.seed, false, settings.epochs)
    let data = try load(settings.dataset)
    guard data.test != nil else {
      throw InputError("no test split", at: .setting("dataset"), found: settings.dataset, wanted: "data with one")
    }
    let trained = try RetrainingRun.complete(
      settings, at: files.path(of: job), planned: files.planPath, on: data, progress: reporter, stop: stop)
    guard let reported = trained.outcome?.last.reported, reported.split == "test" else {
      throw InputError("not tested", at: .file(files.path(of: job)), found: "no test accuracy", wanted: "that of the end")
    }
    var record = source
    (record.job, record.reason) = (job.key, "")
    let rows = try trained.files.metrics()
    record.seconds = rows.reduce(0) { $0 + $1.seconds }
    (record.trainingSteps, record.alphaGradients) = (rows.last?.weightSteps ?? 0, 0)
    record.validationAccuracy = nil
    record.testAccuracy = reported.accuracy
    return record
  }

  private func retrainingSettings(of job: SuiteJob, genotype: String) throws -> RetrainingConfiguration {
    var settings = try plan.retraining.configuration(genotype: genotype, of: configuration(of: job))
    settings.threads = threadCount(of: job)
    return settings
  }
}
