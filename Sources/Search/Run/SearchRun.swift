import Compute
import Formats
import Foundation
import Logging
import Supernet

/// A search from its first weight step to its last: α updates when they are due, weight steps, metrics, files.
///
/// Before α is first updated a run is the same, bit for bit, whatever its method. DARTS updates α before every weight step
/// after the warm-up; ZARTS before every M-th, on the M training batches that the steps after it take (ZARTS, alg. 1).
public final class SearchRun<Problem: BilevelProblem> {
  public let configuration: SearchConfiguration
  public let files: SearchRunFolder
  let problem: Problem
  let optimiser: any ArchitectureOptimiser<Problem>
  let schedules: Schedules
  let space: SearchSpace?
  let stop: StopRequest
  let progress: ProgressReporter
  let logger: Logger
  var state: SearchState
  private let gradient: ParameterVector
  private var upcoming: [Int: Problem.Batch] = [:]
  private var mark = ProgressReporter.monotonicSeconds()
  private let work: SearchWork

  /// A new run in a folder that holds nothing yet. Writes config.yaml and the checkpoint of epoch 0.
  ///
  /// - Parameters:
  ///   - space: what α stands for, where genotypes are to be derived; nil for a problem without cells.
  /// - Throws: `SearchError.invalid` for settings out of range; `FormatError` where the folder cannot be written.
  public convenience init(
    starting problem: Problem, configuration: SearchConfiguration, folder: OutputFolder, space: SearchSpace?,
    progress: ProgressReporter = .silent, stop: StopRequest = StopRequest()
  ) throws {
    try configuration.validate()
    let files = SearchRunFolder(folder)
    try AtomicFile.write(configuration.yaml, to: files.configurationPath)
    _ = try folder.subfolder("checkpoints")
    try self.init(
      problem: problem, configuration: configuration, files: files, space: space, progress: progress, stop: stop,
      state: SearchState(starting: problem))
    try writeCheckpoint(to: files.checkpointPath(epoch: 0))
    logger.info("\(configuration.method.rawValue) starts: \(configuration.epochs) epochs of \(problem.stepsPerEpoch) steps")
  }

  init(
    problem: Problem, configuration: SearchConfiguration, files: SearchRunFolder, space: SearchSpace?,
    progress: ProgressReporter, stop: StopRequest, state: SearchState
  ) throws {
    let initial = problem.initialAlphas
    guard initial.normal.rows == initial.reduce.rows, initial.normal.columns == initial.reduce.columns else {
      throw SearchError.invalid(
        "matrices of two shapes", at: "initial α",
        found: "[\(initial.normal.rows), \(initial.normal.columns)] and [\(initial.reduce.rows), \(initial.reduce.columns)]",
        wanted: "one shape, since alphas.npy stacks them")
    }
    self.problem = problem
    self.configuration = configuration
    self.files = files
    self.space = space
    self.progress = progress
    self.stop = stop
    self.state = state
    optimiser = try configuration.makeOptimiser(for: problem)
    schedules = Schedules(configuration)
    gradient = problem.makeVector()
    let handler = try RunLogHandler(path: files.logPath)
    logger = Logger(label: "search") { _ in handler }
    work = SearchWork(
      configuration: configuration, stepsPerEpoch: problem.stepsPerEpoch, interval: optimiser.interval,
      updateCost: optimiser.updateCost, evaluationCost: Double(problem.validationSplitCount) / 3,
      epochEndCost: optimiser.epochEndCost)
  }

  /// Weight steps since the start.
  var weightSteps: Int { state.epoch * problem.stepsPerEpoch + state.step }

  /// Runs to the last epoch, or to the next step's end where a stop is requested.
  ///
  /// - Returns: the last epoch's row and architecture.
  /// - Throws: `SearchError.interrupted` after a stop, once the checkpoint is written; `SearchError.diverged` where a loss
  ///   or a norm is not finite; `FormatError` where a file cannot be written.
  @discardableResult
  public func run() throws -> (record: EpochRecord?, genotype: Genotype?) {
    defer { progress.clear() }
    do {
      while state.epoch < configuration.epochs { try runEpoch() }
    } catch let error as SearchError {
      logger.error("\(error)")
      throw error
    }
    logger.info("finished")
    return (state.records.last, state.genotypes.last)
  }

