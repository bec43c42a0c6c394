import Foundation

/// The last steps of a run in numbers: what tells where a loss left the finite range.
struct StepTrail {
  /// What an update of α and the weight step after it saw.
  struct Entry {
    var epoch: Int
    var step: Int
    /// Of the weight step: L_train, ‖∇ω‖ before clipping.
    var trainingLoss: Double?
    var gradientNorm: Double?
    /// ‖ω‖ and ‖momentum‖ after it.
    var weightNorm: Double?
    var momentumNorm: Double?
    /// ‖α‖ after the update, where there was one; nil where there is no α.
    var alphaNorm: Double?
    var update: ArchitectureReport?
  }

  private(set) var entries: [Entry] = []
  private let length = 10

  mutating func add(_ entry: Entry) {
    entries.append(entry)
    if entries.count > length { entries.removeFirst() }
  }

  /// One line a step, the oldest first.
  var lines: [String] {
    entries.map { entry in
      let update = entry.update
      let numbers: [(String, Double?)] = [
        ("training loss", entry.trainingLoss), ("‖∇ω‖", entry.gradientNorm), ("‖ω‖", entry.weightNorm),
        ("‖momentum‖", entry.momentumNorm), ("‖α‖", entry.alphaNorm),
        ("validation loss", update?.validationLoss ?? update?.baselineLoss), ("‖∇α‖", update?.gradientNorm),
        ("‖u‖", update?.updateNorm),
      ]
      let texts = numbers.compactMap { name, value in value.map { "\(name) \(Self.short($0))" } }
      let lost = update.map(\.divergedCandidates) ?? 0
      let candidates = lost > 0 ? ["\(lost) of \(update?.candidateLosses.count ?? 0) candidates diverged"] : []
      return "epoch \(entry.epoch), step \(entry.step): " + (texts + candidates).joined(separator: ", ")
    }
  }

  private static func short(_ value: Double) -> String { value.isNaN ? "nan" : String(format: "%.6g", value) }
}
