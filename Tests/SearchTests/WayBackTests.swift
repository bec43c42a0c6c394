import Formats
import Foundation
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// A search that goes back is killed, stopped, pruned and robbed of what it needs.
struct WayBackTests {
  /// A search that stands after epoch 10, where the rule has fired, and has not begun to go back.
  private static func fired(in folder: ScratchFolder, _ name: String) throws -> SearchRunFolder {
    let path = folder.file(name)
    let run = try SearchRun(
      starting: steppedCurvature(), configuration: steppedConfiguration(), folder: .create(at: path), space: .s2)
    // A file in the place of the folder of the round.
    try AtomicFile.write("", to: run.files.round(1).folder.path)
    let error = #expect(throws: InputError.self) { try run.run() }
    #expect(error?.place.file == run.files.round(1).folder.path)
    try FileManager.default.removeItem(atPath: run.files.round(1).folder.path)
    return run.files
  }

  /// Goes on from there with a stop that was asked for: back, and no step further.
  private static func returned(from fired: SearchRunFolder, in folder: ScratchFolder) throws -> SearchRunFolder {
    let path = folder.file("returned")
    try FileManager.default.copyItem(atPath: fired.folder.path, toPath: path)
    let stop = StopRequest()
    stop.request()
    let run = try SearchRun(continuing: steppedCurvature(), folder: .existing(at: path), space: .s2, stop: stop)
    let error = #expect(throws: Interruption.self) { try run.run() }
    #expect(error?.epoch == 8 && error?.step == 0 && error?.checkpoint == run.files.checkpointPath(epoch: 8))
    return run.files
  }

