import Datasets
import Formats
import Foundation
import Runs
import Search

extension RetrainingRun {
  private static let format = "zarts-retraining-1"
  private static let momentumPrefix = "momentum."

  func writeCheckpoint(to path: String) throws {
    let moving = model.export(state.momentum).map { tensor in
      NamedTensor(name: Self.momentumPrefix + tensor.name, shape: tensor.shape, values: tensor.values)
    }
    let metadata = [
      "format": Self.format, "epoch": "\(state.epoch)", "step": "\(state.step)", "weight_steps": "\(weightSteps)",
      "steps_per_epoch": "\(loader.stepsPerEpoch)", "genotype": model.architecture.genotype.line,
      "configuration": try configuration.withoutHousekeeping.yaml,
    ].merging(state.tally.metadata) { first, _ in first }
      .merging(HistoryCheck.metadata([(.metrics, state.records.map(\.check))])) { first, _ in first }
      .merging(data.metadata) { first, _ in first }
    let tensors = model.export(state.weights) + model.exportStatistics(state.statistics) + moving
    try TensorFile.writeChecked(tensors, metadata: metadata, to: path)
    lastCheckpoint = path
  }

  private var data: RunData { RunData(dataset: configuration.dataset, checksum: loader.dataset.checksum) }

  /// The run that a folder holds, from its latest sound checkpoint on.
  ///
  /// Data that have moved are known by their checksum; config.yaml then names the new place.
  ///
  /// - Parameters:
  ///   - adjusting: changes settings that no result depends on: threads, kept checkpoints, where the data are.
  ///   - dataset: loads what the configuration names.
  /// - Throws: `InputError` where the checkpoint is none of this configuration or of other data; `InputError` for
  ///   damaged files.
  public convenience init(
    continuing folder: OutputFolder, adjusting: (inout RetrainingConfiguration) -> Void = { _ in },
    dataset: (String) throws -> ImageDataset, progress: ProgressReporter = .silent, stop: StopRequest = StopRequest()
  ) throws {
    let files = SearchRunFolder(folder)
    let text = try String(decoding: FileBytes.read(files.configurationPath), as: UTF8.self)
    let written = try RetrainingConfiguration(yaml: text, from: files.configurationPath)
    var configuration = written
    adjusting(&configuration)
    try configuration.validate()
    let found = try files.latestSoundCheckpoint()
    let (path, metadata) = (found.file.path, found.file.metadata)
    guard metadata["format"] == Self.format else {
      throw InputError(
        "not the checkpoint of a retraining", at: .file(path, "metadata format"), found: metadata["format"] ?? "nothing",
        wanted: Self.format)
    }
    let made = try RetrainingConfiguration(yaml: metadata["configuration"] ?? "", from: "\(path): metadata configuration")
    if let difference = try configuration.difference(from: made) {
      throw InputError(
        "config.yaml is not the one that the checkpoint was made with",
        at: .file(files.configurationPath, "\(difference.key)"), found: difference.own,
        wanted: "\(difference.other), as in \(path)")
    }
    let (model, loader) = try Self.build(configuration, dataset(configuration.dataset))
    // Checkpoints before there were checksums name their data in their settings alone.
    let earlier = RunData(metadata: metadata) ?? RunData(dataset: made.dataset, checksum: nil)
    try RunData(dataset: configuration.dataset, checksum: loader.dataset.checksum).require(sameAs: earlier, from: path)
    try CheckpointMetadata.requireSteps(loader.stepsPerEpoch, in: metadata, from: path)
    var state = RetrainingState(starting: model, seed: configuration.seed)
    state.weights = try model.importVector(from: found.file, prefix: "")
    state.momentum = try model.importVector(from: found.file, prefix: Self.momentumPrefix)
    guard let statistics = try model.importStatistics(from: found.file) else {
      throw InputError("incomplete checkpoint", at: .file(path), found: "no running statistics", wanted: "them")
    }
    state.statistics = statistics
    (state.epoch, state.step) = try CheckpointMetadata.position(
      in: metadata, from: path, epochs: configuration.epochs, stepsPerEpoch: loader.stepsPerEpoch)
    try HistoryCheck.requirePlace(of: found.file, epoch: state.epoch, step: state.step, in: files)
    state.tally = try RetrainingTally(metadata: metadata, from: path)
    if state.epoch > 0 {
      state.records = try Array(RetrainingRecord.read(from: files.metricsPath).prefix(state.epoch))
      try RetrainingRecord.check(state.records, against: metadata, of: path, in: files)
      guard state.records.count == state.epoch else {
        throw InputError(
          "a row is missing", at: .file(files.metricsPath, "row \(state.records.count + 1)"),
          found: "\(state.records.count) rows", wanted: "\(state.epoch)")
      }
    }
    try self.init(
      configuration: configuration, model: model, loader: loader, files: files, progress: progress, stop: stop,
      state: state)
    lastCheckpoint = path
    if written.dataset != configuration.dataset {
      var moved = written
      moved.dataset = configuration.dataset
      try AtomicFile.write(moved.yaml, to: files.configurationPath)
    }
    files.announceResume(from: path, pastDamage: found.damaged, logger: logger, progress: progress)
  }
}
