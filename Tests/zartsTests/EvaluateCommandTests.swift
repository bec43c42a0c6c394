import Formats
import Foundation
import Retraining
import Search
import TestSupport
import Testing

/// The built program evaluating networks on the eight images of a golden file.
@Suite("zarts evaluate") struct EvaluateCommandTests {
  private static let line =
    "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ('max_pool_3x3', 0), ('skip_connect', 1), "
    + "('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1)], normal_concat=range(2, 6), "
    + "reduce=[('max_pool_3x3', 0), ('skip_connect', 1), ('max_pool_3x3', 0), ('skip_connect', 1), ('max_pool_3x3', 0), "
    + "('skip_connect', 1), ('max_pool_3x3', 0), ('skip_connect', 1)], reduce_concat=range(2, 6))"
  /// Of the same weights, another network.
  private static let otherLine = line.replacing("max_pool_3x3", with: "avg_pool_3x3")
  private static let golden = GoldenFile.path("s2_c16_l3_b4")
  private static let data = ["--dataset", "tensors:\(golden)"]

  struct Report: Decodable, Equatable {
    struct Split: Decodable, Equatable {
      let split: String
      let images: Int
      let loss: Double
      let top1: Double
      let correct: Int
      let top5: Double?
      let amongFive: Int?
    }
    let checkpoint: String
    let epoch: Int?
    let network: String
    let batchNorm: String
    let recalibrationBatches: Int?
    let splits: [Split]
  }

