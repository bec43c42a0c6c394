import Formats
import Problems
import Runs

/// The batches that losses are evaluated on. Those that every point of a landscape sees (common random numbers) make differences
/// between points differences of α; fresh ones add what other data would have made.
public struct EvaluationBatches<Problem: BilevelProblem> {
  /// Batch k is that of inner step k; the first is also that of L₂. Of fresh batches those that a search would meet, for what is
  /// no point: directions, and the time of a step.
  public let training: [Problem.Batch]
  /// A loss is the mean over the examples of all of them.
  public let validationCount: Int
  /// Normalisation statistics are recalibrated on these, at every point.
  public let recalibration: [Problem.Batch]
  private let validationBatch: (_ index: Int, _ point: Int) throws -> Problem.Batch
  private let trainingBatches: (_ point: Int) throws -> [Problem.Batch]

  public init(training: [Problem.Batch], validation: [Problem.Batch], recalibration: [Problem.Batch] = []) {
    self.training = training
    self.recalibration = recalibration
    validationCount = validation.count
    validationBatch = { index, _ in validation[index] }
    trainingBatches = { _ in training }
  }

  /// Validation batches, counted from 0, at a point. Those of the whole split are made on demand: all of them can take more
  /// memory than the network.
  ///
  /// - Parameter point: the number of the point; nil for those that a search would meet.
  /// - Throws: what the problem throws where its data are damaged.
  public func validation(_ index: Int, at point: Int? = nil) throws -> Problem.Batch {
    try validationBatch(index, point ?? Self.noPoint)
  }

  /// The training batches of a point by its number.
  ///
  /// - Throws: what the problem throws where its data are damaged.
  public func training(at point: Int) throws -> [Problem.Batch] { try trainingBatches(point) }

  private static var noPoint: Int { -1 }

  /// The batches that a search would meet from a weight step on: training batches step, step + 1, … (into the next epoch
  /// where this one ends) and validation batches likewise, or the whole split; or training batches that are new at every point.
  /// Losses on training or test data are over batches of the whole split, in its order and without augmentation: all, or the first.
  ///
  /// - Parameters:
  ///   - data: what losses are evaluated on.
  ///   - batchNorm: statistics are recalibrated on training batches from the same step on.
  ///   - draw: whether points share them.
  ///   - points: how many points there may be.
  /// - Throws: `InputError` where there is no validation batch, or none of those data, and where there are more points than draws;
  ///   what the problem throws where its data are damaged.
  public init(
    of problem: Problem, epoch: Int, firstStep: Int = 0, objectives: [Objective], validation: ValidationExtent = .batches(1),
    data: DataSplit = .validation, batchNorm: BatchNormMode = .batch, draw: BatchDrawing = .fixed, points: Int = 1
  ) throws {
    if batchNorm != .batch, let objective = objectives.first(where: \.kind.needsBatchStatistics) {
      throw InputError(
        "derivatives with other statistics than the batches' are not computed", at: .setting("batch_norm"),
        found: "\(batchNorm.name) beside \(objective.label)", wanted: BatchNormMode.batch.name)
    }
    let longest = max(1, objectives.map(\.trainingBatches).max() ?? 1)
    let recalibration = batchNorm.batches ?? 0
    let length = max(1, problem.stepsPerEpoch)
    func place(_ offset: Int) -> (epoch: Int, step: Int) {
      (epoch + (firstStep + offset) / length, (firstStep + offset) % length)
    }
    let ahead = try (0..<max(longest, recalibration)).map {
      try problem.trainingBatch(epoch: place($0).epoch, step: place($0).step)
    }
    let shared = Array(ahead.prefix(longest))
    training = shared
    self.recalibration = Array(ahead.prefix(max(0, recalibration)))
    // Inner training longer than an epoch takes several draws, none of which is another point's.
    let draws = (longest + length - 1) / length
    if draw == .fresh {
      try InputError.require(
        Int.saturatingProduct(points, draws) <= BatchDraws.count, "batches", "fresh at \(points) points",
        "at most \(BatchDraws.count / draws) points", "too many points for batches of their own")
    }
    trainingBatches = { point in
      guard draw == .fresh else { return shared }
      return try (0..<longest).map { offset in
        try problem.trainingBatch(
          epoch: place(offset).epoch, step: offset % length, draw: point * draws + offset / length)
      }
    }
    guard data == .validation else {
      let count = try validation.count(of: problem.splitCount(data), data)
      validationCount = count
      guard case .batches = validation else {
        validationBatch = { index, _ in try problem.splitBatch(data, index) }
        return
      }
      let batches = try (0..<count).map { try problem.splitBatch(data, $0) }
      validationBatch = { index, _ in batches[index] }
      return
    }
    switch validation {
    case .batches(let count):
      let batches = try (0..<max(0, count)).map {
        try problem.validationBatch(epoch: place($0).epoch, step: place($0).step)
      }
      validationCount = batches.count
      validationBatch = { index, _ in batches[index] }
    case .split:
      validationCount = problem.validationSplitCount
      validationBatch = { index, _ in try problem.validationSplitBatch(index) }
    case .augmentedSplit:
      validationCount = length
      validationBatch = { index, point in
        point >= 0 && draw == .fresh
          ? try problem.validationBatch(epoch: epoch, step: index, draw: point * draws)
          : try problem.validationBatch(epoch: epoch, step: index)
      }
    }
    guard validationCount > 0 else {
      throw InputError("none", at: "validation batches", wanted: "at least one")
    }
  }
}

