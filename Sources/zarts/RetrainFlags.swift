import ArgumentParser
import Datasets
import Engine
import Retraining

/// Settings of a retraining as flags; one that is not given leaves the setting as it is.
struct RetrainFlags: ParsableArguments {
  @Option(help: "\(DatasetSpecification.forms).")
  var dataset: String?
  @Option(help: "Key of every random number. Default: 0.")
  var seed: UInt64?
  @Option(help: "Passes over the training images. Default: 600, imagenet 250.")
  var epochs: Int?
  @Option(help: "Images of a batch. Default: 96, imagenet 128.")
  var batch: Int?
  @Option(help: "Channels of the first cells, a multiple of 4. Default: 36, imagenet 48.")
  var channels: Int?
  @Option(help: "Cells. Default: 20, imagenet 14.")
  var layers: Int?
  @Flag(inversion: .prefixedNo, help: "Whether a second classifier helps to train. Default: yes.")
  var auxiliary: Bool?
  @Option(help: "What the auxiliary head's loss counts. Default: 0.4.")
  var auxiliaryWeight: Double?
  @Option(help: "Side of the square cut out of training images, 0 for none. Default: 16, imagenet 0.")
  var cutout: Int?
  @Option(help: "Probability of dropping a path, reached linearly. Default: 0.2, imagenet 0.")
  var dropPath: Double?
  @Option(help: "Share of the target spread over all classes. Default: 0, imagenet 0.1.")
  var labelSmoothing: Double?
  @Option(help: "cosine, exponential or linear. Default: cosine, imagenet exponential.")
  var schedule: RetrainingSchedule?
  @Option(help: "Epochs at the start over which the learning rate rises, 0 for none. Default: 0.")
  var warmupEpochs: Int?
  @Option(help: "What it rises to: start, the learning rate at the start, or schedule, that of the epoch. Default: start.")
  var warmupTarget: RetrainingSchedule.WarmupTarget?
  @Option(help: "Learning rate at the start. Default: 0.025, imagenet 0.1.")
  var learningRate: Double?
  @Option(help: "Learning rate at the end. Default: 0.")
  var minimumLearningRate: Double?
  @Option(help: "Factor of the exponential schedule, an epoch. Default: 0.97.")
  var learningRateDecay: Double?
  @Option(help: "Momentum of SGD. Default: 0.9.")
  var momentum: Double?
  @Flag(inversion: .prefixedNo, help: "Whether SGD looks ahead along the momentum. Default: not, nb201 yes.")
  var nesterov: Bool?
  @Option(help: "L2 penalty. Default: 3e-4, imagenet 3e-5.")
  var weightDecay: Double?
  @Option(help: "Largest norm of the gradient. Default: 5.")
  var gradientClip: Double?
  @Option(help: "Use only so many training images. Default: all.")
  var trainLimit: Int?
  @Option(help: "Use only so many test images. Default: all.")
  var testLimit: Int?
  @Flag(
    inversion: .prefixedNo,
    help: "Train on half of the training images, report on the other half, and never read the test split. Default: not.")
  var holdOut: Bool?
  @Option(help: "Order in which training images are taken and halved: file-order or seeded. Default: seeded.")
  var split: SplitOrder?
  @Option(help: "Size of depthwise weights at the start: pytorch-1, or pytorch-0.3, √C smaller. Default: pytorch-1.")
  var depthwiseInitialisation: DepthwiseInitialisation?
  @Option(
    help: "Scales of batch norms at the start: ones, or uniform, drawn from U(0, 1) as PyTorch up to 1.1 did. Default: ones."
  )
  var batchNormInitialisation: BatchNormInitialisation?
  @Option(help: "Epochs from one test to the next. Default: 1.")
  var testEvery: Int?
  @Option(
    help:
      "Checkpoints of finished epochs that stay, 0 for all: n of them have n - 1 principal components (landscape). Default: 2."
  )
  var keepLast: Int?
  @Option(help: "Weight steps from one checkpoint to the next within an epoch, 0 for none. Default: 0.")
  var checkpointEvery: Int?
  @Flag(inversion: .prefixedNo, help: "Write event files for TensorBoard into the run folder. Default: not.")
  var tensorboard: Bool?
  @Option(help: "Threads, \(ThreadHelp.zero); no result depends on them. Default: 0.")
  var threads: Int?
  @OptionGroup var pinning: PinFlag
  @Option(help: EngineKind.help())
  var engine: EngineKind?

