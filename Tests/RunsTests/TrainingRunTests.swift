import Formats
import Foundation
import Problems
import Runs
import TestSupport
import Testing

/// The skeleton of searches and retrainings, on a run that only counts.
struct TrainingRunTests {
  private func names(_ files: some RunFolder) -> [String] {
    files.checkpoints().map { String($0.path.dropFirst(files.checkpointsPath.count + 1).dropLast(".safetensors".count)) }
  }

  /// What two runs that compute the same have alike.
  private func result(_ files: CountingTask.Folder) throws -> (rows: [[CSVField]], ends: [UInt8], number: [Float]) {
    let rows = try files.metrics().map { CountingTask.Record.table.row(of: $0).dropLast() }
    let last = try TensorFile(readingFrom: files.checkpointPath(epoch: 3))
    return (rows.map(Array.init), try FileBytes.read(files.endsPath), try last.floats("number", shape: []))
  }

  /// The numbers that a run of three epochs of four steps goes through.
  private static let course: [Int] = {
    var number = 1
    return (0..<12).map { step in
      number = (number * 31 + 7 * (step / 4) + step % 4) % 1009
      return number
    }
  }()

  @Test func rowsHaveTheSumsOfTheirEpochs() throws {
    let folder = try ScratchFolder()
    let task = try CountingTask(in: folder.file("run"))
    try task.run()
    let rows = try task.files.metrics()
    #expect(rows.map(\.epoch) == [1, 2, 3])
    #expect(rows.map(\.sum) == (0..<3).map { Self.course[4 * $0..<4 * $0 + 4].reduce(0, +) })
    #expect(rows.map(\.end) == [nil, Double(Self.course[7]), nil])
    #expect(
      try String(contentsOfFile: task.files.endsPath, encoding: .utf8)
        == "\(Self.course[3])\n\(Self.course[7])\n\(Self.course[11])\n")
    #expect(task.files.configurationPath == folder.file("run/config.yaml"))
  }

  /// A stop is asked for while a step is taken.
  @Test(arguments: 0..<12, [0, 1, 3])
  func runThatStopsAtAnyStepAndGoesOnIsTheOneThatNeverStopped(steps: Int, every: Int) throws {
    let folder = try ScratchFolder()
    let whole = try CountingTask(in: folder.file("whole"))
    try whole.run()
    let stop = StopRequest()
    let broken = try CountingTask(in: folder.file("broken"), Housekeeping(checkpointEvery: every), stop: stop)
    broken.beforeStep = { if $0 == steps { stop.request(signal: SIGINT) } }
    // This measurement asks for no stop, so one in the last step of an epoch comes before the first of the next.
    let next = steps + 1
    if next < 12 {
      let error = try #require(#expect(throws: Interruption.self) { try broken.run() })
      let path = broken.files.checkpointPath(epoch: next / 4, step: next % 4)
      #expect(error == Interruption(signal: SIGINT, epoch: next / 4, step: next % 4, checkpoint: path))
      #expect(names(broken.files).last == URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent)
    } else {
      try broken.run()
    }
    let again = try CountingTask(continuing: folder.file("broken"), Housekeeping(checkpointEvery: every))
    try again.run()
    let (left, right) = (try result(whole.files), try result(again.files))
    #expect(left.rows == right.rows && left.ends == right.ends && left.number == right.number)
    #expect(left.number == [Float(Self.course[11])])
  }

  @Test func stopWhileAnEpochIsMeasuredKeepsAllOfItsSteps() throws {
    let folder = try ScratchFolder()
    let whole = try CountingTask(in: folder.file("whole"))
    try whole.run()
    let task = try CountingTask(in: folder.file("run"))
    task.beforeMeasuring = { if $0 == 8 { throw CancellationError() } }
    let error = try #require(#expect(throws: Interruption.self) { try task.run() })
    #expect(error.epoch == 1 && error.step == 4)
    #expect(names(task.files).last == "epoch-001-step-00004")
    let again = try CountingTask(continuing: folder.file("run"))
    try again.run()
    #expect(try result(again.files).rows == result(whole.files).rows)
  }

  @Test(arguments: [
    (0, 0, ["epoch-000", "epoch-001", "epoch-002", "epoch-003"]), (1, 0, ["epoch-003"]), (2, 3, ["epoch-002", "epoch-003"]),
    (0, 3, (0...2).flatMap { ["epoch-00\($0)", "epoch-00\($0)-step-00003"] } + ["epoch-003"]),
    // A checkpoint within an epoch at its end would be that of the epoch.
    (0, 4, ["epoch-000", "epoch-001", "epoch-002", "epoch-003"]),
  ])
  func asManyCheckpointsAreKeptAsAsked(keepLast: Int, every: Int, expected: [String]) throws {
    let folder = try ScratchFolder()
    let task = try CountingTask(in: folder.file("run"), Housekeeping(keepLast: keepLast, checkpointEvery: every))
    try task.run()
    #expect(names(task.files) == expected)
  }

  @Test func withinAnEpochTheNewestStay() throws {
    let folder = try ScratchFolder()
    let stop = StopRequest()
    let task = try CountingTask(in: folder.file("run"), Housekeeping(keepLast: 2, checkpointEvery: 1), stop: stop)
    var seen: [[String]] = []
    task.beforeStep = { _ in seen.append(names(task.files)) }
    try task.run(to: 2)
    #expect(seen[0] == ["epoch-000"])
    // Before the last step of each epoch.
    #expect(seen[3] == ["epoch-000", "epoch-000-step-00002", "epoch-000-step-00003"])
    #expect(seen[7] == ["epoch-000", "epoch-001", "epoch-001-step-00002", "epoch-001-step-00003"])
    #expect(names(task.files) == ["epoch-001", "epoch-002"])
  }

  @Test func timeLeftIsThatOfTheWorkLeft() throws {
    let folder = try ScratchFolder()
    var (time, text) = (0.0, [String]())
    let progress = ProgressReporter(isTerminal: false, interval: 0, now: { time }) { text.append($0) }
    let task = try CountingTask(in: folder.file("run"), progress: progress)
    // 3 s a unit of work.
    task.beforeStep = { _ in time += 3 }
    task.beforeMeasuring = { _ in time += 6 }
    try task.run()
    var expected: [String] = []
    for step in 1...12 {
      let (epoch, done) = ((step - 1) / 4, step + 2 * ((step - 1) / 4))
      let left = step == 1 ? "time left unknown yet" : "\(ProgressReporter.duration(Double(3 * (18 - done)))) left"
      expected.append(
        "\(100 * done / 18)%, \(left): count  epoch \(epoch + 1)/3  step \((step - 1) % 4 + 1)/4  number \(Self.course[step - 1])"
      )
      if step.isMultiple(of: 4) {
        expected.append("count  epoch \(epoch + 1)/3: sum \(Self.course[4 * epoch..<4 * epoch + 4].reduce(0, +))")
      }
    }
    #expect(
      text.map {
        $0.split(separator: "\n")[0].components(separatedBy: "  ").filter { !$0.hasSuffix("images/s") }.joined(
          separator: "  ")
      } == expected)
  }

  @Test func divergenceNamesItsPlaceTheLastGoodCheckpointAndTheStepsBefore() throws {
    let folder = try ScratchFolder()
    let task = try CountingTask(in: folder.file("run"), Housekeeping(checkpointEvery: 2))
    task.beforeStep = { if $0 == 7 { throw Divergence("number inf") } }
    let error = try #require(#expect(throws: Divergence.self) { try task.run() })
    let lines = [
      "count, epoch 1, step 3 (both from 0): number inf",
      "last good checkpoint: \(folder.file("run/checkpoints/epoch-001-step-00002.safetensors"))",
      "the last steps (both from 0), the newest last:",
    ]
    let steps = (0..<7).map {
      "  epoch \($0 / 4), step \($0 % 4): number \(Self.course[$0])" + ($0 % 4 == 2 ? ", the third" : "")
    }
    #expect(error.account == (lines + steps).joined(separator: "\n"))
    let log = try String(contentsOfFile: task.files.logPath, encoding: .utf8)
    for line in lines + steps { #expect(log.contains(" error \(line)\n"), "\(line)") }
    // What is repaired goes on.
    let again = try CountingTask(continuing: folder.file("run"))
    try again.run()
    #expect(try again.files.metrics().map(\.epoch) == [1, 2, 3])
  }

  @Test func logSaysHowARunBeginsGoesOnAndStops() throws {
    let folder = try ScratchFolder()
    let stop = StopRequest()
    let task = try CountingTask(in: folder.file("run"), stop: stop)
    stop.request()
    #expect(throws: Interruption.self) { try task.run() }
    #expect(names(task.files) == ["epoch-000"], "before the first step there is nothing to write")
    try CountingTask(continuing: folder.file("run")).run(to: 1)
    let log = try String(contentsOfFile: task.files.logPath, encoding: .utf8).split(separator: "\n").map { line in
      line.split(separator: " ", maxSplits: 1)[1]
    }
    let path = task.files.checkpointPath(epoch: 0)
    #expect(log.contains("info count starts: 3 epochs of 4 steps") && log.contains("info continues from \(path)"))
    #expect(log.contains { $0.hasPrefix("error stopped by signal \(SIGTERM) in epoch 0 before step 0") })
    #expect(log.last == "info epoch 1/3: sum \(Self.course[0..<4].reduce(0, +))")
  }

  @Test(arguments: [2, 5, 8])
  func eventsTellEveryStepOnceWhereverTheRunBroke(steps: Int) throws {
    let folder = try ScratchFolder()
    let settings = Housekeeping(tensorboard: true)
    let task = try CountingTask(in: folder.file("run"), settings)
    struct Crash: Error {}
    task.beforeStep = { if $0 == steps { throw Crash() } }
    #expect(throws: Crash.self) { try task.run() }
    try CountingTask(continuing: folder.file("run"), settings).run()
    let events = try ReadEvent.surviving(in: task.files.folder)
    let numbers = events.filter { $0.scalars["step/number"] != nil }
    #expect(numbers.map(\.step) == Array(1...12))
    #expect(numbers.map { $0.scalars } == Self.course.map { ["step/number": Float($0)] })
    let epochs = events.filter { $0.scalars["count/sum"] != nil }
    #expect(epochs.map(\.step) == [4, 8, 12])
    #expect(epochs.map { $0.scalars["count/end"] } == [nil, Float(Self.course[7]), nil])
    #expect(epochs.map { $0.texts["end"] } == [3, 7, 11].map { "\(Self.course[$0])" })
  }

  @Test func taskThatEndsEarlyIsNotTrainedFurther() throws {
    let folder = try ScratchFolder()
    let task = try CountingTask(in: folder.file("run"))
    task.beforeStep = { if $0 == 7 { task.endsEarly = true } }
    try task.run()
    #expect(try task.files.metrics().map(\.epoch) == [1, 2])
  }

  @Test func folderOfARunThatGoesOnIsRefused() throws {
    let folder = try ScratchFolder()
    let task = try CountingTask(in: folder.file("run"))
    var error: (any Error)?
    task.beforeStep = { steps in
      guard steps == 5 else { return }
      let other = try CountingTask(continuing: folder.file("run"))
      error = #expect(throws: InputError.self) { try other.run() }
    }
    try task.run()
    #expect("\(try #require(error))".contains(task.files.logPath))
  }

  @Test(arguments: [
    ("epoch", "many"), ("step", "9"), ("tally.sum", "1.5"), ("tally.sum", nil), ("tally.seconds", "soon"),
  ])
  func checkpointThatSaysNoNumberIsNamed(key: String, text: String?) throws {
    let folder = try ScratchFolder()
    let task = try CountingTask(in: folder.file("run"))
    let path = task.files.checkpointPath(epoch: 0)
    let file = try TensorFile(readingFrom: path)
    var metadata = file.metadata
    metadata[key] = text
    try TensorFile.writeChecked(Array(file.tensors.values), metadata: metadata, to: path)
    let error = try #require(throws: InputError.self) { try CountingTask(continuing: folder.file("run")) }
    #expect(error.place.file == path)
    #expect(key == "step" || "\(error)".contains("metadata \(key)"), "\(error)")
  }
}
