import Formats
import Foundation

/// The folder of a landscape or a study: its settings first, a journal while it runs, its results at the end.
package struct StudyFolder {
  package let folder: OutputFolder
  private let kind: ResultFolder.Kind
  /// The file that is written last; where it is there, the study is finished.
  private let resultName: String
  private let journalNames: [String]

  /// - Parameter journals: names of the journals; the first is the walk's.
  package init(
    _ folder: OutputFolder, _ kind: ResultFolder.Kind, result: String, journals: [String] = [StudyFolder.journalName]
  ) {
    (self.folder, self.kind, resultName, journalNames) = (folder, kind, result, journals)
  }

  package static let journalName = "journal.csv"

  package var journalPath: String { folder.file(Self.journalName) }
  package var resultPath: String { folder.file(resultName) }

  /// Writes the settings, or checks that a study to be continued has the same.
  ///
  /// - Returns: whether the study is finished already.
  /// - Throws: `InputError` where a folder to be continued is of other settings, and where its files cannot be read or written.
  package func begin(_ settings: SettingsFile, isContinued: Bool) throws -> Bool {
    let path = folder.file(kind.settingsName)
    guard isContinued else {
      try AtomicFile.write(settings.text, to: path)
      return false
    }
    try settings.require(at: path, ofContinued: kind == .landscape ? "landscape" : "study")
    return FileManager.default.fileExists(atPath: resultPath)
  }

  /// Only once the result is on disk; until then the journal is what a killed study has.
  package func removeJournals() {
    for name in journalNames { try? FileManager.default.removeItem(atPath: folder.file(name)) }
  }
}
