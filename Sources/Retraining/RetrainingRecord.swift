import Formats
import Runs

/// One row of a retraining's metrics.csv. Losses are mean cross-entropies in nats, times in seconds.
public struct RetrainingRecord: Equatable, Sendable, TableRecord {
  /// Counted from 1.
  public var epoch = 0
  /// Mean over the epoch's images, each before its batch's weight step; of the main head.
  public var trainingLoss = Double.nan
  public var trainingAccuracy = Double.nan
  /// Of the auxiliary head; nil where there is none.
  public var auxiliaryLoss: Double?
  /// On the test split with running statistics; nil where the epoch was not tested or there are no test images.
  public var testLoss: Double?
  public var testAccuracy: Double?
  /// Fraction of images whose class is among the five likeliest; nil where `testAccuracy` is, and below a hundred classes.
  public var testTop5: Double?
  /// The same of held-out training images, where the run holds them out; it has no values of the test split then.
  public var validationLoss: Double?
  public var validationAccuracy: Double?
  public var validationTop5: Double?
  public var learningRate = Double.nan
  public var dropPath = Double.nan
  /// Mean norm of the gradient before clipping.
  public var gradientNorm = Double.nan
  /// Weight steps since the start of the run.
  public var weightSteps = 0
  /// Wall time of the epoch, the test included.
  public var seconds = Double.nan

  package init() {}

  package static let table = RecordTable<RetrainingRecord>([
    .epoch(\.epoch),
    .real("training_loss", \.trainingLoss, .finite, event: "loss/training"),
    .real("training_accuracy", \.trainingAccuracy, .fraction, event: "accuracy/training"),
    .real("auxiliary_loss", \.auxiliaryLoss, .finite, event: "loss/auxiliary"),
    .real("test_loss", \.testLoss, event: "loss/test"),
    .real("test_accuracy", \.testAccuracy, .fraction, event: "accuracy/test"),
    .real("test_top5", \.testTop5, .fraction, event: "accuracy/test_top5", isNew: true),
    .real("validation_loss", \.validationLoss, event: "loss/validation", isNew: true),
    .real("validation_accuracy", \.validationAccuracy, .fraction, event: "accuracy/validation", isNew: true),
    .real("validation_top5", \.validationTop5, .fraction, event: "accuracy/validation_top5", isNew: true),
    .real("learning_rate", \.learningRate, .notNegative, event: "schedule/learning_rate"),
    .real("drop_path", \.dropPath, .fraction, event: "schedule/drop_path"),
    .real("gradient_norm", \.gradientNorm, .notNegative),
    .count("weight_steps", \.weightSteps),
    .seconds(\.seconds),
  ])

  /// The rows of a retraining's metrics.csv.
  ///
  /// - Throws: `InputError` where the file or a column is absent, a cell does not hold what its column does, or the epochs
  ///   don't count 1, 2, 3, ….
  public static func read(from path: String) throws -> [RetrainingRecord] { try table.read(from: path) }
}
