import Formats
import Foundation

extension LandscapeRun {
  static var pathsTable: String { "paths.csv" }
  static var pathsJournal: String { "paths-journal.csv" }

  /// Follows the methods that the settings name, and writes `paths.csv`; nil where they name none.
  ///
  /// - Throws: as `ConfinedWalk.run`.
  func samplePaths(in folder: OutputFolder, _ isStopRequested: @escaping () -> Bool) throws -> [ConfinedPath]? {
    guard let wanted = settings.paths else { return nil }
    let walk = ConfinedWalk(
      problems: walk.evaluators.map(\.problem), weights: walk.evaluators[0].weights, velocity: velocity,
      step: settings.searchStep, epoch: settings.epoch, firstStep: settings.firstStep, plane: directions, settings: wanted)
    let found = try walk.run(journal: folder.file(Self.pathsJournal), isStopRequested: isStopRequested)
    try CSVWriter.write(
      columns: ConfinedPath.columns, rows: found.flatMap(\.rows), to: folder.file(Self.pathsTable))
    return found
  }

  /// The paths of a finished landscape; nil where its settings name none.
  ///
  /// - Throws: `InputError` where the table is not theirs.
  func finishedPaths(in folder: OutputFolder) throws -> [ConfinedPath]? {
    guard let wanted = settings.paths else { return nil }
    let points = try ConfinedPath.points(in: CSVTable(readingFrom: folder.file(Self.pathsTable)), of: wanted)
    return wanted.methods.map { method in
      let found = points[method.name] ?? []
      return ConfinedPath(
        name: method.name, points: found,
        // The table has no more than how far it came.
        divergence: found.count > wanted.steps ? nil : "update \(max(1, found.count)): not finite")
    }
  }
}
