import Compute
import Datasets
import Formats
import Runs

extension RetrainingRun {
  /// What metadata `format` says in the checkpoints of a retraining.
  package static let format = "zarts-retraining-1"
  /// Stands before the names of ω for the momentum.
  static let momentumPrefix = "momentum."

  package func checkpoint() throws -> (tensors: [NamedTensor], metadata: [String: String]) {
    let moving = model.export(state.momentum).map { tensor in
      NamedTensor(name: Self.momentumPrefix + tensor.name, shape: tensor.shape, values: tensor.values)
    }
    let metadata = [
      "format": Self.format, "genotype": model.architecture.genotype.line,
      "configuration": try configuration.withoutHousekeeping.yaml,
    ]
    return (
      model.export(state.weights) + model.exportStatistics(state.statistics) + moving,
      metadata.merging(data.metadata) { first, _ in first }
    )
  }

  private var data: RunData { RunData(dataset: configuration.dataset, checksum: loader.dataset.checksum) }

  /// The run that a folder holds, from its latest sound checkpoint on.
  ///
  /// Data that have moved are known by their checksum; config.yaml then names the new place.
  ///
  /// - Parameters:
  ///   - adjusting: changes settings that no result depends on: threads, kept checkpoints, where the data are.
  ///   - dataset: loads what the configuration names.
  ///   - kernels: the set that the program has chosen; nil for the one that `Kernels.select` chooses.
  /// - Throws: `InputError` where the checkpoint is none of this configuration or of other data, and for damaged files.
  public convenience init(
    continuing folder: OutputFolder, adjusting: (inout RetrainingConfiguration) -> Void = { _ in },
    dataset: (String) throws -> ImageDataset, progress: ProgressReporter = .silent, stop: StopRequest = StopRequest(),
    kernels: KernelSet? = nil
  ) throws {
    let files = RetrainingFolder(folder)
    let written = try files.configuration()
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
    let (model, loader) = try Self.build(configuration, dataset(configuration.dataset), kernels)
    // Checkpoints before there were checksums name their data in their settings alone.
    let earlier = RunData(metadata: metadata) ?? RunData(dataset: made.dataset, checksum: nil)
    try RunData(dataset: configuration.dataset, checksum: loader.dataset.checksum).require(sameAs: earlier, from: path)
    try CheckpointMetadata.requireSteps(loader.stepsPerEpoch, in: metadata, from: path)
    var state = RetrainingState(
      starting: model, seed: configuration.seed, initialisation: configuration.weightInitialisation)
    state.weights = try model.importVector(from: found.file, prefix: "")
    state.momentum = try model.importVector(from: found.file, prefix: Self.momentumPrefix)
    guard let statistics = try model.importStatistics(from: found.file) else {
      throw InputError("incomplete checkpoint", at: .file(path), found: "no running statistics", wanted: "them")
    }
    state.statistics = statistics
    var course = try TrainingCourse<RetrainingRecord, RetrainingTally>(
      from: metadata, of: path, epochs: configuration.epochs, stepsPerEpoch: loader.stepsPerEpoch)
    try files.requirePlace(of: found.file, epoch: course.epoch, step: course.step)
    if course.epoch > 0 {
      course.records = try Array(files.metrics().prefix(course.epoch))
      try files.check(course.records, against: metadata, of: path)
      guard course.records.count == course.epoch else {
        throw InputError(
          "a row is missing", at: .file(files.metricsPath, "row \(course.records.count + 1)"),
          found: "\(course.records.count) rows", wanted: "\(course.epoch)")
      }
    }
    try self.init(
      configuration: configuration, model: model, loader: loader, files: files, progress: progress, stop: stop,
      state: state, course: course)
    if written.dataset != configuration.dataset {
      var moved = written
      moved.dataset = configuration.dataset
      try AtomicFile.write(moved.yaml, to: files.configurationPath)
    }
    training.goOn(from: path, pastDamage: found.damaged)
  }
}
