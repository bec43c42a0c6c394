import Cells
import Compute
import Formats
import Foundation
import Logging
import Problems
import Runs

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
  /// Criterion and history of DARTS-ES; nil for other methods.
  var earlyStopping: EarlyStopping?
  /// The newest checkpoint that this process has written or read.
  var lastCheckpoint: String?
  private var trail = StepTrail()
  private var lastUpdate: ArchitectureReport?
  var events: SearchEvents?
  private var images = 0
  private let gradient: ParameterVector
  private var upcoming: [Int: Problem.Batch] = [:]
  private var mark = ProgressReporter.monotonicSeconds()
  private let work: SearchWork

  /// A new run in a folder that holds nothing yet. Writes config.yaml and the checkpoint of epoch 0.
  ///
  /// - Parameters:
  ///   - space: what α stands for, where genotypes are to be derived; nil for a problem without cells.
  /// - Throws: `InputError` for settings out of range; `InputError` where the folder cannot be written.
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
    Provenance.record(in: logger)
    logger.info("\(configuration.method.rawValue) starts: \(configuration.epochs) epochs of \(problem.stepsPerEpoch) steps")
  }

  init(
    problem: Problem, configuration: SearchConfiguration, files: SearchRunFolder, space: SearchSpace?,
    progress: ProgressReporter, stop: StopRequest, state: SearchState
  ) throws {
    let initial = problem.initialAlphas
    let first = initial.matrices[0]
    guard initial.matrices.allSatisfy({ $0.rows == first.rows && $0.columns == first.columns }) else {
      throw InputError(
        "matrices of two shapes", at: "initial α",
        found: initial.matrices.map { "[\($0.rows), \($0.columns)]" }.joined(separator: " and "),
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
    earlyStopping = configuration.method.stopsEarly ? configuration.earlyStopping : nil
    gradient = problem.makeVector()
    let handler = try RunLogHandler(path: files.logPath)
    logger = Logger(label: "search") { _ in handler }
    work = SearchWork(
      configuration: configuration, stepsPerEpoch: problem.stepsPerEpoch, interval: optimiser.interval,
      updateCost: optimiser.updateCost,
      evaluationCost: Double(problem.validationSplitCount) / 3 + Self.eigenvalueCost(configuration, problem),
      epochEndCost: optimiser.epochEndCost)
  }

  /// Of an epoch on average, in training steps.
  private static func eigenvalueCost(_ configuration: SearchConfiguration, _ problem: Problem) -> Double {
    guard configuration.eigenvalueEvery > 0 else { return 0 }
    let batches = Double(min(configuration.eigenvalueBatches, problem.validationSplitCount))
    return ArchitectureHessian<Problem>.usualCost * batches / Double(configuration.eigenvalueEvery)
  }

  /// Whether the last epoch is finished or early stopping has set in.
  var isFinished: Bool { state.epoch >= configuration.epochs || earlyStopping?.decision != nil }

  /// Weight steps since the start.
  var weightSteps: Int { state.epoch * problem.stepsPerEpoch + state.step }

  /// Runs to the last epoch, to where early stopping sets in, or to the next step's end where a stop is requested.
  ///
  /// - Returns: the row and architecture of the epoch that the search returns: the last, unless it stopped early.
  /// - Throws: `Interruption` after a stop, once the checkpoint is written; `Divergence` where a loss
  ///   or a norm is not finite, with the last good checkpoint and the norms of the last steps; `InputError` where a file
  ///   cannot be written or another process works in the folder.
  @discardableResult
  public func run() throws -> (record: EpochRecord?, genotype: Genotype?) {
    let lock = try files.lock()
    defer { withExtendedLifetime(lock) { progress.clear() } }
    try proceed(to: configuration.epochs)
    return try finish()
  }

  /// Runs until so many epochs are finished, and leaves the search unfinished.
  ///
  /// - Throws: as `run` does.
  func advance(to epochs: Int) throws {
    let lock = try files.lock()
    defer { withExtendedLifetime(lock) { progress.clear() } }
    try proceed(to: epochs)
  }

  private func proceed(to epochs: Int) throws {
    do {
      if configuration.tensorboard, !isFinished {
        let isNew = EventFile.names(in: files.folder).isEmpty
        events = try SearchEvents(
          folder: files.folder, operations: space == nil ? nil : configuration.operations,
          continuingAfter: isNew ? nil : weightSteps)
      }
      while !isFinished, state.epoch < epochs { try runEpoch() }
    } catch let error as Divergence {
      let error = Divergence(([error.account] + circumstances).joined(separator: "\n"))
      for line in "\(error)".split(separator: "\n") { logger.error("\(line)") }
      throw error
    } catch {
      logger.error("\(error)")
      throw error
    }
  }

  /// What led to a divergence, a line each.
  private var circumstances: [String] {
    let steps =
      trail.entries.isEmpty ? [] : ["the last steps (both from 0), the newest last:"] + trail.lines.map { "  \($0)" }
    return ["last good checkpoint: \(lastCheckpoint ?? "none")"] + steps
  }

  private func finish() throws -> (record: EpochRecord?, genotype: Genotype?) {
    let index: Int
    if let decision = earlyStopping?.decision {
      index = configuration.warmup + decision.returned
      let account =
        "stopped early after epoch \(state.epoch): the averaged dominant eigenvalue went from \(decision.before) around "
        + "epoch \(index + 1) to \(decision.after) around epoch \(configuration.warmup + decision.epoch + 1); the architecture is "
        + "that of epoch \(index + 1)"
      logger.info("\(account)")
      progress.note("\(configuration.method.rawValue)  \(account)")
    } else {
      index = state.records.count - 1
    }
    let genotype = state.genotypes.indices.contains(index) ? state.genotypes[index] : nil
    if let genotype { try AtomicFile.write(genotype.line + "\n", to: files.genotypePath) }
    logger.info("finished")
    return (state.records.indices.contains(index) ? state.records[index] : nil, genotype)
  }

  private func runEpoch() throws {
    mark = ProgressReporter.monotonicSeconds()
    do {
      let weightStep = schedules.weightStep(epoch: state.epoch)
      while state.step < problem.stepsPerEpoch {
        if stop.isRequested { throw CancellationError() }
        try updateAlphasIfDue(weightStep)
        try takeWeightStep(weightStep)
        try writeStepCheckpointIfDue()
      }
      try finishEpoch()
    } catch is CancellationError {
      throw try interrupted()
    }
  }

  private func writeStepCheckpointIfDue() throws {
    let interval = configuration.checkpointEvery
    // At the end of an epoch its own checkpoint is about to be written.
    guard interval > 0, state.step < problem.stepsPerEpoch, state.step.isMultiple(of: interval) else { return }
    passTime()
    try writeCheckpoint(to: files.checkpointPath(epoch: state.epoch, step: state.step))
    removeOldCheckpoints()
  }

  private func updateAlphasIfDue(_ weightStep: WeightStep) throws {
    lastUpdate = nil
    let sinceWarmup = weightSteps - configuration.warmup * problem.stepsPerEpoch
    guard sinceWarmup >= 0, sinceWarmup.isMultiple(of: optimiser.interval) else { return }
    let step = try ArchitectureStep<Problem>(
      weights: state.weights, velocity: state.momentum, weightStep: weightStep,
      trainingBatches: (0..<optimiser.trainingBatchCount).map { try batch(weightSteps + $0) },
      validationBatch: problem.validationBatch(epoch: state.epoch, step: state.step),
      sigma: schedules.sigma(epoch: state.epoch), seed: configuration.seed, epoch: state.epoch, step: state.step,
      isStopRequested: { [stop] in stop.isRequested })
    do {
      let report = try optimiser.update(&state.alphas, at: step)
      guard state.alphas.flat.allSatisfy(\.isFinite) else {
        throw Divergence("α is not finite after its update: ‖u‖ \(report.updateNorm)")
      }
      state.tally.add(report)
      lastUpdate = report
      if report.divergedCandidates > 0 {
        logger.warning("\(place): \(report.divergedCandidates) candidates diverged and carry no weight")
      }
    } catch let error as Divergence {
      throw Divergence("\(place): \(error.account)")
    }
  }

  private func takeWeightStep(_ weightStep: WeightStep) throws {
    let batch = try batch(weightSteps)
    upcoming[weightSteps] = nil
    let result = problem.takeWeightStep(
      weightStep, weights: state.weights, velocity: state.momentum, gradient: gradient, alphas: state.alphas, batch: batch,
      statistics: state.statistics)
    let weightNorm = state.weights.norm
    trail.add(trailEntry(result.loss.loss, gradientNorm: result.gradientNorm, weightNorm: weightNorm))
    guard result.loss.loss.isFinite, result.gradientNorm.isFinite, weightNorm.isFinite else {
      throw Divergence(
        "\(place): training loss \(result.loss.loss), gradient norm \(result.gradientNorm), ‖ω‖ \(state.weights.norm), "
          + "‖momentum‖ \(state.momentum.norm), ‖α‖ \(state.alphas.norm), learning rate \(weightStep.learningRate)")
    }
    state.tally.add(result.loss, gradientNorm: result.gradientNorm)
    state.step += 1
    images += result.loss.count
    try events?.add(step: weightSteps, loss: result.loss, gradientNorm: result.gradientNorm, update: lastUpdate)
    progress.report(
      done: work.done(weightSteps: weightSteps, epochs: state.epoch), of: work.total, images: images, progressText)
  }

  private func trailEntry(_ loss: Double, gradientNorm: Double, weightNorm: Double) -> StepTrail.Entry {
    let lost = lastUpdate.map(\.divergedCandidates) ?? 0
    return StepTrail.Entry(
      epoch: state.epoch, step: state.step,
      [
        ("training loss", loss), ("‖∇ω‖", gradientNorm), ("‖ω‖", weightNorm), ("‖momentum‖", state.momentum.norm),
        ("‖α‖", state.alphas.norm), ("validation loss", lastUpdate?.validationLoss ?? lastUpdate?.baselineLoss),
        ("‖∇α‖", lastUpdate?.gradientNorm), ("‖u‖", lastUpdate?.updateNorm),
      ], remark: lost > 0 ? "\(lost) of \(lastUpdate?.candidateLosses.count ?? 0) candidates diverged" : nil)
  }

  private var progressText: String {
    func short(_ value: Double) -> String { String(format: "%.4f", value) }
    let tally = state.tally
    var parts = [
      configuration.method.rawValue, "epoch \(state.epoch + 1)/\(configuration.epochs)",
      "step \(state.step)/\(problem.stepsPerEpoch)",
      "training loss \(short(tally.trainingLoss / Double(max(1, tally.count))))",
    ]
    if let loss = state.records.last?.validationLoss { parts.append("validation loss \(short(loss))") }
    if tally.comparedUpdates > 0 { parts.append("L_M(α) \(short(tally.baselineLoss / Double(tally.comparedUpdates)))") }
    if tally.weightedUpdates > 0 {
      parts.append("ESS \(String(format: "%.2f", tally.effectiveSampleSize / Double(tally.weightedUpdates)))")
    }
    return parts.joined(separator: "  ")
  }

  /// The training batch of a weight step, counted from the start of the run; read once and kept until it is taken.
  private func batch(_ weightStep: Int) throws -> Problem.Batch {
    if let batch = upcoming[weightStep] { return batch }
    let batch = try problem.trainingBatch(
      epoch: weightStep / problem.stepsPerEpoch, step: weightStep % problem.stepsPerEpoch)
    upcoming[weightStep] = batch
    return batch
  }

  private func interrupted() throws -> Interruption {
    passTime()
    // Before the first step of an epoch the state is the one that the epoch's own checkpoint holds.
    let path =
      state.step == 0
      ? files.checkpointPath(epoch: state.epoch) : files.checkpointPath(epoch: state.epoch, step: state.step)
    if state.step > 0 { try writeCheckpoint(to: path) }
    return Interruption(signal: stop.signal ?? SIGTERM, epoch: state.epoch, step: state.step, checkpoint: path)
  }

  func passTime() {
    let now = ProgressReporter.monotonicSeconds()
    state.tally.seconds += now - mark
    mark = now
  }

  var place: String {
    "\(configuration.method.rawValue), epoch \(state.epoch), step \(state.step) (both from 0)"
  }
}
