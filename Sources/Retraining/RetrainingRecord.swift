import Formats
import Runs

/// One row of a retraining's metrics.csv. Losses are mean cross-entropies in nats, times in seconds.
public struct RetrainingRecord: Equatable, Sendable {
  /// Counted from 1.
  public var epoch: Int
  /// Mean over the epoch's images, each before its batch's weight step; of the main head.
  public var trainingLoss: Double
  public var trainingAccuracy: Double
  /// Of the auxiliary head; nil where there is none.
  public var auxiliaryLoss: Double?
  /// On the test split with running statistics; nil where the epoch was not tested or there are no test images.
  public var testLoss: Double?
  public var testAccuracy: Double?
  public var learningRate: Double
  public var dropPath: Double
  /// Mean norm of the gradient before clipping.
  public var gradientNorm: Double
  /// Weight steps since the start of the run.
  public var weightSteps: Int
  /// Wall time of the epoch, the test included.
  public var seconds: Double

  static var columns: [String] { metrics.map(\.name) }

  static let metrics: [MetricsColumn] = [
    .count("epoch", RunBounds.epochs), .real("training_loss", .finite), .real("training_accuracy", .fraction),
    .real("auxiliary_loss", .finite, isOptional: true), .real("test_loss", .any, isOptional: true),
    .real("test_accuracy", .fraction, isOptional: true), .real("learning_rate", .notNegative),
    .real("drop_path", .fraction), .real("gradient_norm", .notNegative), .count("weight_steps"),
    .real("seconds", .notNegative),
  ]

  var row: [CSVField] {
    func real(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    return [
      .integer(epoch), .real(trainingLoss), .real(trainingAccuracy), real(auxiliaryLoss), real(testLoss),
      real(testAccuracy), .real(learningRate), .real(dropPath), .real(gradientNorm), .integer(weightSteps), .real(seconds),
    ]
  }

  /// The rows of a retraining's metrics.csv.
  ///
  /// - Throws: `InputError` where the file or a column is absent, a cell does not hold what its column does, or the epochs
  ///   don't count 1, 2, 3, ….
  public static func read(from path: String) throws -> [RetrainingRecord] {
    let table = try CSVTable(readingFrom: path)
    let cells = try MetricsCells(table, metrics)
    return try table.rows.indices.map { row in
      func real(_ name: String) throws -> Double { try cells.requiredReal(name, row) }
      func count(_ name: String) throws -> Int { try cells.requiredWhole(name, row) }
      return try RetrainingRecord(
        epoch: count("epoch"), trainingLoss: real("training_loss"), trainingAccuracy: real("training_accuracy"),
        auxiliaryLoss: cells.real("auxiliary_loss", row), testLoss: cells.real("test_loss", row),
        testAccuracy: cells.real("test_accuracy", row), learningRate: real("learning_rate"), dropPath: real("drop_path"),
        gradientNorm: real("gradient_norm"), weightSteps: count("weight_steps"), seconds: real("seconds"))
    }
  }
}
