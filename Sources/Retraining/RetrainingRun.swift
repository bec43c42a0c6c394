import Cells
import Compute
import Datasets
import Engine
import Formats
import Foundation
import Logging
import Problems
import Runs
import Search

/// Trains a derived network from scratch and tests it, epoch by epoch.
///
/// Like a search it is a pure function of its configuration: interrupted at any step and resumed it ends in the same bits.
public final class RetrainingRun {
  public let configuration: RetrainingConfiguration
  public let files: SearchRunFolder
  let model: DerivedModel
  let loader: RetrainingLoader
  let logger: Logger
  private let stop: StopRequest
  private let progress: ProgressReporter
  private let gradient: ParameterVector
  private var trail = StepTrail()
  private var events: RetrainingEvents?
  private var mark = ProgressReporter.monotonicSeconds()
  var state: RetrainingState
  var lastCheckpoint = "none yet"

  /// A new run in a folder that holds nothing yet. Writes config.yaml, genotype.txt and the checkpoint of epoch 0.
  ///
  /// - Throws: `InputError` for settings out of range, `InputError` for a network that cannot be built,
  ///   `InputError` for data that cannot be used, `InputError` where the folder cannot be written.
  public convenience init(
    starting configuration: RetrainingConfiguration, dataset: ImageDataset, folder: () throws -> OutputFolder,
    progress: ProgressReporter = .silent, stop: StopRequest = StopRequest()
  ) throws {
    try configuration.validate()
    let (model, loader) = try Self.build(configuration, dataset)
    let folder = try folder()
    let files = SearchRunFolder(folder)
    try AtomicFile.write(configuration.yaml, to: files.configurationPath)
    try AtomicFile.write(model.architecture.genotype.line + "\n", to: files.genotypePath)
    _ = try folder.subfolder("checkpoints")
    try self.init(
      configuration: configuration, model: model, loader: loader, files: files, progress: progress, stop: stop,
      state: RetrainingState(starting: model, seed: configuration.seed))
    try writeCheckpoint(to: files.checkpointPath(epoch: 0))
    Provenance.record(in: logger)
    logger.info("retraining starts: \(configuration.epochs) epochs of \(loader.stepsPerEpoch) steps")
  }

  init(
    configuration: RetrainingConfiguration, model: DerivedModel, loader: RetrainingLoader, files: SearchRunFolder,
    progress: ProgressReporter, stop: StopRequest, state: RetrainingState
  ) throws {
    self.configuration = configuration
    self.model = model
    self.loader = loader
    self.files = files
    self.progress = progress
    self.stop = stop
    self.state = state
    gradient = model.makeVector()
    let handler = try RunLogHandler(path: files.logPath)
    logger = Logger(label: "retrain") { _ in handler }
  }

  static func build(_ configuration: RetrainingConfiguration, _ dataset: ImageDataset) throws -> (
    DerivedModel, RetrainingLoader
  ) {
    var augmentation = dataset.augmentation
    augmentation.cutoutLength = configuration.cutout > 0 ? configuration.cutout : nil
    let loader = try RetrainingLoader(
      dataset: dataset, seed: configuration.seed, batchSize: configuration.batch, trainLimit: configuration.trainLimit,
      testLimit: configuration.testLimit, augmentation: augmentation, threads: configuration.threads)
    let architecture = try DerivedArchitecture(
      genotype: Genotype(parsing: configuration.genotype), scale: configuration.scale, channels: configuration.channels,
      layers: configuration.layers, classes: dataset.classes, imageSize: dataset.side,
      hasAuxiliaryHead: configuration.auxiliary)
    let threads = configuration.threads > 0 ? configuration.threads : ProcessInfo.processInfo.activeProcessorCount
    let model = try DerivedModel(
      architecture: architecture, batch: configuration.batch, threads: threads, kernels: Kernels.select())
    return (model, loader)
  }

  var weightSteps: Int { state.epoch * loader.stepsPerEpoch + state.step }

