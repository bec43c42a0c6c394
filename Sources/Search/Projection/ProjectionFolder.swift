import Cells
import Formats
import Foundation
import Runs

/// The files of a selection: beside those of every run search.yaml, argmax.txt and removals.csv.
public struct ProjectionFolder: RunFolder, Equatable {
  public let folder: OutputFolder

  public init(_ folder: OutputFolder) { self.folder = folder }

  /// Every evaluated removal, and what was chosen.
  public static let tableName = "removals.csv"
  public var tablePath: String { folder.file(Self.tableName) }
  /// Settings of the search whose supernet it is.
  public var searchPath: String { folder.file("search.yaml") }
  /// The Python line of the architecture that the argmax rule derives from α as the selection found it.
  public var argmaxPath: String { folder.file("argmax.txt") }

  /// - Throws: `InputError` where they cannot be read.
  public func settings() throws -> ProjectionSettings {
    let text = try String(decoding: FileBytes.read(configurationPath), as: UTF8.self)
    return try ProjectionSettings(yaml: text, from: configurationPath)
  }

  /// - Throws: `InputError` where they cannot be read.
  public func search() throws -> SearchConfiguration {
    let text = try String(decoding: FileBytes.read(searchPath), as: UTF8.self)
    return try SearchConfiguration(yaml: text, from: searchPath)
  }

  /// - Throws: `InputError` where the selection is not finished, or the file holds no genotype.
  public func genotype() throws -> Genotype {
    guard FileManager.default.fileExists(atPath: genotypePath) else {
      throw InputError(
        "nothing selected yet", at: .file(genotypePath), found: "a selection that is not finished",
        wanted: "zarts derive --resume \(folder.path) first")
    }
    return try Self.genotype(in: genotypePath)
  }

  /// - Throws: `InputError` where the file holds no genotype.
  public func argmax() throws -> Genotype { try Self.genotype(in: argmaxPath) }

  private static func genotype(in path: String) throws -> Genotype {
    let text = String(decoding: try FileBytes.read(path), as: UTF8.self)
    return try InputError.naming(path) { try Genotype(parsing: text.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }

  /// - Throws: as `RemovalRow.read`.
  public func rows() throws -> [RemovalRow] { try RemovalRow.read(from: tablePath) }

  /// - Throws: `InputError` as a table of records does.
  public func metrics() throws -> [ProjectionRecord] { try ProjectionRecord.table.read(from: metricsPath) }

  public func checkHistory() throws {
    let carriers = checkpointMetadata()
    let records = FileManager.default.fileExists(atPath: metricsPath) ? try metrics() : []
    guard let carrier = HistoryCheck.carrier(of: records.count, among: carriers) else { return }
    try check(records, against: carrier.metadata, of: carrier.path)
  }

  /// - Throws: `InputError` with file and row where rows are not those that the checkpoint was written after.
  func check(_ records: [ProjectionRecord], against metadata: [String: String], of checkpoint: String) throws {
    try HistoryCheck.require(
      records.map(ProjectionRecord.table.check), .metrics, in: metadata, of: checkpoint, at: metricsPath)
  }
}