/// Whether the points of a landscape share their batches.
public enum BatchDrawing: String, CaseIterable, Sendable {
  /// Every point sees those that the search would meet next.
  case fixed
  /// Inner training has batches of its own at every point, and an augmented validation split is augmented anew. Which ones is a
  /// function of the seed and the point's number alone.
  case fresh
}

/// How many validation batches there are to be.
public enum ValidationExtent: Equatable, Sendable {
  /// Those of so many weight steps from the checkpoint on.
  case batches(Int)
  /// The whole validation split, without augmentation.
  case split
  /// The batches of an epoch of the search, augmented as the search's: of halves, each image of the validation half once, but for
  /// a rest that fills no batch.
  case augmentedSplit

  /// Reads a number, `all` or `augmented`.
  ///
  /// - Throws: `InputError` for anything else.
  public init(parsing text: String) throws {
    if let named = [Self.split, .augmentedSplit].first(where: { $0.text == text }) {
      self = named
      return
    }
    guard let count = RunBounds.batches.count(text) else {
      throw InputError(
        "not a number of batches", at: .setting("validation_batches"), found: "'\(text)'",
        wanted: "\(RunBounds.batches.wanted), all or augmented")
    }
    self = .batches(count)
  }

  /// As it is read.
  public var text: String {
    switch self {
    case .batches(let count): "\(count)"
    case .split: "all"
    case .augmentedSplit: "augmented"
    }
  }

  /// How many of the batches of a whole split losses are the mean over, where they are not those of a search.
  ///
  /// - Throws: `InputError` where there are no such data, or fewer batches, and where they are to be augmented.
  func count(of available: Int, _ data: DataSplit) throws -> Int {
    guard available > 0 else {
      throw InputError(
        "there are none", at: .setting("data"), found: data.rawValue,
        wanted: "data that the data set has: validation, for one")
    }
    switch self {
    case .split: return available
    case .batches(let count):
      try InputError.require(
        count <= available, "validation_batches", count, "1 to \(available), or all",
        "more than the batches of \(data.rawValue) data")
      return count
    case .augmentedSplit:
      throw InputError(
        "only validation images are drawn as a search augments them", at: .setting("validation_batches"),
        found: "\(text) of \(data.rawValue) data", wanted: "a number, or all")
    }
  }

  /// Batches that are in memory for the whole of a walk; the others are made on demand.
  public var kept: Int {
    if case .batches(let count) = self { return count }
    return 1
  }
}
