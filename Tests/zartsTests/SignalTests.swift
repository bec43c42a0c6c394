import Foundation
import Search
import TestSupport
import Testing

/// Signals that ask a long command to end.
@Suite("Signals") struct SignalTests {
  private static let golden = GoldenFile.path("s2_c16_l3_b4")
  private static let search = [
    "search", "--method", "darts1", "--space", "s2", "--dataset", "tensors:\(golden)", "--channels", "4", "--layers", "3",
    "--batch", "2", "--epochs", "2000", "--keep-last", "1", "--threads", "1",
  ]

  /// Starts a search, sends a signal once it works, and waits for its end.
  private func end(_ path: String, _ numbers: [Int32]) throws -> Process {
    let process = CommandLineRunner.process(Self.search + ["--out", path])
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try process.run()
    while process.isRunning, !FileManager.default.fileExists(atPath: "\(path)/metrics.csv") { usleep(1000) }
    for number in numbers { kill(process.processIdentifier, number) }
    process.waitUntilExit()
    return process
  }

  @Test("stop a search with a checkpoint, and the status says which one", arguments: [SIGINT, SIGTERM, SIGHUP, SIGUSR1])
  func stop(number: Int32) throws {
    let scratch = try ScratchFolder()
    let path = scratch.file("out")
    let process = try end(path, [number])
    #expect(process.terminationReason == .exit && process.terminationStatus == 128 + number)
    let log = try String(contentsOfFile: "\(path)/log.txt", encoding: .utf8)
    #expect(log.contains("stopped by signal \(number)"), "\(log)")
    #expect(try !SearchRunFolder(existing: path).checkpoints().isEmpty)
  }

  @Test("that are ignored, as under nohup, stay ignored")
  func nohup() throws {
    let scratch = try ScratchFolder()
    let path = scratch.file("out")
    let words = Self.search.map { "'\($0)'" }.joined(separator: " ")
    let result = try CommandLineRunner.shell(
      """
      trap '' HUP; zarts \(words) --out '\(path)' & search=$!
      while [ ! -e '\(path)/metrics.csv' ]; do sleep 0.02; done
      kill -HUP $search; sleep 0.2; kill -0 $search && echo alive; kill -TERM $search; wait $search; echo $?
      """)
    #expect(result.output.contains("alive\n143"), "\(result.output) \(result.errors)")
  }
}
