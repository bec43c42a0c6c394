import Compute
import Datasets
import Formats
import Foundation
import Problems
import Retraining
import Runs
import Search
import TestSupport
import Testing

/// Derived networks trained from scratch: what a stop, a thread or a damaged file must not change.
@Suite struct RetrainingTests {
  private static let line =
    "Genotype(normal=[('sep_conv_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 0), ('dil_conv_3x3', 1), "
    + "('sep_conv_3x3', 1), ('skip_connect', 2), ('avg_pool_3x3', 0), ('skip_connect', 1)], normal_concat=range(2, 6), "
    + "reduce=[('max_pool_3x3', 0), ('skip_connect', 1), ('sep_conv_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), "
    + "('skip_connect', 2), ('dil_conv_3x3', 3), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))"

  /// Grey images of two classes that brightness tells apart, 8×8.
  private func dataset(images: Int = 22) throws -> ImageDataset {
    var stream = RandomStream(seed: 4, purpose: .test)
    func split(_ count: Int) -> ImageDataset.Split {
      let labels = (0..<count).map { Int32($0 % 2) }
      let bytes = labels.flatMap { label in (0..<64).map { _ in UInt8(40 + 120 * Int(label) + stream.integer(below: 60)) } }
      return ImageDataset.Split(pixels: .bytes(bytes), labels: labels)
    }
    return try ImageDataset(
      name: "shades", classes: 2, side: 8, storedChannels: 1, training: split(images), test: split(9),
      normalisation: Normalisation(mean: [0.5, 0.5, 0.5], standardDeviation: [0.25, 0.25, 0.25]),
      augmentation: Augmentation(cropPadding: 1, isFlipping: true))
  }

  private func configuration(_ change: (inout RetrainingConfiguration) -> Void = { _ in }) -> RetrainingConfiguration {
    var result = RetrainingConfiguration(genotype: Self.line, dataset: "shades")
    (result.epochs, result.batch, result.channels, result.layers) = (3, 8, 4, 3)
    (result.auxiliary, result.cutout, result.dropPath, result.keepLast, result.threads) = (false, 2, 0.3, 0, 2)
    change(&result)
    return result
  }

  private func start(
    _ configuration: RetrainingConfiguration, in path: String, stopAfter steps: Int? = nil
  ) throws -> RetrainingRun {
    let stop = StopRequest()
    return try RetrainingRun(
      starting: configuration, dataset: dataset(), folder: { try OutputFolder.create(at: path) },
      progress: stopping(stop, after: steps), stop: stop)
  }

  /// A reporter that asks to stop after so many steps.
  private func stopping(_ stop: StopRequest, after steps: Int?) -> ProgressReporter {
    var lines = 0
    return ProgressReporter(isTerminal: false, interval: 0) { text in
      guard text.contains("step ") else { return }
      lines += 1
      if lines == steps { stop.request(signal: SIGINT) }
    }
  }

  private func goOn(_ path: String, threads: Int = 3) throws -> RetrainingRun {
    try RetrainingRun(
      continuing: .existing(at: path), adjusting: { $0.threads = threads }, dataset: { _ in try dataset() })
  }

  @Test("TensorBoard is told the numbers of metrics.csv, and each step once, also after a stop", arguments: [nil, 2, 5])
  func events(stopAfter: Int?) throws {
    let folder = try ScratchFolder()
    let settings = configuration { $0.tensorboard = true }
    let run = try start(settings, in: folder.file("run"), stopAfter: stopAfter)
    if stopAfter != nil {
      #expect(throws: Interruption.self) { try run.run() }
      try goOn(folder.file("run")).run()
    } else {
      try run.run()
    }
    let files = try RetrainingFolder(existing: folder.file("run"))
    let events = try ReadEvent.surviving(in: files.folder)
    #expect(events.filter { $0.scalars["step/training_loss"] != nil }.map(\.step) == Array(1...9))
    let rows = try RetrainingRecord.read(from: files.metricsPath)
    let epochs = events.filter { $0.scalars["loss/test"] != nil }
    #expect(epochs.map(\.step) == [3, 6, 9])
    for (event, row) in zip(epochs, rows) {
      #expect(event.scalars["loss/test"] == row.testLoss.map(Float.init))
      #expect(event.scalars["accuracy/test"] == row.testAccuracy.map(Float.init))
      #expect(event.scalars["loss/training"] == Float(row.trainingLoss))
      #expect(event.scalars["schedule/drop_path"] == Float(row.dropPath))
    }
  }

