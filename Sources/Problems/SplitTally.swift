import Datasets

/// Loss and right answers of a network over the batches of a split, which are added up in their order.
public struct SplitTally: Equatable, Sendable {
  private var lossSum = 0.0
  /// Images so far.
  public private(set) var count = 0
  /// Images whose class is the likeliest.
  public private(set) var correct = 0
  /// Images whose class is among the five likeliest; nil where that is not counted.
  public private(set) var amongFive: Int?

  /// - Parameter countsTopFive: whether the five likeliest classes are looked at.
  public init(countsTopFive: Bool) { amongFive = countsTopFive ? 0 : nil }

  /// Adds a batch.
  ///
  /// - Parameters:
  ///   - loss: mean loss over the batch, right answers and images.
  ///   - logits: [images, classes] of the batch, row-major; asked for where they are needed.
  public mutating func add(_ loss: BatchLoss, labels: [Int32], classes: Int, logits: () -> [Float]) {
    lossSum += loss.loss * Double(loss.count)
    correct += loss.correct
    count += loss.count
    guard let known = amongFive else { return }
    amongFive = known + TopCount.hits(logits: logits(), labels: labels, classes: classes, among: 5)
  }

  /// Mean cross-entropy over the images in nats; NaN over none.
  public var loss: Double { count > 0 ? lossSum / Double(count) : .nan }
  /// Fraction of the images whose class is the likeliest; NaN over none.
  public var accuracy: Double { count > 0 ? Double(correct) / Double(count) : .nan }
  /// Fraction of the images whose class is among the five likeliest; nil where that is not counted.
  public var topFive: Double? { amongFive.map { count > 0 ? Double($0) / Double(count) : .nan } }
}
