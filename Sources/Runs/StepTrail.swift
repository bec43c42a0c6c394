import Foundation

/// The last steps of a run in numbers: what tells where a loss left the finite range.
package struct StepTrail {
  /// What a weight step, and an update of α before it, saw.
  package struct Entry {
    package var epoch: Int
    package var step: Int
    /// Names and values, in the order in which they are told; those without value are left out.
    package var numbers: [(name: String, value: Double?)]
    /// What else there is to say.
    package var remark: String?

    package init(epoch: Int, step: Int, _ numbers: [(name: String, value: Double?)], remark: String? = nil) {
      (self.epoch, self.step, self.numbers, self.remark) = (epoch, step, numbers, remark)
    }
  }

  package private(set) var entries: [Entry] = []
  private let length = 10

  package init() {}

  package mutating func add(_ entry: Entry) {
    entries.append(entry)
    if entries.count > length { entries.removeFirst() }
  }

  /// One line a step, the oldest first.
  package var lines: [String] {
    entries.map { entry in
      let texts = entry.numbers.compactMap { name, value in value.map { "\(name) \(Self.short($0))" } }
      return "epoch \(entry.epoch), step \(entry.step): "
        + (texts + [entry.remark].compactMap { $0 }).joined(separator: ", ")
    }
  }

  private static func short(_ value: Double) -> String { value.isNaN ? "nan" : String(format: "%.6g", value) }
}
