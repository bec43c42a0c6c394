import Cells
import Formats
import Foundation
import Runs

extension SearchRun {
  /// Writes what an epoch adds, its checkpoint last: a crash in between leaves rows that a resumed run writes again.
  func writeEpoch() throws {
    try AlphaHistory(state.alphaHistory).write(to: files.alphasPath)
    if space != nil {
      try AtomicFile.write(state.genotypes.map { $0.line + "\n" }.joined(), to: files.genotypesPath)
    }
    try CSVWriter.write(columns: EpochRecord.columns, rows: state.records.map(\.row), to: files.metricsPath)
    try writeCheckpoint(to: files.checkpointPath(epoch: state.epoch))
  }

  func writeCheckpoint(to path: String) throws {
    try SearchCheckpoint.write(
      problem: problem, weights: state.weights, momentum: state.momentum, statistics: state.statistics,
      alphas: state.alphas, optimiser: optimiser.exportState() + (earlyStopping?.exportState() ?? []), metadata: metadata,
      to: path)
    lastCheckpoint = path
  }

  /// Removes what --keep-last does not keep.
  func removeOldCheckpoints() {
    files.removeCheckpoints(keepingLast: configuration.keepLast, epoch: state.epoch, logger: logger)
  }

  private var metadata: [String: String] {
    let own = [
      "format": SearchCheckpoint.format, "method": configuration.method.rawValue, "space": configuration.space.rawValue,
      "channels": "\(configuration.channels)", "layers": "\(configuration.layers)",
      "partial_channels": "\(configuration.partialChannels)",
      "edge_normalisation": "\(configuration.edgeNormalisation)",
      "merged_convolutions": "\(configuration.mergedConvolutions)", "seed": "\(configuration.seed)",
      "epoch": "\(state.epoch)", "step": "\(state.step)",
      "weight_steps": "\(weightSteps)", "steps_per_epoch": "\(problem.stepsPerEpoch)",
      "learning_rate": "\(schedules.learningRate(epoch: state.epoch))", "sigma": "\(schedules.sigma(epoch: state.epoch))",
      "configuration": configuration.withoutHousekeeping.yaml,
    ]
    return own.merging(data.metadata) { first, _ in first }.merging(state.tally.metadata) { first, _ in first }
      .merging(state.historyChecks) { first, _ in first }
  }

  private var data: RunData { RunData(dataset: configuration.dataset, checksum: problem.dataChecksum) }

  /// The run that a folder holds, from its latest checkpoint on: the rest of it is what it would have been without the
  /// interruption, bit for bit. A checkpoint that is torn or damaged is passed over with a warning.
  ///
  /// Data that have moved are known by their checksum; config.yaml then names the new place.
  ///
  /// - Parameter adjusting: changes settings that no result depends on, `SearchConfiguration.adjustable`.
  /// - Throws: `InputError` where the checkpoint is none of this configuration or of other data; `InputError` for
  ///   damaged files.
  public convenience init(
    continuing problem: Problem, folder: OutputFolder, space: SearchSpace?,
    adjusting: (inout SearchConfiguration) -> Void = { _ in }, progress: ProgressReporter = .silent,
    stop: StopRequest = StopRequest()
  ) throws {
    let files = SearchRunFolder(folder)
    var configuration = try files.configuration()
    adjusting(&configuration)
    try configuration.validate()
    let found = try files.latestSoundCheckpoint()
    let checkpoint = try SearchCheckpoint(found.file, for: problem)
    let path = checkpoint.file.path
    let metadata = checkpoint.file.metadata
    let made = try SearchConfiguration(yaml: metadata["configuration"] ?? "", from: "\(path): metadata configuration")
    if let earlier = RunData(metadata: metadata) {
      try RunData(dataset: configuration.dataset, checksum: problem.dataChecksum).require(sameAs: earlier, from: path)
    }
    try configuration.require(
      sameAs: made, "config.yaml is not the one that the checkpoint was made with", at: files.configurationPath, from: path)
    try CheckpointMetadata.requireSteps(problem.stepsPerEpoch, in: metadata, from: path)
    guard let alphas = checkpoint.alphas, let momentum = checkpoint.momentum else {
      throw InputError("incomplete checkpoint", at: .file(path), found: "no α or momentum", wanted: "both")
    }
    var state = SearchState(starting: problem)
    state.weights = checkpoint.weights
    state.momentum = momentum
    state.alphas = alphas
    if state.statistics.count > 0 {
      guard let statistics = checkpoint.statistics else {
        throw InputError("incomplete checkpoint", at: .file(path), found: "no running statistics", wanted: "them")
      }
      state.statistics = statistics
    }
    (state.epoch, state.step) = try CheckpointMetadata.position(
      in: metadata, from: path, epochs: configuration.epochs, stepsPerEpoch: problem.stepsPerEpoch)
    state.tally = try EpochTally(metadata: metadata, from: path)
    try SearchHistory(of: files).check(goingOnFrom: checkpoint.file, epoch: state.epoch, step: state.step)
    try state.readHistory(files, space: space)
    try self.init(
      problem: problem, configuration: configuration, files: files, space: space, progress: progress, stop: stop,
      state: state)
    try optimiser.importState(from: checkpoint.file)
    try earlyStopping?.importState(from: checkpoint.file, like: alphas)
    lastCheckpoint = path
    try files.place(data: configuration.dataset)
    files.announceResume(from: path, pastDamage: found.damaged, logger: logger, progress: progress)
  }
}

extension SearchState {
  /// What a checkpoint says of the rows up to it.
  fileprivate var historyChecks: [String: String] {
    let lines = genotypes.map { HistoryCheck.of(line: $0.line) }
    return HistoryCheck.metadata(
      [
        (.metrics, records.map { HistoryCheck.of($0.row, columns: EpochRecord.columns) }),
        (.alphas, alphaHistory.map { HistoryCheck.of($0.flat) }),
      ] + (lines.isEmpty ? [] : [(.genotypes, lines)]))
  }

  /// The finished epochs' rows, α and architectures; what a crash left beyond the checkpoint is dropped.
  mutating func readHistory(_ files: SearchRunFolder, space: SearchSpace?) throws {
    guard epoch > 0 else { return }
    records = try Array(files.metrics().prefix(epoch))
    if space != nil { genotypes = try Array(files.genotypes().prefix(epoch)) }
    let history = try AlphaHistory(readingFrom: files.alphasPath, like: alphas).entries
    guard history.count >= epoch else {
      throw InputError(
        "incomplete history", at: .file(files.alphasPath), found: "\(history.count) epochs", wanted: "\(epoch)")
    }
    alphaHistory = Array(history.prefix(epoch))
    guard records.count == epoch, space == nil || genotypes.count == epoch else {
      throw InputError(
        "incomplete history", at: .file(files.folder.path), found: "\(records.count) rows and \(genotypes.count) genotypes",
        wanted: "\(epoch) of each")
    }
  }
}
