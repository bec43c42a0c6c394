import Formats

/// Reads values out of the metadata of a checkpoint.
package enum CheckpointMetadata {
  package static func value<Value>(
    _ key: String, in metadata: [String: String], from place: String, _ read: (String) -> Value?
  ) throws -> Value {
    guard let value = metadata[key].flatMap(read) else {
      throw InputError(
        "incomplete checkpoint", at: .file(place, "metadata \(key)"), found: metadata[key].map { "'\($0)'" } ?? "nothing",
        wanted: "a number")
    }
    return value
  }

  /// - Throws: `InputError` where the data give another number of steps an epoch than those it was made with.
  package static func requireSteps(_ stepsPerEpoch: Int, in metadata: [String: String], from place: String) throws {
    guard metadata["steps_per_epoch"] == "\(stepsPerEpoch)" else {
      throw InputError(
        "the data are not those that the checkpoint was made with", at: .file(place),
        found: "\(metadata["steps_per_epoch"] ?? "no") steps an epoch", wanted: "\(stepsPerEpoch)")
    }
  }

  /// Epochs finished, and weight steps taken in the next one.
  package static func position(
    in metadata: [String: String], from place: String, epochs: Int, stepsPerEpoch: Int
  ) throws -> (epoch: Int, step: Int) {
    let epoch = try value("epoch", in: metadata, from: place) { RunBounds.weightSteps.count($0) }
    let step = try value("step", in: metadata, from: place) { RunBounds.weightSteps.count($0) }
    guard (0...epochs).contains(epoch), (0...stepsPerEpoch).contains(step) else {
      throw InputError(
        "position outside of the run", at: .file(place), found: "epoch \(epoch), step \(step)",
        wanted: "at most \(epochs) and \(stepsPerEpoch)")
    }
    return (epoch, step)
  }
}