  private func report(_ arguments: [String]) throws -> Report {
    let result = try CommandLineRunner.run(["evaluate", "--json", "--threads", "1"] + arguments)
    guard result.status == 0 else { throw TestFailure(result.errors) }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Report.self, from: Data(result.output.utf8))
  }

  /// A retraining of two epochs.
  private func retrain(_ more: [String] = [], to path: String) throws {
    let result = try CommandLineRunner.run(
      ["retrain", "--genotype", Self.line] + Self.data + [
        "--channels", "4", "--layers", "3", "--batch", "2", "--epochs", "2", "--threads", "1", "--keep-last", "0", "--out",
        path,
      ] + more)
    guard result.status == 0 else { throw TestFailure(result.errors) }
  }

  @Test("says of a retraining what its last row says, to the bit, and of the same weights by genotype the same")
  func retraining() throws {
    let scratch = try ScratchFolder()
    let run = scratch.file("run")
    try retrain(to: run)
    let files = try RetrainingFolder(existing: run)
    let last = try #require(files.metrics().last)
    let found = try report(["--retraining", run])
    #expect(found.splits.map(\.split) == ["test"] && found.batchNorm == "running" && found.epoch == 2)
    #expect(found.splits[0].loss == last.testLoss && found.splits[0].top1 == last.testAccuracy)
    // Ten classes have a top-5; a retraining reports it from a hundred on.
    let five = try #require(found.splits[0].amongFive)
    #expect(five >= found.splits[0].correct && five <= found.splits[0].images)
    #expect(found.splits[0].top5 == Double(five) / Double(found.splits[0].images))
    let first = try #require(files.metrics().first)
    #expect(try report(["--retraining", run, "--epoch", "1"]).splits[0].loss == first.testLoss)

    // Its landscape is on the same images, and says so; what it has not is refused before there is a folder.
    let command = ["landscape", "--retraining", run, "--over", "weights", "--grid", "1", "--threads", "1"]
    let drawn = try CommandLineRunner.run(
      command + [
        "--batch-norm", "running", "--validation-batches", "all", "--svg", "--svg-text", "--out", scratch.file("plane"),
      ])
    #expect(drawn.status == 0, "\(drawn.errors)")
    let losses = try CSVTable(readingFrom: scratch.file("plane/landscape.csv")).doubles("loss")
    #expect(losses.count == 1 && close(losses[0], found.splits[0].loss, .relative(1e-6)))
    let yaml = try String(contentsOfFile: scratch.file("plane/landscape.yaml"), encoding: .utf8)
    #expect(yaml.contains("\ndata: test\n"))
    let svg = try String(contentsOfFile: scratch.file("plane/landscape.svg"), encoding: .utf8)
    #expect(svg.contains("Test loss") && svg.contains("Derived network, ") && !svg.contains("alidation loss"))
    for (flags, mention) in [
      (["--data", "validation"], "not what this network is reported on"),
      (["--objectives", "alpha-eigenvalue"], "a derived network has no α"),
    ] {
      let refused = try CommandLineRunner.run(command + flags + ["--out", scratch.file("none")])
      #expect(refused.status == 64 && refused.errors.contains(mention), "\(refused.errors)")
      #expect(!FileManager.default.fileExists(atPath: scratch.file("none")))
    }

    // As anyone's weights, with what they are inferred from names and shapes; batches of two as in the run.
    let checkpoint = files.checkpointPath(epoch: 2)
    let weights = ["--weights", checkpoint, "--batch", "2"] + Self.data
    #expect(try report(weights).splits == found.splits, "the genotype is in the metadata")
    let exported = scratch.file("public.safetensors")
    let table = try CommandLineRunner.run(["evaluate", "--retraining", run, "--export", exported])
    #expect(table.status == 0 && table.output.hasSuffix("\(exported)\n"), "\(table.errors)")
    #expect(table.output.contains("test") && table.output.contains(" %"), "\(table.output)")
    let file = try TensorFile(readingFrom: exported)
    #expect(!file.tensors.keys.contains { $0.hasPrefix("momentum.") })
    #expect(file.tensors["stem.1.num_batches_tracked"]?.values == .int64([0]))
    // What is exported may be made again, but not over what it is read from.
    let itself = try CommandLineRunner.run(
      ["evaluate", "--weights", exported, "--genotype", Self.line, "--batch", "2"] + Self.data
        + ["--export", exported, "--overwrite"])
    #expect(itself.status != 0 && itself.errors.contains("would replace what it is made of"), "\(itself.errors)")
    #expect(try TensorFile(readingFrom: exported).tensors == file.tensors)
    let parallel = scratch.file("parallel.safetensors")
    try TensorFile.write(
      file.tensors.values.map { NamedTensor(name: "module." + $0.name, shape: $0.shape, values: $0.values) }, metadata: [:],
      to: parallel)
    for path in [exported, parallel] {
      let again = try report(["--weights", path, "--genotype", Self.line, "--batch", "2"] + Self.data)
      #expect(again.splits == found.splits, "\(path)")
    }
    let other = try report(["--weights", parallel, "--genotype", Self.otherLine, "--batch", "2"] + Self.data)
    #expect(other.splits[0].loss != found.splits[0].loss)
    // And trained on from there: the start is the end.
    let on = scratch.file("on")
    let more = try CommandLineRunner.run(
      ["retrain", "--weights", exported, "--genotype", Self.line] + Self.data
        + ["--batch", "2", "--epochs", "1", "--threads", "1", "--no-auxiliary", "--out", on])
    #expect(more.status == 0 && more.errors.contains("momentum at rest"), "\(more.errors)")
    let begun = try RetrainingFolder(existing: on)
    let start = try report(["--retraining", on, "--epoch", "0"])
    #expect(start.splits == found.splits)
    let configuration = try String(contentsOfFile: begun.configurationPath, encoding: .utf8)
    #expect(configuration.contains("channels: 4\n") && configuration.contains("layers: 3\n"), "\(configuration)")
    #expect(configuration.contains("weights_sha256: \(SHA256.hexadecimal(of: try FileBytes.read(exported)))"))
  }

  @Test("planes and spectra of a retraining are of the images that it reports on; the centre has the loss of evaluate")
  func plane() throws {
    let scratch = try ScratchFolder()
    let (run, plane, spectrum) = (scratch.file("run"), scratch.file("plane"), scratch.file("spectrum"))
    try retrain(to: run)
    let shared = ["--over", "weights", "--retraining", run, "--threads", "1"]
    let drawn = try CommandLineRunner.run(
      ["landscape"] + shared + [
        "--grid", "3", "--range", "0.1", "--validation-batches", "all", "--batch-norm", "running", "--svg", "--svg-text",
        "--out", plane,
      ])
    try #require(drawn.status == 0, "\(drawn.errors)")
    let losses = try CSVTable(readingFrom: "\(plane)/landscape.csv").doubles("loss")
    let expected = try report(["--retraining", run]).splits[0].loss
    #expect(losses.count == 9 && close(losses[4], expected, .relative(1e-6)), "\(losses) \(expected)")
    #expect(try String(contentsOfFile: "\(plane)/landscape.yaml", encoding: .utf8).contains("data: test\n"))
    let figure = try String(contentsOfFile: "\(plane)/landscape.svg", encoding: .utf8)
    #expect(figure.contains("Test loss around a derived network after 2 epochs"))
    let found = try CommandLineRunner.run(
      ["spectrum"] + shared + [
        "--eigenvalues", "1", "--probes", "0", "--density-steps", "3", "--density-starts", "1", "--batches", "1", "--out",
        spectrum,
      ])
    try #require(found.status == 0, "\(found.errors)")
    #expect(try String(contentsOfFile: "\(spectrum)/spectrum.yaml", encoding: .utf8).contains("data: test\n"))
  }

  @Test("evaluates a supernet's checkpoint in every mode and split, and architectures that inherit its weights")
  func supernet() throws {
    let scratch = try ScratchFolder()
    let run = scratch.file("run")
    let made = try CommandLineRunner.run(
      [
        "search", "--method", "darts1", "--space", "s2", "--channels", "4", "--layers", "3", "--epochs", "1", "--threads",
        "1",
        "--out", run,
      ] + Self.data)
    try #require(made.status == 0, "\(made.errors)")
    let losses = try [["running"], ["batch"], ["recalibrated", "--recalibration-batches", "1"]].map { mode in
      let found = try report(["--run", run, "--on", "training,validation", "--batch-norm"] + mode)
      #expect(found.splits.map(\.split) == ["training", "validation"] && found.splits.map(\.images) == [4, 4])
      #expect(found.recalibrationBatches == (mode.count > 1 ? 1 : nil))
      return found.splits[1].loss
    }
    #expect(Set(losses).count == 3)
    // With the batch's own statistics a search reports the same of its whole validation split.
    let row = try #require(SearchRunFolder(existing: run).metrics().last)
    #expect(losses[1] == row.validationLoss)
    let skips = Self.line.replacing("max_pool_3x3", with: "sep_conv_3x3")
    let inherited = try report(["--run", run, "--genotype", skips, "--batch-norm", "batch"])
    #expect(inherited.splits[0].loss.isFinite && inherited.splits[0].loss != losses[1])
    #expect(inherited.network.contains("inherited"))
  }

  @Test("networks that PyTorch has evaluated have its losses and its counts", arguments: ["cifar", "imagenet"])
  func golden(name: String) throws {
    let path = GoldenFile.path("derived/\(name)")
    let file = try TensorFile(readingFrom: path)
    let expected = try ["", "batch_"].map { prefix in
      (
        loss: try file.doubles("expect.\(prefix)loss")[0], top1: try file.integers("expect.\(prefix)top1")[0],
        top5: try file.integers("expect.\(prefix)top5")[0]
      )
    }
    let count = try file.tensor("valid.labels").shape[0]
    for (mode, expected) in zip(["running", "batch"], expected) {
      // One batch of all, whose statistics the expected ones are of.
      let found = try report([
        "--weights", path, "--dataset", "tensors:\(path)", "--on", "validation", "--batch", "\(count)", "--batch-norm", mode,
      ])
      #expect(found.splits[0].images == count)
      // Losses of order 1 of logits in float32: 1e-5 is a hundred roundings.
      #expect(close(found.splits[0].loss, expected.loss, .scaled(1e-5)), "\(mode): \(found.splits[0].loss) \(expected.loss)")
      #expect(found.splits[0].correct == expected.top1 && found.splits[0].amongFive == expected.top5, "\(mode)")
    }
  }

  @Test("bad input is named")
  func badInput() throws {
    let scratch = try ScratchFolder()
    let run = scratch.file("run")
    try retrain(to: run)
    let checkpoint = "\(run)/checkpoints/epoch-002.safetensors"
    let bare = scratch.file("bare.safetensors")
    let file = try TensorFile(readingFrom: checkpoint)
    try TensorFile.write(
      file.tensors.values.filter { !$0.name.contains("running_") && !$0.name.hasPrefix("momentum.") }, metadata: [:],
      to: bare)
    let weights = ["--weights", checkpoint] + Self.data
    let supernet = ["--weights", Self.golden] + Self.data
    let stages = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    let convolutions = Self.line.replacing("max_pool_3x3", with: "sep_conv_3x3")
    for (arguments, status, mention) in [
      ([], 64, "--retraining"), (["--retraining", run, "--run", run], 64, "--run and --retraining"),
      (["--retraining", "/nonexistent"], 1, "/nonexistent"), (["--retraining", run, "--epoch", "9"], 1, "epoch-009"),
      (["--retraining", run, "--channels", "4"], 64, "--channels"),
      (["--retraining", run, "--genotype", Self.line], 64, "--genotype"),
      (["--retraining", run, "--on", "validations"], 64, "--on"), (["--retraining", run, "--on", "test,test"], 64, "--on"),
      (["--retraining", run, "--recalibration-batches", "2"], 64, "--recalibration-batches"),
      (["--retraining", run, "--batch-norm", "frozen"], 64, "frozen"),
      (["--retraining", run, "--export", "/nonexistent/x.safetensors"], 1, "/nonexistent/x.safetensors"),
      (["--weights", checkpoint], 64, "--dataset"), (weights + ["--epoch", "1"], 64, "--epoch"),
      (weights + ["--channels", "8"], 64, "4 channels"), (weights + ["--layers", "4"], 64, "3 cells"),
      (weights + ["--space", "s2"], 64, "--space"), (weights + ["--genotype", Self.otherLine], 64, "--genotype"),
      (["--weights", bare] + Self.data, 64, "--genotype"),
      (["--weights", bare, "--genotype", Self.line] + Self.data, 1, "--batch-norm running"),
      (["--weights", bare, "--genotype", stages] + Self.data, 1, "another space"),
      (
        ["--weights", bare, "--genotype", convolutions, "--batch-norm", "batch"] + Self.data, 1, "cells.0._ops.2.op.1.weight"
      ),
      (supernet + ["--on", "test", "--batch-norm", "batch"], 64, "--on"),
      (supernet + ["--genotype", stages, "--batch-norm", "batch"], 1, "genotype"),
      (supernet + ["--export", scratch.file("x.safetensors")], 64, "--export"),
    ] as [([String], Int32, String)] {
      let result = try CommandLineRunner.run(["evaluate"] + arguments)
      #expect(result.status == status, "\(arguments): \(result.status) \(result.errors)")
      #expect(result.errors.contains(mention) && result.output.isEmpty, "\(arguments): \(result.errors)")
    }
    // What moves α has none to move.
    for command in [["fidelity"], ["estimators"], ["gradients"]] {
      let result = try CommandLineRunner.run(command + ["--retraining", run, "--out", scratch.file("out")])
      #expect(result.status == 64 && result.errors.contains("a derived network has no α"), "\(command): \(result.errors)")
    }
    for command in [["landscape"], ["spectrum"]] {
      let result = try CommandLineRunner.run(
        command + ["--genotype", Self.line, "--out", scratch.file("out")] + supernet)
      #expect(result.status == 64 && result.errors.contains("--genotype"), "\(command): \(result.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: scratch.file("out")))
  }

  @Test("a spectrum over the weights of a retraining is of the images that it reports on, and of others by --data")
  func spectrum() throws {
    let scratch = try ScratchFolder()
    let run = scratch.file("run")
    try retrain(to: run)
    let command = [
      "spectrum", "--retraining", run, "--over", "weights", "--eigenvalues", "1", "--probes", "2", "--density-starts", "1",
      "--density-steps", "3", "--batches", "1", "--threads", "1",
    ]
    let made = try CommandLineRunner.run(command + ["--out", scratch.file("out")])
    try #require(made.status == 0, "\(made.errors)")
    let settings = try String(contentsOfFile: scratch.file("out/spectrum.yaml"), encoding: .utf8)
    #expect(settings.contains("\ndata: test\n") && settings.contains("\nloss_batches: 1\n"), "\(settings)")
    let table = try CSVTable(readingFrom: scratch.file("out/spectrum.csv"))
    #expect(try table.column("quantity") == ["eigenvalue", "smallest", "trace", "trace_density", "asymmetry"])
    #expect(try table.integers("epoch") == [2, 2, 2, 2, 2])
    #expect(FileManager.default.fileExists(atPath: scratch.file("out/density.png")))
    let estimate = try CommandLineRunner.run(command + ["--data", "training", "--dry-run"])
    #expect(estimate.status == 0 && estimate.output.contains("estimated time:"), "\(estimate.errors)")
    let curvature = try CommandLineRunner.run([
      "landscape", "--retraining", run, "--over", "weights", "--grid", "3", "--objectives", "alpha-eigenvalue", "--out",
      scratch.file("plane"),
    ])
    #expect(curvature.status == 64 && curvature.errors.contains("a derived network has no α"), "\(curvature.errors)")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("plane")))
  }

  @Test("a retraining refuses to go on from what are not its weights, or not those that its settings name")
  func badStart() throws {
    let scratch = try ScratchFolder()
    let run = scratch.file("run")
    try retrain(to: run)
    let checkpoint = "\(run)/checkpoints/epoch-002.safetensors"
    let out = ["--out", scratch.file("out")]
    let config = scratch.file("config.yaml")
    let printed = try CommandLineRunner.run(
      ["retrain", "--weights", checkpoint, "--print-config", "--epochs", "1"] + Self.data)
    try #require(printed.status == 0, "\(printed.errors)")
    #expect(
      printed.output.contains("channels: 4\n") && printed.output.contains("weights: \(checkpoint)\n"), "\(printed.output)")
    try AtomicFile.write(
      printed.output.replacing("weights: \(checkpoint)\n", with: "weights: \(run)/checkpoints/epoch-001.safetensors\n"),
      to: config)
    for (arguments, status, mention) in [
      (["--weights", "/nonexistent"] + Self.data + out, 1, "/nonexistent"),
      (["--weights", Self.golden, "--genotype", Self.line] + Self.data + out, 1, "derived network"),
      (["--weights", checkpoint, "--channels", "8"] + Self.data + out, 64, "4 channels"),
      (["--weights", checkpoint, "--genotype", Self.otherLine] + Self.data + out, 64, "--genotype"),
      (["--weights", checkpoint, "--preset", "imagenet"] + Self.data + out, 64, "--preset"),
      (["--config", config] + out, 1, "weights_sha256"),
      (["--resume", run, "--weights", checkpoint], 64, "--weights"),
    ] as [([String], Int32, String)] {
      let result = try CommandLineRunner.run(["retrain"] + arguments)
      #expect(result.status == status, "\(arguments): \(result.status) \(result.errors)")
      #expect(result.errors.contains(mention), "\(arguments): \(result.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: scratch.file("out")))
  }
}