  private static func same(_ files: SearchRunFolder, _ whole: SearchRunFolder, _ comment: String) throws {
    for epoch in 0...24 {
      #expect(
        try bytes(files.checkpointPath(epoch: epoch)) == bytes(whole.checkpointPath(epoch: epoch)), "\(comment) \(epoch)")
    }
    for path in [\SearchRunFolder.alphasPath, \.genotypesPath, \.genotypePath, \.rollBacksPath] {
      #expect(try bytes(files[keyPath: path]) == bytes(whole[keyPath: path]), "\(comment)")
    }
    #expect(
      try AdaptiveRegularisationTests.timeless(files.metrics()) == AdaptiveRegularisationTests.timeless(whole.metrics()))
    for round in 1...2 {
      let (own, other) = (files.round(round), whole.round(round))
      #expect(
        try AdaptiveRegularisationTests.timeless(own.metrics()) == AdaptiveRegularisationTests.timeless(other.metrics()))
      // A stop leaves checkpoints within epochs besides.
      let finished = own.checkpoints().filter { $0.step == 0 }.map(\.epoch)
      #expect(finished == other.checkpoints().map(\.epoch), "\(comment)")
      for checkpoint in other.checkpoints() {
        #expect(try bytes(own.checkpointPath(epoch: checkpoint.epoch)) == bytes(checkpoint.path), "\(comment)")
      }
    }
    try files.checkHistory()
  }

  /// The files as a process that was killed leaves them after each thing that it does on its way back.
  private static let stages: [(name: String, put: @Sendable (SearchRunFolder, SearchRunFolder) throws -> Void)] = [
    ("nothing", { _, _ in }),
    (
      "aside",
      { files, after in
        try FileManager.default.copyItem(atPath: after.round(1).folder.path, toPath: files.round(1).folder.path)
        try FileManager.default.removeItem(atPath: files.round(1).checkpointsPath)
      }
    ),
    (
      "checkpoint",
      { files, after in
        try AtomicFile.write(bytes(after.checkpointPath(epoch: 8)), to: files.checkpointPath(epoch: 8))
      }
    ),
    ("older", { files, _ in try move(9, of: files) }), ("newest", { files, _ in try move(10, of: files) }),
    ("metrics", { files, after in try AtomicFile.write(bytes(after.metricsPath), to: files.metricsPath) }),
    ("alphas", { files, after in try AtomicFile.write(bytes(after.alphasPath), to: files.alphasPath) }),
    ("genotypes", { files, after in try AtomicFile.write(bytes(after.genotypesPath), to: files.genotypesPath) }),
    ("all", { files, after in try AtomicFile.write(bytes(after.rollBacksPath), to: files.rollBacksPath) }),
  ]

  private static func move(_ epoch: Int, of files: SearchRunFolder) throws {
    let round = files.round(1)
    _ = try round.folder.subfolder("checkpoints")
    try FileManager.default.moveItem(
      atPath: files.checkpointPath(epoch: epoch), toPath: round.checkpointPath(epoch: epoch))
  }

  @Test("A process that is killed anywhere on its way back leaves a run that can be read and that ends as any other")
  func killed() throws {
    let folder = try ScratchFolder()
    let whole = try search(steppedCurvature(), steppedConfiguration(), in: folder.file("whole"))
    let before = try Self.fired(in: folder, "fired")
    let after = try Self.returned(from: before, in: folder)
    #expect(try before.metrics().count == 10 && after.metrics().count == 8)
    #expect(before.checkpoints().last?.epoch == 10 && after.checkpoints().last?.epoch == 8)
    #expect(try after.alphaHistory().count == 8 && after.rollBacks().count == 1)
    // Each stage has what those before it did.
    for last in Self.stages.indices {
      let path = folder.file("killed-\(last)")
      try FileManager.default.copyItem(atPath: before.folder.path, toPath: path)
      let files = try SearchRunFolder(existing: path)
      for stage in Self.stages[...last] { try stage.put(files, after) }
      try files.checkHistory()
      #expect(try files.result() != nil, "\(Self.stages[last].name)")
      try SearchRun(continuing: steppedCurvature(), folder: files.folder, space: .s2).run()
      try Self.same(files, whole, Self.stages[last].name)
    }
  }

  @Test("A stop anywhere in any round leaves no trace")
  func stopped() throws {
    let folder = try ScratchFolder()
    let counted = try steppedCurvature()
    let whole = try search(counted, steppedConfiguration(), in: folder.file("whole"))
    for number in stride(from: 5, to: counted.calls - 1, by: max(1, counted.calls / 14)) {
      let path = folder.file("broken-\(number)")
      let problem = try steppedCurvature()
      let stop = StopRequest()
      problem.interfere = { calls in
        if calls == number { stop.request(signal: SIGINT) }
        return nil
      }
      #expect(throws: Interruption.self, "loss \(number)") {
        try search(problem, steppedConfiguration(), in: path, stop: stop)
      }
      let run = try SearchRun(continuing: steppedCurvature(), folder: .existing(at: path), space: .s2)
      try run.run()
      try Self.same(run.files, whole, "loss \(number)")
    }
  }

  @Test("A damaged checkpoint at the place of the return is passed over, and its round is gone through again")
  func damaged() throws {
    let folder = try ScratchFolder()
    let whole = try search(steppedCurvature(), steppedConfiguration(), in: folder.file("whole"))
    let after = try Self.returned(from: Self.fired(in: folder, "fired"), in: folder)
    try AtomicFile.write("nothing", to: after.checkpointPath(epoch: 8))
    try SearchRun(continuing: steppedCurvature(), folder: after.folder, space: .s2).run()
    try Self.same(after, whole, "damaged")
  }

  @Test("Checkpoints that a return may need stay as long as it may, and no longer, however few are to be kept")
  func pruning() throws {
    let folder = try ScratchFolder()
    let whole = try search(steppedCurvature(), steppedConfiguration(), in: folder.file("whole"))
    var configuration = steppedConfiguration()
    configuration.keepLast = 1
    let problem = try steppedCurvature()
    let stop = StopRequest()
    problem.spoilBatch = { [unowned problem] _ in
      if problem.trainingPositions.last == [8, 0] { stop.request() }
    }
    let path = folder.file("run")
    #expect(throws: Interruption.self) { try search(problem, configuration, in: path, stop: stop) }
    let files = try SearchRunFolder(existing: path)
    // Two raises are left: two eigenvalues back from the newest, that of epoch 8, and two from the one after.
    #expect(files.checkpoints().filter { $0.step == 0 }.map(\.epoch) == [5, 6, 7, 8])
    try SearchRun(continuing: steppedCurvature(), folder: files.folder, space: .s2).run()
    #expect(files.checkpoints().map(\.epoch) == [24], "at the maximum none is needed")
    #expect(try bytes(files.checkpointPath(epoch: 24)) == bytes(whole.checkpointPath(epoch: 24)))
    #expect(try bytes(files.alphasPath) == bytes(whole.alphasPath))
    #expect(files.round(1).checkpoints().isEmpty && files.round(2).checkpoints().isEmpty)
    #expect(try files.round(1).metrics().count == 10)
  }

  @Test("A search whose needed checkpoint is gone or another's ends naming it, and goes on once it is back")
  func missing() throws {
    let folder = try ScratchFolder()
    let whole = try search(steppedCurvature(), steppedConfiguration(), in: folder.file("whole"))
    let files = try Self.fired(in: folder, "run")
    let path = files.checkpointPath(epoch: 8)
    let kept = try bytes(path)
    func attempt() throws -> InputError? {
      #expect(throws: InputError.self) {
        try SearchRun(continuing: steppedCurvature(), folder: files.folder, space: .s2).run()
      }
    }
    try FileManager.default.removeItem(atPath: path)
    let gone = try attempt()
    #expect(gone?.place == .file(path) && gone?.found == "no such file")
    try AtomicFile.write(bytes(files.checkpointPath(epoch: 7)), to: path)
    let other = try attempt()
    #expect(other?.place == .file(path) && other?.found == "the state after 7 epochs and 0 steps")
    try AtomicFile.write("nothing", to: path)
    #expect(try attempt()?.place.file == path)
    try AtomicFile.write(kept, to: path)
    try SearchRun(continuing: steppedCurvature(), folder: files.folder, space: .s2).run()
    try Self.same(files, whole, "put back")
  }
}
