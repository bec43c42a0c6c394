import Formats
import Foundation
import TestSupport
import Testing

struct FileLockTests {
  @Test func secondHolderIsRefusedUntilTheFirstIsGone() throws {
    let folder = try ScratchFolder()
    let path = folder.file("log.txt")
    try AtomicFile.write("kept\n", to: path)
    var first: FileLock? = try FileLock(path: path)
    let error = try #require(throws: InputError.self) { try FileLock(path: path) }
    #expect("\(error)".contains(path) && "\(error)".contains("another process"))
    withExtendedLifetime(first) {}
    first = nil
    _ = try FileLock(path: path)
    #expect(try FileBytes.read(path) == Array("kept\n".utf8))
  }

  @Test func fileThatCannotBeOpenedIsNamed() throws {
    let folder = try ScratchFolder()
    let error = try #require(throws: InputError.self) { try FileLock(path: folder.file("absent/log.txt")) }
    #expect("\(error)".contains("absent/log.txt"))
  }

  @Test func folderHasOneHolderAndNothingIsLeftOfItsLock() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("results"))
    var first: FileLock? = try folder.lock()
    let error = try #require(throws: InputError.self) { try folder.lock() }
    #expect("\(error)".contains("results/.lock") && "\(error)".contains("another process works in this folder"))
    withExtendedLifetime(first) {}
    first = nil
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    // What a killed process leaves holds nobody up.
    _ = try scratch.write("", to: "results/.lock")
    _ = try OutputFolder.create(at: folder.path).lock()
  }
}
