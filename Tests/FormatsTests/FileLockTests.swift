import Formats
import Foundation
import Testing

struct FileLockTests {
  @Test func secondHolderIsRefusedUntilTheFirstIsGone() throws {
    let folder = try ScratchFolder()
    let path = folder.file("log.txt")
    try AtomicFile.write("kept\n", to: path)
    var first: FileLock? = try FileLock(path: path)
    let error = try #require(throws: FormatError.self) { try FileLock(path: path) }
    #expect("\(error)".contains(path) && "\(error)".contains("another process"))
    withExtendedLifetime(first) {}
    first = nil
    _ = try FileLock(path: path)
    #expect(try FileBytes.read(path) == Array("kept\n".utf8))
  }

  @Test func fileThatCannotBeOpenedIsNamed() throws {
    let folder = try ScratchFolder()
    let error = try #require(throws: FormatError.self) { try FileLock(path: folder.file("absent/log.txt")) }
    #expect("\(error)".contains("absent/log.txt"))
  }
}
