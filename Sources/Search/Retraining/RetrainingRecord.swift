import Formats

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

  static let columns = [
    "epoch", "training_loss", "training_accuracy", "auxiliary_loss", "test_loss", "test_accuracy", "learning_rate",
    "drop_path", "gradient_norm", "weight_steps", "seconds",
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
  /// - Throws: `FormatError` where the file or a column is absent; `SearchError.invalid` for a cell that is no number.
  public static func read(from path: String) throws -> [RetrainingRecord] {
    let table = try CSVTable(readingFrom: path)
    let cells = try Dictionary(uniqueKeysWithValues: columns.map { ($0, try table.column($0)) })
    return try table.rows.indices.map { row in
      func optional(_ name: String) throws -> Double? {
        let text = cells[name]?[row] ?? ""
        if text.isEmpty { return nil }
        guard let value = Double(text) else {
          throw SearchError.invalid(
            "wrong cell", at: "\(path): row \(row + 1), column \(name)", found: "'\(text)'", wanted: "a number")
        }
        return value
      }
      func real(_ name: String) throws -> Double {
        guard let value = try optional(name) else {
          throw SearchError.invalid(
            "wrong cell", at: "\(path): row \(row + 1), column \(name)", found: "nothing", wanted: "a number")
        }
        return value
      }
      return try RetrainingRecord(
        epoch: Int(real("epoch")), trainingLoss: real("training_loss"), trainingAccuracy: real("training_accuracy"),
        auxiliaryLoss: optional("auxiliary_loss"), testLoss: optional("test_loss"),
        testAccuracy: optional("test_accuracy"), learningRate: real("learning_rate"), dropPath: real("drop_path"),
        gradientNorm: real("gradient_norm"), weightSteps: Int(real("weight_steps")), seconds: real("seconds"))
    }
  }
}
