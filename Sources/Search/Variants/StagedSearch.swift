import Cells
import Formats
import Foundation
import Problems
import Runs

/// A progressive search: stages of growing depth, each of which keeps the strongest operations of the one before
/// (Chen et al., P-DARTS, ICCV 2019, §3.2).
///
/// Each stage is a search of its own, with fresh ω and α, in a folder `stage-N` that is a run folder like any other. What a
/// stage keeps follows from the final checkpoint of the one before, so a search that is stopped anywhere and goes on
/// is the one that never stopped, bit for bit. Beside the stages stand config.yaml, genotypes.txt
/// with a line a finished stage, and genotype.txt with the last.
public final class StagedSearch<Problem: BilevelProblem> {
  public let configuration: SearchConfiguration
  public let files: SearchRunFolder
  private let progress: ProgressReporter
  private let stop: StopRequest
  private let adjusting: (inout SearchConfiguration) -> Void
  private let makeProblem: (SearchConfiguration) throws -> Problem
  private let makeCrew: (SearchConfiguration, Problem) throws -> CandidateCrew<Problem>?

  /// - Parameters:
  ///   - makeCrew: who evaluates the candidates of a stage, of its settings and its problem, with the same bits; nil for the
  ///     problem itself, one after the other.
  ///   - makeProblem: makes the problem that a stage's settings describe.
  /// - Throws: `InputError` for settings out of range or without stages, and where the folder cannot be written.
  public convenience init(
    starting configuration: SearchConfiguration, folder: OutputFolder, progress: ProgressReporter = .silent,
    stop: StopRequest = StopRequest(),
    makeCrew: @escaping (SearchConfiguration, Problem) throws -> CandidateCrew<Problem>? = { _, _ in nil },
    makeProblem: @escaping (SearchConfiguration) throws -> Problem
  ) throws {
    try configuration.validate()
    let files = SearchRunFolder(folder)
    try AtomicFile.write(configuration.yaml, to: files.configurationPath)
    try self.init(continuing: files, progress: progress, stop: stop, makeCrew: makeCrew, makeProblem: makeProblem)
  }

  /// - Parameters:
  ///   - adjusting: changes settings that no result depends on, `SearchConfiguration.adjustable`.
  ///   - makeCrew: as where a search starts.
  public init(
    continuing files: SearchRunFolder, adjusting: @escaping (inout SearchConfiguration) -> Void = { _ in },
    progress: ProgressReporter = .silent,
    stop: StopRequest = StopRequest(),
    makeCrew: @escaping (SearchConfiguration, Problem) throws -> CandidateCrew<Problem>? = { _, _ in nil },
    makeProblem: @escaping (SearchConfiguration) throws -> Problem
  ) throws {
    var configuration = try files.configuration()
    adjusting(&configuration)
    try configuration.validate()
    guard !configuration.stages.isEmpty else {
      throw InputError(
        "not a progressive search", at: .file(files.configurationPath), found: "no stages", wanted: "a list of stages")
    }
    self.configuration = configuration
    self.files = files
    self.adjusting = adjusting
    self.progress = progress
    self.stop = stop
    self.makeCrew = makeCrew
    self.makeProblem = makeProblem
  }

  /// Runs to the end of the last stage.
  ///
  /// - Returns: the architecture of the last stage.
  /// - Throws: what `SearchRun.run` throws.
  @discardableResult
  public func run() throws -> Genotype {
    let lock = try files.folder.lock()
    defer { withExtendedLifetime(lock) {} }
    var operations: EdgeOperations?
    var genotypes: [Genotype] = []
    for index in configuration.stages.indices {
      let settings = configuration.stage(index, operations: operations)
      let alphas = try finish(index, settings)
      genotypes.append(
        try Genotype(alphas: alphas, operations: settings.operations, maximumSkips: settings.maximumSkips))
      try AtomicFile.write(genotypes.map { $0.line + "\n" }.joined(), to: files.genotypesPath)
      if index + 1 < configuration.stages.count {
        operations = try settings.operations.strongest(configuration.stages[index + 1].operations, alphas: alphas)
      }
    }
    let result = genotypes[genotypes.count - 1]
    try AtomicFile.write(result.line + "\n", to: files.genotypePath)
    return result
  }

  /// α at the end of a stage, which is run where it has not been.
  private func finish(_ index: Int, _ settings: SearchConfiguration) throws -> ArchitectureParameters {
    let stage = files.stage(index)
    let path = stage.checkpointPath(epoch: settings.epochs)
    // The architecture is the last that a run writes; a damaged checkpoint is made again from the one before.
    let isFinished =
      FileManager.default.fileExists(atPath: stage.genotypePath)
      && (try? TensorFile(readingFrom: path).verifyChecksum()) != nil
    if !isFinished {
      let name = "stage \(index + 1) of \(configuration.stages.count)"
      progress.note("\(name): \(settings.layers) cells, \(settings.operations.operationsPerEdge) operations an edge")
      let run = try makeRun(index, settings)
      // These data are those of the stages so far, which are found where they now are.
      for folder in [files] + (0..<index).map(files.stage) { try folder.place(data: configuration.dataset) }
      try run.run()
    }
    return try ArchitectureParameters(
      from: TensorFile(readingFrom: path),
      like: settings.alphaShape.zeroAlphas)
  }

  private func makeRun(_ index: Int, _ settings: SearchConfiguration) throws -> SearchRun<Problem> {
    let stage = files.stage(index)
    let problem = try makeProblem(settings)
    if index > 0, let path = try? files.stage(index - 1).latestCheckpointPath(),
      let earlier = try RunData(metadata: TensorFile(readingFrom: path).metadata)
    {
      try RunData(dataset: settings.dataset, checksum: problem.dataChecksum).require(sameAs: earlier, from: path)
    }
    if (try? stage.latestCheckpointPath()) != nil {
      try stage.configuration().require(
        sameAs: settings, "settings that do not follow from the search's", at: stage.configurationPath,
        from: files.configurationPath)
      return try SearchRun(
        continuing: problem, folder: stage.folder, space: settings.space,
        adjusting: { [adjusting] configuration in
          adjusting(&configuration)
          configuration.dataset = settings.dataset
        }, crew: makeCrew(settings, problem), progress: progress, stop: stop)
    }
    // Killed before its first checkpoint: nothing of worth is there.
    if FileManager.default.fileExists(atPath: stage.folder.path) {
      try FileManager.default.removeItem(atPath: stage.folder.path)
    }
    return try SearchRun(
      starting: problem, configuration: settings, folder: .create(at: stage.folder.path), space: settings.space,
      crew: makeCrew(settings, problem), progress: progress, stop: stop)
  }
}
