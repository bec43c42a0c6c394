import Cells
import Compute
import Formats
import Foundation
import Problems
import Runs

/// Derives an architecture from a finished supernet as DARTS-PT does (Wang et al., ICLR 2021, §4, algorithm 1): round after
/// round an edge of each kind of cell becomes the operation without which the supernet is worst, then each node keeps the edges
/// without which it is; between rounds ω and α are trained on.
///
/// A pure function of its settings, of those of the search and of the checkpoint that it begins at: interrupted anywhere and
/// resumed it ends in the same bits, whatever the number of threads and of copies that removals are evaluated on.
public final class ProjectionRun<Problem: DerivableProblem> {
  public let settings: ProjectionSettings
  /// Of the search that trained the supernet.
  public let search: SearchConfiguration
  public let files: ProjectionFolder
  let problem: Problem
  let training: TrainingRun<ProjectionRun>
  let order: ProjectionOrder
  let state: ProjectionState
  let journal: RemovalJournal
  private let gradient: ParameterVector
  private let hands: CandidateHands<Problem>
  private let crew: Crew

  /// A new selection in a folder that holds nothing yet.
  ///
  /// - Parameters:
  ///   - checkpoint: of the supernet; its vectors are taken over.
  ///   - alphas: in the place of the checkpoint's.
  ///   - copies: of the problem, on which removals are evaluated side by side; none where that is done on the problem itself.
  ///   - folder: asked for once everything else is in order.
  /// - Throws: `InputError` for settings out of range, a checkpoint without α or of an architecture that is chosen already, and
  ///   where the folder cannot be written.
  public convenience init(
    starting problem: Problem, from checkpoint: SearchCheckpoint, alphas: ArchitectureParameters? = nil,
    search: SearchConfiguration, settings: ProjectionSettings, copies: [Problem] = [], folder: () throws -> OutputFolder,
    progress: ProgressReporter = .silent, stop: StopRequest = StopRequest()
  ) throws {
    try self.init(
      starting: problem, from: checkpoint, alphas: alphas, search: search, settings: settings, order: nil, copies: copies,
      folder: folder, progress: progress, stop: stop)
  }

  /// - Parameter order: nil for that of the settings. One that was given is not kept: such a selection can't be continued.
  package convenience init(
    starting problem: Problem, from checkpoint: SearchCheckpoint, alphas: ArchitectureParameters?,
    search: SearchConfiguration, settings: ProjectionSettings, order: ProjectionOrder?, copies: [Problem],
    folder: () throws -> OutputFolder, progress: ProgressReporter, stop: StopRequest
  ) throws {
    try settings.validate()
    let state = try ProjectionState(checkpoint, alphas: alphas, search: search, for: problem)
    let argmax = try Genotype(alphas: state.alphas, operations: search.operations, maximumSkips: search.maximumSkips)
    let files = ProjectionFolder(try folder())
    try files.prepare(configuration: settings.yaml(checkpoint: checkpoint.file.path))
    try AtomicFile.write(search.yaml, to: files.searchPath)
    try AtomicFile.write(argmax.line + "\n", to: files.argmaxPath)
    try self.init(
      problem: problem, settings: settings, search: search, files: files, order: order, copies: copies,
      progress: progress, stop: stop, state: state)
    try training.begin(self)
    training.logger.info("supernet of \(checkpoint.file.path); by argmax it is \(argmax.line)")
  }

  init(
    problem: Problem, settings: ProjectionSettings, search: SearchConfiguration, files: ProjectionFolder,
    order given: ProjectionOrder? = nil, copies: [Problem], progress: ProgressReporter, stop: StopRequest,
    state: ProjectionState,
    course: TrainingCourse<ProjectionRecord, ProjectionTally> = .init()
  ) throws {
    (self.problem, self.settings, self.search) = (problem, settings, search)
    (self.files, self.state) = (files, state)
    order = given ?? ProjectionOrder(of: state.alphas.kinds, settings.order, seed: settings.orderSeed)
    journal = try RemovalJournal(files.folder)
    gradient = problem.makeVector()
    hands = CandidateHands((copies.isEmpty ? [problem] : copies).map { CandidateHand($0) })
    crew = Crew(workers: max(1, copies.count))
    training = try TrainingRun(
      in: files, label: "derive", progress: progress, stop: stop, kernels: gradient.kernels, course: course)
  }

