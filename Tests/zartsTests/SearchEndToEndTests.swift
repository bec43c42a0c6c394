import Formats
import Foundation
import Search
import TestSupport
import Testing

/// The built program on a supernet and the eight images of a golden file.
struct SearchEndToEndTests {
  private func arguments(_ method: SearchMethod, epochs: Int, threads: Int, out: String) -> [String] {
    let golden = GoldenFile.path("s2_c16_l3_b4")
    return [
      "search", "--method", method.rawValue, "--space", "s2", "--dataset", "tensors:\(golden)", "--channels", "4",
      "--layers", "3", "--batch", "4", "--epochs", "\(epochs)", "--warmup", "1", "--inner-steps", "2", "--candidates", "2",
      "--threads", "\(threads)", "--out", out,
    ]
  }

  @Test(arguments: SearchMethod.allCases)
  func checkpointsHaveTheSameBitsOnOneAndThreeThreads(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    for threads in [1, 3] {
      let result = try CommandLineRunner.run(
        arguments(method, epochs: 3, threads: threads, out: "\(folder.path)/\(threads)"))
      #expect(result.status == 0, "\(result.errors)")
    }
    let runs = try [1, 3].map { try SearchRunFolder(existing: "\(folder.path)/\($0)") }
    for epoch in 0...3 {
      let checkpoints = try runs.map { try FileBytes.read($0.checkpointPath(epoch: epoch)) }
      #expect(checkpoints[0] == checkpoints[1], "epoch \(epoch)")
    }
    #expect(try FileBytes.read(runs[0].alphasPath) == FileBytes.read(runs[1].alphasPath))
    #expect(try runs[0].genotypes() == runs[1].genotypes())
  }

