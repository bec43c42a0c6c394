import Formats
import Foundation

extension LandscapeRun {
  /// What a run found.
  public struct Result: Equatable, Sendable {
    /// Of a grid.
    public var landscape: LandscapePlane?
    /// Of a grid that was refined.
    public var refinement: LandscapeRefinement?
    /// Of lines.
    public var lines: LandscapeLines?
    /// Of methods that were followed in the plane of a grid.
    public var paths: [ConfinedPath]?
  }

  /// Samples a grid and writes the files.
  ///
  /// - Parameters:
  ///   - origin: keys and values that say where problem and checkpoint come from.
  ///   - isContinued: whether the folder holds an unfinished or finished landscape of the same settings, to be continued.
  ///   - isStopRequested, progress: as in `LandscapeSampler.run`.
  /// - Throws: `CancellationError` when a stop was requested, with every finished point in the journal; `InputError` where a
  ///   folder to be continued is of other settings, and where the settings are of lines, and where a file cannot be read or
  ///   written, or another process works in the folder.
  public func run(
    in folder: OutputFolder, origin: [(key: String, value: String)] = [], isContinued: Bool = false,
    isStopRequested: @escaping () -> Bool = { false },
    progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> LandscapePlane {
    let result = try runAny(
      in: folder, origin: origin, isContinued: isContinued, isStopRequested: isStopRequested, progress: progress)
    guard let landscape = result.landscape else {
      throw InputError("not of a plane", at: "kind", found: settings.kind.rawValue, wanted: "grid")
    }
    return landscape
  }

  /// Samples a grid or lines, and writes the files; otherwise as `run`. Where no loss is finite at any point, the journal is
  /// all that is left.
  ///
  /// - Parameter estimated: told once, never beside `progress`, how long it takes, as this process measures it before its own first
  ///   points; not where nothing is left to evaluate.
  public func runAny(
    in folder: OutputFolder, origin: [(key: String, value: String)] = [], isContinued: Bool = false,
    isStopRequested: @escaping () -> Bool = { false }, estimated: ((TimeEstimate) -> Void)? = nil,
    progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> Result {
    let lock = try folder.lock()
    defer { withExtendedLifetime(lock) {} }
    let checkpoint = FiniteCheck.place(in: origin)
    let files = StudyFolder(
      folder, .landscape, result: tableName,
      journals: [StudyFolder.journalName, Self.refinementJournal, Self.pathsJournal])
    if try files.begin(settingsFile(origin: origin), isContinued: isContinued) { return try finishedResult(in: folder) }
    try TensorFile.write(
      axes.tensors(of: walk.evaluators[0].problem), metadata: ["state_sha256": stateDigest],
      to: folder.file("directions.safetensors"))
    if let projection {
      try CSVWriter.write(
        columns: TrajectoryProjection.columns, rows: projection.rows, to: folder.file("trajectory.csv"))
    }
    if let estimated { try estimateFirst(done: isContinued ? finished(in: folder) : LandscapeProgress(), estimated) }
    let result =
      switch settings.kind {
      case .grid: try sampleGrid(in: folder, of: checkpoint, isStopRequested, progress)
      case .line: try sampleLines(in: folder, of: checkpoint, isStopRequested, progress)
      }
    files.removeJournals()
    return result
  }

  private static var refinementJournal: String { "refinement-journal.csv" }

  /// Points that a folder's journal holds, for an estimate; 0 where there is none that can be read.
  public func finishedPoints(in folder: OutputFolder) -> Int {
    if FileManager.default.fileExists(atPath: folder.file(tableName)) { return pointCount }
    guard let table = try? CSVTable(readingFrom: folder.file(StudyFolder.journalName)) else { return 0 }
    return min(pointCount, table.rows.count / settings.objectives.count)
  }

  /// What a folder's journals hold of a run that is to go on, for an estimate; nothing where there are none that can be read.
  public func finished(in folder: OutputFolder) -> LandscapeProgress {
    var result = LandscapeProgress(points: finishedPoints(in: folder))
    if FileManager.default.fileExists(atPath: folder.file(tableName)) {
      // Nothing is left of a finished landscape.
      for objective in settings.objectives {
        result.refined[objective] = .init(level: settings.refinementLevels, points: 8)
      }
      for method in settings.paths?.methods ?? [] { result.updates[method.name] = settings.paths?.steps }
      return result
    }
    if let table = try? CSVTable(readingFrom: folder.file(Self.refinementJournal)),
      let points = try? LandscapeRefinement.points(in: table, objectives: settings.objectives)
    {
      for (objective, found) in Dictionary(grouping: points, by: \.objective) {
        let level = found.map(\.level).max() ?? 0
        result.refined[objective] = .init(level: level, points: found.count { $0.level == level })
      }
    }
    if let wanted = settings.paths, let table = try? CSVTable(readingFrom: folder.file(Self.pathsJournal)),
      let known = try? ConfinedPath.points(in: table, of: wanted)
    {
      result.updates = known.mapValues { max(0, $0.count - 1) }
    }
    return result
  }

  /// The table that is written last.
  public var tableName: String { settings.kind == .grid ? "landscape.csv" : "lines.csv" }

  private func sampleGrid(
    in folder: OutputFolder, of checkpoint: String, _ isStopRequested: @escaping () -> Bool,
    _ progress: @escaping (Int, Int) -> Void
  ) throws -> Result {
    let sampler = try LandscapeSampler(
      walk: walk, axes: axes, grid: settings.grid, objectives: settings.objectives)
    let landscape = try sampler.run(
      journal: folder.file(StudyFolder.journalName), isStopRequested: isStopRequested, progress: progress)
    try FiniteCheck.require(
      settings.objectives.map { ($0.label, landscape.losses(of: $0)) }, of: checkpoint, unit: "points")
    try walk.measurePassesAtLast()
    var refinement: LandscapeRefinement?
    if settings.refinementLevels > 0 {
      let found = try RefinementSampler(
        walk: walk, axes: axes, landscape: landscape, levels: settings.refinementLevels
      ).run(
        journal: folder.file(Self.refinementJournal), isStopRequested: isStopRequested)
      try CSVWriter.write(columns: LandscapeRefinement.columns, rows: found.rows, to: folder.file("refinement.csv"))
      refinement = found
    }
    let paths = try samplePaths(in: folder, isStopRequested)
    let losses = settings.objectives.flatMap(landscape.losses)
    try NPYFile(shape: [settings.objectives.count, settings.grid.x.size, settings.grid.y.size], values: .float64(losses))
      .write(to: folder.file("landscape.npy"))
    try landscape.arrays.write(to: folder.file("landscape.npz"))
    let comparisons = try LandscapeComparison.all(in: landscape)
    if !comparisons.isEmpty {
      try CSVWriter.write(
        columns: LandscapeComparison.columns, rows: comparisons.map(\.fields), to: folder.file("comparison.csv"))
    }
    try CSVWriter.write(
      columns: LandscapeTable.columns, rows: LandscapeTable.rows(of: landscape), to: folder.file(tableName))
    return Result(landscape: landscape, refinement: refinement, paths: paths)
  }

  private func sampleLines(
    in folder: OutputFolder, of checkpoint: String, _ isStopRequested: @escaping () -> Bool,
    _ progress: @escaping (Int, Int) -> Void
  ) throws -> Result {
    let sampler = try LineSampler(
      walk: walk, axes: axes, axis: settings.grid, objectives: settings.objectives)
    let lines = try sampler.run(
      journal: folder.file(StudyFolder.journalName), isStopRequested: isStopRequested, progress: progress)
    try FiniteCheck.require(
      settings.objectives.map { objective in
        (objective.label, lines.lines.flatMap { ($0[objective] ?? []).map(\.loss) })
      }, of: checkpoint, unit: "points")
    try CSVWriter.write(columns: LandscapeLines.columns, rows: lines.rows, to: folder.file(tableName))
    return Result(lines: lines)
  }

  private func finishedResult(in folder: OutputFolder) throws -> Result {
    let table = try CSVTable(readingFrom: folder.file(tableName))
    guard settings.kind == .grid else {
      let known = try LandscapeLines.samples(
        in: table, axis: settings.grid, lines: settings.axes.count, objectives: settings.objectives)
      return Result(
        lines: try LandscapeLines(
          axis: settings.grid, objectives: settings.objectives, count: settings.axes.count, samples: known))
    }
    let known = try LandscapeTable.samples(in: table, grid: settings.grid, objectives: settings.objectives)
    var samples: [Objective: [LandscapePlane.Sample]] = [:]
    for objective in settings.objectives {
      samples[objective] = (0..<settings.grid.count).compactMap { known[$0]?[objective] }
    }
    let refinement =
      settings.refinementLevels == 0
      ? nil
      : LandscapeRefinement(
        points: try LandscapeRefinement.points(
          in: CSVTable(readingFrom: folder.file("refinement.csv")), objectives: settings.objectives))
    return Result(
      landscape: try LandscapePlane(grid: settings.grid, objectives: settings.objectives, samples: samples),
      refinement: refinement, paths: try finishedPaths(in: folder))
  }
}
