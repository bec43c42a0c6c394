import Cells
import Formats
import Runs

extension SearchRun {
  package func writeHistory() throws {
    try writeHistory(to: files)
    if !state.rollBacks.isEmpty { try RollBack.table.write(state.rollBacks, to: files.rollBacksPath) }
  }

  /// Writes α and genotypes of the finished epochs.
  func writeHistory(to files: SearchRunFolder) throws {
    try AlphaHistory(state.alphaHistory).write(to: files.alphasPath)
    if space != nil {
      try AtomicFile.write(state.genotypes.map { $0.line + "\n" }.joined(), to: files.genotypesPath)
    }
  }

  package func checkpoint() throws -> (tensors: [NamedTensor], metadata: [String: String]) {
    let epoch = training.course.epoch
    let own = [
      "format": SearchCheckpoint.format, "method": configuration.method.rawValue, "space": configuration.space.rawValue,
      "channels": "\(configuration.channels)", "layers": "\(configuration.layers)",
      "partial_channels": "\(configuration.partialChannels)",
      "edge_normalisation": "\(configuration.edgeNormalisation)",
      "merged_convolutions": "\(configuration.mergedConvolutions)", "scale": configuration.scale.rawValue,
      "seed": "\(configuration.seed)",
      "learning_rate": "\(schedules.learningRate(epoch: epoch))", "sigma": "\(schedules.sigma(epoch: epoch))",
      "configuration": configuration.withoutHousekeeping.yaml,
    ]
    let tensors = SearchCheckpoint.tensors(
      of: problem, weights: state.weights, momentum: state.momentum, statistics: state.statistics, alphas: state.alphas,
      optimiser: optimiser.exportState() + (eigenvalueRule?.exportState() ?? []))
    return (
      tensors,
      own.merging(data.metadata) { first, _ in first }.merging(state.historyChecks) { first, _ in first }
        .merging(roundMetadata) { first, _ in first }
    )
  }

  private var data: RunData { RunData(dataset: configuration.dataset, checksum: problem.dataChecksum) }

  /// The run that a folder holds, from its latest checkpoint on: the rest of it is what it would have been without the
  /// interruption, bit for bit. A checkpoint that is torn or damaged is passed over with a warning.
  ///
  /// Data that have moved are known by their checksum; config.yaml then names the new place.
  ///
  /// - Parameters:
  ///   - adjusting: changes settings that no result depends on, `SearchConfiguration.adjustable`.
  ///   - crew: evaluates candidates, with the same bits; nil for the problem itself, one after the other.
  /// - Throws: `InputError` where the checkpoint is none of this configuration or of other data, and for damaged files.
  public convenience init(
    continuing problem: Problem, folder: OutputFolder, space: SearchSpace?,
    adjusting: (inout SearchConfiguration) -> Void = { _ in }, crew: CandidateCrew<Problem>? = nil,
    progress: ProgressReporter = .silent, stop: StopRequest = StopRequest()
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
    var state = SearchState(starting: problem)
    try state.take(checkpoint)
    if configuration.adaptiveRegularisation != nil { state.rollBacks = try RollBack.read(in: metadata, from: path) }
    var course = try TrainingCourse<EpochRecord, EpochTally>(
      from: metadata, of: path, epochs: configuration.epochs, stepsPerEpoch: problem.stepsPerEpoch)
    try SearchHistory(of: files).check(goingOnFrom: checkpoint.file, epoch: course.epoch, step: course.step)
    course.records = try state.readHistory(files, epochs: course.epoch, space: space)
    try self.init(
      problem: problem, configuration: configuration, files: files, space: space, crew: crew, progress: progress,
      stop: stop, state: state, course: course)
    try optimiser.importState(from: checkpoint.file)
    try eigenvalueRule?.importState(from: checkpoint.file, like: state.alphas)
    try files.place(data: configuration.dataset)
    training.goOn(from: path, pastDamage: found.damaged)
  }
}

extension SearchState {
  /// What a checkpoint says of the α and architectures up to it.
  fileprivate var historyChecks: [String: String] {
    let lines = genotypes.map { HistoryCheck.of(line: $0.line) }
    return HistoryCheck.metadata(
      [(.alphas, alphaHistory.map { HistoryCheck.of($0.flat) })] + (lines.isEmpty ? [] : [(.genotypes, lines)]))
  }

  /// Takes over the α and architectures of the finished epochs; what a crash left beyond them is dropped.
  ///
  /// - Returns: their rows.
  mutating func readHistory(_ files: SearchRunFolder, epochs: Int, space: SearchSpace?) throws -> [EpochRecord] {
    guard epochs > 0 else { return [] }
    let records = try Array(files.metrics().prefix(epochs))
    if space != nil { genotypes = try Array(files.genotypes().prefix(epochs)) }
    let history = try AlphaHistory(readingFrom: files.alphasPath, like: alphas).entries
    guard history.count >= epochs else {
      throw InputError(
        "incomplete history", at: .file(files.alphasPath), found: "\(history.count) epochs", wanted: "\(epochs)")
    }
    alphaHistory = Array(history.prefix(epochs))
    guard records.count == epochs, space == nil || genotypes.count == epochs else {
      throw InputError(
        "incomplete history", at: .file(files.folder.path), found: "\(records.count) rows and \(genotypes.count) genotypes",
        wanted: "\(epochs) of each")
    }
    return records
  }
}
