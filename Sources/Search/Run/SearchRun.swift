import Cells
import Compute
import Formats
import Foundation
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
  /// With the weight decay of the present round.
  var schedules: Schedules
  let space: SearchSpace?
  /// Who evaluates candidates; nil for the problem itself, one after the other.
  let crew: CandidateCrew<Problem>?
  /// Place, rows and what else all training runs have.
  let training: TrainingRun<SearchRun>
  var state: SearchState
  /// Criterion and history of a search that ends or goes back by its eigenvalues; nil for others.
  var eigenvalueRule: EarlyStopping?
  /// How the search goes back; nil where it never does.
  let adaptive: AdaptiveRegularisation?
  private var lastUpdate: ArchitectureReport?
  private let gradient: ParameterVector
  private var upcoming: [Int: Problem.Batch] = [:]
  private let work: SearchWork
  /// Of the mixing weights in weight steps after the warm-up; nil for none.
  private let perturbations: PerturbationSchedule?

  /// A new run in a folder that holds nothing yet. Writes config.yaml and the checkpoint of epoch 0.
  ///
  /// - Parameters:
  ///   - space: what α stands for, where genotypes are to be derived; nil for a problem without cells.
  ///   - crew: evaluates candidates, with the same bits; nil for the problem itself, one after the other.
  /// - Throws: `InputError` for settings out of range, and where the folder cannot be written.
  public convenience init(
    starting problem: Problem, configuration: SearchConfiguration, folder: OutputFolder, space: SearchSpace?,
    crew: CandidateCrew<Problem>? = nil, progress: ProgressReporter = .silent, stop: StopRequest = StopRequest()
  ) throws {
    try configuration.validate()
    let files = SearchRunFolder(folder)
    try files.prepare(configuration: configuration.yaml)
    try self.init(
      problem: problem, configuration: configuration, files: files, space: space, crew: crew, progress: progress,
      stop: stop, state: SearchState(starting: problem))
    try training.begin(self)
  }

  init(
    problem: Problem, configuration: SearchConfiguration, files: SearchRunFolder, space: SearchSpace?,
    crew: CandidateCrew<Problem>?, progress: ProgressReporter, stop: StopRequest, state: SearchState,
    course: TrainingCourse<EpochRecord, EpochTally> = .init()
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
    self.crew = crew
    self.state = state
    optimiser = try configuration.makeOptimiser(for: problem)
    schedules = Schedules(configuration, weightDecay: state.rollBacks.last?.raised)
    eigenvalueRule = configuration.eigenvalueRule
    adaptive = configuration.adaptiveRegularisation
    perturbations = configuration.perturbationSchedule
    gradient = problem.makeVector()
    if course.epoch == 0, course.step == 0 { self.state.alphas.auxiliarySkip = Float(schedules.auxiliarySkip(epoch: 0)) }
    work = SearchWork(
      configuration: configuration, stepsPerEpoch: problem.stepsPerEpoch, interval: optimiser.interval,
      updateCost: configuration.updatePlan.trainingSteps,
      evaluationCost: (configuration.runningValidation ? 2 : 1) * Double(problem.validationSplitCount) / 3
        + Self.eigenvalueCost(configuration, problem),
      epochEndCost: optimiser.epochEndCost)
    training = try TrainingRun(
      in: files, label: "search", progress: progress, stop: stop, kernels: gradient.kernels, course: course)
  }

  /// Of an epoch on average, in training steps.
  private static func eigenvalueCost(_ configuration: SearchConfiguration, _ problem: Problem) -> Double {
    guard configuration.eigenvalueEvery > 0 else { return 0 }
    let batches = Double(min(configuration.eigenvalueBatches, problem.validationSplitCount))
    return configuration.hessian.products().usualCost * batches / Double(configuration.eigenvalueEvery)
  }

  /// Runs to the last epoch, to where early stopping sets in, or to the next step's end where a stop is requested.
  ///
  /// - Returns: the row and architecture of the epoch that the search returns: the last, unless it stopped early.
  /// - Throws: `Interruption` after a stop, once the checkpoint is written; `Divergence` where a loss
  ///   or a norm is not finite, with the last good checkpoint and the norms of the last steps; `InputError` where a file
  ///   cannot be written or another process works in the folder.
  @discardableResult
  public func run() throws -> (record: EpochRecord?, genotype: Genotype?) {
    try training.run(self) { try finish() }
  }

  /// Runs until so many epochs are finished, and leaves the search unfinished.
  ///
  /// - Throws: as `run` does.
  func advance(to epochs: Int) throws { try training.run(self, to: epochs) {} }

  private func finish() throws -> (record: EpochRecord?, genotype: Genotype?) {
    let records = training.course.records
    let index: Int
    if let decision = earlyEnd {
      index = configuration.warmup + decision.returned
      let account =
        "stopped early after epoch \(records.count): the averaged dominant eigenvalue went from \(decision.before) around "
        + "epoch \(index + 1) to \(decision.after) around epoch \(configuration.warmup + decision.epoch + 1); the architecture is "
        + "that of epoch \(index + 1)"
      training.logger.info("\(account)")
      training.progress.note("\(name)  \(account)")
    } else {
      index = records.count - 1
    }
    let genotype = state.genotypes.indices.contains(index) ? state.genotypes[index] : nil
    if let genotype { try AtomicFile.write(genotype.line + "\n", to: files.genotypePath) }
    training.logger.info("finished")
    return (records.indices.contains(index) ? records[index] : nil, genotype)
  }
}

