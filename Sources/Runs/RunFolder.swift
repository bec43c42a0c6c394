import Formats
import Foundation

/// The files that every training run has: config.yaml, metrics.csv, genotype.txt, log.txt and checkpoints/.
public protocol RunFolder: Sendable {
  var folder: OutputFolder { get }

  init(_ folder: OutputFolder)

  /// Holds the run's files against each other and against the newest checkpoint. Nothing is wrong with a run that goes on
  /// meanwhile.
  ///
  /// - Throws: `InputError` that names the file and the row where the folder contradicts itself, and where a file cannot be
  ///   read.
  func checkHistory() throws
}

extension RunFolder {
  /// A folder that a run has written.
  ///
  /// - Throws: `InputError` where there is no such folder.
  public init(existing path: String) throws { self.init(try OutputFolder.existing(at: path)) }

  /// A folder that may not be there yet.
  package init(unchecked path: String) { self.init(OutputFolder(path: path)) }

  public var configurationPath: String { folder.file("config.yaml") }
  /// One row an epoch.
  public var metricsPath: String { folder.file("metrics.csv") }
  /// The Python line of an architecture: the one that a search returns, written when it ends, or that a retraining trains.
  public var genotypePath: String { folder.file("genotype.txt") }
  public var logPath: String { folder.file("log.txt") }
  public var checkpointsPath: String { folder.file("checkpoints") }

  /// Keeps other runs out of the folder as long as the lock lives.
  ///
  /// - Throws: `InputError` where another process works in the folder.
  package func lock() throws -> FileLock { try FileLock(path: logPath) }

  /// The checkpoint after so many epochs; 0 is the state before training.
  public func checkpointPath(epoch: Int) -> String { checkpointPath(epoch: epoch, step: 0) }

  /// The checkpoint within an epoch, before a weight step (both counted from 0); before the first step it is that of the
  /// epochs before.
  public func checkpointPath(epoch: Int, step: Int) -> String {
    let place = "epoch-\(Self.padded(epoch, to: 3))" + (step > 0 ? "-step-\(Self.padded(step, to: 5))" : "")
    return "\(checkpointsPath)/\(place).safetensors"
  }

  private static func padded(_ number: Int, to width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  /// Makes an empty folder that of a run: writes its settings, and makes room for checkpoints.
  ///
  /// - Throws: `InputError` where the folder cannot be written.
  package func prepare(configuration: String) throws {
    try AtomicFile.write(configuration, to: configurationPath)
    _ = try folder.subfolder("checkpoints")
  }
}
