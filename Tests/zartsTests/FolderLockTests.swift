import Formats
import Foundation
import TestSupport
import Testing

/// Two processes in one folder would mix their results.
@Suite("A folder that another process works in") struct FolderLockTests {
  private static let golden = GoldenFile.path("s2_c16_l3_b4")
  private static let source = [
    "--weights", golden, "--dataset", "tensors:\(golden)", "--inner-lr", "0.01", "--threads", "1",
  ]

  @Test(
    "is refused by every command that writes into folders",
    arguments: [
      ["landscape", "--grid", "3", "--objectives", "first"],
      ["fidelity", "--directions", "2", "--objectives", "first,true:1"],
      ["spectrum", "--eigenvalues", "1", "--probes", "0", "--batches", "1"],
      ["estimators", "--estimators", "darts1", "--inner-steps", "1", "--places", "1"],
    ])
  func refused(arguments: [String]) throws {
    let scratch = try ScratchFolder()
    let path = scratch.file("out")
    let folder = try OutputFolder.create(at: path)
    let settings = folder.file("\(arguments[0]).yaml")
    for more in [[], ["--resume"]] {
      let lock = try folder.lock()
      let result = try CommandLineRunner.run(arguments + Self.source + ["--out", path] + more)
      withExtendedLifetime(lock) {}
      #expect(result.status == 1 && result.errors.contains("another process works in this folder"), "\(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: settings))
    }
  }

  @Test("is refused by a second diagnosis, but not by the one of a search that goes on")
  func diagnosis() throws {
    let scratch = try ScratchFolder()
    let path = scratch.file("out")
    let search = try CommandLineRunner.run([
      "search", "--method", "darts1", "--space", "s2", "--dataset", "tensors:\(Self.golden)", "--channels", "4", "--layers",
      "3", "--batch", "2", "--epochs", "1", "--threads", "1", "--out", path,
    ])
    try #require(search.status == 0, "\(search.errors)")
    let folder = try OutputFolder.existing(at: path)
    let measure = ["diagnose", path, "--samples", "0", "--validation-batches", "1", "--no-eigenvalues"]
    let other = try folder.lock()
    for arguments in [measure, ["diagnose", path, "--quick"]] {
      let result = try CommandLineRunner.run(arguments)
      #expect(result.status == 1 && result.errors.contains("another process works"), "\(result.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: folder.file("diagnosis.csv")))
    withExtendedLifetime(other) {}
  }
}