/// A weight step, and the update of α before it where one is due.
extension SearchRun: TrainingTask {
  package typealias Record = EpochRecord
  package typealias Sums = EpochTally

  package var name: String { configuration.method.rawValue }
  package var epochs: Int { configuration.epochs }
  package var stepsPerEpoch: Int { problem.stepsPerEpoch }
  package var endsEarly: Bool { earlyEnd != nil }
  /// Where and why the search ends before its last epoch; nil where it does not.
  private var earlyEnd: EarlyStopping.Decision? { configuration.earlyStopping == nil ? nil : eigenvalueRule?.decision }
  package var housekeeping: Housekeeping {
    Housekeeping(
      keepLast: configuration.keepLast, checkpointEvery: configuration.checkpointEvery,
      tensorboard: configuration.tensorboard)
  }

  /// Weight steps since the start.
  var weightSteps: Int { training.weightSteps(of: self) }
  var isStopRequested: () -> Bool { { [stop = training.stop] in stop.isRequested } }

  package func work(weightSteps: Int, epochs: Int) -> Double {
    abandonedWork(work) + work.done(weightSteps: weightSteps, epochs: epochs)
  }

  package func takeStep() throws -> StepReport {
    let weightStep = schedules.weightStep(epoch: training.course.epoch)
    state.alphas.auxiliarySkip = Float(schedules.auxiliarySkip(epoch: training.course.epoch))
    try updateAlphasIfDue(weightStep)
    let loss = try takeWeightStep(weightStep)
    return StepReport(
      images: loss.loss.count,
      [
        ("training_loss", loss.loss.loss), ("gradient_norm", loss.gradientNorm),
        ("validation_loss", lastUpdate?.validationLoss), ("baseline_loss", lastUpdate?.baselineLoss),
        ("ess", lastUpdate?.effectiveSampleSize), ("alpha_gradient_norm", lastUpdate?.gradientNorm),
        ("alpha_update_norm", lastUpdate?.updateNorm),
      ])
  }

  private func updateAlphasIfDue(_ weightStep: WeightStep) throws {
    lastUpdate = nil
    let sinceWarmup = weightSteps - configuration.warmup * problem.stepsPerEpoch
    guard sinceWarmup >= 0, sinceWarmup.isMultiple(of: optimiser.interval) else { return }
    let (epoch, step) = (training.course.epoch, training.course.step)
    var place = try ArchitectureStep<Problem>(
      weights: state.weights, velocity: state.momentum, weightStep: weightStep,
      trainingBatches: (0..<optimiser.trainingBatchCount).map { try batch(weightSteps + $0) },
      validationBatch: problem.validationBatch(epoch: epoch, step: step), sigma: schedules.sigma(epoch: epoch),
      seed: configuration.seed, epoch: epoch, step: step, isStopRequested: isStopRequested)
    place.crew = crew
    place.perturbation = perturbations.map {
      InnerPerturbation(schedule: $0, epoch: epoch, step: step, statistics: state.statistics)
    }
    let report = try optimiser.update(&state.alphas, at: place)
    guard state.alphas.flat.allSatisfy(\.isFinite) else {
      throw Divergence("α is not finite after its update: ‖u‖ \(report.updateNorm)")
    }
    training.course.tally.add(report)
    lastUpdate = report
    if report.divergedCandidates > 0 {
      training.logger.warning(
        "\(training.place(of: self)): \(report.divergedCandidates) candidates diverged and carry no weight")
    }
  }

