import Compute
import Datasets
import Formats
import Foundation
import Landscape
import Problems
import Retraining
import Search

/// Builds the problem that a configuration describes: the supernet of its space, or the network of a genotype, on its images.
enum ProblemFactory {
  /// - Returns: the checksum of the data.
  /// - Throws: `InputError` where the data cannot be used.
  @discardableResult
  static func checkData(_ dataset: String) throws -> String { try DatasetSpecification(parsing: dataset).load().checksum }

  /// - Throws: `InputError` where the data cannot be used; what the supernet throws.
  @Sendable static func make(_ configuration: SearchConfiguration) throws -> SupernetProblem {
    let dataset = try DatasetSpecification(parsing: configuration.dataset).load()
    let loader = try BatchLoader(
      dataset: dataset, seed: configuration.seed, batchSize: configuration.batch, trainLimit: configuration.trainLimit,
      split: configuration.split, validationSampling: configuration.validationSampling,
      augmentation: configuration.augmentation(of: dataset), threads: configuration.threads)
    let ahead = configuration.updatePlan.trainingBatches
    if ahead > 0 { try checkMemory(for: ahead, of: loader, "\(ahead) batches of inner training") }
    return try make(configuration, loader: loader, threads: threads(configuration))
  }

  /// The problem of what a source has opened: of a derived network a `DerivedProblem`, of plain cross-entropies, else a
  /// `SupernetProblem`.
  ///
  /// - Throws: as `make`.
  static func problem(of opened: LandscapeSource.Opened) throws -> any NetworkProblem {
    guard let retraining = opened.retraining else { return try make(opened.configuration) }
    return try retraining.problem(
      on: DatasetSpecification(parsing: retraining.dataset).load(), kernels: RunningProgram.kernels())
  }

  /// The same for a search that begins. Where it is to take exact eigenvalues, their derivatives are laid out at once, so that
  /// a shortage of memory ends it before its first step and not at its first eigenvalue.
  ///
  /// - Throws: besides, `MemoryShortage` where they need more than there is.
  @Sendable static func makeSearched(_ configuration: SearchConfiguration) throws -> SupernetProblem {
    let problem = try make(configuration)
    if configuration.eigenvalueEvery > 0, configuration.hessian == .exact { try problem.model.prepareHessianProducts() }
    return problem
  }

  /// - Throws: `MemoryShortage` where so many batches don't fit beside each other.
  static func checkMemory(for batches: Int, of loader: BatchLoader, _ what: @autoclosure () -> String) throws {
    let side = loader.dataset.side
    let images = min(loader.batchSize, max(1, loader.trainingMembers.count))
    try MemoryShortage.check(
      what(),
      neededBytes: .saturatingProduct(batches, images, ImageDataset.channels * side * side, MemoryLayout<Float>.stride))
  }

  /// The same for the batches that every point of a landscape or study sees.
  static func checkMemory(
    of problem: some NetworkProblem, innerSteps: Int, validationBatches: Int, recalibrationBatches: Int = 0
  ) throws {
    let training = max(innerSteps, recalibrationBatches)
    try MemoryShortage.check(
      "\(training) training and \(validationBatches) validation batches",
      neededBytes: .saturatingProduct(training + validationBatches, problem.batchBytes))
  }

  /// A search's problem for a run that goes on, whose data may have moved since.
  @Sendable static func makeAgain(_ configuration: SearchConfiguration) throws -> SupernetProblem {
    try lookingForMovedData { try makeSearched(configuration) }
  }

  /// Says, where data cannot be read, how to name the place that they may have moved to.
  static func lookingForMovedData<Result>(_ read: () throws -> Result) throws -> Result {
    do {
      return try read()
    } catch let error as InputError {
      complain("note: where the data have moved, --dataset beside --resume names the new place")
      throw error
    }
  }

  /// The same on batches that are there already.
  static func make(
    _ configuration: SearchConfiguration, loader: BatchLoader, threads: Int
  ) throws -> SupernetProblem {
    try SupernetProblem(
      space: configuration.space, channels: configuration.channels, layers: configuration.layers, loader: loader,
      seed: configuration.seed, threads: threads, variant: configuration.variant,
      skipDropout: configuration.skipDropoutSchedule, regularisation: configuration.regularisation,
      initialisation: configuration.weightInitialisation, engine: configuration.engine,
      kernels: RunningProgram.kernels())
  }

  /// Copies of a problem for points that are evaluated side by side, on the same batches.
  ///
  /// - Parameters:
  ///   - objectives: that are evaluated on each; none where only gradients are taken.
  ///   - vectors: of ω's size that work on each keeps besides.
  ///   - parallel: how many; nil for what cores and memory allow.
  ///   - points: that there are to evaluate.
  /// - Throws: `InputError` where the number does not fit.
  static func instances<Problem: NetworkProblem>(
    of problem: Problem, _ configuration: SearchConfiguration, objectives: [Objective], vectors: Int = 0, parallel: Int?,
    points: Int
  ) throws -> [Problem] {
    let plan = try ParallelPlan.choose(
      requested: parallel, cores: threads(configuration), points: points,
      instanceBytes: bytes(of: problem, objectives, vectors: vectors), availableBytes: RunningProgram.availableMemory)
    guard plan.instances > 1 || plan.threads != problem.network.threadCount else { return [problem] }
    return try (0..<plan.instances).map { _ in try problem.copy(threads: plan.threads) }
  }

  /// Activations and scratch of a network, and the vectors that objectives own.
  static func bytes(of problem: some NetworkProblem, _ objectives: [Objective], vectors: Int = 0) -> Int {
    let count = problem.makeVector().count
    let (sum, isTooMuch) = ParallelPlan.instanceBytes(
      activations: problem.network.activationBytes, weights: count, objectives: objectives
    ).addingReportingOverflow(.saturatingProduct(vectors, count, MemoryLayout<Float>.stride))
    return isTooMuch ? .max : sum
  }

  static func threads(_ configuration: SearchConfiguration) -> Int {
    configuration.threads > 0 ? configuration.threads : AvailableProcessors.count
  }
}