  private func runEpoch() throws {
    mark = ProgressReporter.monotonicSeconds()
    do {
      let weightStep = schedules.weightStep(epoch: state.epoch)
      while state.step < problem.stepsPerEpoch {
        if stop.isRequested { throw CancellationError() }
        try updateAlphasIfDue(weightStep)
        try takeWeightStep(weightStep)
      }
      try finishEpoch()
    } catch is CancellationError {
      throw try interrupted()
    }
  }

  private func updateAlphasIfDue(_ weightStep: WeightStep) throws {
    let sinceWarmup = weightSteps - configuration.warmup * problem.stepsPerEpoch
    guard sinceWarmup >= 0, sinceWarmup.isMultiple(of: optimiser.interval) else { return }
    let step = ArchitectureStep<Problem>(
      weights: state.weights, velocity: state.momentum, weightStep: weightStep,
      trainingBatches: (0..<optimiser.trainingBatchCount).map { batch(weightSteps + $0) },
      validationBatch: problem.validationBatch(epoch: state.epoch, step: state.step),
      sigma: schedules.sigma(epoch: state.epoch), seed: configuration.seed, epoch: state.epoch, step: state.step,
      isStopRequested: { [stop] in stop.isRequested })
    do {
      let report = try optimiser.update(&state.alphas, at: step)
      guard state.alphas.flat.allSatisfy(\.isFinite) else {
        throw SearchError.diverged("α is not finite after its update: ‖u‖ \(report.updateNorm)")
      }
      state.tally.add(report)
      if report.divergedCandidates > 0 {
        logger.warning("\(place): \(report.divergedCandidates) candidates diverged and carry no weight")
      }
    } catch SearchError.diverged(let account) {
      throw SearchError.diverged("\(place): \(account)")
    }
  }

  private func takeWeightStep(_ weightStep: WeightStep) throws {
    let batch = batch(weightSteps)
    try problem.checkBatches()
    upcoming[weightSteps] = nil
    let result = problem.takeWeightStep(
      weightStep, weights: state.weights, velocity: state.momentum, gradient: gradient, alphas: state.alphas, batch: batch,
      statistics: state.statistics)
    guard result.loss.loss.isFinite, result.gradientNorm.isFinite else {
      throw SearchError.diverged(
        "\(place): training loss \(result.loss.loss), gradient norm \(result.gradientNorm), ‖ω‖ \(state.weights.norm), "
          + "‖momentum‖ \(state.momentum.norm), ‖α‖ \(state.alphas.norm), learning rate \(weightStep.learningRate)")
    }
    state.tally.add(result.loss, gradientNorm: result.gradientNorm)
    state.step += 1
    progress.report(
      done: work.done(weightSteps: weightSteps, epochs: state.epoch), of: work.total,
      "\(configuration.method.rawValue)  epoch \(state.epoch + 1)/\(configuration.epochs)  "
        + "step \(state.step)/\(problem.stepsPerEpoch)  training loss "
        + String(format: "%.4f", state.tally.trainingLoss / Double(max(1, state.tally.count))))
  }

  /// The training batch of a weight step, counted from the start of the run; read once and kept until it is taken.
  private func batch(_ weightStep: Int) -> Problem.Batch {
    if let batch = upcoming[weightStep] { return batch }
    let batch = problem.trainingBatch(epoch: weightStep / problem.stepsPerEpoch, step: weightStep % problem.stepsPerEpoch)
    upcoming[weightStep] = batch
    return batch
  }

