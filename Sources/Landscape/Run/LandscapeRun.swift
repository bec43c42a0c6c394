import Compute
import Formats
import Foundation
import Search
import Supernet

/// A landscape around a checkpoint, from its settings to its files:
///
/// - `landscape.yaml`: settings, origin, and a digest of (ω, v, α);
/// - `directions.safetensors`: the directions and the α that they start from;
/// - `journal.csv`: points as they are finished, removed at the end;
/// - `landscape.csv`, `landscape.npy` [objectives, grid, grid] (losses, float64), and `comparison.csv` where one of the
///   objectives is the true loss of some inner steps and there are others to compare with it.
public struct LandscapeRun<Problem: BilevelProblem> {
  public let settings: LandscapeSettings
  public let directions: Directions
  /// Digest of ω, v and α.
  public let stateDigest: String
  private let sampler: LandscapeSampler<Problem>

  /// - Parameters:
  ///   - velocity: the momentum of the checkpoint; nil for zero.
  ///   - alphas: the centre.
  /// - Throws: `LandscapeError` where the settings cannot be met.
  public init(
    problem: Problem, weights: ParameterVector, velocity: ParameterVector?, alphas: ArchitectureParameters,
    settings: LandscapeSettings
  ) throws {
    guard settings.step.learningRate > 0, settings.step.learningRate.isFinite else {
      throw LandscapeError(
        item: "--inner-lr", problem: "not a learning rate", found: "\(settings.step.learningRate)",
        expected: "a positive finite number")
    }
    guard settings.validationBatches >= 1 else {
      throw LandscapeError(
        item: "--validation-batches", problem: "not a number of batches", found: "\(settings.validationBatches)",
        expected: "at least 1")
    }
    self.settings = settings
    directions = try Directions.random(
      seed: settings.directionsSeed, around: alphas, normalisation: settings.normalisation)
    var digest = SHA256()
    digest.update(floats: weights.values)
    digest.update(floats: velocity?.values ?? [])
    digest.update(floats: alphas.flat)
    stateDigest = digest.hexadecimal()
    let evaluator = try ObjectiveEvaluator(
      problem: problem, weights: weights, velocity: velocity, step: settings.step, epoch: settings.epoch,
      firstStep: settings.firstStep, objectives: settings.objectives, validationBatchCount: settings.validationBatches)
    sampler = try LandscapeSampler(
      evaluator: evaluator, directions: directions, grid: settings.grid, objectives: settings.objectives)
  }

  /// Samples the grid and writes the files.
  ///
  /// - Parameters:
  ///   - origin: keys and values that say where problem and checkpoint come from.
  ///   - isContinued: whether the folder holds an unfinished or finished landscape of the same settings, to be continued.
  ///   - isStopRequested, progress: as in `LandscapeSampler.run`.
  /// - Throws: `CancellationError` when a stop was requested, with every finished point in the journal; `LandscapeError`
  ///   where a folder to be continued is of other settings; `FormatError` where a file cannot be read or written.
  public func run(
    in folder: OutputFolder, origin: [(key: String, value: String)] = [], isContinued: Bool = false,
    isStopRequested: () -> Bool = { false }, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> Landscape {
    let text = settingsText(origin: origin)
    let settingsPath = folder.file("landscape.yaml")
    if isContinued {
      try Self.requireSame(text, as: settingsPath)
      if let finished = try finishedLandscape(in: folder) { return finished }
    } else {
      try AtomicFile.write(text, to: settingsPath)
    }
    try TensorFile.write(
      directions.tensors, metadata: ["state_sha256": stateDigest], to: folder.file("directions.safetensors"))
    let journal = folder.file("journal.csv")
    let landscape = try sampler.run(journal: journal, isStopRequested: isStopRequested, progress: progress)
    let losses = settings.objectives.flatMap(landscape.losses)
    try NPYFile(shape: [settings.objectives.count, settings.grid.size, settings.grid.size], values: .float64(losses))
      .write(to: folder.file("landscape.npy"))
    let comparisons = try LandscapeComparison.all(in: landscape)
    if !comparisons.isEmpty {
      try CSVWriter.write(
        columns: LandscapeComparison.columns, rows: comparisons.map(\.fields), to: folder.file("comparison.csv"))
    }
    try CSVWriter.write(
      columns: LandscapeTable.columns, rows: LandscapeTable.rows(of: landscape), to: folder.file("landscape.csv"))
    // Only once the result is on disk; until then the journal is what a killed run has.
    try? FileManager.default.removeItem(atPath: journal)
    return landscape
  }

  /// The content of landscape.yaml.
  public func settingsText(origin: [(key: String, value: String)] = []) -> String {
    (origin + settings.entries + [("state_sha256", stateDigest)]).map { "\($0.key): \($0.value)\n" }.joined()
  }

  private func finishedLandscape(in folder: OutputFolder) throws -> Landscape? {
    let path = folder.file("landscape.csv")
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let table = try CSVTable(readingFrom: path)
    let known = try LandscapeTable.samples(in: table, grid: settings.grid, objectives: settings.objectives)
    var samples: [Objective: [Landscape.Sample]] = [:]
    for objective in settings.objectives {
      samples[objective] = (0..<settings.grid.count).compactMap { known[$0]?[objective] }
    }
    return try Landscape(grid: settings.grid, objectives: settings.objectives, samples: samples)
  }

  private static func requireSame(_ text: String, as path: String) throws {
    let old = String(decoding: try FileBytes.read(path), as: UTF8.self).split(separator: "\n")
    let new = text.split(separator: "\n")
    for index in 0..<max(old.count, new.count) {
      let (was, wanted) = (index < old.count ? old[index] : "nothing", index < new.count ? new[index] : "nothing")
      guard was == wanted else {
        throw LandscapeError(
          item: path, problem: "a landscape of other settings cannot be continued", found: "'\(was)'",
          expected: "'\(wanted)'")
      }
    }
  }
}
