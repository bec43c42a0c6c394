import Formats
import Foundation
import Search
import Suites
import TestSupport
import Testing

/// The built program working off suites.
@Suite("zarts suite") struct SuiteCommandTests {
  private let scratch: ScratchFolder
  private let data: String

  init() throws {
    scratch = try ScratchFolder()
    data = "cifar10:\(scratch.file("data"))"
    try ImageSamples.writeCIFAR(scratch.file("data"))
    try scratch.write(
      """
      methods: [darts1]
      seeds: [0, 1]
      spaces: [s2]
      settings: {epochs: 3, channels: 4, layers: 3, batch: 8, checkpoint_every: 1}
      brief_epochs: 1
      retraining_settings: {epochs: 1, channels: 4, layers: 3, batch: 16, auxiliary: false, drop_path: 0.0}
      """, to: "suite.yaml")
  }

  private func arguments(_ more: [String]) -> [String] {
    ["suite", scratch.file("suite.yaml"), "--datasets", data, "--threads", "1"] + more
  }

  /// The files that say what was computed, by their paths.
  private func results(_ folder: String) throws -> [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    for case let path as String in FileManager.default.enumerator(atPath: folder) ?? .init() {
      let name = path.split(separator: "/").last.map(String.init) ?? ""
      guard
        ["alphas.npy", "genotype.txt", "suite.tex"].contains(name) || name.hasPrefix("epoch-0") && !name.contains("step")
      else { continue }
      result[path] = try bytes("\(folder)/\(path)")
    }
    return result
  }

  @Test("Two processes, one of which is killed, and a third that goes on end in the files of one that was left alone")
  func killed() throws {
    let (whole, broken) = (scratch.file("whole"), scratch.file("broken"))
    let cost = ["--search-step-seconds", "1", "--retraining-step-seconds", "1"]
    let alone = try CommandLineRunner.run(arguments(cost + ["--out", whole]))
    try #require(alone.status == 0, "\(alone.errors)")
    #expect(alone.output.contains("4/4") && alone.errors.contains("core-hours"), "\(alone.output)\(alone.errors)")
    let victim = CommandLineRunner.process(arguments(cost + ["--out", broken]))
    (victim.standardOutput, victim.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try victim.run()
    // In the midst of its first search.
    let mark = "\(broken)/runs/s2-darts1-0/checkpoints/epoch-001.safetensors"
    while victim.isRunning, !FileManager.default.fileExists(atPath: mark) { usleep(500) }
    kill(victim.processIdentifier, SIGKILL)
    victim.waitUntilExit()
    try #require(victim.terminationReason == .uncaughtSignal, "a suite that ended before its kill shows nothing")
    let status = try CommandLineRunner.run(["suite", "status", broken])
    #expect(status.status == 0 && status.output.contains("runs/s2-darts1-0") && status.output.contains("interrupted"))
    let (first, second) = (
      CommandLineRunner.process(arguments(["--out", broken])), CommandLineRunner.process(["suite", "--resume", broken])
    )
    for process in [first, second] {
      (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
      try process.run()
    }
    for process in [first, second] {
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }
    let (found, expected) = (try results(broken), try results(whole))
    #expect(Set(found.keys) == Set(expected.keys) && expected.count > 10)
    for (path, content) in expected { #expect(found[path] == content, "\(path)") }
    let done = try CommandLineRunner.run(["suite", "status", broken, "--json"])
    let object = try JSONSerialization.jsonObject(with: Data(done.output.utf8)) as? [String: Any]
    #expect((object?["counts"] as? [String: Int])?["finished"] == 4)
    let page = try CommandLineRunner.run(["report", whole])
    let html = try String(decoding: bytes("\(whole)/report.html"), as: UTF8.self)
    #expect(page.status == 0 && html.contains("Test error in %") && html.contains("id=\"suite\""))
  }

  @Test("A signal stops a suite with the status of the signal, and names how to go on") func signal() throws {
    let out = scratch.file("signal")
    let process = CommandLineRunner.process(
      arguments(["--search-step-seconds", "1", "--retraining-step-seconds", "1", "--out", out]))
    let errors = Pipe()
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, errors)
    try process.run()
    let mark = "\(out)/runs/s2-darts1-0/checkpoints/epoch-001.safetensors"
    while process.isRunning, !FileManager.default.fileExists(atPath: mark) { usleep(500) }
    process.terminate()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 128 + SIGTERM && text.contains("zarts suite --resume \(out)"), "\(text)")
    #expect(try CSVTable(readingFrom: "\(out)/suite.csv").integers("finished_jobs")[0] < 4)
  }

  @Test("A dry run prints what the paper's suite should cost without its data, and makes nothing") func dryRun() throws {
    let result = try CommandLineRunner.run([
      "suite", "--preset", "paper", "--dry-run", "--search-step-seconds", "1", "--retraining-step-seconds", "1",
    ])
    try #require(result.status == 0, "\(result.errors)")
    let rows = result.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    func count(_ kind: String) -> String? { rows.first { $0.first == kind }?.dropFirst().first }
    #expect(["warm-up", "search", "choose", "retrain", "all"].map(count) == ["48", "288", "72", "216", "624"])
  }

  @Test(
    "Wrong command lines end with 64 and name what is wrong",
    arguments: [
      (["suite"], "methods"), (["suite", "--preset", "big", "--out", "x"], "--preset"),
      (["suite", "--methods", "darts1", "--datasets", "fashion-mnist"], "--out"),
      (
        ["suite", "--methods", "darts1", "--datasets", "fashion-mnist", "--brief-epochs", "0", "--out", "x"],
        "--brief-epochs"
      ),
      (
        ["suite", "--methods", "darts1", "--datasets", "fashion-mnist", "--retraining-preset", "mnist", "--out", "x"],
        "mnist"
      ),
      (["suite", "--resume", "/tmp", "--seeds", "3"], "--seeds"),
      (["suite", "--resume", "/tmp", "--patience", "3"], "--patience"),
      (["suite", "status"], "dir"), (["presets", "--suites", "--landscapes"], "--suites"),
    ])
  func usage(arguments: [String], mention: String) throws {
    let result = try CommandLineRunner.run(arguments)
    #expect(result.status == 64 && result.errors.contains(mention), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: "x"))
  }

  @Test("Presets of suites are listed, and each is printed as a file that is the same suite") func presets() throws {
    let list = try CommandLineRunner.run(["presets", "--suites"])
    #expect(list.status == 0 && SuitePreset.all.allSatisfy { list.output.contains("\n\($0.name)  ") })
    let printed = try CommandLineRunner.run(["presets", "--suites", "paper"])
    let plan = try SuitePlan(yaml: printed.output, from: "printed")
    try plan.require(sameAs: SuitePlan(yaml: "preset: paper", from: "named"), in: "printed")
  }
}
