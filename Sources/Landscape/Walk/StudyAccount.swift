import Cells
import Compute
import Formats
import Runs

/// What a rank's answers are made of: the version of the program, settings, checkpoint and data, as keys and values. Ranks that
/// share the work of a landscape or study must give the same account. Where a file lies is no part of it.
package struct StudyAccount: Equatable, Sendable {
  private struct Entry: Equatable, Sendable {
    let key: String
    let value: String
  }

  private let entries: [Entry]

  /// - Parameter entries: all that decides an answer; keys that name places are left out.
  package init(_ entries: [(key: String, value: String)]) {
    self.entries =
      [Entry(key: "version", value: Provenance.version)]
      + SettingsFile.withoutPlaces(entries).map { Entry(key: $0.key, value: $0.value) }
  }

  /// As a message.
  package var bytes: [UInt8] {
    var writer = MessageWriter()
    writer.write(entries.count)
    for entry in entries {
      writer.write(entry.key)
      writer.write(entry.value)
    }
    return writer.bytes
  }

  /// - Throws: `TruncatedMessage`.
  package init(_ bytes: [UInt8]) throws {
    var reader = MessageReader(bytes)
    var entries: [Entry] = []
    for _ in 0..<max(0, try reader.int()) { entries.append(Entry(key: try reader.text(), value: try reader.text())) }
    self.entries = entries
  }

  /// The first thing in which this rank differs from rank 0; nil where it does in nothing.
  package func difference(from leader: StudyAccount) -> InputError? {
    for index in 0..<max(entries.count, leader.entries.count) {
      let mine = index < entries.count ? entries[index] : nil
      let wanted = index < leader.entries.count ? leader.entries[index] : nil
      guard mine != wanted else { continue }
      let isSameKey = mine?.key == wanted?.key
      func text(_ entry: Entry?) -> String {
        entry.map { isSameKey ? $0.value : "\($0.key): \($0.value)" } ?? "nothing"
      }
      return InputError(
        "not that of rank 0", at: .words(wanted?.key ?? mine?.key ?? ""), found: text(mine), wanted: text(wanted))
    }
    return nil
  }

  /// What a checkpoint and the data are, by their digests.
  package static func state(
    _ weights: ParameterVector, _ velocity: ParameterVector?, _ alphas: ArchitectureParameters,
    _ statistics: ParameterVector? = nil, dataChecksum: String?
  ) -> [(key: String, value: String)] {
    var entries = [("state_sha256", SHA256.ofState(weights, velocity, alphas))]
    if let statistics { entries.append(("statistics_sha256", SHA256.ofState(statistics, nil, alphas))) }
    return entries + [("data", dataChecksum ?? "none")]
  }
}
