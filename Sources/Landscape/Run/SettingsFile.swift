import Formats

/// The file beside results that says which settings they are of: lines of `key: value`.
enum SettingsFile {
  static func text(_ entries: [(key: String, value: String)]) -> String {
    entries.map { "\($0.key): \($0.value)\n" }.joined()
  }

  /// - Parameter result: what is to be continued, for the message.
  /// - Throws: `LandscapeError` with the first line that differs; `FormatError` where the file cannot be read.
  static func require(_ text: String, at path: String, ofContinued result: String) throws {
    let old = String(decoding: try FileBytes.read(path), as: UTF8.self).split(separator: "\n")
    let new = text.split(separator: "\n")
    for index in 0..<max(old.count, new.count) {
      let (was, wanted) = (index < old.count ? old[index] : "nothing", index < new.count ? new[index] : "nothing")
      guard was == wanted else {
        throw LandscapeError(
          item: path, problem: "a \(result) of other settings cannot be continued", found: "'\(was)'",
          expected: "'\(wanted)'")
      }
    }
  }
}
