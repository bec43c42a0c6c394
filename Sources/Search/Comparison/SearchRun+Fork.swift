import Cells
import Formats
import Foundation
import Problems
import Runs

extension SearchRun {
  /// A new run whose warm-up another has computed: its folder then holds what this run would have written up to there,
  /// the same bytes but for the seconds in metrics.csv and the times in log.txt.
  ///
  /// - Parameters:
  ///   - warmup: the run of `configuration.sharedWarmup`, with every checkpoint to the end of this run's warm-up.
  /// - Throws: `InputError` where that is the warm-up of another search or has not got so far, and for damaged files;
  ///   `CancellationError` where a stop is requested while eigenvalues are computed.
  convenience init(
    forking warmup: SearchRunFolder, starting problem: Problem, configuration: SearchConfiguration, folder: OutputFolder,
    space: SearchSpace?, crew: CandidateCrew<Problem>? = nil, progress: ProgressReporter = .silent,
    stop: StopRequest = StopRequest()
  ) throws {
    try configuration.validate()
    try warmup.configuration().require(
      sameAs: configuration.sharedWarmup, "the warm-up of another search", at: warmup.configurationPath,
      from: "\(configuration.method.rawValue) on seed \(configuration.seed)")
    let files = SearchRunFolder(folder)
    try files.prepare(configuration: configuration.yaml)
    if configuration.tensorboard {
      for name in EventFile.names(in: warmup.folder) {
        try AtomicFile.write(FileBytes.read(warmup.folder.file(name)), to: folder.file(name))
      }
    }
    try self.init(
      problem: problem, configuration: configuration, files: files, space: space, crew: crew, progress: progress, stop: stop,
      state: SearchState(starting: problem))
    try training.writeCheckpoint(of: self)
    do { try adopt(warmup) } catch let error as Divergence {
      throw Divergence("\(training.place(of: self)): \(error.account)")
    }
    training.logger.info(
      "\(configuration.method.rawValue) starts after the \(configuration.warmup) epochs of \(warmup.folder.path)")
  }

  /// Takes over epoch after epoch, and writes each as if this run had come to its end: a crash in between leaves a run
  /// that can go on.
  private func adopt(_ warmup: SearchRunFolder) throws {
    var history = state
    let end = try TensorFile(readingFrom: warmup.checkpointPath(epoch: configuration.warmup))
    try SearchHistory(of: warmup).check(goingOnFrom: end, epoch: configuration.warmup, step: 0)
    let records = try history.readHistory(warmup, epochs: configuration.warmup, space: space)
    for index in 0..<configuration.warmup {
      if training.stop.isRequested { throw CancellationError() }
      let file = try TensorFile(readingFrom: warmup.checkpointPath(epoch: index + 1))
      try file.verifyChecksum()
      if let earlier = RunData(metadata: file.metadata) {
        try RunData(dataset: configuration.dataset, checksum: problem.dataChecksum).require(sameAs: earlier, from: file.path)
      }
      let checkpoint = try SearchCheckpoint(file, for: problem)
      state.alphas.auxiliarySkip = Float(schedules.auxiliarySkip(epoch: index))
      guard let momentum = checkpoint.momentum, checkpoint.alphas == state.alphas,
        state.statistics.count == 0 || checkpoint.statistics != nil
      else {
        throw InputError(
          "no checkpoint of a warm-up", at: .file(file.path), found: "moved α, or no momentum or statistics",
          wanted: "α as it was drawn and all of them")
      }
      state.weights = checkpoint.weights
      state.momentum = momentum
      state.statistics = checkpoint.statistics ?? state.statistics
      var record = records[index]
      let start = ProgressReporter.monotonicSeconds()
      record.dominantEigenvalue = try dominantEigenvalueIfDue()
      record.seconds += ProgressReporter.monotonicSeconds() - start
      state.alphaHistory.append(state.alphas)
      if space != nil { state.genotypes.append(history.genotypes[index]) }
      try training.close(with: record, of: self)
    }
  }
}