  /// Runs to the last epoch, or to the next step's end where a stop is requested.
  ///
  /// - Returns: the last epoch's row.
  /// - Throws: `Interruption` after a stop, once the checkpoint is written; `Divergence` where a loss
  ///   or a norm is not finite; `InputError` for an image that cannot be decoded; `InputError` where a file cannot be
  ///   written or another process works in the folder.
  @discardableResult
  public func run() throws -> RetrainingRecord? {
    let lock = try files.lock()
    defer { withExtendedLifetime(lock) { progress.clear() } }
    do {
      if configuration.tensorboard, state.epoch < configuration.epochs {
        let isNew = EventFile.names(in: files.folder).isEmpty
        events = try RetrainingEvents(folder: files.folder, continuingAfter: isNew ? nil : weightSteps)
      }
      while state.epoch < configuration.epochs { try runEpoch() }
    } catch {
      logger.error("\(error)")
      throw error
    }
    logger.info("finished")
    return state.records.last
  }

  private func runEpoch() throws {
    mark = ProgressReporter.monotonicSeconds()
    let step = WeightStep(
      learningRate: Float(configuration.learningRate(epoch: state.epoch)), momentum: Float(configuration.momentum),
      weightDecay: Float(configuration.weightDecay), gradientClip: Float(configuration.gradientClip))
    while state.step < loader.stepsPerEpoch {
      if stop.isRequested { throw try interrupted() }
      try take(step)
      let every = configuration.checkpointEvery
      if every > 0, state.step.isMultiple(of: every), state.step < loader.stepsPerEpoch {
        passTime()
        try writeCheckpoint(to: files.checkpointPath(epoch: state.epoch, step: state.step))
      }
    }
    guard let test = try test() else { throw try interrupted() }
    try finishEpoch(test)
  }

  private func take(_ step: WeightStep) throws {
    let batch = try loader.trainingBatch(epoch: state.epoch, step: state.step)
    let drop = configuration.dropPath(epoch: state.epoch)
    let result = model.gradient(
      weights: state.weights, batch: batch,
      regularisation: .init(
        dropPath: drop, auxiliaryWeight: configuration.auxiliaryWeight, labelSmoothing: configuration.labelSmoothing),
      keep: drop > 0 ? kept(images: batch.count, drop: drop) : nil, weightGradient: gradient,
      statistics: state.statistics)
    let norm = gradient.norm
    trail.add(
      StepTrail.Entry(
        epoch: state.epoch, step: state.step,
        [
          ("training loss", result.loss), ("‖∇ω‖", norm), ("‖ω‖", state.weights.norm), ("‖momentum‖", state.momentum.norm),
        ]))
    guard result.loss.isFinite, norm.isFinite, result.auxiliaryLoss?.isFinite ?? true else { throw diverged() }
    let scale = min(1, configuration.gradientClip / (norm + 1e-6))
    state.weights.momentumStep(
      velocity: state.momentum, gradient: gradient, gradientScale: Float(scale), learningRate: step.learningRate,
      momentum: step.momentum, weightDecay: step.weightDecay)
    state.tally.trainingLoss += result.loss * Double(batch.count)
    state.tally.auxiliaryLoss += (result.auxiliaryLoss ?? 0) * Double(batch.count)
    state.tally.gradientNorm += norm
    state.tally.correct += result.correct
    state.tally.count += batch.count
    state.tally.steps += 1
    state.step += 1
    try events?.add(step: weightSteps, loss: result.loss, auxiliaryLoss: result.auxiliaryLoss, gradientNorm: norm)
    progress.report(
      done: work(weightSteps: weightSteps, tests: testsBefore(epoch: state.epoch)),
      of: work(weightSteps: configuration.epochs * loader.stepsPerEpoch, tests: testsBefore(epoch: configuration.epochs)),
      images: state.epoch * loader.trainingMembers.count + state.tally.count,
      "retrain  epoch \(state.epoch + 1)/\(configuration.epochs)  step \(state.step)/\(loader.stepsPerEpoch)  "
        + "training loss " + String(format: "%.4f", state.tally.trainingLoss / Double(state.tally.count)))
  }