  /// Runs to the last decision, or to the next step or evaluation where a stop is requested.
  ///
  /// - Returns: the architecture.
  /// - Throws: `Interruption` after a stop; `Divergence` where a loss or a norm is not finite; `InputError` where a file cannot be
  ///   written, and for damaged data.
  @discardableResult
  public func run() throws -> Genotype { try training.run(self) { try finish() } }

  private func finish() throws -> Genotype {
    do {
      try decide(through: order.count)
    } catch is CancellationError {
      throw Interruption(
        signal: training.stop.signal ?? SIGTERM, epoch: training.course.epoch, step: training.course.step,
        checkpoint: files.checkpointPath(epoch: training.course.epoch, step: training.course.step))
    }
    let genotype = try Genotype(alphas: state.projected, operations: search.operations)
    try AtomicFile.write(genotype.line + "\n", to: files.genotypePath)
    journal.remove()
    training.logger.info("finished: \(genotype.line)")
    return genotype
  }

  /// Evaluates what the journal lacks.
  ///
  /// - Parameter removals: nil for the network with everything.
  /// - Throws: `CancellationError` where a stop is requested; `Divergence` for a loss that is not finite.
  func results(_ wanted: [(key: RemovalJournal.Key, removal: MixingRemoval?)], report: (_ done: Int) -> Void) throws
    -> [BatchLoss]
  {
    let missing = wanted.filter { journal.known[$0.key] == nil }
    let (weights, alphas, stop) = (state.weights, state.projected, training.stop)
    let batches = settings.validationBatches > 0 ? settings.validationBatches : .max
    var done = wanted.count - missing.count
    try crew.run(missing.count, isStopRequested: { stop.isRequested }) { index, worker in
      try hands.lend(to: worker) { hand in
        try hand.problem.evaluateValidationSplit(
          weights: weights, alphas: alphas, without: missing[index].removal, batches: batches,
          isStopRequested: { stop.isRequested })
      }
    } finished: { index, result in
      let key = missing[index].key
      guard result.loss.isFinite else {
        let what = key.edge.map { "edge \($0) \(key.operation)" } ?? "nothing"
        throw Divergence("validation loss \(result.loss) with \(what) of the \(key.kind) cells removed")
      }
      try journal.add(key, result)
      done += 1
      report(done)
    }
    return wanted.compactMap { journal.known[$0.key] }
  }
}

/// Training between decisions.
extension ProjectionRun: TrainingTask {
  package typealias Record = ProjectionRecord
  package typealias Sums = ProjectionTally

  package var name: String { "derive" }
  package var title: String { "selection" }
  /// The last round ends the selection: nothing is trained after it.
  package var epochs: Int { settings.tuneEpochs * max(0, order.count - 1) }
  package var stepsPerEpoch: Int { problem.stepsPerEpoch }
  package var housekeeping: Housekeeping {
    Housekeeping(keepLast: search.keepLast, checkpointEvery: search.checkpointEvery, tensorboard: search.tensorboard)
  }

