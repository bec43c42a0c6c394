import Formats
import Problems
import Runs

/// The batches that every point of a landscape sees (common random numbers), so that differences between points are
/// differences of α.
public struct EvaluationBatches<Problem: BilevelProblem> {
  /// Batch k is that of inner step k; the first is also that of L₂.
  public let training: [Problem.Batch]
  /// A loss is the mean over the examples of all of them.
  public let validationCount: Int
  /// Normalisation statistics are recalibrated on these.
  public let recalibration: [Problem.Batch]
  private let validationBatch: (Int) throws -> Problem.Batch

  public init(training: [Problem.Batch], validation: [Problem.Batch], recalibration: [Problem.Batch] = []) {
    self.training = training
    validationCount = validation.count
    self.recalibration = recalibration
    validationBatch = { validation[$0] }
  }

  /// Validation batches, counted from 0. Those of the whole split are made on demand: all of them can take more memory than
  /// the network.
  ///
  /// - Throws: what the problem throws where its data are damaged.
  public func validation(_ index: Int) throws -> Problem.Batch { try validationBatch(index) }

  /// The batches that a search would meet from a weight step on: training batches step, step + 1, … (into the next epoch
  /// where this one ends) and validation batches likewise, or the whole split.
  ///
  /// - Parameter batchNorm: statistics are recalibrated on training batches from the same step on.
  /// - Throws: `InputError` where there is no validation batch; what the problem throws where its data are damaged.
  public init(
    of problem: Problem, epoch: Int, firstStep: Int = 0, objectives: [Objective], validation: ValidationExtent = .batches(1),
    batchNorm: BatchNormMode = .batch
  ) throws {
    let longest = max(1, objectives.map(\.trainingBatches).max() ?? 1)
    let recalibration = batchNorm.batches ?? 0
    let length = max(1, problem.stepsPerEpoch)
    func place(_ offset: Int) -> (epoch: Int, step: Int) {
      (epoch + (firstStep + offset) / length, (firstStep + offset) % length)
    }
    let ahead = try (0..<max(longest, recalibration)).map {
      try problem.trainingBatch(epoch: place($0).epoch, step: place($0).step)
    }
    training = Array(ahead.prefix(longest))
    self.recalibration = Array(ahead.prefix(max(0, recalibration)))
    switch validation {
    case .batches(let count):
      let batches = try (0..<max(0, count)).map {
        try problem.validationBatch(epoch: place($0).epoch, step: place($0).step)
      }
      validationCount = batches.count
      validationBatch = { batches[$0] }
    case .split:
      validationCount = problem.validationSplitCount
      validationBatch = { try problem.validationSplitBatch($0) }
    }
    guard validationCount > 0 else {
      throw InputError("none", at: "validation batches", wanted: "at least one")
    }
  }
}

/// How many validation batches there are to be.
public enum ValidationExtent: Equatable, Sendable {
  /// Those of so many weight steps from the checkpoint on.
  case batches(Int)
  /// The whole validation split, without augmentation.
  case split

  /// Reads a number or `all`.
  ///
  /// - Throws: `InputError` for anything else.
  public init(parsing text: String) throws {
    if text == "all" {
      self = .split
      return
    }
    guard let count = RunBounds.batches.count(text) else {
      throw InputError(
        "not a number of batches", at: .setting("validation_batches"), found: "'\(text)'",
        wanted: "\(RunBounds.batches.wanted), or all")
    }
    self = .batches(count)
  }
}
