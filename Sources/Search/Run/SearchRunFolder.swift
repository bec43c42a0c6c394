import Cells
import Formats
import Foundation
import Runs

/// The files of a search: beside those of every run alphas.npy and genotypes.txt.
public struct SearchRunFolder: RunFolder, Equatable {
  public let folder: OutputFolder

  public init(_ folder: OutputFolder) { self.folder = folder }

  /// [epochs, 2, edges, operations], float32: α at the end of each epoch, normal then reduction.
  public var alphasPath: String { folder.file(AlphaHistory.fileName) }
  /// One Python `Genotype(…)` line an epoch.
  public var genotypesPath: String { folder.file("genotypes.txt") }

  /// The settings of the run.
  public func configuration() throws -> SearchConfiguration {
    let text = try String(decoding: FileBytes.read(configurationPath), as: UTF8.self)
    return try SearchConfiguration(yaml: text, from: configurationPath)
  }

  /// Writes into config.yaml where the data now are; every other setting stays as it is.
  ///
  /// - Throws: `InputError` where the file cannot be written.
  func place(data dataset: String) throws {
    var configuration = try configuration()
    guard configuration.dataset != dataset else { return }
    configuration.dataset = dataset
    try AtomicFile.write(configuration.yaml, to: configurationPath)
  }

  public func metrics() throws -> [EpochRecord] { try EpochRecord.read(from: metricsPath) }

  /// The derived architecture of each finished epoch; empty where the problem has none.
  public func genotypes() throws -> [Genotype] {
    guard FileManager.default.fileExists(atPath: genotypesPath) else { return [] }
    let text = try String(decoding: FileBytes.read(genotypesPath), as: UTF8.self)
    return try text.split(separator: "\n").map { try Genotype(parsing: String($0)) }
  }

  /// What the search returns as things stand: the last finished epoch or, where it stopped early, the one that it went
  /// back to; nil before the first is finished.
  ///
  /// - Throws: as `checkHistory`.
  public func result() throws -> Result? {
    guard FileManager.default.fileExists(atPath: metricsPath) else { return nil }
    let (records, configuration) = (try history().records, try configuration())
    guard let last = records.last else { return nil }
    let decision = configuration.earlyStopping?.decision(
      of: records.dropFirst(configuration.warmup).compactMap(\.dominantEigenvalue))
    let index = decision.map { configuration.warmup + $0.returned } ?? last.epoch - 1
    guard records.indices.contains(index) else { return nil }
    return Result(
      record: records[index], genotype: try genotypes().dropFirst(index).first, finished: last.epoch,
      isEarly: decision != nil)
  }

  /// The row and architecture of the epoch that a search returns.
  public struct Result: Equatable, Sendable {
    public let record: EpochRecord
    /// nil where the problem has none.
    public let genotype: Genotype?
    /// Epochs finished.
    public let finished: Int
    /// Whether the search stopped early and went back to the record's epoch.
    public let isEarly: Bool
  }
}
