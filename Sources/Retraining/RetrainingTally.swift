import Runs

/// Sums over an unfinished epoch of a retraining. A checkpoint in the middle of one carries them.
struct RetrainingTally: Equatable, Sendable {
  var trainingLoss = 0.0
  var auxiliaryLoss = 0.0
  var gradientNorm = 0.0
  var seconds = 0.0
  var correct = 0
  var count = 0
  var steps = 0

  private static let reals: [(String, WritableKeyPath<Self, Double> & Sendable)] = [
    ("training_loss", \.trainingLoss), ("auxiliary_loss", \.auxiliaryLoss), ("gradient_norm", \.gradientNorm),
    ("seconds", \.seconds),
  ]
  private static let wholes: [(String, WritableKeyPath<Self, Int> & Sendable)] = [
    ("correct", \.correct), ("count", \.count), ("steps", \.steps),
  ]

  init() {}

  /// The fields as text that reads back to the same bits.
  var metadata: [String: String] {
    var result: [String: String] = [:]
    for (key, path) in Self.reals { result["tally.\(key)"] = "\(self[keyPath: path])" }
    for (key, path) in Self.wholes { result["tally.\(key)"] = "\(self[keyPath: path])" }
    return result
  }

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
}
