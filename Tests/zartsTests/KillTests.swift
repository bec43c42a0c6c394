import Formats
import Foundation
import Search
import TestSupport
import Testing

/// The built program, killed without a chance to clean up. `make kill-test` does the same twenty times in a row.
struct KillTests {
  private func arguments(out: String) -> [String] {
    let golden = GoldenFile.path("s2_c16_l3_b4")
    return [
      "search", "--method", "zarts-mgs", "--space", "s2", "--dataset", "tensors:\(golden)", "--channels", "4", "--layers",
      "3",
      "--batch", "2", "--epochs", "24", "--warmup", "5", "--inner-steps", "2", "--candidates", "2", "--threads", "1",
      "--checkpoint-every", "1", "--tensorboard", "--out", out,
    ]
  }

  @Test func runKilledFourTimesEndsAsIfItNeverWas() throws {
    let scratch = try ScratchFolder()
    let folder = scratch.file("out")
    let whole = try CommandLineRunner.run(arguments(out: "\(folder)/whole"))
    try #require(whole.status == 0, "\(whole.errors)")
    let broken = "\(folder)/broken"
    var kills = 0
    for epoch in [0, 5, 11, 17] {
      let process = CommandLineRunner.process(kills == 0 ? arguments(out: broken) : ["search", "--resume", broken])
      (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
      try process.run()
      // Somewhere behind that epoch: between two system calls of whatever it does then.
      let path = "\(broken)/checkpoints/epoch-0\(epoch < 10 ? "0" : "")\(epoch).safetensors"
      while process.isRunning, !FileManager.default.fileExists(atPath: path) { usleep(500) }
      usleep(UInt32(1000 + 1700 * kills))
      if process.isRunning { kill(process.processIdentifier, SIGKILL) }
      process.waitUntilExit()
      if process.terminationReason == .uncaughtSignal { kills += 1 }
      // No more is lost than the step in flight.
      let newest = try #require(try SearchRunFolder(existing: broken).checkpoints().last)
      try TensorFile(readingFrom: newest.path).verifyChecksum()
    }
    #expect(kills >= 2, "a run that ended before its kill shows nothing")
    let last = try CommandLineRunner.run(["search", "--resume", broken])
    #expect(last.status == 0, "\(last.errors)")
    let runs = try [SearchRunFolder(existing: "\(folder)/whole"), SearchRunFolder(existing: broken)]
    for epoch in 0...24 {
      let contents = try runs.map { try FileBytes.read($0.checkpointPath(epoch: epoch)) }
      #expect(contents[0] == contents[1], "epoch \(epoch)")
    }
    for path in [\SearchRunFolder.alphasPath, \.genotypesPath, \.genotypePath] {
      #expect(try FileBytes.read(runs[0][keyPath: path]) == FileBytes.read(runs[1][keyPath: path]))
    }
    let rows = try runs.map { run in
      try run.metrics().map { row in
        var row = row
        row.seconds = 0
        return row
      }
    }
    #expect(rows[0] == rows[1])
    let leftovers = try FileManager.default.contentsOfDirectory(atPath: "\(broken)/checkpoints").filter { $0.hasPrefix(".") }
    #expect(leftovers.isEmpty, "\(leftovers)")
  }
}