  @Test("The number of groups leaves no trace, may change where a run goes on, and is said with its memory")
  func groups() throws {
    let folder = try ScratchFolder()
    func path(_ groups: Int) -> String { "\(folder.path)/\(groups)" }
    for groups in [1, 2] {
      let result = try CommandLineRunner.run(
        arguments(.zartsMGS, epochs: 2, threads: 2, out: path(groups)) + ["--groups", "\(groups)"])
      #expect(result.status == 0, "\(result.errors)")
      let head = "candidates on 2 groups of 1 thread, "
      let isSaid = result.errors.contains(head) && result.errors.contains(" GB in addition")
      #expect(isSaid == (groups == 2), "\(result.errors)")
    }
    let runs = try [1, 2].map { try SearchRunFolder(existing: path($0)) }
    for epoch in 0...2 {
      #expect(
        try FileBytes.read(runs[0].checkpointPath(epoch: epoch)) == FileBytes.read(runs[1].checkpointPath(epoch: epoch)))
    }
    // The last epoch once more, on another number.
    let last = try FileBytes.read(runs[1].checkpointPath(epoch: 2))
    try FileManager.default.removeItem(atPath: runs[1].checkpointPath(epoch: 2))
    let again = try CommandLineRunner.run(["search", "--resume", path(2), "--groups", "1"])
    #expect(again.status == 0 && !again.errors.contains("groups of"), "\(again.errors)")
    #expect(try FileBytes.read(runs[1].checkpointPath(epoch: 2)) == last)
    let none = try CommandLineRunner.run(arguments(.darts1, epochs: 1, threads: 1, out: path(3)) + ["--groups", "2"])
    #expect(none.status == 0 && none.errors.contains("--groups has no effect on darts1"), "\(none.errors)")
  }

  @Test func progressiveSearchWithPartialChannelsLeavesARunFolderAStage() throws {
    let folder = try ScratchFolder()
    let variant = [
      "--stages", "3:8:2:0:2:1,4:8:1:0.4:2:1", "--partial-channels", "4", "--edge-normalisation", "--maximum-skips", "1",
    ]
    for threads in [1, 3] {
      let result = try CommandLineRunner.run(
        arguments(.zartsMGS, epochs: 3, threads: threads, out: "\(folder.path)/\(threads)") + variant)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("\(threads)/stage-2"))
    }
    let runs = try [1, 3].map { try SearchRunFolder(existing: "\(folder.path)/\($0)") }
    for stage in 0..<2 {
      let checkpoints = try runs.map { try FileBytes.read($0.stage(stage).checkpointPath(epoch: 2)) }
      #expect(checkpoints[0] == checkpoints[1], "stage \(stage)")
    }
    let path = runs[0].stage(1).checkpointPath(epoch: 2)
    let file = try TensorFile(readingFrom: path)
    #expect(file.tensors["alphas_normal"]?.shape == [14, 1] && file.tensors["betas_normal"]?.shape == [14])
    #expect(try runs[0].genotypes().count == 2)
    // Nothing is left to do, and nothing changes.
    let before = try FileBytes.read(path)
    let again = try CommandLineRunner.run(["search", "--resume", runs[0].folder.path])
    #expect(again.status == 0, "\(again.errors)")
    #expect(try FileBytes.read(path) == before)
    let wrong = try CommandLineRunner.run(
      arguments(.darts1, epochs: 1, threads: 1, out: "\(folder.path)/wrong") + ["--stages", "3:8:2"])
    #expect(wrong.status != 0 && wrong.errors.contains("stages"))
  }

  @Test func flagsReachTheConfigurationAndThoseOfOtherMethodsAreNoted() throws {
    let folder = try ScratchFolder()
    let first = "\(folder.path)/first"
    let own = ["--rs-distribution", "sphere", "--xi", "0.5", "--antithetic", "--tau", "0.5", "--radii", "3"]
    let result = try CommandLineRunner.run(arguments(.zartsRS, epochs: 2, threads: 1, out: first) + own)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("--tau has no effect on zarts-rs"))
    #expect(result.errors.contains("--radii has no effect on zarts-rs"))
    #expect(!result.errors.contains("--xi has no effect") && !result.errors.contains("--seed has no effect"))
    let configuration = try SearchRunFolder(existing: first).configuration()
    #expect(configuration.rsDistribution == .sphere && configuration.antithetic && configuration.xi == 0.5)
    #expect(abs(configuration.mu - 0.2 * 56.0.squareRoot()) < 1e-12, "μ goes with the sphere")
    #expect(configuration.tau == 0.5 && configuration.radii == 3)
    let second = "\(folder.path)/second"
    let again = try CommandLineRunner.run(["search", "--config", "\(first)/config.yaml", "--threads", "1", "--out", second])
    #expect(again.status == 0, "\(again.errors)")
    #expect(again.errors.contains("tau of \(first)/config.yaml has no effect on zarts-rs"))
    #expect(!again.errors.contains("xi of"))
    let runs = try [first, second].map { try SearchRunFolder(existing: $0) }
    #expect(try FileBytes.read(runs[0].checkpointPath(epoch: 2)) == FileBytes.read(runs[1].checkpointPath(epoch: 2)))
    let third = "\(folder.path)/third"
    let other = try CommandLineRunner.run([
      "search", "--config", "\(first)/config.yaml", "--method", "zarts-gld", "--no-antithetic", "--out", third,
    ])
    #expect(other.status == 0, "\(other.errors)")
    #expect(other.errors.contains("--antithetic has no effect on zarts-gld"))
    let changed = try SearchRunFolder(existing: third).configuration()
    #expect(changed.method == .zartsGLD && !changed.antithetic && changed.radii == 3)
  }

  @Test func folderWithResultsIsLeftAsItIs() throws {
    let folder = try ScratchFolder()
    let arguments = arguments(.darts1, epochs: 1, threads: 1, out: folder.file("run"))
    #expect(try CommandLineRunner.run(arguments).status == 0)
    let files = try SearchRunFolder(existing: folder.file("run"))
    let before = try FileBytes.read(files.metricsPath)
    let again = try CommandLineRunner.run(arguments)
    #expect(again.status != 0)
    #expect(again.errors.contains(folder.file("run")))
    #expect(try FileBytes.read(files.metricsPath) == before)
  }

  @Test(arguments: [SIGTERM, SIGINT])
  func signalEndsASearchWithACheckpointThatGoesOn(number: Int32) throws {
    let folder = try ScratchFolder()
    let process = CommandLineRunner.process(arguments(.zartsMGS, epochs: 50, threads: 1, out: folder.file("run")))
    let errors = Pipe()
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let files = SearchRunFolder(try waitForFolder(folder.file("run"), of: process))
    while process.isRunning, !FileManager.default.fileExists(atPath: files.checkpointPath(epoch: 1)) { usleep(2000) }
    kill(process.processIdentifier, number)
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    #expect(process.terminationStatus == 128 + number, "\(text)")
    let latest = try files.latestCheckpointPath()
    #expect(text.contains(latest) && text.contains("--resume"), "\(text)")
    let resumed = try CommandLineRunner.run(["search", "--resume", folder.file("run")])
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try files.metrics().map(\.epoch) == Array(1...50))
    let whole = try ScratchFolder()
    #expect(try CommandLineRunner.run(arguments(.zartsMGS, epochs: 50, threads: 1, out: whole.file("run"))).status == 0)
    let expected = try SearchRunFolder(existing: whole.file("run"))
    #expect(try FileBytes.read(files.checkpointPath(epoch: 50)) == FileBytes.read(expected.checkpointPath(epoch: 50)))
  }

  private func waitForFolder(_ path: String, of process: Process) throws -> OutputFolder {
    while process.isRunning, !FileManager.default.fileExists(atPath: path) { usleep(2000) }
    return try OutputFolder.existing(at: path)
  }
}
