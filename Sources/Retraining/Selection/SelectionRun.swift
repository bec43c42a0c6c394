import Datasets
import Formats
import Foundation
import Logging
import Runs

/// Chooses among genotypes without the test split: trains each shortly on one half of the training images, takes the one of
/// the highest accuracy on the other half, and only then trains that on all of them and tests it, once.
///
/// Every training is a folder of its own, `candidates/N` and `chosen`, so a selection that was stopped goes on where it was.
/// Rows are in `selection.csv`, the plan in `selection.yaml`.
public final class SelectionRun {
  public let plan: SelectionPlan
  public let folder: OutputFolder
  public private(set) var rows: [SelectionRow]
  private let load: (String) throws -> ImageDataset
  private let progress: ProgressReporter
  private let stop: StopRequest
  private let lock: FileLock

  public static let planName = ResultFolder.Kind.select.settingsName
  public static let tableName = "selection.csv"

  /// - Parameters:
  ///   - isContinued: whether the folder holds this plan already.
  ///   - dataset: loads what a specification names.
  /// - Throws: `InputError` where the folder cannot be written or another process works in it.
  public init(
    of plan: SelectionPlan, in folder: OutputFolder, isContinued: Bool, dataset: @escaping (String) throws -> ImageDataset,
    progress: ProgressReporter = .silent, stop: StopRequest = StopRequest()
  ) throws {
    self.plan = plan
    self.folder = folder
    load = dataset
    self.progress = progress
    self.stop = stop
    lock = try FileLock(path: folder.file("log.txt"))
    rows = plan.candidates.enumerated().map { index, candidate in
      SelectionRow(number: index + 1, source: candidate.source, folder: "candidates/\(index + 1)")
    }
    if !isContinued { try AtomicFile.write(plan.yaml, to: folder.file(Self.planName)) }
  }

  /// The place of the chosen candidate; nil before all have been trained.
  public var choice: Int? { SelectionRow.choice(of: rows) }

  /// Runs what is left to run.
  ///
  /// - Returns: the place of the chosen candidate.
  /// - Throws: `Interruption` after a stop; what `RetrainingRun` throws; `InputError` for data without a test split.
  @discardableResult
  public func run() throws -> Int {
    let (logger, data) = (try makeLogger(), try load(plan.settings.dataset))
    let choice = try choose(data, logger)
    logger.info("chosen: candidate \(choice + 1), \(rows[choice].source); the test split is read from here on")
    let outcome = try train(plan.final(choice), in: "chosen", data)
    rows[choice].test = outcome?.last.reported
    try writeTable()
    logger.info("chosen: \(outcome?.text ?? "no test")")
    return choice
  }

  /// Runs the short trainings that are left to run, and no more: what is chosen is for others to train and test.
  ///
  /// - Returns: the place of the chosen candidate.
  /// - Throws: as `run`.
  package func choose() throws -> Int {
    let (logger, data) = (try makeLogger(), try load(plan.settings.dataset))
    let choice = try choose(data, logger)
    logger.info("chosen: candidate \(choice + 1), \(rows[choice].source)")
    return choice
  }

  private func makeLogger() throws -> Logger {
    let handler = try RunLogHandler(path: folder.file("log.txt"))
    return Logger(label: "select") { _ in handler }
  }

  private func choose(_ data: ImageDataset, _ logger: Logger) throws -> Int {
    guard data.test != nil else {
      throw InputError("no test split", at: .setting("dataset"), found: plan.settings.dataset, wanted: "data with one")
    }
    for index in rows.indices {
      let outcome = try train(plan.brief(index), in: rows[index].folder, data)
      rows[index].validation = outcome?.last.reported
      try writeTable()
      logger.info("candidate \(index + 1), \(rows[index].source): \(outcome?.text ?? "no validation")")
    }
    guard let choice = SelectionRow.choice(of: rows) else {
      throw InputError("no validation accuracy", at: .file(folder.path), found: "none", wanted: "one of each candidate")
    }
    rows[choice].isChosen = true
    try writeTable()
    return choice
  }

  private func train(
    _ configuration: RetrainingConfiguration, in name: String, _ data: ImageDataset
  ) throws -> RetrainingOutcome? {
    try RetrainingRun.complete(
      configuration, at: folder.file(name), planned: folder.file(Self.planName), on: data, progress: progress, stop: stop
    ).outcome
  }

  private func writeTable() throws {
    try CSVWriter.write(
      columns: SelectionRow.columns, rows: rows.map(\.cells), to: folder.file(Self.tableName))
  }
}