  package func takeStep() throws -> StepReport {
    let (epoch, step) = (training.course.epoch, training.course.step)
    try decide(through: epoch / max(1, settings.tuneEpochs) + 1)
    // Orders and augmentation of its own; all else of a batch is as in the last epoch of the search.
    if settings.alphaUpdates == .firstOrder {
      try updateAlphas(on: problem.validationBatch(epoch: state.searchEpoch, step: step, draw: epoch))
    }
    let batch = try problem.trainingBatch(epoch: state.searchEpoch, step: step, draw: epoch)
    let result = problem.takeWeightStep(
      weightStep(epoch: epoch), weights: state.weights, velocity: state.momentum, gradient: gradient,
      alphas: state.projected, batch: batch, statistics: state.statistics)
    let norms = [
      ("‖∇ω‖", result.gradientNorm), ("‖ω‖", state.weights.norm), ("‖momentum‖", state.momentum.norm),
      ("‖α‖", state.alphas.norm),
    ]
    training.keep([("training loss", result.loss.loss)] + norms)
    guard result.loss.loss.isFinite, norms.allSatisfy(\.1.isFinite) else {
      throw Divergence(
        "training loss \(result.loss.loss), " + norms.map { "\($0) \($1)" }.joined(separator: ", "))
    }
    training.course.tally.add(result.loss, gradientNorm: result.gradientNorm)
    return StepReport(
      images: result.loss.count, [("training_loss", result.loss.loss), ("gradient_norm", result.gradientNorm)])
  }

  /// Adam on ∇L₁ at the decided mixing weights. Decided rows have a gradient of 0; what Adam and its weight decay make of them
  /// takes no part, as in the public code.
  private func updateAlphas(on batch: Problem.Batch) throws {
    let estimate = FirstOrderGradient(problem: problem).estimate(
      weights: state.weights, alphas: state.projected, validation: batch)
    guard estimate.loss.loss.isFinite, estimate.gradient.norm.isFinite else {
      throw Divergence(
        "the α gradient is not finite: validation loss \(estimate.loss.loss), ‖∇α‖ \(estimate.gradient.norm), "
          + "‖α‖ \(state.alphas.norm), ‖ω‖ \(state.weights.norm)")
    }
    state.adam.step(&state.alphas, gradient: estimate.gradient)
  }

  private func weightStep(epoch: Int) -> WeightStep {
    WeightStep(
      learningRate: Float(settings.learningRate(epoch: epoch, of: epochs)), momentum: Float(search.momentum),
      weightDecay: Float(state.weightDecay ?? search.weightDecay), gradientClip: Float(search.gradientClip))
  }

  package func measure() throws -> BatchLoss {
    let batches = settings.validationBatches > 0 ? settings.validationBatches : .max
    let result = try problem.evaluateValidationSplit(
      weights: state.weights, alphas: state.projected, without: nil, batches: batches,
      isStopRequested: { [stop = training.stop] in stop.isRequested })
    guard result.loss.isFinite else { throw Divergence("validation loss \(result.loss), ‖ω‖ \(state.weights.norm)") }
    return result
  }

  package func record(of validation: BatchLoss) -> ProjectionRecord {
    let (epoch, tally) = (training.course.epoch, training.course.tally)
    let count = Double(max(1, tally.count))
    var record = ProjectionRecord()
    record.epoch = epoch + 1
    record.trainingLoss = tally.trainingLoss / count
    record.trainingAccuracy = Double(tally.correct) / count
    (record.validationLoss, record.validationAccuracy) = (validation.loss, validation.accuracy)
    record.decidedEdges = state.decisions.decidedCount
    record.learningRate = settings.learningRate(epoch: epoch, of: epochs)
    record.gradientNorm = tally.gradientNorm / Double(max(1, tally.steps))
    record.weightSteps = training.weightSteps(of: self)
    record.seconds = tally.seconds
    return record
  }

  package var progressDetails: [String] {
    let tally = training.course.tally
    return ["training loss " + String(format: "%.4f", tally.trainingLoss / Double(max(1, tally.count)))]
  }

  package func account(of record: ProjectionRecord) -> String {
    "training loss \(String(format: "%.4f", record.trainingLoss)), "
      + "validation loss \(String(format: "%.4f", record.validationLoss)), "
      + "accuracy \(String(format: "%.2f", 100 * record.validationAccuracy)) %, \(record.decidedEdges) edges decided"
  }
}
