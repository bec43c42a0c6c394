import Cells
import Compute
import Formats
import Foundation
import Problems
import Runs

private let checkpointFormat = "zarts-derivation-1"

extension ProjectionRun {
  package func checkpoint() throws -> (tensors: [NamedTensor], metadata: [String: String]) {
    let own = [
      "format": checkpointFormat, "space": search.space.rawValue, "channels": "\(search.channels)",
      "layers": "\(search.layers)", "partial_channels": "\(search.partialChannels)",
      "edge_normalisation": "\(search.edgeNormalisation)", "merged_convolutions": "\(search.mergedConvolutions)",
      "scale": search.scale.rawValue,
      "learning_rate": "\(settings.learningRate(epoch: training.course.epoch, of: epochs))",
      "selection": try settings.yaml(checkpoint: ""), "search": search.withoutHousekeeping.yaml,
    ]
    let data = RunData(dataset: search.dataset, checksum: problem.dataChecksum)
    return (
      state.tensors(of: problem),
      own.merging(state.metadata) { first, _ in first }.merging(data.metadata) { first, _ in first }
    )
  }

  /// The selection that a folder holds, from its latest sound checkpoint on.
  ///
  /// - Parameters:
  ///   - search: settings of search.yaml, of which those may differ that no result depends on, and the place of the data.
  /// - Throws: `InputError` where the checkpoint is none of these settings or of other data, and for damaged files.
  public convenience init(
    continuing problem: Problem, folder: OutputFolder, search: SearchConfiguration, copies: [Problem] = [],
    progress: ProgressReporter = .silent, stop: StopRequest = StopRequest()
  ) throws {
    let files = ProjectionFolder(folder)
    let (settings, written) = (try files.settings(), try files.search())
    let found = try files.latestSoundCheckpoint()
    let (path, metadata) = (found.file.path, found.file.metadata)
    guard metadata["format"] == checkpointFormat else {
      throw InputError(
        "not the checkpoint of a selection", at: .file(path, "metadata format"), found: metadata["format"] ?? "nothing",
        wanted: checkpointFormat)
    }
    let own = try ProjectionSettings(yaml: metadata["selection"] ?? "", from: "\(path): metadata selection")
    if let difference = try settings.difference(from: own) {
      throw InputError(
        "config.yaml is not the one that the checkpoint was made with",
        at: .setting(difference.key, in: files.configurationPath), found: difference.own,
        wanted: "\(difference.other), as in \(path)")
    }
    let made = try SearchConfiguration(yaml: metadata["search"] ?? "", from: "\(path): metadata search")
    try search.require(
      sameAs: made, "search.yaml is not the one that the checkpoint was made with", at: files.searchPath, from: path)
    if let earlier = RunData(metadata: metadata) {
      try RunData(dataset: search.dataset, checksum: problem.dataChecksum).require(sameAs: earlier, from: path)
    }
    try CheckpointMetadata.requireSteps(problem.stepsPerEpoch, in: metadata, from: path)
    let order = ProjectionOrder(of: problem.initialAlphas.kinds, settings.order, seed: settings.orderSeed)
    let state = try ProjectionState(
      continuing: SearchCheckpoint(found.file, for: problem), search: search, rounds: order.count, for: problem)
    state.rows = try Self.rows(files, rounds: state.rounds)
    let epochs = settings.tuneEpochs * max(0, order.count - 1)
    var course = try TrainingCourse<ProjectionRecord, ProjectionTally>(
      from: metadata, of: path, epochs: epochs, stepsPerEpoch: problem.stepsPerEpoch)
    try files.requirePlace(of: found.file, epoch: course.epoch, step: course.step)
    if course.epoch > 0 {
      course.records = try Array(files.metrics().prefix(course.epoch))
      try files.check(course.records, against: metadata, of: path)
    }
    try self.init(
      problem: problem, settings: settings, search: search, files: files, copies: copies, progress: progress, stop: stop,
      state: state, course: course)
    if written != search { try AtomicFile.write(search.yaml, to: files.searchPath) }
    training.goOn(from: path, pastDamage: found.damaged)
  }

  /// The rows of the rounds that a checkpoint has behind it.
  private static func rows(_ files: ProjectionFolder, rounds: Int) throws -> [RemovalRow] {
    guard rounds > 0 else { return [] }
    let rows = try files.rows().filter { $0.round <= rounds }
    let present = Set(rows.map(\.round))
    guard let missing = (1...rounds).first(where: { !present.contains($0) }) else { return rows }
    throw InputError(
      "incomplete history", at: .file(files.tablePath), found: "no rows of round \(missing)",
      wanted: "those of rounds 1 to \(rounds)")
  }
}
