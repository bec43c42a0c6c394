import Datasets
import Formats
import Foundation
import Runs

extension RetrainingRun {
  /// Trains a network to its last epoch, from where its folder is: one of several trainings that belong together.
  ///
  /// - Parameters:
  ///   - path: of the folder, there or not.
  ///   - plan: the file that the settings are from, for messages.
  /// - Returns: what its folder holds and what that reports; the latter nil where no epoch was reported.
  /// - Throws: what `run` throws; `InputError` where the folder holds a training of other settings.
  package static func complete(
    _ configuration: RetrainingConfiguration, at path: String, planned plan: String, on data: ImageDataset,
    progress: ProgressReporter = .silent, stop: StopRequest = StopRequest()
  ) throws -> (files: RetrainingFolder, outcome: RetrainingOutcome?) {
    let files = RetrainingFolder(unchecked: path)
    let run: RetrainingRun
    if files.checkpoints().isEmpty {
      // What was killed before its first checkpoint.
      if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
      run = try RetrainingRun(
        starting: configuration, dataset: data, folder: { try OutputFolder.create(at: path) }, progress: progress,
        stop: stop)
    } else {
      let begun = try files.configuration()
      if let difference = try begun.difference(from: configuration) {
        throw InputError(
          "a training of other settings", at: .setting(difference.key, in: files.configurationPath),
          found: difference.own, wanted: "\(difference.other), as in \(plan)")
      }
      let records = try files.metricsIfAny()
      if records.count == configuration.epochs {
        try files.checkHistory()
        return (files, RetrainingOutcome(of: records))
      }
      run = try RetrainingRun(
        continuing: files.folder,
        adjusting: { settings in
          (settings.dataset, settings.threads) = (configuration.dataset, configuration.threads)
          (settings.keepLast, settings.checkpointEvery) = (configuration.keepLast, configuration.checkpointEvery)
          settings.tensorboard = configuration.tensorboard
        },
        dataset: { _ in data }, progress: progress, stop: stop)
    }
    try run.run()
    return (files, run.outcome)
  }
}

extension RetrainingFolder {
  /// Rows of finished epochs; none before the first.
  package func metricsIfAny() throws -> [RetrainingRecord] {
    FileManager.default.fileExists(atPath: metricsPath) ? try metrics() : []
  }
}
