import Formats
import Foundation
import Search
import SearchSupport
import TestSupport
import Testing

/// Rows are read, not counted: a folder that contradicts itself is an error that names the file and the row.
struct HistoryTests {
  let folder: ScratchFolder
  let files: SearchRunFolder

  init() throws {
    folder = try ScratchFolder()
    files = try search(quadratic(), shortConfiguration(.zartsMGS), in: folder.file("run"))
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return "\(error)" }
  }

  private func goOn(_ path: String? = nil) throws {
    try SearchRun(continuing: quadratic(), folder: .existing(at: path ?? files.folder.path), space: .s2).run()
  }

  private func lines(_ path: String) throws -> [String] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  private func write(_ lines: [String], _ path: String) throws {
    try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: path)
  }

  /// Replaces a cell, rows from 1.
  private func edit(_ column: String, row: Int, _ text: String) throws {
    let table = try CSVTable(readingFrom: files.metricsPath)
    let place = try #require(table.columns.firstIndex(of: column))
    var rows = table.rows
    rows[row - 1][place] = text
    try CSVWriter.write(columns: table.columns, rows: rows.map { $0.map(CSVField.text) }, to: files.metricsPath)
  }

  /// Back to the state after the third of four epochs.
  private func unfinish() throws {
    for path in [files.genotypePath, files.checkpointPath(epoch: 4)] { try FileManager.default.removeItem(atPath: path) }
  }

  /// Checkpoints of a version that did not carry checksums of rows.
  private func forgetChecks() throws {
    for checkpoint in files.checkpoints() {
      let file = try TensorFile(readingFrom: checkpoint.path)
      try TensorFile.writeChecked(
        Array(file.tensors.values), metadata: file.metadata.filter { !$0.key.hasPrefix("history.") }, to: checkpoint.path)
    }
  }

  @Test(arguments: [true, false])
  func rowThatIsMissingIsNamedAtAResumeAndByReaders(hasChecks: Bool) throws {
    if !hasChecks { try forgetChecks() }
    try unfinish()
    var rows = try lines(files.metricsPath)
    rows.remove(at: 1)
    try write(rows, files.metricsPath)
    let before = try bytes(files.metricsPath)
    for text in [message { try goOn() }, message { _ = try files.result() }, message { try files.checkHistory() }] {
      #expect(
        text.contains("\(files.metricsPath): row 1, column epoch") && text.contains("found \"2\", wanted 1"), "\(text)")
    }
    #expect(try bytes(files.metricsPath) == before)
    #expect(!FileManager.default.fileExists(atPath: files.genotypePath))
  }

  @Test func filesAnEpochAheadOfTheNewestCheckpointAreWhatACrashLeaves() throws {
    let whole = try bytes(files.checkpointPath(epoch: 4))
    try unfinish()
    try files.checkHistory()
    #expect(try files.result()?.finished == 4)
    try goOn()
    #expect(try bytes(files.checkpointPath(epoch: 4)) == whole)
    // A crash between the files of an epoch leaves the table behind the others.
    try unfinish()
    try write(lines(files.metricsPath).dropLast(), files.metricsPath)
    try files.checkHistory()
    #expect(try files.result()?.finished == 3)
    try goOn()
    #expect(try bytes(files.checkpointPath(epoch: 4)) == whole)
  }

  @Test func editedNumberIsNamedWithItsRow() throws {
    let whole = try bytes(files.metricsPath)
    try edit("validation_loss", row: 2, "0.125")
    for text in [message { _ = try files.result() }, message { _ = try LearningCurves(of: [files], columns: ["ess"]) }] {
      #expect(text.contains("\(files.metricsPath): row 2") && text.contains("epoch-004.safetensors"), "\(text)")
    }
    try unfinish()
    #expect(message { try goOn() }.contains("\(files.metricsPath): row 2: not the row that this run wrote"))
    try AtomicFile.write(whole, to: files.metricsPath)
    // What no two runs share is not checked.
    try edit("seconds", row: 1, "17.25")
    try files.checkHistory()
    try goOn()
  }

  @Test func otherRunsFilesAreNamed() throws {
    let other = try search(quadratic(seed: 9), shortConfiguration(.zartsMGS, seed: 6), in: folder.file("other"))
    for path in [\SearchRunFolder.metricsPath, \.genotypesPath, \.alphasPath] {
      let own = try bytes(files[keyPath: path])
      try #require(try bytes(other[keyPath: path]) != own)
      try AtomicFile.write(bytes(other[keyPath: path]), to: files[keyPath: path])
      let text = message { try files.checkHistory() }
      #expect(text.contains("row ") && text.contains(files.folder.path), "\(text)")
      try AtomicFile.write(own, to: files[keyPath: path])
    }
    try files.checkHistory()
  }

  @Test func runsOfEarlierVersionsStayReadableAndContradictionsBetweenTheirFilesAreSeen() throws {
    try forgetChecks()
    try edit("validation_loss", row: 2, "0.125")
    #expect(try files.result()?.finished == 4)
    try edit("alpha_norm", row: 3, "0.5")
    #expect(message { try files.checkHistory() }.contains("row 3, column alpha_norm: not of the α of its epoch: found 0.5"))
    try edit("alpha_norm", row: 3, "\(files.alphaHistory()[2].norm)")
    try files.checkHistory()
    try edit("skip_connections", row: 4, "9")
    #expect(message { try files.checkHistory() }.contains("row 4, column skip_connections"))
  }

  @Test func fileBehindTheTableIsNamed() throws {
    try write(lines(files.genotypesPath).dropLast(), files.genotypesPath)
    let text = message { _ = try files.result() }
    #expect(text.contains("\(files.genotypesPath): row 4") && text.contains("found 3 lines"), "\(text)")
    try unfinish()
    try write(Array(lines(files.genotypesPath).prefix(2)), files.genotypesPath)
    #expect(message { try goOn() }.contains("\(files.genotypesPath): row 3: a row is missing"))
  }

  @Test func lastRowThatIsGoneIsNamedWhileTheCheckpointIsSound() throws {
    try write(lines(files.metricsPath).dropLast(), files.metricsPath)
    #expect(message { _ = try files.result() }.contains("\(files.metricsPath): row 4: a row is missing"))
    // One that is damaged is of an epoch which a resumed run computes again.
    var content = try bytes(files.checkpointPath(epoch: 4))
    content[content.count - 3] ^= 0x10
    try AtomicFile.write(content, to: files.checkpointPath(epoch: 4))
    #expect(try files.result()?.finished == 3)
  }

  @Test func checkpointUnderTheNameOfAnotherIsRefused() throws {
    try unfinish()
    try FileManager.default.copyItem(atPath: files.checkpointPath(epoch: 3), toPath: files.checkpointPath(epoch: 4))
    let text = message { try goOn() }
    #expect(text.contains("\(files.checkpointPath(epoch: 4)): the name of another checkpoint"), "\(text)")
  }
}
