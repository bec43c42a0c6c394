import Formats

/// Tells results with gaps from those that are nothing but gaps.
package enum FiniteCheck {
  /// The checkpoint that an origin names, for messages.
  package static func place(in origin: [(key: String, value: String)]) -> String {
    origin.first { $0.key == "checkpoint" }?.value.trimmingQuotes ?? "the checkpoint"
  }

  /// - Parameters:
  ///   - losses: of each objective, by its label.
  ///   - unit: what the losses are at, in the plural.
  /// - Throws: `InputError` naming checkpoint and objectives where not one loss is finite.
  package static func require(_ losses: [(label: String, values: [Double])], of checkpoint: String, unit: String) throws {
    guard !losses.isEmpty, losses.allSatisfy({ !$0.values.contains(where: \.isFinite) }) else { return }
    throw InputError(
      "no loss is finite", at: .file(checkpoint),
      found: losses.map { "\($0.label) at none of \($0.values.count) \(unit)" }.joined(separator: ", "),
      wanted: "a checkpoint whose losses are finite: its weights or α are too large, or the step of inner_learning_rate is")
  }
}

extension String {
  fileprivate var trimmingQuotes: String {
    count >= 2 && hasPrefix("\"") && hasSuffix("\"") ? String(dropFirst().dropLast()) : self
  }
}
