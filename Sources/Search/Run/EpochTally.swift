import Problems
import Runs

/// Sums over an unfinished epoch. A checkpoint in the middle of one carries them, so that its row comes out the same.
package struct EpochTally: Equatable, Sendable, EpochSums {
  var trainingLoss = 0.0
  var correct = 0
  var count = 0
  var gradientNorm = 0.0
  var weightSteps = 0
  var effectiveSampleSize = 0.0
  /// Updates that reported an effective sample size.
  var weightedUpdates = 0
  var alphaUpdates = 0
  /// Updates that moved α.
  var acceptedUpdates = 0
  /// L_M(α) before updates, and how many reported it.
  var baselineLoss = 0.0
  var comparedUpdates = 0
  /// Updates that reported a gradient norm.
  var guidedUpdates = 0
  var alphaGradientNorm = 0.0
  var alphaUpdateNorm = 0.0
  var divergedCandidates = 0
  package var seconds = 0.0

  mutating func add(_ loss: BatchLoss, gradientNorm norm: Double) {
    trainingLoss += loss.loss * Double(loss.count)
    correct += loss.correct
    count += loss.count
    gradientNorm += norm
    weightSteps += 1
  }

  mutating func add(_ report: ArchitectureReport) {
    alphaUpdates += 1
    if report.updateNorm > 0 { acceptedUpdates += 1 }
    if let norm = report.gradientNorm {
      alphaGradientNorm += norm
      guidedUpdates += 1
    }
    if let loss = report.baselineLoss {
      baselineLoss += loss
      comparedUpdates += 1
    }
    alphaUpdateNorm += report.updateNorm
    divergedCandidates += report.divergedCandidates
    if let size = report.effectiveSampleSize {
      effectiveSampleSize += size
      weightedUpdates += 1
    }
  }

  package init() {}

  package static let table = RecordTable<EpochTally>([
    .real("training_loss", \.trainingLoss),
    .real("gradient_norm", \.gradientNorm),
    .real("ess", \.effectiveSampleSize),
    .real("alpha_gradient_norm", \.alphaGradientNorm),
    .real("alpha_update_norm", \.alphaUpdateNorm),
    .real("baseline_loss", \.baselineLoss),
    .real("seconds", \.seconds),
    .count("correct", \.correct),
    .count("count", \.count),
    .count("weight_steps", \.weightSteps),
    .count("weighted_updates", \.weightedUpdates),
    .count("alpha_updates", \.alphaUpdates),
    .count("accepted_updates", \.acceptedUpdates),
    .count("compared_updates", \.comparedUpdates),
    .count("guided_updates", \.guidedUpdates),
    .count("diverged_candidates", \.divergedCandidates),
  ])
}
