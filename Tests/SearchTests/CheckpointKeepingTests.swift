import Formats
import Foundation
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// Which checkpoints a run leaves, and what it does about damaged ones.
struct CheckpointKeepingTests {
  private func names(_ files: SearchRunFolder) -> [String] {
    files.checkpoints().map { URL(fileURLWithPath: $0.path).deletingPathExtension().lastPathComponent }
  }

  private func configuration(
    _ method: SearchMethod = .zartsMGS, keepLast: Int = 0, every: Int = 0
  ) -> SearchConfiguration {
    var configuration = shortConfiguration(method)
    (configuration.keepLast, configuration.checkpointEvery) = (keepLast, every)
    return configuration
  }

  @Test(arguments: [
    (0, 0, ["epoch-000", "epoch-001", "epoch-002", "epoch-003", "epoch-004"]), (1, 0, ["epoch-004"]),
    (3, 4, ["epoch-002", "epoch-003", "epoch-004"]), (9, 0, (0...4).map { "epoch-00\($0)" }),
    (0, 4, (0...3).flatMap { ["epoch-00\($0)", "epoch-00\($0)-step-00004"] } + ["epoch-004"]),
  ])
  func asManyAreKeptAsAsked(keepLast: Int, every: Int, expected: [String]) throws {
    let folder = try ScratchFolder()
    let files = try search(quadratic(), configuration(keepLast: keepLast, every: every), in: folder.file("run"))
    #expect(names(files) == expected)
    let plain = try search(quadratic(), configuration(), in: folder.file("plain"))
    #expect(
      try bytes(files.checkpointPath(epoch: 4)) == bytes(plain.checkpointPath(epoch: 4)), "keeping must leave no trace")
  }

  @Test func stoppedRunKeepsTheCheckpointOfItsStepUntilTheEpochIsFinished() throws {
    let folder = try ScratchFolder()
    let problem = try ObservedProblem(quadratic())
    let stop = StopRequest()
    problem.interfere = { calls in
      if calls == 9 { stop.request() }
      return nil
    }
    #expect(throws: Interruption.self) {
      try search(problem, configuration(keepLast: 1), in: folder.file("run"), stop: stop)
    }
    let files = try SearchRunFolder(existing: folder.file("run"))
    #expect(names(files) == ["epoch-001", "epoch-001-step-00003"])
    try SearchRun(continuing: quadratic(), folder: files.folder, space: .s2).run()
    #expect(names(files) == ["epoch-004"])
  }

  @Test func housekeepingMayChangeWhereARunGoesOnAndNothingElse() throws {
    let folder = try ScratchFolder()
    let files = try search(quadratic(), configuration(), in: folder.file("run"))
    try FileManager.default.removeItem(atPath: files.checkpointPath(epoch: 4))
    try SearchRun(
      continuing: quadratic(), folder: files.folder, space: .s2,
      adjusting: { ($0.keepLast, $0.threads, $0.checkpointEvery) = (2, 3, 5) }
    ).run()
    #expect(names(files) == ["epoch-003", "epoch-004"])
    #expect(
      refusal {
        try SearchRun(continuing: quadratic(), folder: files.folder, space: .s2, adjusting: { $0.sigma = 1 })
      }?.contains("sigma") == true)
  }

  /// Cut short, emptied, with a changed bit in a tensor, in the metadata, and grown.
  private static let damages: [@Sendable (inout [UInt8]) -> Void] = [
    { $0.removeLast($0.count / 3) }, { $0 = [] }, { $0[$0.count - 5] ^= 4 },
    { bytes in
      // The step counter's key, wherever it stands in the header.
      let key = Array("\"weight_steps\":\"18\"".utf8)
      if let place = bytes.indices.first(where: { bytes[$0...].starts(with: key) }) { bytes[place + key.count - 2] = 0x39 }
    },
    { $0 += [0, 0, 0, 0] },
  ]

  @Test(arguments: 0..<5)
  func damagedNewestCheckpointIsPassedOverWithAWarningThatNamesBoth(damage: Int) throws {
    let folder = try ScratchFolder()
    let whole = try search(quadratic(), configuration(.darts2), in: folder.file("whole"))
    let files = try search(quadratic(), configuration(.darts2), in: folder.file("run"))
    try FileManager.default.removeItem(atPath: files.checkpointPath(epoch: 4))
    let (bad, good) = (files.checkpointPath(epoch: 3), files.checkpointPath(epoch: 2))
    let before = try bytes(bad)
    var content = before
    Self.damages[damage](&content)
    #expect(content != before)
    try AtomicFile.write(content, to: bad)
    var notes: [String] = []
    let run = try SearchRun(
      continuing: quadratic(), folder: files.folder, space: .s2,
      progress: ProgressReporter(isTerminal: false) { notes.append($0) })
    let warning = try #require(notes.first)
    #expect(warning.hasPrefix("warning: \(bad)") && warning.contains("going on from \(good)"), "\(warning)")
    let log = try String(decoding: bytes(files.logPath), as: UTF8.self)
    #expect(log.contains("warning \(bad)") && log.contains("continues from \(good)"))
    try run.run()
    for epoch in 3...4 {
      #expect(try bytes(files.checkpointPath(epoch: epoch)) == bytes(whole.checkpointPath(epoch: epoch)))
    }
    #expect(try bytes(files.alphasPath) == bytes(whole.alphasPath))
  }

  @Test func runWithoutASoundCheckpointIsRefusedNamingTheNewest() throws {
    let folder = try ScratchFolder()
    let files = try search(quadratic(), configuration(keepLast: 2), in: folder.file("run"))
    for checkpoint in files.checkpoints() { try AtomicFile.write("nothing", to: checkpoint.path) }
    let error = #expect(throws: InputError.self) {
      try SearchRun(continuing: quadratic(), folder: files.folder, space: .s2)
    }
    #expect(error?.place.file == files.checkpointPath(epoch: 4))
    for checkpoint in files.checkpoints() { try FileManager.default.removeItem(atPath: checkpoint.path) }
    #expect(
      refusal { try SearchRun(continuing: quadratic(), folder: files.folder, space: .s2) }?.hasPrefix(files.checkpointsPath)
        == true)
  }

  @Test func olderCheckpointsStayWhereTheNewestCannotBeReadBack() throws {
    let folder = try ScratchFolder()
    let files = try search(quadratic(), configuration(), in: folder.file("run"))
    try FileManager.default.removeItem(atPath: files.checkpointPath(epoch: 4))
    // A folder of the name of a later checkpoint cannot be read, whatever the run does.
    let blocked = files.checkpointPath(epoch: 9)
    try FileManager.default.createDirectory(atPath: blocked, withIntermediateDirectories: false)
    try SearchRun(continuing: quadratic(), folder: files.folder, space: .s2, adjusting: { $0.keepLast = 1 }).run()
    #expect(names(files) == (0...4).map { "epoch-00\($0)" } + ["epoch-009"])
    #expect(try String(decoding: bytes(files.logPath), as: UTF8.self).contains("older checkpoints are kept"))
  }

  @Test func temporariesOfDeadProcessesAreRemovedAndOthersLeft() throws {
    let folder = try ScratchFolder()
    let files = try search(quadratic(), configuration(), in: folder.file("run"))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/true")
    try process.run()
    process.waitUntilExit()
    let dead = "\(files.checkpointsPath)/.epoch-003.safetensors.\(process.processIdentifier).0.tmp"
    let alive = files.folder.file(".metrics.csv.\(getpid()).0.tmp")
    let foreign = files.folder.file(".notes.tmp")
    for path in [dead, alive, foreign] { try AtomicFile.write("x", to: path) }
    _ = try SearchRun(continuing: quadratic(), folder: files.folder, space: .s2)
    #expect([dead, alive, foreign].map { FileManager.default.fileExists(atPath: $0) } == [false, true, true])
  }
}
