import Formats
import Foundation
import Problems
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// Runs that are stopped and go on must end as runs that never were.
struct StopAndContinueTests {
  /// Stops after so many losses, goes on until the end, and returns both runs' folders.
  private func interrupt(
    _ method: SearchMethod, afterLosses losses: Int, in folder: ScratchFolder
  ) throws -> (whole: SearchRunFolder, broken: SearchRunFolder, error: Interruption) {
    let whole = try search(withStatistics(), shortConfiguration(method), in: folder.file("whole"))
    let problem = try withStatistics()
    let stop = StopRequest()
    problem.interfere = { calls in
      if calls == losses { stop.request(signal: SIGINT) }
      return nil
    }
    let error = try #require(
      #expect(throws: Interruption.self) {
        try search(problem, shortConfiguration(method), in: folder.file("broken"), stop: stop)
      })
    let run = try SearchRun(continuing: withStatistics(), folder: .existing(at: folder.file("broken")), space: .s2)
    try run.run()
    return (whole, run.files, error)
  }

  private func withStatistics() throws -> ObservedProblem<QuadraticBilevelProblem> {
    let problem = try ObservedProblem(quadratic())
    problem.hasStatistics = true
    return problem
  }

  /// Losses by number: the warm-up of 2 epochs has 2 × (6 + 1); a DARTS step then has 2 or 5, an update of MGS 1 + 3 × 5, of
  /// RS 4 × 5, of GLD 5 × 5; an epoch of random search 6, then 3 rivals (later 4) and the validation.
  @Test(arguments: [
    (SearchMethod.darts1, 3), (.darts1, 6), (.darts1, 19), (.darts2, 20), (.zartsMGS, 9), (.zartsMGS, 20), (.zartsMGS, 33),
    (.zartsMGS, 48), (.zartsRS, 3), (.zartsRS, 17), (.zartsRS, 30), (.zartsRS, 36), (.zartsRS, 59), (.zartsGLD, 20),
    (.zartsGLD, 41), (.zartsGLD, 70), (.random, 9), (.random, 16), (.random, 21), (.random, 22), (.random, 23),
    (.random, 31), (.random, 33),
  ])
  func continuedRunEndsWithTheBitsOfAnUninterruptedOne(method: SearchMethod, losses: Int) throws {
    let folder = try ScratchFolder()
    let (whole, broken, error) = try interrupt(method, afterLosses: losses, in: folder)
    #expect(error.signal == SIGINT && FileManager.default.fileExists(atPath: error.checkpoint))
    #expect("\(error)".contains(error.checkpoint))
    for epoch in 0...4 {
      #expect(try bytes(whole.checkpointPath(epoch: epoch)) == bytes(broken.checkpointPath(epoch: epoch)), "epoch \(epoch)")
    }
    #expect(try bytes(whole.alphasPath) == bytes(broken.alphasPath))
    #expect(try bytes(whole.genotypesPath) == bytes(broken.genotypesPath))
    let last = try TensorFile(readingFrom: broken.checkpointPath(epoch: 4))
    #expect(try last.floats("omega.running_mean")[1] == 24, "weight steps alone move the statistics, each once")
    #expect(try timeless(whole) == timeless(broken))
  }

  /// Stops at losses all over the run: within the warm-up, between and within updates, at the ends of epochs.
  @Test(arguments: SearchMethod.allCases)
  func stopsAnywhereLeaveNoTrace(method: SearchMethod) throws {
    let folder = try ScratchFolder()
    var configuration = shortConfiguration(method)
    if !method.stopsEarly { configuration.eigenvalueEvery = 2 }
    let counted = try withStatistics()
    let whole = try search(counted, configuration, in: folder.file("whole"))
    let losses = counted.calls
    // After a stop in the very last one nothing is left to stop.
    for number in stride(from: 1, to: losses - 1, by: max(1, losses / 9)) {
      let path = folder.file("broken-\(number)")
      let problem = try withStatistics()
      let stop = StopRequest()
      problem.interfere = { calls in
        if calls == number { stop.request(signal: SIGINT) }
        return nil
      }
      #expect(throws: Interruption.self, "loss \(number)") { try search(problem, configuration, in: path, stop: stop) }
      let run = try SearchRun(continuing: withStatistics(), folder: .existing(at: path), space: .s2)
      try run.run()
      for epoch in 0...4 {
        #expect(
          try bytes(whole.checkpointPath(epoch: epoch)) == bytes(run.files.checkpointPath(epoch: epoch)), "loss \(number)")
      }
      #expect(try timeless(whole) == timeless(run.files))
      #expect(try bytes(whole.genotypePath) == bytes(run.files.genotypePath))
    }
  }

  private func timeless(_ files: SearchRunFolder) throws -> [EpochRecord] {
    try files.metrics().map { record in
      var record = record
      record.seconds = 0
      return record
    }
  }

  @Test func stopWithinAnUpdateAbandonsItBeforeTheNextCandidate() throws {
    let folder = try ScratchFolder()
    let problem = try ObservedProblem(quadratic())
    let stop = StopRequest()
    // Loss 16 is within the first candidate of the first update.
    problem.interfere = { calls in
      if calls == 16 { stop.request() }
      return nil
    }
    let error = #expect(throws: Interruption.self) {
      try search(problem, shortConfiguration(.zartsMGS), in: folder.file("run"), stop: stop)
    }
    let path = folder.file("run/checkpoints/epoch-002.safetensors")
    #expect(error == Interruption(signal: SIGTERM, epoch: 2, step: 0, checkpoint: path))
    #expect(problem.weightGradients == 12 + 4, "only the candidate that was running may finish")
    let checkpoint = try SearchCheckpoint(readingFrom: path, for: quadratic())
    #expect(checkpoint.alphas == (try quadratic().initialAlphas))
    #expect(checkpoint.epoch == 2 && checkpoint.step == 0)
  }

  @Test func checkpointWithoutStatisticsIsRefusedWhereTheNetworkHasThem() throws {
    let folder = try ScratchFolder()
    let files = try search(quadratic(), shortConfiguration(.darts1), in: folder.file("run"))
    #expect(
      refusal {
        try SearchRun(continuing: withStatistics(), folder: files.folder, space: .s2)
      }?.hasPrefix(files.checkpointPath(epoch: 4)) == true)
  }

  @Test func finishedRunHasNothingLeftToDo() throws {
    let folder = try ScratchFolder()
    let files = try search(quadratic(), shortConfiguration(.darts1), in: folder.file("run"))
    let before = try bytes(files.metricsPath)
    let problem = try ObservedProblem(quadratic())
    let outcome = try SearchRun(continuing: problem, folder: files.folder, space: .s2).run()
    #expect(problem.weightGradients == 0)
    #expect(outcome.record?.epoch == 4)
    #expect(try bytes(files.metricsPath) == before)
  }

  @Test func rowsBeyondTheLatestCheckpointAreWrittenAgain() throws {
    let folder = try ScratchFolder()
    let files = try search(quadratic(), shortConfiguration(.zartsMGS), in: folder.file("run"))
    let before = try bytes(files.checkpointPath(epoch: 4))
    let history = try bytes(files.alphasPath)
    // A crash between metrics.csv and the checkpoint leaves just this.
    try FileManager.default.removeItem(atPath: files.checkpointPath(epoch: 4))
    try SearchRun(continuing: quadratic(), folder: files.folder, space: .s2).run()
    #expect(try bytes(files.checkpointPath(epoch: 4)) == before)
    #expect(try bytes(files.alphasPath) == history)
    #expect(try files.metrics().map(\.epoch) == [1, 2, 3, 4])
  }

  @Test func numberOfThreadsLeavesNoTraceAndMayChangeBetweenStopAndContinuation() throws {
    let folder = try ScratchFolder()
    let files = try search(quadratic(), shortConfiguration(.darts1), in: folder.file("a"))
    var configuration = shortConfiguration(.darts1)
    configuration.threads = 3
    let other = try search(quadratic(), configuration, in: folder.file("b"))
    #expect(try bytes(files.checkpointPath(epoch: 4)) == bytes(other.checkpointPath(epoch: 4)))
    try AtomicFile.write(configuration.yaml, to: files.configurationPath)
    try SearchRun(continuing: quadratic(), folder: files.folder, space: .s2).run()
  }

  /// A checkpoint of a program that knew fewer settings is one of the same run where the missing ones are the defaults.
  @Test func settingsThatACheckpointDoesNotNameAreTheDefaults() throws {
    let folder = try ScratchFolder()
    let files = try search(quadratic(), shortConfiguration(.darts1), in: folder.file("run"))
    let path = files.checkpointPath(epoch: 4)
    let file = try TensorFile(readingFrom: path)
    var metadata = file.metadata
    let lines = try #require(metadata["configuration"]).split(separator: "\n").filter { !$0.hasPrefix("radius:") }
    metadata["configuration"] = lines.joined(separator: "\n")
    metadata[TensorFile.checksumKey] = nil
    try TensorFile.write(Array(file.tensors.values), metadata: metadata, to: path)
    try SearchRun(continuing: quadratic(), folder: files.folder, space: .s2).run()
    metadata["configuration"] = nil
    try TensorFile.write(Array(file.tensors.values), metadata: metadata, to: path)
    #expect(refusal { try SearchRun(continuing: quadratic(), folder: files.folder, space: .s2) }?.hasPrefix(path) == true)
  }

  @Test func otherSettingsOrDataThanTheCheckpointsAreRefused() throws {
    let folder = try ScratchFolder()
    let files = try search(quadratic(), shortConfiguration(.darts1), in: folder.file("run"))
    #expect(
      refusal {
        try SearchRun(continuing: quadratic(stepsPerEpoch: 7), folder: files.folder, space: .s2)
      }?.hasPrefix(files.checkpointPath(epoch: 4)) == true)
    try AtomicFile.write(shortConfiguration(.darts1, seed: 6).yaml, to: files.configurationPath)
    let error = #expect(throws: InputError.self) {
      try SearchRun(continuing: quadratic(), folder: files.folder, space: .s2)
    }
    let place = "config.yaml: setting seed: config.yaml is not the one that the checkpoint was made with: found 6, wanted 5"
    #expect("\(try #require(error))".contains(place))
  }
}