  /// Three epochs of three steps, the last of six images.
  @Test("a retraining that stopped and went on ends in the same bits", arguments: [1, 2, 3, 4, 6, 8])
  func resume(steps: Int) throws {
    let folder = try ScratchFolder()
    try start(configuration(), in: folder.file("whole")).run()
    let broken = try start(configuration(), in: folder.file("broken"), stopAfter: steps)
    let error = try #require(#expect(throws: Interruption.self) { try broken.run() })
    #expect(error.signal == SIGINT && error.epoch * 3 + error.step == steps)
    #expect(FileManager.default.fileExists(atPath: error.checkpoint))
    try goOn(folder.file("broken")).run()
    let (whole, other) = try (
      RetrainingFolder(existing: folder.file("whole")), RetrainingFolder(existing: folder.file("broken"))
    )
    for epoch in 0...3 {
      let (left, right) = try (
        TensorFile(readingFrom: whole.checkpointPath(epoch: epoch)),
        TensorFile(readingFrom: other.checkpointPath(epoch: epoch))
      )
      #expect(left.tensors == right.tensors, "epoch \(epoch)")
    }
    #expect(try timeless(whole) == timeless(other))
  }

  private func timeless(_ files: RetrainingFolder) throws -> [RetrainingRecord] {
    try RetrainingRecord.read(from: files.metricsPath).map {
      var record = $0
      record.seconds = 0
      return record
    }
  }

  @Test("training on two shades learns them, and the test sees it")
  func learns() throws {
    let folder = try ScratchFolder()
    let settings = configuration { ($0.epochs, $0.dropPath, $0.learningRate) = (20, 0.1, 0.05) }
    let last = try #require(try start(settings, in: folder.file("run")).run())
    #expect(last.trainingLoss < 0.4)
    #expect(try #require(last.testAccuracy) > 0.85)
    #expect(last.weightSteps == 60)
  }

