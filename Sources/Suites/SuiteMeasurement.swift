import Cells
import Compute
import Engine
import Retraining
import Search

/// Times a training step of each kind of network in a suite, once, on images of noise of 32×32 (224×224 for the ImageNet
/// network).
public final class SuiteMeasurement {
  private let threads: Int
  private let kernels: KernelSet
  private var known: [String: Double] = [:]

  /// - Parameter threads: of the measurement; 0 for `AvailableProcessors.count`.
  public init(threads: Int = 0, kernels: KernelSet) {
    self.threads = threads > 0 ? threads : AvailableProcessors.count
    self.kernels = kernels
  }

  /// Processors times seconds of a training step.
  public var pace: SuiteEstimate.Pace {
    .init(search: { try self.step($0) }, retraining: { try self.step($0) })
  }

  private func measured(_ key: String, _ make: () throws -> EngineBenchmark) throws -> Double {
    if let found = known[key] { return found }
    let result = try make().measure(.trainStep, repeats: 2).best * Double(threads)
    known[key] = result
    return result
  }

  private func step(_ search: SearchConfiguration) throws -> Double {
    let key = [
      search.space.rawValue, "\(search.channels)", "\(search.layers)", "\(search.batch)", "\(search.partialChannels)",
      "\(search.edgeNormalisation)", "\(search.mergedConvolutions)", "\(search.skipDropout > 0)",
      "\(search.auxiliarySkip > 0)",
      search.scale.rawValue,
    ].joined(separator: " ")
    return try measured(key) {
      try EngineBenchmark(
        space: search.space, channels: search.channels, layers: search.layers, batch: search.batch, threads: threads,
        variant: search.variant, engine: search.engine, kernels: kernels)
    }
  }

  private func step(_ retraining: RetrainingConfiguration) throws -> Double {
    let key = [
      retraining.genotype, retraining.scale.rawValue, "\(retraining.channels)", "\(retraining.layers)",
      "\(retraining.batch)", "\(retraining.auxiliary)",
    ].joined(separator: " ")
    return try measured(key) {
      let architecture = try DerivedArchitecture(
        genotype: Genotype(parsing: retraining.genotype), scale: retraining.scale, channels: retraining.channels,
        layers: retraining.layers, imageSize: retraining.scale.publishedImageSize,
        hasAuxiliaryHead: retraining.auxiliary)
      return try EngineBenchmark(
        derived: architecture, batch: retraining.batch, threads: threads, engine: retraining.engine, kernels: kernels)
    }
  }
}
