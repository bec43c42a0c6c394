import Formats
import Foundation
import Retraining
import TestSupport
import Testing

/// The built program choosing among searches, and listing how retrainings are set.
@Suite("zarts select, and presets of retrainings") struct SelectCommandTests {
  private static let golden = GoldenFile.path("s2_c16_l3_b4")
  private static let line =
    "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ('max_pool_3x3', 0), ('skip_connect', 1), "
    + "('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1)], normal_concat=range(2, 6), "
    + "reduce=[('max_pool_3x3', 0), ('skip_connect', 1), ('max_pool_3x3', 0), ('skip_connect', 1), ('max_pool_3x3', 0), "
    + "('skip_connect', 1), ('max_pool_3x3', 0), ('skip_connect', 1)], reduce_concat=range(2, 6))"
  private static let other = line.replacing("sep_conv_3x3", with: "dil_conv_3x3")

  private func withFolder(_ body: (String) throws -> Void) throws {
    let scratch = try ScratchFolder()
    let folder = scratch.path
    try body(folder)
  }

  @Test(
    "Wrong command lines end with 64 and name what is wrong",
    arguments: [
      (["select"], "candidates: found 0"), (["select", line, "--out", "x"], "candidates: found 1"),
      (["select", line, other, "--dataset", "fashion-mnist"], "--out"),
      (["select", line, other, "--out", "x"], "--dataset"),
      (["select", line, other, "--dataset", "fashion-mnist", "--hold-out", "--out", "x"], "--hold-out"),
      (["select", line, other, "--dataset", "fashion-mnist", "--test-every", "2", "--out", "x"], "--test-every"),
      (["select", line, other, "--dataset", "fashion-mnist", "--brief-epochs", "0", "--out", "x"], "--brief-epochs"),
      (["select", line, other, "--dataset", "fashion-mnist", "--preset", "mnist", "--out", "x"], "mnist"),
      (["select", "--resume", "/tmp", "--seed", "3"], "--seed"),
    ])
  func usage(arguments: [String], mention: String) throws {
    let result = try CommandLineRunner.run(arguments)
    #expect(result.status == 64 && result.errors.contains(mention), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: "x"))
  }

  @Test("Searches of two spaces are no repetitions of one, and data without a test split leave nothing to report on")
  func refused() throws {
    try withFolder { folder in
      for space in ["s2", "s3"] {
        let made = try CommandLineRunner.run([
          "search", "--method", "darts1", "--space", space, "--dataset", "tensors:\(Self.golden)", "--channels", "4",
          "--layers", "3", "--epochs", "1", "--threads", "1", "--out", "\(folder)/\(space)",
        ])
        try #require(made.status == 0, "\(made.errors)")
      }
      let mixed = try CommandLineRunner.run(["select", "\(folder)/s2", "\(folder)/s3", "--out", "\(folder)/out"])
      #expect(mixed.status == 1)
      #expect(mixed.errors.contains("\(folder)/s3: setting space: searches that differ"), "\(mixed.errors)")
      #expect(mixed.errors.contains("found s3, wanted s2, as in \(folder)/s2"), "\(mixed.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/out"))
      let none = try CommandLineRunner.run([
        "select", Self.line, Self.other, "--dataset", "tensors:\(Self.golden)", "--no-auxiliary", "--channels", "4",
        "--layers", "3", "--batch", "2", "--brief-epochs", "1", "--threads", "1", "--out", "\(folder)/none",
      ])
      #expect(none.status != 0 && none.errors.contains("no test split"), "\(none.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/none/candidates"))
    }
  }

  @Test("Presets of retrainings are listed with their sources, and printed without genotype and data")
  func presets() throws {
    let result = try CommandLineRunner.run(["presets", "--retraining"])
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(result.status == 0 && lines.count == 2 + RetrainingPreset.all.count)
    for (line, preset) in zip(lines.dropFirst(2), RetrainingPreset.all) {
      #expect(line.hasPrefix(preset.name + " ") && line.hasSuffix(preset.source))
    }
    let printed = try CommandLineRunner.run(["presets", "zarts-imagenet"]).output
    let expected = try RetrainingPreset(named: "zarts-imagenet", at: "").configuration(genotype: Self.line, dataset: "d")
    let whole = printed + "genotype: \"\(Self.line)\"\ndataset: d\n"
    #expect(try RetrainingConfiguration(yaml: whole, from: "output") == expected, "\(printed)")
    let wrong = try CommandLineRunner.run(["presets", "--retraining", "mnist"])
    #expect(wrong.status != 0 && wrong.errors.contains("'mnist'") && wrong.errors.contains("zarts-svhn"))
  }

  @Test("A retraining that holds images out prints the validation accuracy of its last and best epoch")
  func printed() throws {
    try withFolder { folder in
      let result = try CommandLineRunner.run([
        "retrain", "--genotype", Self.line, "--dataset", "tensors:\(Self.golden)", "--no-auxiliary", "--channels", "4",
        "--layers", "3", "--batch", "2", "--epochs", "2", "--hold-out", "--nesterov", "--schedule", "linear",
        "--warmup-epochs", "1", "--threads", "1", "--out", "\(folder)/run",
      ])
      try #require(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("validation accuracy ") && result.output.contains("in the last epoch (2)"))
      let records = try RetrainingRecord.read(from: "\(folder)/run/metrics.csv")
      #expect(records.map(\.learningRate) == [0.025, 0.0125] && records.allSatisfy { $0.testAccuracy == nil })
    }
  }
}
