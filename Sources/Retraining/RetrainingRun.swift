import Cells
import Compute
import Datasets
import Engine
import Formats
import Foundation
import Problems
import Runs

/// Trains a derived network from scratch, or from weights that are given, and tests it, epoch by epoch.
///
/// Like a search it is a pure function of its configuration: interrupted at any step and resumed it ends in the same bits.
public final class RetrainingRun {
  public let configuration: RetrainingConfiguration
  public let files: RetrainingFolder
  let model: DerivedModel
  let loader: RetrainingLoader
  /// Place, rows and what else all training runs have.
  let training: TrainingRun<RetrainingRun>
  private let gradient: ParameterVector
  let state: RetrainingState

  /// A new run in a folder that holds nothing yet. Writes config.yaml, genotype.txt and the checkpoint of epoch 0.
  ///
  /// - Parameters:
  ///   - weights: that training goes on from, the file of `configuration.weightsSHA256`; nil for initial ones. Momentum and the
  ///     schedule begin anew.
  ///   - kernels: the set that the program has chosen; nil for the one that `Kernels.select` chooses.
  /// - Throws: `InputError` for settings out of range, for a network that cannot be built, for weights that are not its own, for
  ///   data that cannot be used, and where the folder cannot be written.
  public convenience init(
    starting configuration: RetrainingConfiguration, from weights: TensorFile? = nil, dataset: ImageDataset,
    folder: () throws -> OutputFolder, progress: ProgressReporter = .silent, stop: StopRequest = StopRequest(),
    kernels: KernelSet? = nil
  ) throws {
    try configuration.validate()
    guard (weights == nil) == (configuration.weightsSHA256 == nil) else {
      throw InputError(
        "weights and their digest go together", at: .setting("weights"), found: weights?.path ?? "none",
        wanted: configuration.weightsSHA256.map { "the file of SHA-256 \($0)" } ?? "none without weights_sha256")
    }
    let (model, loader) = try Self.build(configuration, dataset, kernels)
    var state = RetrainingState(
      starting: model, seed: configuration.seed, initialisation: configuration.weightInitialisation)
    let account = try weights.map { try state.take($0, for: model) }
    let files = RetrainingFolder(try folder())
    try files.prepare(configuration: configuration.yaml)
    try AtomicFile.write(model.architecture.genotype.line + "\n", to: files.genotypePath)
    try self.init(
      configuration: configuration, model: model, loader: loader, files: files, progress: progress, stop: stop, state: state)
    try training.begin(self)
    if let account, let digest = configuration.weightsSHA256 {
      let rate = configuration.learningRate(epoch: 0)
      training.logger.info(
        """
        goes on from \(account), SHA-256 \(digest); momentum at rest, schedule from its start: learning rate \(rate) in epoch 1
        """)
    }
    let cost = model.architecture.cost
    func millions(_ count: Int) -> String { String(format: "%.3f M", Double(count) / 1e6) }
    training.logger.info(
      """
      network: \(millions(cost.parameters)) parameters, \(millions(cost.multiplyAdds)) multiply-adds of convolutions and \
      classifier, \(millions(cost.ptflopsMultiplyAdds)) as ptflops counts
      """)
  }

  init(
    configuration: RetrainingConfiguration, model: DerivedModel, loader: RetrainingLoader, files: RetrainingFolder,
    progress: ProgressReporter, stop: StopRequest, state: RetrainingState,
    course: TrainingCourse<RetrainingRecord, RetrainingTally> = .init()
  ) throws {
    self.configuration = configuration
    self.model = model
    self.loader = loader
    self.files = files
    self.state = state
    gradient = model.makeVector()
    training = try TrainingRun(
      in: files, label: "retrain", progress: progress, stop: stop, kernels: gradient.kernels, course: course)
  }

  static func build(
    _ configuration: RetrainingConfiguration, _ dataset: ImageDataset, _ kernels: KernelSet?
  ) throws -> (DerivedModel, RetrainingLoader) {
    let loader = try configuration.loader(on: dataset)
    let model = try DerivedModel(
      architecture: configuration.architecture(on: dataset), batch: configuration.batch, threads: configuration.threadCount,
      on: configuration.engine, kernels: kernels ?? Kernels.select())
    return (model, loader)
  }

