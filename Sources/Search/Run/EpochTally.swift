import Problems
import Runs

/// Sums over an unfinished epoch. A checkpoint in the middle of one carries them, so that its row comes out the same.
struct EpochTally: Equatable, Sendable {
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
  var seconds = 0.0

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

  /// The fields as text that reads back to the same bits.
  var metadata: [String: String] {
    var result: [String: String] = [:]
    for (key, path) in Self.reals { result["tally.\(key)"] = "\(self[keyPath: path])" }
    for (key, path) in Self.wholes { result["tally.\(key)"] = "\(self[keyPath: path])" }
    return result
  }

  init() {}

  /// Reads what `metadata` wrote.
  init(metadata: [String: String], from place: String) throws {
    for (key, path) in Self.reals {
      self[keyPath: path] = try CheckpointMetadata.value("tally.\(key)", in: metadata, from: place, Double.init)
    }
    for (key, path) in Self.wholes {
      self[keyPath: path] = try CheckpointMetadata.value("tally.\(key)", in: metadata, from: place) {
        RunBounds.weightSteps.count($0)
      }
    }
  }

  private typealias Path<Value> = WritableKeyPath<EpochTally, Value> & Sendable
  private static let reals: [(String, Path<Double>)] = [
    ("training_loss", \.trainingLoss), ("gradient_norm", \.gradientNorm), ("ess", \.effectiveSampleSize),
    ("alpha_gradient_norm", \.alphaGradientNorm), ("alpha_update_norm", \.alphaUpdateNorm),
    ("baseline_loss", \.baselineLoss), ("seconds", \.seconds),
  ]
  private static let wholes: [(String, Path<Int>)] = [
    ("correct", \.correct), ("count", \.count), ("weight_steps", \.weightSteps), ("weighted_updates", \.weightedUpdates),
    ("alpha_updates", \.alphaUpdates), ("accepted_updates", \.acceptedUpdates), ("compared_updates", \.comparedUpdates),
    ("guided_updates", \.guidedUpdates), ("diverged_candidates", \.divergedCandidates),
  ]
}