  private func takeWeightStep(_ weightStep: WeightStep) throws -> (loss: BatchLoss, gradientNorm: Double) {
    let batch = try batch(weightSteps)
    upcoming[weightSteps] = nil
    let alphas = trainedAlphas(on: batch)
    let result = problem.takeWeightStep(
      weightStep, weights: state.weights, velocity: state.momentum, gradient: gradient, alphas: alphas, batch: batch,
      statistics: state.statistics)
    let weightNorm = state.weights.norm
    keep(result.loss.loss, gradientNorm: result.gradientNorm, weightNorm: weightNorm)
    guard result.loss.loss.isFinite, result.gradientNorm.isFinite, weightNorm.isFinite else {
      throw Divergence(
        "training loss \(result.loss.loss), gradient norm \(result.gradientNorm), ‖ω‖ \(state.weights.norm), "
          + "‖momentum‖ \(state.momentum.norm), ‖α‖ \(state.alphas.norm), learning rate \(weightStep.learningRate)")
    }
    training.course.tally.add(result.loss, gradientNorm: result.gradientNorm)
    return result
  }

  /// α, or after the warm-up, which is the same for every method, that of its perturbed mixing weights.
  private func trainedAlphas(on batch: Problem.Batch) -> ArchitectureParameters {
    let (epoch, step) = (training.course.epoch, training.course.step)
    guard let perturbations, epoch >= configuration.warmup else { return state.alphas }
    return perturbations.alphas(
      around: state.alphas, of: problem, epoch: epoch, step: step, weights: state.weights, batch: batch,
      statistics: state.statistics)
  }

  private func keep(_ loss: Double, gradientNorm: Double, weightNorm: Double) {
    let lost = lastUpdate.map(\.divergedCandidates) ?? 0
    training.keep(
      [
        ("training loss", loss), ("‖∇ω‖", gradientNorm), ("‖ω‖", weightNorm), ("‖momentum‖", state.momentum.norm),
        ("‖α‖", state.alphas.norm), ("validation loss", lastUpdate?.validationLoss ?? lastUpdate?.baselineLoss),
        ("‖∇α‖", lastUpdate?.gradientNorm), ("‖u‖", lastUpdate?.updateNorm),
      ], remark: lost > 0 ? "\(lost) of \(lastUpdate?.candidateLosses.count ?? 0) candidates diverged" : nil)
  }

  package var progressDetails: [String] {
    func short(_ value: Double) -> String { String(format: "%.4f", value) }
    let tally = training.course.tally
    var parts = ["training loss \(short(tally.trainingLoss / Double(max(1, tally.count))))"]
    if let loss = training.course.records.last?.validationLoss { parts.append("validation loss \(short(loss))") }
    if tally.comparedUpdates > 0 { parts.append("L_M(α) \(short(tally.baselineLoss / Double(tally.comparedUpdates)))") }
    if tally.weightedUpdates > 0 {
      parts.append("ESS \(String(format: "%.2f", tally.effectiveSampleSize / Double(tally.weightedUpdates)))")
    }
    return parts
  }

  /// Drops the batches that were read for steps to come.
  func forgetBatches() { upcoming = [:] }

  /// The training batch of a weight step, counted from the start of the run; read once and kept until it is taken.
  private func batch(_ weightStep: Int) throws -> Problem.Batch {
    if let batch = upcoming[weightStep] { return batch }
    let batch = try problem.trainingBatch(weightStep: weightStep)
    upcoming[weightStep] = batch
    return batch
  }
}
