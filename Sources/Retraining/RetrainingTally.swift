import Runs

/// Sums over an unfinished epoch of a retraining. A checkpoint in the middle of one carries them.
package struct RetrainingTally: Equatable, Sendable, EpochSums {
  var trainingLoss = 0.0
  var auxiliaryLoss = 0.0
  var gradientNorm = 0.0
  package var seconds = 0.0
  var correct = 0
  var count = 0
  var steps = 0

  package init() {}

  /// Adds a weight step: mean losses over so many images, and how many of them were right.
  mutating func add(loss: Double, auxiliaryLoss: Double?, correct right: Int, count images: Int, gradientNorm norm: Double) {
    trainingLoss += loss * Double(images)
    self.auxiliaryLoss += (auxiliaryLoss ?? 0) * Double(images)
    gradientNorm += norm
    correct += right
    count += images
    steps += 1
  }

  package static let table = RecordTable<RetrainingTally>([
    .real("training_loss", \.trainingLoss),
    .real("auxiliary_loss", \.auxiliaryLoss),
    .real("gradient_norm", \.gradientNorm),
    .real("seconds", \.seconds),
    .count("correct", \.correct),
    .count("count", \.count),
    .count("steps", \.steps),
  ])
}
