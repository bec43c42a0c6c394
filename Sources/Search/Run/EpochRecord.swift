import Formats
import Supernet

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

  static let columns = [
    "epoch", "training_loss", "training_accuracy", "validation_loss", "validation_accuracy", "learning_rate", "sigma",
    "ess", "alpha_entropy_normal", "alpha_entropy_reduce", "alpha_norm", "alpha_updates", "accepted_updates",
    "baseline_loss", "alpha_gradient_norm", "alpha_update_norm", "diverged_candidates", "skip_connections",
    "skip_connections_reduce", "gradient_norm", "weight_steps", "dominant_eigenvalue",
    "seconds",
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
  /// - Throws: `FormatError` where the file or a column is absent; `SearchError.invalid` for a cell that is no number.
  public static func read(from path: String) throws -> [EpochRecord] {
    let table = try CSVTable(readingFrom: path)
    let cells = try columns.map { name in
      // Runs of earlier versions lack it.
      let isAbsent = name == "dominant_eigenvalue" && !table.columns.contains(name)
      return isAbsent ? table.rows.map { _ in "" } : try table.column(name)
    }
    return try table.rows.indices.map { row in
      func optional(_ name: String) throws -> Double? {
        let text = cells[columns.firstIndex(of: name) ?? 0][row]
        if text.isEmpty { return nil }
        guard let value = Double(text) else { throw wrong(text, name, row) }
        return value
      }
      func real(_ name: String) throws -> Double {
        guard let value = try optional(name) else { throw wrong("", name, row) }
        return value
      }
      func integer(_ name: String) throws -> Int {
        let value = try real(name)
        guard let whole = Int(exactly: value) else { throw wrong("\(value)", name, row) }
        return whole
      }
      func wrong(_ text: String, _ name: String, _ row: Int) -> SearchError {
        .invalid("wrong cell", at: "\(path): row \(row + 1), column \(name)", found: "'\(text)'", wanted: "a number")
      }
      return try EpochRecord(
        epoch: integer("epoch"), trainingLoss: real("training_loss"), trainingAccuracy: real("training_accuracy"),
        validationLoss: real("validation_loss"), validationAccuracy: real("validation_accuracy"),
        learningRate: real("learning_rate"), sigma: optional("sigma"), effectiveSampleSize: optional("ess"),
        normalEntropy: real("alpha_entropy_normal"), reduceEntropy: real("alpha_entropy_reduce"),
        alphaNorm: real("alpha_norm"), alphaUpdates: integer("alpha_updates"),
        acceptedUpdates: integer("accepted_updates"), baselineLoss: optional("baseline_loss"),
        alphaGradientNorm: optional("alpha_gradient_norm"), alphaUpdateNorm: optional("alpha_update_norm"),
        divergedCandidates: integer("diverged_candidates"), skipConnections: optional("skip_connections").map { Int($0) },
        reduceSkipConnections: optional("skip_connections_reduce").map { Int($0) }, gradientNorm: real("gradient_norm"),
        weightSteps: integer("weight_steps"), dominantEigenvalue: optional("dominant_eigenvalue"), seconds: real("seconds"))
    }
  }
}
