import Problems

/// One objective at one point, from its losses on several validation batches.
public struct ObjectiveSample: Equatable, Sendable {
  /// Mean over the examples; not finite where inner training diverged.
  public var loss: Double
  /// Fraction of the examples classified correctly.
  public var accuracy: Double
  /// Standard error of the mean over validation batches; nil with one batch.
  public var lossError: Double?
  public var accuracyError: Double?
  /// The loss on each validation batch, in their order, for tables that keep it; empty with one batch.
  public var batchLosses: [Double]

  public init(
    loss: Double, accuracy: Double, lossError: Double? = nil, accuracyError: Double? = nil, batchLosses: [Double] = []
  ) {
    self.loss = loss
    self.accuracy = accuracy
    self.lossError = lossError
    self.accuracyError = accuracyError
    self.batchLosses = batchLosses
  }

  /// Batches count by their examples: with shares w of B batches the error is √(B/(B−1) Σ w²(x − x̄)²), which is s/√B where
  /// all are of one size (Cochran, *Sampling Techniques*, 3rd ed., §6.4, eq. 6.9: the error of a ratio).
  public init(batches: [BatchLoss]) {
    let total = BatchLoss(summing: batches)
    self.init(
      loss: total.loss, accuracy: total.accuracy,
      lossError: Self.standardError(of: batches.map(\.loss), around: total.loss, counts: batches.map(\.count)),
      accuracyError: Self.standardError(
        of: batches.map(\.accuracy), around: total.accuracy, counts: batches.map(\.count)),
      batchLosses: batches.count > 1 ? batches.map(\.loss) : [])
  }

  private static func standardError(of values: [Double], around mean: Double, counts: [Int]) -> Double? {
    guard values.count > 1 else { return nil }
    let total = Double(max(1, counts.reduce(0, +)))
    let sum = zip(values, counts).reduce(0.0) { sum, batch in
      let deviation = Double(batch.1) / total * (batch.0 - mean)
      return sum + deviation * deviation
    }
    return (Double(values.count) / Double(values.count - 1) * sum).squareRoot()
  }
}

extension BatchLoss {
  /// The loss over the examples of several batches.
  init(summing batches: [BatchLoss]) {
    let count = batches.reduce(0) { $0 + $1.count }
    self.init(
      loss: batches.reduce(0) { $0 + $1.loss * Double($1.count) } / Double(max(count, 1)),
      correct: batches.reduce(0) { $0 + $1.correct }, count: count)
  }
}
