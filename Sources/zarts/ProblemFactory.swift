import Datasets
import Foundation
import Search

/// Builds the problem that a configuration describes: the supernet of its space on its images.
enum ProblemFactory {
  /// - Throws: `DatasetError` or `FormatError` where the data cannot be used.
  static func checkData(_ dataset: String) throws { _ = try DatasetSpecification(parsing: dataset).load() }

  /// - Throws: `DatasetError` or `FormatError` where the data cannot be used; what the supernet throws.
  @Sendable static func make(_ configuration: SearchConfiguration) throws -> SupernetProblem {
    let loader = try BatchLoader(
      dataset: DatasetSpecification(parsing: configuration.dataset).load(), seed: configuration.seed,
      batchSize: configuration.batch, trainLimit: configuration.trainLimit, threads: configuration.threads)
    return try SupernetProblem(
      space: configuration.space, channels: configuration.channels, layers: configuration.layers, loader: loader,
      seed: configuration.seed,
      threads: configuration.threads > 0 ? configuration.threads : ProcessInfo.processInfo.activeProcessorCount,
      variant: configuration.variant, skipDropout: configuration.skipDropoutSchedule)
  }
}
