import Formats
import Runs

/// The file beside results that says which settings they are of: lines of `key: value`.
package struct SettingsFile {
  /// Keys that say where something lies, which is not what it is: checkpoints are known by `state_sha256`, data by their
  /// checksum, eigenvectors by the digest of the directions.
  private static let places: Set<String> = ["checkpoint", "checkpoints", "dataset", "eigenvectors"]

  /// Digests of the states of several checkpoints, which are known by their places where a file lacks it.
  package static let checkpointDigests = "checkpoints_sha256"

  /// What is said of the checkpoint, its network and its data. It grows from version to version: what a file does not say of
  /// them, the version that wrote it did not know, and the digests of state and data tell others apart.
  private let origin: [(key: String, value: String)]
  private let settings: [(key: String, value: String)]

  /// - Parameters:
  ///   - origin: where everything comes from.
  ///   - settings: everything that decides what is found. A result without one of their keys is of other settings.
  package init(origin: [(key: String, value: String)], settings: [(key: String, value: String)]) {
    (self.origin, self.settings) = (origin, settings)
  }

  /// What is left of entries without those that say where something lies.
  package static func withoutPlaces(_ entries: [(key: String, value: String)]) -> [(key: String, value: String)] {
    entries.filter { !places.contains($0.key) }
  }

  package var text: String { (origin + settings).map { "\($0.key): \($0.value)\n" }.joined() }

  /// Compares the settings of a result that is to be continued, whatever has moved since, and writes them with the places of
  /// today.
  ///
  /// - Parameter result: what is to be continued, for the message.
  /// - Throws: `InputError` with the first line that differs, where the data are others, and where the file cannot be read or
  ///   written.
  package func require(at path: String, ofContinued result: String) throws {
    let text = self.text
    let written = String(decoding: try FileBytes.read(path), as: UTF8.self)
    var (old, new) = (Self.lines(written), Self.lines(text))
    let (was, given) = (Self.data(in: old), Self.data(in: new))
    if let was, let given { try given.require(sameAs: was, from: path) }
    let later = Set(origin.map(\.key)).subtracting(old.map(\.key))
    new.removeAll { later.contains($0.key) }
    // Results of versions that wrote no digests are known by their places alone.
    let isMoved = { (key: String) in
      Self.places.contains(key) && !(key == "checkpoints" && later.contains(Self.checkpointDigests))
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
