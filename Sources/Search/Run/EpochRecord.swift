import Formats
import Runs

/// One row of metrics.csv. Losses are mean cross-entropies in nats, entropies are in nats, times in seconds.
public struct EpochRecord: Equatable, Sendable {
  /// Counted from 1; the checkpoint of the same number holds the state at its end.
  public var epoch: Int
  /// Mean over the epoch's batches, each before its weight step.
  public var trainingLoss: Double
  public var trainingAccuracy: Double
  /// Over the whole validation split at the end of the epoch.
  public var validationLoss: Double
  public var validationAccuracy: Double
  /// Of the epoch's weight steps.
  public var learningRate: Double
  /// σ of the epoch's candidates; nil where the method has no σ or the warm-up lasts.
  public var sigma: Double?
  /// Mean effective sample size of the epoch's updates.
  public var effectiveSampleSize: Double?
  public var normalEntropy: Double
  /// Of the reduction cell; of the one kind of cell where there is no other.
  public var reduceEntropy: Double
  /// ‖α‖ at the end of the epoch.
  public var alphaNorm: Double
  public var alphaUpdates: Int
  /// Updates that moved α: fewer than `alphaUpdates` where GLD found nothing better.
  public var acceptedUpdates: Int
  /// Mean L_M(α) before the epoch's updates; nil where the method does not evaluate it.
  public var baselineLoss: Double?
  /// Means over the epoch's updates; no gradient where the method does not estimate any.
  public var alphaGradientNorm: Double?
  public var alphaUpdateNorm: Double?
  /// Candidates that left the finite range.
  public var divergedCandidates: Int
  /// In the derived normal and reduction cell; nil where the problem has no genotype.
  public var skipConnections: Int?
  public var reduceSkipConnections: Int?
  /// Mean norm of the weights' gradient before clipping.
  public var gradientNorm: Double
  /// Weight steps since the start of the run.
  public var weightSteps: Int
  /// The largest eigenvalue of ∇²_α L_val at the end of the epoch; nil where it was not computed.
  public var dominantEigenvalue: Double?
  /// Wall time of the epoch.
  public var seconds: Double

  static var columns: [String] { metrics.map(\.name) }

  package static let metrics: [MetricsColumn] = [
    .count("epoch", RunBounds.epochs), .real("training_loss", .finite), .real("training_accuracy", .fraction),
    .real("validation_loss", .finite), .real("validation_accuracy", .fraction), .real("learning_rate", .notNegative),
    .real("sigma", .notNegative, isOptional: true), .real("ess", .notNegative, isOptional: true),
    .real("alpha_entropy_normal", .finite), .real("alpha_entropy_reduce", .finite), .real("alpha_norm", .notNegative),
    .count("alpha_updates"), .count("accepted_updates"), .real("baseline_loss", .any, isOptional: true),
    .real("alpha_gradient_norm", .any, isOptional: true), .real("alpha_update_norm", .any, isOptional: true),
    .count("diverged_candidates"), .count("skip_connections", RunBounds.cellEdges, isOptional: true),
    .count("skip_connections_reduce", RunBounds.cellEdges, isOptional: true), .real("gradient_norm", .notNegative),
    .count("weight_steps"), .real("dominant_eigenvalue", .finite, isOptional: true), .real("seconds", .notNegative),
  ]

  var row: [CSVField] {
    func real(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    func integer(_ value: Int?) -> CSVField { value.map(CSVField.integer) ?? .text("") }
    return [
      .integer(epoch), .real(trainingLoss), .real(trainingAccuracy), .real(validationLoss), .real(validationAccuracy),
      .real(learningRate), real(sigma), real(effectiveSampleSize), .real(normalEntropy), .real(reduceEntropy),
      .real(alphaNorm), .integer(alphaUpdates), .integer(acceptedUpdates), real(baselineLoss),
      real(alphaGradientNorm), real(alphaUpdateNorm), .integer(divergedCandidates), integer(skipConnections),
      integer(reduceSkipConnections), .real(gradientNorm), .integer(weightSteps), real(dominantEigenvalue), .real(seconds),
    ]
  }

  /// The rows of a metrics.csv.
  ///
  /// - Throws: `InputError` where the file or a column is absent, a cell does not hold what its column does, or the epochs
  ///   don't count 1, 2, 3, ….
  public static func read(from path: String) throws -> [EpochRecord] {
    let table = try CSVTable(readingFrom: path)
    // Runs of earlier versions lack one.
    let cells = try MetricsCells(table, metrics, absent: ["dominant_eigenvalue"])
    return try table.rows.indices.map { row in
      func real(_ name: String) throws -> Double { try cells.requiredReal(name, row) }
      func count(_ name: String) throws -> Int { try cells.requiredWhole(name, row) }
      func optional(_ name: String) -> Double? { cells.real(name, row) }
      return try EpochRecord(
        epoch: count("epoch"), trainingLoss: real("training_loss"), trainingAccuracy: real("training_accuracy"),
        validationLoss: real("validation_loss"), validationAccuracy: real("validation_accuracy"),
        learningRate: real("learning_rate"), sigma: optional("sigma"), effectiveSampleSize: optional("ess"),
        normalEntropy: real("alpha_entropy_normal"), reduceEntropy: real("alpha_entropy_reduce"),
        alphaNorm: real("alpha_norm"), alphaUpdates: count("alpha_updates"), acceptedUpdates: count("accepted_updates"),
        baselineLoss: optional("baseline_loss"), alphaGradientNorm: optional("alpha_gradient_norm"),
        alphaUpdateNorm: optional("alpha_update_norm"), divergedCandidates: count("diverged_candidates"),
        skipConnections: cells.whole("skip_connections", row),
        reduceSkipConnections: cells.whole("skip_connections_reduce", row), gradientNorm: real("gradient_norm"),
        weightSteps: count("weight_steps"), dominantEigenvalue: optional("dominant_eigenvalue"), seconds: real("seconds"))
    }
  }
}