  @Test("a damaged newest checkpoint neither ends the run nor changes its bits")
  func damage() throws {
    let folder = try ScratchFolder()
    let run = try start(configuration(), in: folder.file("run"))
    try run.run()
    let path = run.files.checkpointPath(epoch: 3)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: path))
    try goOn(folder.file("run")).run()
    #expect(try TensorFile(readingFrom: path).tensors.count > 0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
  }

  @Test("a row that is missing or edited is named, when the run goes on and by readers")
  func rows() throws {
    let folder = try ScratchFolder()
    let files = try { () -> RetrainingFolder in
      let run = try start(configuration(), in: folder.file("run"))
      try run.run()
      return run.files
    }()
    try files.checkHistory()
    try FileManager.default.removeItem(atPath: files.checkpointPath(epoch: 3))
    let table = try CSVTable(readingFrom: files.metricsPath)
    func check(_ rows: [[String]], _ mention: String) throws {
      try CSVWriter.write(columns: table.columns, rows: rows.map { $0.map(CSVField.text) }, to: files.metricsPath)
      for body in [{ try files.checkHistory() }, { _ = try goOn(files.folder.path) }] {
        let error = try #require(throws: (any Error).self) { try body() }
        #expect("\(error)".contains("\(files.metricsPath): \(mention)"), "\(error)")
      }
    }
    try check([table.rows[0], table.rows[2]], "row 2, column epoch")
    var edited = table.rows
    edited[0][1] = "0.25"
    try check(edited, "row 1: not the row that this run wrote")
    try check([table.rows[0]], "row 2: a row is missing")
    try CSVWriter.write(columns: table.columns, rows: table.rows.map { $0.map(CSVField.text) }, to: files.metricsPath)
    try goOn(files.folder.path).run()
  }

  @Test("a stop before the first step of an epoch leaves the checkpoint that is there")
  func stopBeforeTheFirstStep() throws {
    let folder = try ScratchFolder()
    let stop = StopRequest()
    let run = try RetrainingRun(
      starting: configuration(), dataset: dataset(), folder: { try OutputFolder.create(at: folder.file("run")) }, stop: stop)
    stop.request(signal: SIGUSR1)
    let error = try #require(throws: Interruption.self) { try run.run() }
    #expect("\(error)".contains("signal \(SIGUSR1)") && "\(error)".contains(run.files.checkpointPath(epoch: 0)), "\(error)")
    #expect(run.files.checkpoints().map(\.path) == [run.files.checkpointPath(epoch: 0)])
  }

  @Test("old checkpoints go, and the newest stay")
  func keepLast() throws {
    let folder = try ScratchFolder()
    let settings = configuration { ($0.keepLast, $0.checkpointEvery) = (1, 1) }
    let run = try start(settings, in: folder.file("run"))
    try run.run()
    #expect(run.files.checkpoints().map(\.epoch) == [3])
    #expect(run.files.checkpoints().map(\.step) == [0])
  }

  @Test("a loss that is not finite ends the run with an account of the checkpoint and the steps")
  func divergence() throws {
    let folder = try ScratchFolder()
    let settings = configuration { ($0.learningRate, $0.gradientClip, $0.epochs) = (1e30, 1e30, 20) }
    let run = try start(settings, in: folder.file("run"))
    let error = try #require(#expect(throws: Divergence.self) { try run.run() })
    #expect(error.account.contains("epoch-0") && error.account.contains("‖∇ω‖"))
  }

  @Test("config.yaml reads back to the settings that it was written from")
  func yaml() throws {
    let settings = configuration { ($0.trainLimit, $0.scale, $0.seed, $0.schedule) = (20, .imagenet, .max, .exponential) }
    #expect(try RetrainingConfiguration(yaml: settings.yaml, from: "test") == settings)
    let short = try RetrainingConfiguration(yaml: "genotype: \"\(Self.line)\"\ndataset: a\nscale: imagenet\n", from: "test")
    #expect(short.channels == 48 && short.layers == 14 && short.labelSmoothing == 0.1 && short.weightDecay == 3e-5)
  }

  @Test(
    "a wrong setting is refused by name",
    arguments: [
      ("epochs: many", "epochs"), ("colour: 3", "colour"), ("drop_path: 1.5", "drop_path"), ("batch: 1", "batch"),
      ("scale: mnist", "scale"), ("learning_rate: -1", "learning_rate"), ("- a", "mapping"), ("a: [", "YAML"),
    ])
  func wrongSettings(line: String, name: String) throws {
    let text = line.contains(":") && !line.hasPrefix("a") ? "genotype: \"\(Self.line)\"\ndataset: a\n\(line)\n" : line
    let error = try #require(
      #expect(throws: InputError.self) { try RetrainingConfiguration(yaml: text, from: "file.yaml") })
    #expect("\(error)".contains(name))
  }

  @Test("settings that changed since the checkpoint are refused")
  func changedSettings() throws {
    let folder = try ScratchFolder()
    let run = try start(configuration(), in: folder.file("run"), stopAfter: 4)
    #expect(throws: Interruption.self) { try run.run() }
    let path = run.files.configurationPath
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try text.replacingOccurrences(of: "momentum: 9e-1", with: "momentum: 8e-1").write(
      toFile: path, atomically: true, encoding: .utf8)
    let error = try #require(#expect(throws: InputError.self) { try goOn(folder.file("run")) })
    #expect("\(error)".contains("config.yaml"))
  }

  @Test("a preset has its published size")
  func presets() throws {
    func size(_ name: String) throws -> [Int] {
      let settings = try RetrainingPreset(named: name, at: .setting("preset")).configuration(
        genotype: Self.line, dataset: "a")
      return [settings.layers, settings.channels, settings.epochs, settings.batch]
    }
    #expect(try size("cifar") == [20, 36, 600, 96])
    #expect(try size("imagenet") == [14, 48, 250, 128])
    #expect(try size("rdarts-s1-cifar10") == [20, 36, 600, 96])
    #expect(try size("rdarts-s2-cifar10") == [20, 16, 600, 96])
    #expect(try size("rdarts-s3-svhn") == [8, 16, 600, 96])
    #expect(refusal { try RetrainingPreset(named: "mnist", at: .setting("preset")) } == "setting preset: 'mnist'")
  }
}
