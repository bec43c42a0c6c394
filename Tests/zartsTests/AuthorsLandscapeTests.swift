import Formats
import Foundation
import TestSupport
import Testing

/// The landscape of the authors' script, from one flag.
@Suite("zarts landscape --preset authors") struct AuthorsLandscapeTests {
  private static let golden = GoldenFile.path("s3_c8_l5_b4")

  private func settings(_ folder: String) throws -> [String: String] {
    let text = try String(contentsOfFile: folder + "/landscape.yaml", encoding: .utf8)
    return Dictionary(
      uniqueKeysWithValues: text.split(separator: "\n").map { line in
        let parts = line.split(separator: ":", maxSplits: 1)
        return (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces))
      })
  }

  @Test("sets what the script does, says it in landscape.yaml and the caption, and gives way to flags") func preset() throws
  {
    let scratch = try ScratchFolder()
    let search = try CommandLineRunner.run([
      "search", "--method", "darts1", "--space", "s3", "--channels", "4", "--layers", "3", "--epochs", "2", "--dataset",
      "tensors:\(Self.golden)", "--seed", "3", "--out", scratch.file("run"),
    ])
    #expect(search.status == 0, "\(search.errors)")
    let command = ["landscape", "--run", scratch.file("run"), "--preset", "authors", "--grid", "2"]
    let made = try CommandLineRunner.run(command + ["--svg", "--out", scratch.file("authors")])
    #expect(made.status == 0, "\(made.errors)")
    let found = try settings(scratch.file("authors"))
    let checkpoint = try TensorFile(readingFrom: scratch.file("run/checkpoints/epoch-002.safetensors"))
    let rate = try #require(checkpoint.metadata["learning_rate"].flatMap(Double.init).map(Float.init))
    for (key, value) in [
      ("objectives", "\"first,true:2,true:11\""), ("grid", "2"), ("range", "1.0"), ("batch_norm", "running"),
      ("validation_batches", "augmented"), ("inner_learning_rate", "0.001"), ("unrolled_learning_rate", "\(rate)"),
      ("fresh_momentum", "true"), ("batches", "fresh"),
    ] {
      #expect(found[key] == value, "\(key): \(found[key] ?? "none")")
    }
    #expect(try CSVTable(readingFrom: scratch.file("authors/landscape.csv")).rows.count == 12)
    let own = try CommandLineRunner.run(
      command + [
        "--batch-norm", "batch", "--batches", "fixed", "--no-fresh-momentum", "--validation-batches", "1", "--objectives",
        "first", "--range", "2", "--out", scratch.file("own"),
      ])
    #expect(own.status == 0, "\(own.errors)")
    let mixed = try settings(scratch.file("own"))
    #expect(mixed["batch_norm"] == "batch" && mixed["validation_batches"] == "1" && mixed["objectives"] == "\"first\"")
    #expect(mixed["fresh_momentum"] == nil && mixed["batches"] == nil && mixed["range"] == "2.0")
    #expect(mixed["inner_learning_rate"] == "0.001", "what no flag says is the preset's")
    let estimate = try CommandLineRunner.run(command.dropLast(2) + ["--dry-run"])
    #expect(estimate.output.contains("points: 2601, each 3 forward passes and 11 training steps\n"), "\(estimate.output)")
  }

  @Test("is listed and printed by zarts presets --landscapes") func listing() throws {
    let all = try CommandLineRunner.run(["presets", "--landscapes"])
    #expect(all.status == 0 && all.output.contains("authors") && all.output.contains("first,true:2,true:11"))
    let one = try CommandLineRunner.run(["presets", "authors", "--landscapes"])
    #expect(one.status == 0 && one.output.contains("\ngrid: 51\n") && one.output.contains("\nbatch_norm: running\n"))
    let wrong = try CommandLineRunner.run(["presets", "paper", "--landscapes"])
    #expect(wrong.status == 64 && wrong.errors.contains("'paper'") && wrong.errors.contains("authors"))
    let both = try CommandLineRunner.run(["presets", "--landscapes", "--retraining"])
    #expect(both.status == 64 && both.errors.contains("--landscapes"))
  }
}