  /// Runs to the last epoch, or to the next step's end where a stop is requested.
  ///
  /// - Returns: the last epoch's row.
  /// - Throws: `Interruption` after a stop, once the checkpoint is written; `Divergence` where a loss or a norm is not
  ///   finite; `InputError` for an image that cannot be decoded, and where a file cannot be written or another process works
  ///   in the folder.
  @discardableResult
  public func run() throws -> RetrainingRecord? {
    try training.run(self) {
      if let outcome { training.logger.info("\(outcome.text)") }
      training.logger.info("finished")
      return training.course.records.last
    }
  }
}

/// A weight step.
extension RetrainingRun: TrainingTask {
  package typealias Record = RetrainingRecord
  package typealias Sums = RetrainingTally

  package var name: String { "retrain" }
  package var title: String { "retraining" }
  package var epochs: Int { configuration.epochs }
  package var stepsPerEpoch: Int { loader.stepsPerEpoch }
  package var housekeeping: Housekeeping {
    Housekeeping(
      keepLast: configuration.keepLast, checkpointEvery: configuration.checkpointEvery,
      tensorboard: configuration.tensorboard)
  }

  package func takeStep() throws -> StepReport {
    let (epoch, step) = (training.course.epoch, training.course.step)
    let batch = try loader.trainingBatch(epoch: epoch, step: step)
    let drop = configuration.dropPath(epoch: epoch)
    let result = model.gradient(
      weights: state.weights, batch: batch,
      regularisation: .init(
        dropPath: drop, auxiliaryWeight: configuration.auxiliaryWeight, labelSmoothing: configuration.labelSmoothing),
      keep: drop > 0 ? kept(images: batch.count, drop: drop) : nil, weightGradient: gradient,
      statistics: state.statistics)
    let norm = gradient.norm
    let norms = [("‖∇ω‖", norm), ("‖ω‖", state.weights.norm), ("‖momentum‖", state.momentum.norm)]
    training.keep([("training loss", result.loss)] + norms)
    guard result.loss.isFinite, norm.isFinite, result.auxiliaryLoss?.isFinite ?? true else {
      let auxiliary = result.auxiliaryLoss.map { ", auxiliary loss \($0)" } ?? ""
      throw Divergence(
        "training loss \(result.loss)\(auxiliary), " + norms.map { "\($0) \($1)" }.joined(separator: ", "))
    }
    weightStep(epoch: epoch).move(
      state.weights, velocity: state.momentum, gradient: gradient,
      scale: WeightStep.clipScale(norm: norm, largest: configuration.gradientClip))
    training.course.tally.add(
      loss: result.loss, auxiliaryLoss: result.auxiliaryLoss, correct: result.correct, count: batch.count,
      gradientNorm: norm)
    return StepReport(
      images: batch.count,
      [("training_loss", result.loss), ("gradient_norm", norm), ("auxiliary_loss", result.auxiliaryLoss)])
  }

  private func weightStep(epoch: Int) -> WeightStep {
    WeightStep(
      learningRate: Float(configuration.learningRate(epoch: epoch)), momentum: Float(configuration.momentum),
      weightDecay: Float(configuration.weightDecay), gradientClip: Float(configuration.gradientClip),
      isNesterov: configuration.nesterov)
  }

  /// Which paths of which images are kept, a pure function of the seed and the step.
  private func kept(images: Int, drop: Double) -> [Bool] {
    var stream = RandomStream(
      seed: configuration.seed, purpose: .dropPath, epoch: training.course.epoch, step: training.course.step)
    return (0..<model.pathCount * images).map { _ in stream.uniform() >= drop }
  }

  /// A test image costs about a third of a training image.
  package func work(weightSteps: Int, epochs: Int) -> Double {
    Double(weightSteps * configuration.batch) + Double(testsBefore(epoch: epochs) * loader.testMembers.count) / 3
  }

  private func testsBefore(epoch: Int) -> Int {
    epoch / configuration.testEvery
      + (epoch == configuration.epochs && !epoch.isMultiple(of: configuration.testEvery) ? 1 : 0)
  }

  package var progressDetails: [String] {
    let tally = training.course.tally
    return ["training loss " + String(format: "%.4f", tally.trainingLoss / Double(max(1, tally.count)))]
  }
}
