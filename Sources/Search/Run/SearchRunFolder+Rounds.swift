import Formats
import Foundation

/// What a search that went back has abandoned. The run's own tables hold the path that it went in the end.
extension SearchRunFolder {
  /// What the names of these folders begin with.
  package static let roundPrefix = "round-"
  /// Name of the table of returns.
  package static let rollBacksName = "rollbacks.csv"

  static func roundName(_ number: Int) -> String { "\(roundPrefix)\(number)" }

  /// A row each time that the search went back; absent where it never did.
  public var rollBacksPath: String { folder.file(Self.rollBacksName) }

  /// The path of a round that ended in a return, from the first epoch to the one after which the rule fired: config.yaml,
  /// metrics.csv, alphas.npy, genotypes.txt, and the checkpoints of the abandoned epochs where all are kept.
  ///
  /// - Parameter number: counted from 1.
  public func round(_ number: Int) -> SearchRunFolder { SearchRunFolder(unchecked: folder.file(Self.roundName(number))) }

  /// Whether the search has gone back, or was killed on its way: files beside metrics.csv may then be ahead of it.
  var hasRounds: Bool { FileManager.default.fileExists(atPath: round(1).folder.path) }

  /// How the search went back; empty where it never did.
  ///
  /// - Throws: `InputError` where rollbacks.csv is damaged.
  public func rollBacks() throws -> [RollBack] {
    guard FileManager.default.fileExists(atPath: rollBacksPath) else { return [] }
    return try RollBack.table.read(from: rollBacksPath)
  }

  /// The rows of all abandoned epochs, round after round.
  ///
  /// - Throws: `InputError` where a table is absent or damaged.
  public func abandonedMetrics() throws -> [EpochRecord] {
    try rollBacks().flatMap { try round($0.round).metrics().dropFirst($0.returned) }
  }
}