  /// Which paths of which images are kept, a pure function of the seed and the step.
  private func kept(images: Int, drop: Double) -> [Bool] {
    var stream = RandomStream(seed: configuration.seed, purpose: .dropPath, epoch: state.epoch, step: state.step)
    return (0..<model.pathCount * images).map { _ in stream.uniform() >= drop }
  }

  /// A test image costs about a third of a training image.
  private func work(weightSteps: Int, tests: Int) -> Double {
    Double(weightSteps * configuration.batch) + Double(tests * loader.testMembers.count) / 3
  }

  private func testsBefore(epoch: Int) -> Int {
    epoch / configuration.testEvery
      + (epoch == configuration.epochs && !epoch.isMultiple(of: configuration.testEvery) ? 1 : 0)
  }

  private func isTested(_ epoch: Int) -> Bool {
    (epoch + 1).isMultiple(of: configuration.testEvery) || epoch + 1 == configuration.epochs
  }

  /// Loss and accuracy on the test split with running statistics; nil within where none is due, nil where stopped.
  private func test() throws -> (loss: Double, accuracy: Double)?? {
    guard isTested(state.epoch), !loader.testMembers.isEmpty else { return .some(nil) }
    var (loss, correct) = (0.0, 0)
    let split = loader.testSplit
    for index in 0..<split.count {
      if stop.isRequested { return nil }
      let batch = try split[index]
      let result = model.evaluate(weights: state.weights, statistics: state.statistics, batch: batch)
      loss += result.loss * Double(batch.count)
      correct += result.correct
    }
    let count = Double(loader.testMembers.count)
    return .some((loss / count, Double(correct) / count))
  }

  private func finishEpoch(_ test: (loss: Double, accuracy: Double)?) throws {
    passTime()
    let tally = state.tally
    let count = Double(max(1, tally.count))
    let record = RetrainingRecord(
      epoch: state.epoch + 1, trainingLoss: tally.trainingLoss / count,
      trainingAccuracy: Double(tally.correct) / count,
      auxiliaryLoss: configuration.auxiliary ? tally.auxiliaryLoss / count : nil, testLoss: test?.loss,
      testAccuracy: test?.accuracy, learningRate: configuration.learningRate(epoch: state.epoch),
      dropPath: configuration.dropPath(epoch: state.epoch), gradientNorm: tally.gradientNorm / Double(max(1, tally.steps)),
      weightSteps: (state.epoch + 1) * loader.stepsPerEpoch, seconds: tally.seconds)
    state.records.append(record)
    state.epoch += 1
    state.step = 0
    state.tally = RetrainingTally()
    try CSVWriter.write(
      columns: RetrainingRecord.columns, rows: state.records.map(\.row), to: files.metricsPath)
    try events?.add(record)
    try writeCheckpoint(to: files.checkpointPath(epoch: state.epoch))
    files.removeCheckpoints(keepingLast: configuration.keepLast, epoch: state.epoch, logger: logger)
    let tested = test.map { String(format: ", test accuracy %.2f %%, test loss %.4f", 100 * $0.accuracy, $0.loss) } ?? ""
    let line =
      "epoch \(state.epoch)/\(configuration.epochs): training loss \(String(format: "%.4f", record.trainingLoss)), "
      + "accuracy \(String(format: "%.2f", 100 * record.trainingAccuracy)) %\(tested)"
    logger.info("\(line)")
    progress.note("retrain  \(line)")
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

  private func diverged() -> Divergence {
    Divergence(
      ([
        "retraining diverged at epoch \(state.epoch), step \(state.step) (both from 0); the last good checkpoint is "
          + lastCheckpoint, "the last steps, the newest last:",
      ] + trail.lines.map { "  \($0)" }).joined(separator: "\n"))
  }

  private func passTime() {
    let now = ProgressReporter.monotonicSeconds()
    state.tally.seconds += now - mark
    mark = now
  }
}