  private func finishEpoch() throws {
    if state.epoch >= configuration.warmup { try closeEpoch() }
    let validation = try problem.evaluateValidationSplit(
      weights: state.weights, alphas: state.alphas, isStopRequested: { [stop] in stop.isRequested })
    guard validation.loss.isFinite else {
      throw SearchError.diverged(
        "\(place): validation loss \(validation.loss), ‖ω‖ \(state.weights.norm), ‖α‖ \(state.alphas.norm)")
    }
    passTime()
    let genotype = try space.map { try Genotype(alphas: state.alphas, space: $0) }
    let record = makeRecord(validation: validation, genotype: genotype)
    state.records.append(record)
    state.alphaHistory.append(state.alphas)
    if let genotype { state.genotypes.append(genotype) }
    state.epoch += 1
    state.step = 0
    state.tally = EpochTally()
    try writeEpoch()
    let line =
      "epoch \(state.epoch)/\(configuration.epochs): training loss \(String(format: "%.4f", record.trainingLoss)), "
      + "validation loss \(String(format: "%.4f", record.validationLoss)), "
      + "accuracy \(String(format: "%.2f", 100 * record.validationAccuracy)) %"
    logger.info("\(line)")
    progress.note("\(configuration.method.rawValue)  \(line)")
  }

  private func closeEpoch() throws {
    let end = EpochEnd(
      weights: state.weights, seed: configuration.seed, epoch: state.epoch, steps: problem.stepsPerEpoch,
      isStopRequested: { [stop] in stop.isRequested })
    do {
      let diverged = try optimiser.finishEpoch(&state.alphas, at: end)
      state.tally.divergedCandidates += diverged
      if diverged > 0 { logger.warning("\(place): \(diverged) architectures diverged and do not count") }
    } catch SearchError.diverged(let account) {
      throw SearchError.diverged("\(place): \(account)")
    }
  }

  private func makeRecord(validation: BatchLoss, genotype: Genotype?) -> EpochRecord {
    let tally = state.tally
    let samples = configuration.method.takes("sigma") && tally.alphaUpdates > 0
    func mean(_ total: Double, of count: Int) -> Double? { count > 0 ? total / Double(count) : nil }
    return EpochRecord(
      epoch: state.epoch + 1, trainingLoss: mean(tally.trainingLoss, of: tally.count) ?? .nan,
      trainingAccuracy: mean(Double(tally.correct), of: tally.count) ?? .nan, validationLoss: validation.loss,
      validationAccuracy: validation.accuracy, learningRate: schedules.learningRate(epoch: state.epoch),
      sigma: samples ? schedules.sigma(epoch: state.epoch) : nil,
      effectiveSampleSize: mean(tally.effectiveSampleSize, of: tally.weightedUpdates),
      normalEntropy: state.alphas.normal.meanEntropy, reduceEntropy: state.alphas.reduce.meanEntropy,
      alphaNorm: state.alphas.norm, alphaUpdates: tally.alphaUpdates,
      acceptedUpdates: tally.acceptedUpdates, baselineLoss: mean(tally.baselineLoss, of: tally.comparedUpdates),
      alphaGradientNorm: mean(tally.alphaGradientNorm, of: tally.guidedUpdates),
      alphaUpdateNorm: mean(tally.alphaUpdateNorm, of: tally.alphaUpdates), divergedCandidates: tally.divergedCandidates,
      skipConnections: genotype?.skipConnectionCount, reduceSkipConnections: genotype?.reduceSkipConnectionCount,
      gradientNorm: mean(tally.gradientNorm, of: tally.weightSteps) ?? .nan, weightSteps: weightSteps,
      seconds: tally.seconds)
  }

  private func interrupted() throws -> SearchError {
    passTime()
    // Before the first step of an epoch the state is the one that the epoch's own checkpoint holds.
    let path =
      state.step == 0
      ? files.checkpointPath(epoch: state.epoch) : files.checkpointPath(epoch: state.epoch, step: state.step)
    if state.step > 0 { try writeCheckpoint(to: path) }
    return .interrupted(signal: stop.signal ?? SIGTERM, epoch: state.epoch, step: state.step, checkpoint: path)
  }

  private func passTime() {
    let now = ProgressReporter.monotonicSeconds()
    state.tally.seconds += now - mark
    mark = now
  }

  private var place: String {
    "\(configuration.method.rawValue), epoch \(state.epoch), step \(state.step) (both from 0)"
  }
}
