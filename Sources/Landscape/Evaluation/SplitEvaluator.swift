import Cells
import Compute
import Datasets
import Formats
import Problems

/// Loss, top-1 and top-5 of a network over whole splits of images, in fixed order and without augmentation.
public final class SplitEvaluator<Problem: NetworkProblem> {
  /// Mean loss and right answers on a batch, with running statistics or, where nil, with the batch's own.
  private let evaluate: (_ batch: ImageBatch, _ statistics: ParameterVector?) throws -> BatchLoss
  private let move: (_ statistics: ParameterVector, _ momentum: Float, _ batch: ImageBatch) throws -> Void
  private let problem: Problem
  private let statistics: ParameterVector?
  private let batchNorm: BatchNormMode
  private let first: (epoch: Int, step: Int)
  private var normaliser: ParameterVector?
  private var isNormalised = false

  /// The network of ω and α.
  ///
  /// - Parameters:
  ///   - statistics: running ones; nil where there are none.
  ///   - batchNorm: what normalises. Statistics are recalibrated once, on the training batches from `first` on, with the training's
  ///     augmentation, and are the same for all splits.
  ///   - first: the weight step (both counted from 0) whose training batch comes first.
  /// - Throws: `InputError` where there are no statistics that the mode needs.
  public convenience init(
    problem: Problem, weights: ParameterVector, alphas: ArchitectureParameters, statistics: ParameterVector?,
    batchNorm: BatchNormMode, first: (epoch: Int, step: Int) = (0, 0)
  ) throws {
    try self.init(problem, statistics, batchNorm, first) { batch, statistics in
      statistics.map { problem.evaluate(weights: weights, alphas: alphas, batch: batch, statistics: $0) }
        ?? problem.evaluate(weights: weights, alphas: alphas, batch: batch)
    } move: { statistics, momentum, batch in
      problem.moveStatistics(statistics, momentum: momentum, weights: weights, alphas: alphas, batch: batch)
    }
  }

  private init(
    _ problem: Problem, _ statistics: ParameterVector?, _ batchNorm: BatchNormMode, _ first: (epoch: Int, step: Int),
    evaluate: @escaping (ImageBatch, ParameterVector?) throws -> BatchLoss,
    move: @escaping (ParameterVector, Float, ImageBatch) throws -> Void
  ) throws {
    (self.problem, self.statistics, self.batchNorm, self.first) = (problem, statistics, batchNorm, first)
    (self.evaluate, self.move) = (evaluate, move)
    try batchNorm.check()
    try batchNorm.check(statistics, wanted: problem.makeInitialStatistics().count)
  }

  /// Batches of a split, and of what is done before the first of any.
  public func work(_ splits: [DataSplit]) -> Int {
    (isNormalised ? 0 : batchNorm.batches ?? 0) + splits.reduce(0) { $0 + problem.splitCount($1) }
  }

  /// - Parameters:
  ///   - isStopRequested: asked before each batch.
  ///   - progress: told of each batch that is done.
  /// - Throws: `InputError` where the data have no such split; `CancellationError` where a stop is requested; what the problem throws
  ///   where its data are damaged.
  public func tally(
    _ split: DataSplit, isStopRequested: @escaping () -> Bool = { false }, progress: @escaping () -> Void = {}
  ) throws -> SplitTally {
    let count = problem.splitCount(split)
    guard count > 0 else {
      let others = DataSplit.allCases.filter { problem.splitCount($0) > 0 }.map(\.rawValue)
      throw InputError(
        "the data have no such images", at: .setting("on"), found: split.rawValue, wanted: others.joined(separator: ", "))
    }
    let statistics = try normalise(isStopRequested, progress)
    var tally = SplitTally(countsTopFive: problem.classes > 5)
    for index in 0..<count {
      if isStopRequested() { throw CancellationError() }
      let batch = try problem.splitBatch(split, index)
      tally.add(try evaluate(batch, statistics), labels: batch.labels, classes: problem.classes) {
        problem.network.lastLogits(count: batch.count)
      }
      progress()
    }
    return tally
  }

  /// What losses are evaluated with; nil for each batch's own statistics.
  private func normalise(_ isStopRequested: @escaping () -> Bool, _ progress: @escaping () -> Void) throws
    -> ParameterVector?
  {
    guard !isNormalised else { return normaliser }
    let scratch = problem.makeInitialStatistics()
    var failure: (any Error)?
    let bench = NormalisationBench(checkpoint: statistics, scratch: scratch, batches: batchNorm.batches ?? 0) {
      [problem, move, first] index, momentum in
      guard failure == nil else { return }
      do {
        if isStopRequested() { throw CancellationError() }
        try move(scratch, momentum, problem.trainingBatch(epoch: first.epoch, step: first.step + index))
        progress()
      } catch {
        failure = error
      }
    }
    let found = batchNorm.normaliser(bench, statistics)
    if let failure { throw failure }
    (normaliser, isNormalised) = (found, true)
    return found
  }
}

extension SplitEvaluator where Problem == SupernetProblem {
  /// A derived architecture of a supernet with the weights that it inherits from ω; all else as the other.
  ///
  /// Running statistics are those of the mixture, which its operations had their part in, so that recalibrated ones say more.
  ///
  /// - Throws: besides, `InputError` where the supernet has no such architecture.
  public convenience init(
    problem: Problem, weights: ParameterVector, inheriting genotype: Genotype, statistics: ParameterVector?,
    batchNorm: BatchNormMode, first: (epoch: Int, step: Int) = (0, 0)
  ) throws {
    let model = problem.model
    try model.check(genotype)
    try self.init(problem, statistics, batchNorm, first) { batch, statistics in
      let (loss, correct) = try model.evaluate(weights: weights, genotype: genotype, batch: batch, statistics: statistics)
      return BatchLoss(loss: loss, correct: correct, count: batch.count)
    } move: { statistics, momentum, batch in
      try model.moveStatistics(statistics, momentum: momentum, weights: weights, genotype: genotype, batch: batch)
    }
  }
}
