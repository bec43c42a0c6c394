import Formats
import Foundation
import TestSupport
import Testing

/// The built program on landscapes, killed without a chance to clean up.
struct LandscapeKillTests {
  private static let golden = GoldenFile.path("s3_c8_l5_b4")

  private func arguments(out: String, _ more: [String]) -> [String] {
    ["landscape", "--weights", Self.golden, "--dataset", "tensors:\(Self.golden)", "--out", out] + more
  }

  /// Kills the program when so many rows are in a journal, each time with other threads and parallelism.
  private func killed(_ more: [String], at rows: [(journal: String, rows: Int)]) throws {
    let scratch = try ScratchFolder()
    let folder = scratch.file("out")
    let (whole, broken) = ("\(folder)/whole", "\(folder)/broken")
    let reference = try CommandLineRunner.run(arguments(out: whole, more + ["--threads", "1", "--parallel", "1"]))
    try #require(reference.status == 0, "\(reference.errors)")
    var kills = 0
    for (attempt, place) in rows.enumerated() {
      let width = ["--threads", "\(1 + attempt % 3)", "--parallel", "\(1 + (attempt + 1) % 3)"]
      let process = CommandLineRunner.process(arguments(out: broken, more + width + (attempt > 0 ? ["--resume"] : [])))
      (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
      try process.run()
      let journal = "\(broken)/\(place.journal)"
      while process.isRunning {
        let lines = (try? String(contentsOfFile: journal, encoding: .utf8))?.split(separator: "\n").count ?? 0
        if lines > place.rows { break }
        usleep(500)
      }
      if process.isRunning { kill(process.processIdentifier, SIGKILL) }
      process.waitUntilExit()
      if process.terminationReason == .uncaughtSignal { kills += 1 }
    }
    #expect(kills >= 2, "a walk that ended before its kill shows nothing")
    let last = try CommandLineRunner.run(arguments(out: broken, more + ["--resume", "--parallel", "2"]))
    #expect(last.status == 0, "\(last.errors)")
    let names = try FileManager.default.contentsOfDirectory(atPath: whole).sorted()
    #expect(try FileManager.default.contentsOfDirectory(atPath: broken).sorted() == names)
    // A figure's metadata holds the command line, which says --resume.
    for name in names where !name.hasSuffix(".png") {
      #expect(try FileBytes.read("\(whole)/\(name)") == FileBytes.read("\(broken)/\(name)"), "\(name)")
    }
  }

  @Test("a grid and its refinement, killed again and again, end as if they never were") func grid() throws {
    try killed(
      ["--grid", "5", "--objectives", "first,true:2", "--refine", "3"],
      at: [("journal.csv", 4), ("journal.csv", 20), ("refinement-journal.csv", 3), ("refinement-journal.csv", 11)])
  }

  @Test("lines, killed again and again, end as if they never were") func lines() throws {
    try killed(
      ["--kind", "line", "--points", "9", "--directions", "random*2,first,zarts", "--objectives", "first,second,true:2"],
      at: [("journal.csv", 3), ("journal.csv", 40), ("journal.csv", 80)])
  }
}
