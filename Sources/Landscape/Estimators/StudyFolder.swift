import Compute
import Formats
import Foundation
import Search
import Supernet

/// The folder of a study: its settings first, a journal while it runs, its results at the end.
struct StudyFolder {
  let folder: OutputFolder
  let settingsName: String
  /// The file that is written last; where it is there, the study is finished.
  let resultName: String

  var journalPath: String { folder.file("journal.csv") }
  var resultPath: String { folder.file(resultName) }

  /// Writes the settings, or checks that a study to be continued has the same.
  ///
  /// - Returns: whether the study is finished already.
  /// - Throws: `LandscapeError` where a folder to be continued is of other settings; `FormatError` for its files.
  func begin(_ text: String, isContinued: Bool) throws -> Bool {
    let path = folder.file(settingsName)
    guard isContinued else {
      try AtomicFile.write(text, to: path)
      return false
    }
    let old = String(decoding: try FileBytes.read(path), as: UTF8.self).split(separator: "\n")
    let new = text.split(separator: "\n")
    for index in 0..<max(old.count, new.count) {
      let (was, wanted) = (index < old.count ? old[index] : "nothing", index < new.count ? new[index] : "nothing")
      guard was == wanted else {
        throw LandscapeError(
          item: path, problem: "a study of other settings cannot be continued", found: "'\(was)'", expected: "'\(wanted)'")
      }
    }
    return FileManager.default.fileExists(atPath: resultPath)
  }

  /// Only once the result is on disk; until then the journal is what a killed study has.
  func removeJournal() { try? FileManager.default.removeItem(atPath: journalPath) }

  /// The content of a settings file.
  static func text(_ entries: [(key: String, value: String)]) -> String {
    entries.map { "\($0.key): \($0.value)\n" }.joined()
  }

  /// Names (ω, v, α) by their bits.
  static func digest(_ weights: ParameterVector, _ velocity: ParameterVector?, _ alphas: ArchitectureParameters) -> String {
    var digest = SHA256()
    digest.update(floats: weights.values)
    digest.update(floats: velocity?.values ?? [])
    digest.update(floats: alphas.flat)
    return digest.hexadecimal()
  }
}
