import Problems
import Runs

/// One row of a selection's metrics.csv: an epoch of training between decisions. Losses are mean cross-entropies in nats.
public struct ProjectionRecord: Equatable, Sendable, TableRecord {
  /// Counted from 1.
  public var epoch = 0
  public var trainingLoss = Double.nan
  public var trainingAccuracy = Double.nan
  /// On the images that judge, at the end of the epoch.
  public var validationLoss = Double.nan
  public var validationAccuracy = Double.nan
  /// Edges that are decided, of all kinds of cells.
  public var decidedEdges = 0
  public var learningRate = Double.nan
  /// Mean norm of the gradient before clipping.
  public var gradientNorm = Double.nan
  /// Weight steps since the start.
  public var weightSteps = 0
  /// Wall time of the epoch, decisions and validation included.
  public var seconds = Double.nan

  package init() {}

  package static let table = RecordTable<ProjectionRecord>([
    .epoch(\.epoch),
    .real("training_loss", \.trainingLoss, .finite, event: "loss/training"),
    .real("training_accuracy", \.trainingAccuracy, .fraction, event: "accuracy/training"),
    .real("validation_loss", \.validationLoss, .finite, event: "loss/validation"),
    .real("validation_accuracy", \.validationAccuracy, .fraction, event: "accuracy/validation"),
    .count("decided_edges", \.decidedEdges, event: "selection/decided_edges"),
    .real("learning_rate", \.learningRate, .notNegative, event: "schedule/learning_rate"),
    .real("gradient_norm", \.gradientNorm, .notNegative),
    .count("weight_steps", \.weightSteps),
    .seconds(\.seconds),
  ])
}

/// Sums over an unfinished epoch of a selection.
package struct ProjectionTally: Equatable, Sendable, EpochSums {
  var trainingLoss = 0.0
  var gradientNorm = 0.0
  package var seconds = 0.0
  var correct = 0
  var count = 0
  var steps = 0

  package init() {}

  mutating func add(_ loss: BatchLoss, gradientNorm norm: Double) {
    trainingLoss += loss.loss * Double(loss.count)
    gradientNorm += norm
    correct += loss.correct
    count += loss.count
    steps += 1
  }

  package static let table = RecordTable<ProjectionTally>([
    .real("training_loss", \.trainingLoss),
    .real("gradient_norm", \.gradientNorm),
    .real("seconds", \.seconds),
    .count("correct", \.correct),
    .count("count", \.count),
    .count("steps", \.steps),
  ])
}
