import Datasets
import Search

/// Builds the problem that a configuration describes: the supernet of its space on its images.
enum ProblemFactory {
  /// - Throws: `DatasetError` or `FormatError` where the data cannot be used; what the supernet throws.
  static func make(_ configuration: SearchConfiguration) throws -> any BilevelProblem {
    let loader = try BatchLoader(
      dataset: DatasetSpecification(parsing: configuration.dataset).load(), seed: configuration.seed,
      batchSize: configuration.batch, trainLimit: configuration.trainLimit)
    throw SearchError.invalid(
      "no supernet yet", at: "this build", found: "images of \(loader.dataset.name) alone", wanted: "SupernetProblem")
  }
}
