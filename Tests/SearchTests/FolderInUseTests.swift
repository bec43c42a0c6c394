import Formats
import Foundation
import Search
import SearchSupport
import TestSupport
import Testing

/// Two processes in one folder would mix their files.
struct FolderInUseTests {
  @Test func searchDoesNotRunInAFolderThatAnotherWorksIn() throws {
    let folder = try ScratchFolder()
    let run = try SearchRun(
      starting: quadratic(), configuration: shortConfiguration(.darts1), folder: .create(at: folder.file("run")), space: .s2)
    var other: FileLock? = try FileLock(path: run.files.logPath)
    let error = try #require(throws: InputError.self) { try run.run() }
    #expect("\(error)".contains("another process") && "\(error)".contains(run.files.logPath))
    #expect(!FileManager.default.fileExists(atPath: run.files.metricsPath))
    withExtendedLifetime(other) {}
    other = nil
    #expect(try run.run().record?.epoch == 4)
  }
}
