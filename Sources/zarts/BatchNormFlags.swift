import ArgumentParser
import Formats
import Landscape
import Runs

extension BatchNormMode: ExpressibleByArgument {
  public init?(argument: String) { self.init(named: argument) }
  public var defaultValueDescription: String { name }
  public static var allValueStrings: [String] { all.map(\.name) }
}

/// The flags that say how losses are normalised.
package struct BatchNormFlags: ParsableArguments {
  @Option(help: "Statistics that normalise where losses are evaluated. Default: \(BatchNormMode.all[0].name).")
  var batchNorm: BatchNormMode?
  @Option(help: "Training batches that statistics are estimated on before each loss. Default: 8.")
  var recalibrationBatches: Int?

  package init() {}

  package func validate() throws { try RunBounds.batches.check(recalibrationBatches, "--recalibration-batches") }

  /// - Parameter usual: the mode where none is named; nil for the first there is.
  /// - Throws: `UsageError` where a number of batches is given to a mode that estimates no statistics.
  package func mode(else usual: BatchNormMode? = nil) throws -> BatchNormMode {
    try Self.mode(batchNorm, recalibrationBatches: recalibrationBatches, else: usual)
  }

  /// The same of flags that a command has itself.
  package static func mode(_ batchNorm: BatchNormMode?, recalibrationBatches: Int?, else usual: BatchNormMode?) throws
    -> BatchNormMode
  {
    let batchNorm = batchNorm ?? usual ?? BatchNormMode.all[0]
    guard let recalibrationBatches else { return batchNorm }
    guard batchNorm.batches != nil else {
      let others = BatchNormMode.all.filter { $0.batches != nil }.map(\.name).joined(separator: " or ")
      throw UsageError(
        "goes with --batch-norm \(others) only", at: "--recalibration-batches", found: "\(recalibrationBatches)",
        wanted: "no --recalibration-batches")
    }
    return batchNorm.over(batches: recalibrationBatches)
  }
}
