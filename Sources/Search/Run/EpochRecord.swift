import Formats
import Runs

/// One row of metrics.csv. Losses are mean cross-entropies in nats, entropies are in nats, times in seconds.
public struct EpochRecord: Equatable, Sendable, TableRecord {
  /// Counted from 1; the checkpoint of the same number holds the state at its end.
  public var epoch = 0
  /// Mean over the epoch's batches, each before its weight step.
  public var trainingLoss = Double.nan
  public var trainingAccuracy = Double.nan
  /// Over the whole validation split at the end of the epoch, each batch with its own statistics.
  public var validationLoss = Double.nan
  public var validationAccuracy = Double.nan
  /// The same with running statistics, as public logs have it; nil where it was not measured.
  public var runningValidationLoss: Double?
  public var runningValidationAccuracy: Double?
  /// Of the epoch's weight steps.
  public var learningRate = Double.nan
  /// σ of the epoch's candidates; nil where the method has no σ or the warm-up lasts.
  public var sigma: Double?
  /// Mean effective sample size of the epoch's updates.
  public var effectiveSampleSize: Double?
  public var normalEntropy = Double.nan
  /// Of the reduction cell; nil where there is one kind of cell alone. Tables of earlier versions repeat its entropy there.
  public var reduceEntropy: Double?
  /// ‖α‖ at the end of the epoch.
  public var alphaNorm = Double.nan
  public var alphaUpdates = 0
  /// Updates that moved α: fewer than `alphaUpdates` where GLD found nothing better.
  public var acceptedUpdates = 0
  /// Mean L_M(α) before the epoch's updates; nil where the method does not evaluate it.
  public var baselineLoss: Double?
  /// Means over the epoch's updates; no gradient where the method does not estimate any.
  public var alphaGradientNorm: Double?
  public var alphaUpdateNorm: Double?
  /// Candidates that left the finite range.
  public var divergedCandidates = 0
  /// In the derived normal and reduction cell; nil where the problem has no genotype.
  public var skipConnections: Int?
  public var reduceSkipConnections: Int?
  /// Mean norm of the weights' gradient before clipping.
  public var gradientNorm = Double.nan
  /// Weight steps since the start of the run.
  public var weightSteps = 0
  /// The largest eigenvalue of ∇²_α L_val at the end of the epoch; nil where it was not computed.
  public var dominantEigenvalue: Double?
  /// Weight decay of ω in the epoch, and the round that it is of, counted from 1; nil in the warm-up, and where weight decay is
  /// never raised (`AdaptiveRegularisation`).
  public var weightDecay: Double?
  public var round: Int?
  /// Wall time of the epoch.
  public var seconds = Double.nan

  package init() {}

  /// Columns beside the declared ones while a task runs: of tests.
  @TaskLocal package static var guests: [RecordColumn<EpochRecord>] = []

  package static var table: RecordTable<EpochRecord> {
    guests.isEmpty ? declared : RecordTable(declared.columns + guests)
  }

  private static let declared = RecordTable<EpochRecord>([
    .epoch(\.epoch),
    .real("training_loss", \.trainingLoss, .finite, event: "loss/training"),
    .real("training_accuracy", \.trainingAccuracy, .fraction, event: "accuracy/training"),
    .real("validation_loss", \.validationLoss, .finite, event: "loss/validation"),
    .real("validation_accuracy", \.validationAccuracy, .fraction, event: "accuracy/validation"),
    .real("learning_rate", \.learningRate, .notNegative, event: "schedule/learning_rate"),
    .real("sigma", \.sigma, .notNegative, event: "schedule/sigma"),
    .real("ess", \.effectiveSampleSize, .notNegative, event: "alpha/ess"),
    .real("alpha_entropy_normal", \.normalEntropy, .finite, event: "alpha/entropy_normal"),
    .real("alpha_entropy_reduce", \.reduceEntropy, .finite, event: "alpha/entropy_reduce"),
    .real("alpha_norm", \.alphaNorm, .notNegative, event: "alpha/norm"),
    .count("alpha_updates", \.alphaUpdates),
    .count("accepted_updates", \.acceptedUpdates),
    .real("baseline_loss", \.baselineLoss, event: "loss/baseline"),
    .real("alpha_gradient_norm", \.alphaGradientNorm, event: "alpha/gradient_norm"),
    .real("alpha_update_norm", \.alphaUpdateNorm, event: "alpha/update_norm"),
    .count("diverged_candidates", \.divergedCandidates),
    .count("skip_connections", \.skipConnections, RunBounds.cellEdges, event: "skip_connections/normal"),
    .count("skip_connections_reduce", \.reduceSkipConnections, RunBounds.cellEdges, event: "skip_connections/reduce"),
    .real("gradient_norm", \.gradientNorm, .notNegative),
    .count("weight_steps", \.weightSteps),
    .real(
      "dominant_eigenvalue", \.dominantEigenvalue, .finite, event: "alpha/dominant_eigenvalue", isNew: true),
    .real(
      "validation_loss_running", \.runningValidationLoss, .finite, event: "loss/validation_running", isNew: true),
    .real(
      "validation_accuracy_running", \.runningValidationAccuracy, .fraction, event: "accuracy/validation_running",
      isNew: true),
    .real("weight_decay", \.weightDecay, .positive, event: "schedule/weight_decay", isNew: true),
    .count("round", \.round, RunBounds.interval, isNew: true),
    .seconds(\.seconds),
  ])

  /// The rows of a metrics.csv.
  ///
  /// - Throws: `InputError` where the file or a column is absent, a cell does not hold what its column does, or the epochs
  ///   don't count 1, 2, 3, ….
  public static func read(from path: String) throws -> [EpochRecord] { try table.read(from: path) }
}
