import Formats
import Runs

/// The file beside results that says which settings they are of: lines of `key: value`.
package enum SettingsFile {
  package static func text(_ entries: [(key: String, value: String)]) -> String {
    entries.map { "\($0.key): \($0.value)\n" }.joined()
  }

  /// Keys that say where something lies, which is not what it is: checkpoints are known by `state_sha256`, data by their
  /// checksum.
  private static let places: Set<String> = ["checkpoint", "checkpoints", "dataset"]

  /// Compares the settings of a result that is to be continued, whatever has moved since, and writes them with the places of
  /// today.
  ///
  /// - Parameter result: what is to be continued, for the message.
  /// - Throws: `InputError` with the first line that differs, where the data are others, and where the file cannot be read
  ///   or written.
  package static func require(_ text: String, at path: String, ofContinued result: String) throws {
    let written = String(decoding: try FileBytes.read(path), as: UTF8.self)
    var (old, new) = (lines(written), lines(text))
    let (was, given) = (data(in: old), data(in: new))
    if let was, let given { try given.require(sameAs: was, from: path) }
    // Results of versions that wrote no digests are known by their places alone.
    let later = keysOfLaterVersions(absentIn: old)
    new.removeAll { later.contains($0.key) }
    let isMoved = { (key: String) in
      places.contains(key) && !(key == "checkpoints" && later.contains("checkpoints_sha256"))
    }
    old.removeAll { isMoved($0.key) }
    new.removeAll { isMoved($0.key) }
    for index in 0..<max(old.count, new.count) {
      let (was, wanted) = (
        index < old.count ? old[index].line : "nothing", index < new.count ? new[index].line : "nothing"
      )
      guard was == wanted else {
        throw InputError(
          "a \(result) of other settings cannot be continued", at: .file(path), found: "'\(was)'", wanted: "'\(wanted)'")
      }
    }
    if written != text { try AtomicFile.write(text, to: path) }
  }

  /// Keys that earlier versions did not write, of those that a file lacks: digests, and what is said of weights and of noise.
  private static func keysOfLaterVersions(absentIn old: [(key: String, line: Substring)]) -> [String] {
    let keys = [
      "checkpoints_sha256", RunData.checksumKey, "checkpoint_alphas", "checkpoint_momentum", "partial_channels",
      "edge_normalisation", "merged_convolutions", "second_half_step_difference",
    ]
    return keys.filter { key in !old.contains { $0.key == key } }
  }

  private static func lines(_ text: String) -> [(key: String, line: Substring)] {
    text.split(separator: "\n").map { line in (String(line.prefix { $0 != ":" }), line) }
  }

  private static func data(in lines: [(key: String, line: Substring)]) -> RunData? {
    func value(_ key: String) -> String? {
      lines.first { $0.key == key }.map { String($0.line.dropFirst(key.count + 2)) }
    }
    guard let quoted = value("dataset") else { return nil }
    guard case .string(let dataset) = try? JSONText(parsing: Array(quoted.utf8)[...]) else { return nil }
    return RunData(dataset: dataset, checksum: value(RunData.checksumKey).flatMap(unquoted))
  }

  private static func unquoted(_ text: String) -> String? {
    guard case .string(let value) = try? JSONText(parsing: Array(text.utf8)[...]) else { return nil }
    return value
  }
}
