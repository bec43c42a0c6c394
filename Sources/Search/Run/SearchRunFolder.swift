import Formats
import Foundation
import Supernet

/// The files of a search: config.yaml, metrics.csv, alphas.npy, genotypes.txt, log.txt and checkpoints/.
public struct SearchRunFolder: Equatable, Sendable {
  public let folder: OutputFolder

  public init(_ folder: OutputFolder) { self.folder = folder }

  /// A folder that a run has written.
  ///
  /// - Throws: `FormatError` where there is no such folder.
  public init(existing path: String) throws { folder = try OutputFolder.existing(at: path) }

  public var configurationPath: String { folder.file("config.yaml") }
  public var metricsPath: String { folder.file("metrics.csv") }
  /// [epochs, 2, edges, operations], float32: α at the end of each epoch, normal then reduction.
  public var alphasPath: String { folder.file("alphas.npy") }
  /// One Python `Genotype(…)` line an epoch.
  public var genotypesPath: String { folder.file("genotypes.txt") }
  public var logPath: String { folder.file("log.txt") }
  public var checkpointsPath: String { folder.file("checkpoints") }

  /// The checkpoint after so many epochs; 0 is the state before training.
  public func checkpointPath(epoch: Int) -> String { "\(checkpointsPath)/\(Self.name(epoch: epoch)).safetensors" }

  /// The checkpoint of a run that was stopped within an epoch, before a weight step (both counted from 0).
  public func checkpointPath(epoch: Int, step: Int) -> String {
    let digits = String(step)
    let padded = String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    return "\(checkpointsPath)/\(Self.name(epoch: epoch))-step-\(padded).safetensors"
  }

  /// The settings of the run.
  public func configuration() throws -> SearchConfiguration {
    let text = try String(decoding: FileBytes.read(configurationPath), as: UTF8.self)
    return try SearchConfiguration(yaml: text, from: configurationPath)
  }

  public func metrics() throws -> [EpochRecord] { try EpochRecord.read(from: metricsPath) }

  /// The derived architecture of each finished epoch; empty where the problem has none.
  public func genotypes() throws -> [Genotype] {
    guard FileManager.default.fileExists(atPath: genotypesPath) else { return [] }
    let text = try String(decoding: FileBytes.read(genotypesPath), as: UTF8.self)
    return try text.split(separator: "\n").map { try Genotype(parsing: String($0)) }
  }

  /// The checkpoint that got farthest.
  ///
  /// - Throws: `SearchError.invalid` where there is none.
  public func latestCheckpointPath() throws -> String {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: checkpointsPath)) ?? []
    let places = names.compactMap { name in Self.place(of: name).map { (name: name, place: $0) } }
    guard let last = places.max(by: { $0.place < $1.place }) else {
      throw SearchError.invalid(
        "no checkpoint", at: checkpointsPath, found: "\(names.count) other files", wanted: "epoch-NNN.safetensors")
    }
    return "\(checkpointsPath)/\(last.name)"
  }

  private static func name(epoch: Int) -> String {
    let digits = String(epoch)
    return "epoch-" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits
  }

  private static func place(of name: String) -> (epoch: Int, step: Int)? {
    let suffix = ".safetensors"
    guard name.hasPrefix("epoch-"), name.hasSuffix(suffix) else { return nil }
    let fields = name.dropFirst("epoch-".count).dropLast(suffix.count).split(
      separator: "-", omittingEmptySubsequences: false)
    switch (fields.count, fields.first.flatMap { Int($0) }) {
    case (1, let epoch?): return (epoch, 0)
    case (3, let epoch?) where fields[1] == "step": return Int(fields[2]).map { (epoch, $0) }
    default: return nil
    }
  }
}
