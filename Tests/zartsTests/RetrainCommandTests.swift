import Formats
import Foundation
import Search
import TestSupport
import Testing

/// The built program retraining on the eight images of a golden file.
struct RetrainCommandTests {
  private static let line =
    "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ('max_pool_3x3', 0), ('skip_connect', 1), "
    + "('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1)], normal_concat=range(2, 6), "
    + "reduce=[('max_pool_3x3', 0), ('skip_connect', 1), ('max_pool_3x3', 0), ('skip_connect', 1), ('max_pool_3x3', 0), "
    + "('skip_connect', 1), ('max_pool_3x3', 0), ('skip_connect', 1)], reduce_concat=range(2, 6))"
  private static let golden = GoldenFile.path("s2_c16_l3_b4")
  private static let good = ["retrain", "--genotype", line, "--dataset", "tensors:\(golden)", "--out", "/nonexistent/run"]

  @Test(
    "bad input is named",
    arguments: [
      (["retrain"], "--genotype"), (["retrain", "--genotype", line], "--dataset"),
      (["retrain", "--genotype", line, "--dataset", "fashion-mnist"], "--out"),
      (["retrain", "--genotype", "nowhere.txt", "--dataset", "fashion-mnist", "--out", "x"], "nowhere.txt"),
      (["retrain", "--genotype", "Genotype(normal=[])", "--dataset", "fashion-mnist", "--out", "x"], "normal"),
      (good + ["--channels", "6"], "multiple of 4"), (good + ["--layers", "2"], "layers"),
      (good + ["--batch", "1"], "batch"),
      (good + ["--drop-path", "1"], "--drop-path"), (good + ["--schedule", "steps"], "steps"),
      (good + ["--train-limit", "100"], "--train-limit"), (good + ["--preset", "mnist"], "mnist"),
      (good + ["--preset", "imagenet"], "image_size"),
      (good + ["--preset", "cifar", "--config", "x"], "--preset"),
      (["retrain", "--resume", "/nonexistent"], "/nonexistent"),
      (["retrain", "--resume", "/tmp", "--seed", "3"], "--seed"),
      (["retrain", "--config", "/nonexistent.yaml", "--out", "x"], "/nonexistent.yaml"),
      (["bench", "--genotype", line, "--quantities", "alpha_first"], "alpha_first"),
    ])
  func badInput(arguments: [String], mention: String) throws {
    let result = try CommandLineRunner.run(arguments)
    #expect(result.status != 0)
    #expect(result.errors.contains(mention), "\(result.errors)")
    #expect(result.output.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: "/nonexistent"))
  }

  @Test("a retraining repeated from its config.yaml, or killed and resumed, ends in the same bits")
  func repeatAndKill() throws {
    let scratch = try ScratchFolder()
    let folder = scratch.file("out")
    let flags = [
      "--channels", "4", "--layers", "3", "--batch", "2", "--epochs", "12", "--checkpoint-every", "1", "--keep-last", "0",
      "--threads", "1",
    ]
    let first = try CommandLineRunner.run(
      ["retrain", "--genotype", Self.line, "--dataset", "tensors:\(Self.golden)", "--out", "\(folder)/first"] + flags)
    try #require(first.status == 0, "\(first.errors)")
    #expect(first.output.contains("test accuracy"))

    let process = CommandLineRunner.process(
      ["retrain", "--config", "\(folder)/first/config.yaml", "--out", "\(folder)/second"])
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try process.run()
    while process.isRunning, !FileManager.default.fileExists(atPath: "\(folder)/second/checkpoints/epoch-004.safetensors") {
      usleep(300)
    }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    try #require(process.terminationReason == .uncaughtSignal, "a run that ended before its kill shows nothing")
    let resumed = try CommandLineRunner.run(["retrain", "--resume", "\(folder)/second", "--threads", "3"])
    #expect(resumed.status == 0, "\(resumed.errors)")
    let runs = try ["first", "second"].map { try SearchRunFolder(existing: "\(folder)/\($0)") }
    for epoch in [4, 12] {
      let tensors = try runs.map { try TensorFile(readingFrom: $0.checkpointPath(epoch: epoch)).tensors }
      #expect(tensors[0] == tensors[1], "epoch \(epoch)")
    }
  }
}