  func apply(to configuration: inout RetrainingConfiguration) {
    func set<Value>(_ value: Value?, _ path: WritableKeyPath<RetrainingConfiguration, Value>) {
      if let value { configuration[keyPath: path] = value }
    }
    set(dataset, \.dataset)
    set(seed, \.seed)
    set(epochs, \.epochs)
    set(batch, \.batch)
    set(channels, \.channels)
    set(layers, \.layers)
    set(auxiliary, \.auxiliary)
    set(auxiliaryWeight, \.auxiliaryWeight)
    set(cutout, \.cutout)
    set(dropPath, \.dropPath)
    set(labelSmoothing, \.labelSmoothing)
    set(schedule, \.schedule)
    set(warmupEpochs, \.warmupEpochs)
    set(warmupTarget, \.warmupTarget)
    set(learningRate, \.learningRate)
    set(minimumLearningRate, \.minimumLearningRate)
    set(learningRateDecay, \.learningRateDecay)
    set(momentum, \.momentum)
    set(nesterov, \.nesterov)
    set(weightDecay, \.weightDecay)
    set(gradientClip, \.gradientClip)
    if let trainLimit { configuration.trainLimit = trainLimit }
    if let testLimit { configuration.testLimit = testLimit }
    set(holdOut, \.holdOut)
    set(split, \.split)
    set(depthwiseInitialisation, \.depthwiseInitialisation)
    set(batchNormInitialisation, \.batchNormInitialisation)
    set(testEvery, \.testEvery)
    applyHousekeeping(to: &configuration)
  }

  /// The flags that no result depends on.
  func applyHousekeeping(to configuration: inout RetrainingConfiguration) {
    if let keepLast { configuration.keepLast = keepLast }
    if let checkpointEvery { configuration.checkpointEvery = checkpointEvery }
    if let tensorboard { configuration.tensorboard = tensorboard }
    if let threads { configuration.threads = threads }
    if let engine { configuration.engine = engine }
  }

  /// Names of given flags that results depend on.
  var givenSettings: [String] {
    let settings: [(String, Bool)] = [
      ("dataset", dataset != nil), ("seed", seed != nil), ("epochs", epochs != nil), ("batch", batch != nil),
      ("channels", channels != nil), ("layers", layers != nil), ("auxiliary", auxiliary != nil),
      ("auxiliary-weight", auxiliaryWeight != nil), ("cutout", cutout != nil), ("drop-path", dropPath != nil),
      ("label-smoothing", labelSmoothing != nil), ("schedule", schedule != nil), ("warmup-epochs", warmupEpochs != nil),
      ("warmup-target", warmupTarget != nil), ("learning-rate", learningRate != nil),
      ("minimum-learning-rate", minimumLearningRate != nil), ("learning-rate-decay", learningRateDecay != nil),
      ("momentum", momentum != nil), ("nesterov", nesterov != nil), ("weight-decay", weightDecay != nil),
      ("gradient-clip", gradientClip != nil),
      ("train-limit", trainLimit != nil), ("test-limit", testLimit != nil), ("hold-out", holdOut != nil),
      ("split", split != nil),
      ("depthwise-initialisation", depthwiseInitialisation != nil),
      ("batch-norm-initialisation", batchNormInitialisation != nil), ("test-every", testEvery != nil),
    ]
    return settings.filter(\.1).map { "--\($0.0)" }
  }
}

extension RetrainingSchedule: ExpressibleByArgument {}
extension RetrainingSchedule.WarmupTarget: ExpressibleByArgument {}
