import Formats
import Foundation
import Landscape

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
  /// - Throws: `InputError` where a folder to be continued is of other settings; `InputError` for its files.
  func begin(_ text: String, isContinued: Bool) throws -> Bool {
    let path = folder.file(settingsName)
    guard isContinued else {
      try AtomicFile.write(text, to: path)
      return false
    }
    try SettingsFile.require(text, at: path, ofContinued: "study")
    return FileManager.default.fileExists(atPath: resultPath)
  }

  /// The journal of an unfinished study; nil where there is none that can be read.
  static func journal(in folder: OutputFolder?) -> StudyJournal? {
    guard let path = folder?.file("journal.csv"), FileManager.default.fileExists(atPath: path) else { return nil }
    return try? StudyJournal(path: path)
  }

  /// Only once the result is on disk; until then the journal is what a killed study has.
  func removeJournal() { try? FileManager.default.removeItem(atPath: journalPath) }
}
