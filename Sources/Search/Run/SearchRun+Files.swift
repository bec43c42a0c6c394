import Compute
import Formats
import Foundation
import Supernet

extension SearchRun {
  /// Writes what an epoch adds, its checkpoint last: a crash in between leaves rows that a resumed run writes again.
  func writeEpoch() throws {
    let shape = problem.initialAlphas.normal
    try NPYFile(
      shape: [state.alphaHistory.count, 2, shape.rows, shape.columns], values: .float32(state.alphaHistory.flatMap(\.flat))
    ).write(to: files.alphasPath)
    if space != nil {
      try AtomicFile.write(state.genotypes.map { $0.pythonLine + "\n" }.joined(), to: files.genotypesPath)
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
      "format": "zarts-search-1", "method": configuration.method.rawValue, "space": configuration.space.rawValue,
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
  }

  private var data: RunData { RunData(dataset: configuration.dataset, checksum: problem.dataChecksum) }

  /// The run that a folder holds, from its latest checkpoint on: the rest of it is what it would have been without the
  /// interruption, bit for bit. A checkpoint that is torn or damaged is passed over with a warning.
  ///
  /// Data that have moved are known by their checksum; config.yaml then names the new place.
  ///
  /// - Parameter adjusting: changes settings that no result depends on, `SearchConfiguration.adjustable`.
  /// - Throws: `SearchError.invalid` where the checkpoint is none of this configuration or of other data; `FormatError` for
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
      throw SearchError.invalid("incomplete checkpoint", at: path, found: "no α or momentum", wanted: "both")
    }
    var state = SearchState(starting: problem)
    state.weights = checkpoint.weights
    state.momentum = momentum
    state.alphas = alphas
    if state.statistics.count > 0 {
      guard let statistics = checkpoint.statistics else {
        throw SearchError.invalid("incomplete checkpoint", at: path, found: "no running statistics", wanted: "them")
      }
      state.statistics = statistics
    }
    (state.epoch, state.step) = try CheckpointMetadata.position(
      in: metadata, from: path, epochs: configuration.epochs, stepsPerEpoch: problem.stepsPerEpoch)
    state.tally = try EpochTally(metadata: metadata, from: path)
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
  /// The finished epochs' rows, α and architectures; what a crash left beyond the checkpoint is dropped.
  mutating func readHistory(_ files: SearchRunFolder, space: SearchSpace?) throws {
    guard epoch > 0 else { return }
    records = try Array(files.metrics().prefix(epoch))
    if space != nil { genotypes = try Array(files.genotypes().prefix(epoch)) }
    let history = try NPYFile(readingFrom: files.alphasPath)
    let (rows, columns) = (alphas.normal.rows, alphas.normal.columns)
    guard history.shape.count == 4, Array(history.shape.dropFirst()) == [2, rows, columns], history.shape[0] >= epoch,
      case .float32(let values) = history.values
    else {
      throw SearchError.invalid(
        "wrong array", at: files.alphasPath, found: "shape \(history.shape)",
        wanted: "float32 [\(epoch), 2, \(rows), \(columns)]")
    }
    alphaHistory = (0..<epoch).map { index in
      var entry = alphas
      entry.flat = Array(values[index * alphas.count..<(index + 1) * alphas.count])
      return entry
    }
    guard records.count == epoch, space == nil || genotypes.count == epoch else {
      throw SearchError.invalid(
        "incomplete history", at: files.folder.path, found: "\(records.count) rows and \(genotypes.count) genotypes",
        wanted: "\(epoch) of each")
    }
  }
}
