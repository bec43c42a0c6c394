import Formats
import Foundation
import TestSupport
import Testing

@Suite("zarts landscape: kinds, modes, paths and estimates") struct LandscapeFlagTests {
  private static let golden = GoldenFile.path("s3_c8_l5_b4")

  private let good = ["landscape", "--weights", golden, "--dataset", "tensors:\(golden)"]

  private func settings(_ folder: String) throws -> [String: String] {
    let text = try String(contentsOfFile: folder + "/landscape.yaml", encoding: .utf8)
    return Dictionary(
      uniqueKeysWithValues: text.split(separator: "\n").map { line in
        let parts = line.split(separator: ":", maxSplits: 1)
        return (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces))
      })
  }

  @Test(
    "flags that cannot be meant are named",
    arguments: [
      (["--directions", "left,right"], "'left'"), (["--directions", "random"], "a plane has two directions"),
      (["--directions", "random*3"], "kind line"), (["--directions", "pca1,pca2"], "path of α"),
      (["--directions", "random,to:/nonexistent"], "/nonexistent"),
      (["--directions", "first,file:/nonexistent.npy"], "/nonexistent.npy"),
      (["--directions", "first,first"], "direction 2"), (["--normalisation", "filter"], "filter"),
      (["--batch-norm", "frozen"], "frozen"), (["--batch-norm", "running"], "running statistics"),
      (["--recalibration-batches", "4"], "--recalibration-batches"),
      (["--batch-norm", "recalibrated", "--recalibration-batches", "0"], "--recalibration-batches"),
      (["--validation-batches", "most"], "--validation-batches"), (["--points", "5"], "--points"),
      (["--kind", "line", "--grid", "5"], "--grid"), (["--kind", "line", "--points", "0"], "--points"),
      (["--kind", "line", "--refine", "1"], "--refine"), (["--kind", "cube"], "cube"),
      (["--kind", "line", "--trajectory", "x"], "--trajectory"), (["--refine", "-1"], "--refine"),
      (["--refine", "1", "--grid", "1"], "--refine"), (["--range", "auto"], "--range"), (["--range", "wide"], "'wide'"),
      (["--center", "mean"], "--center"), (["--center", "origin"], "origin"), (["--parallel", "0"], "--parallel"),
      (["--preset", "paper"], "paper"), (["--inner-learning-rate", "0"], "--inner-learning-rate"),
      (["--inner-learning-rate", "1e-60"], "--inner-learning-rate"), (["--batches", "new"], "'new'"),
      (["--directions", "true,random"], "true:10"), (["--directions", "true:0,random"], "true:0"),
      (["--parallel", "many"], "many"), (["--trajectory", "/nonexistent"], "/nonexistent"),
    ])
  func badFlags(arguments: [String], mention: String) throws {
    let scratch = try ScratchFolder()
    let result = try CommandLineRunner.run(good + arguments + ["--out", scratch.file("out")])
    #expect(result.status != 0)
    #expect(result.errors.contains(mention), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("out")))
  }

  @Test("--dry-run tells the time that it would take, and does nothing else") func dryRun() throws {
    let scratch = try ScratchFolder()
    let result = try CommandLineRunner.run(
      good + ["--objectives", "first,second,true:2,true:5", "--grid", "3", "--parallel", "2", "--dry-run"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("points: 9, each 4 forward passes and 6 training steps\n"))
    #expect(result.output.contains("at a time: 2 points on ") && result.output.contains("\nestimated time: "))
    let costly = try CommandLineRunner.run(good + ["--directions", "zarts,second", "--grid", "3", "--dry-run"])
    #expect(costly.output.contains("directions: as long as 4 forward passes and 45 training steps\n"), "\(costly.output)")
    let named = try CommandLineRunner.run(good + ["--grid", "3", "--dry-run", "--out", scratch.file("out")])
    #expect(named.status == 0)
    #expect(!FileManager.default.fileExists(atPath: scratch.file("out")))
    let neither = try CommandLineRunner.run(good + ["--grid", "3"])
    #expect(neither.status != 0 && neither.errors.contains("--out"))
    let real = try CommandLineRunner.run(
      good + ["--grid", "2", "--objectives", "first", "--timing", "--out", scratch.file("real")])
    #expect(real.errors.contains("estimated time: ") && real.errors.contains("timing: "), "\(real.errors)")
  }

  @Test("weights with running statistics give other losses with them, and the whole split one of its own")
  func modes() throws {
    let scratch = try ScratchFolder()
    let search = try CommandLineRunner.run([
      "search", "--method", "zarts-mgs", "--space", "s3", "--channels", "4", "--layers", "3", "--epochs", "3", "--warmup",
      "1", "--inner-steps", "2", "--candidates", "2", "--dataset", "tensors:\(Self.golden)", "--seed", "3", "--out",
      scratch.file("run"),
    ])
    #expect(search.status == 0, "\(search.errors)")
    var losses: [String: [Double]] = [:]
    for (name, flags) in [
      ("batch", []), ("running", ["--batch-norm", "running"]),
      ("recalibrated", ["--batch-norm", "recalibrated", "--recalibration-batches", "1"]),
      ("split", ["--validation-batches", "all"]),
    ] {
      let out = scratch.file(name)
      let result = try CommandLineRunner.run(
        ["landscape", "--run", scratch.file("run"), "--objectives", "first,true:2", "--grid", "1", "--out", out] + flags)
      #expect(result.status == 0, "\(result.errors)")
      losses[name] = try CSVTable(readingFrom: out + "/landscape.csv").doubles("loss")
      let found = try settings(out)
      #expect(found["batch_norm"] == (name == "split" ? "batch" : name))
      #expect(found["recalibration_batches"] == (name == "recalibrated" ? "1" : nil))
      #expect(found["method"] == "zarts-mgs" && found["finished_epochs"] == "3" && found["kind"] == "grid")
      #expect(found["directions"] == "\"random,random\"")
      #expect(found["validation_batches"] == (name == "split" ? "all" : "1"))
      let checkpoint = try TensorFile(readingFrom: scratch.file("run/checkpoints/epoch-003.safetensors"))
      let alphas = try checkpoint.doubles("alphas_normal")
      let norm = alphas.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(abs(try #require(found["alpha_norm_normal"].flatMap(Double.init)) / norm - 1) < 1e-12)
    }
    #expect(Set(["batch", "running", "recalibrated"].compactMap { losses[$0]?[0] }).count == 3)
    // A tensors: data set is one batch, and it is not augmented.
    #expect(losses["split"] == losses["batch"])
  }

  @Test("paths of two runs are projected onto their common plane, with a grid around them") func trajectories() throws {
    let scratch = try ScratchFolder()
    for (name, method) in [("one", "darts1"), ("two", "random")] {
      let search = try CommandLineRunner.run([
        "search", "--method", method, "--space", "s3", "--channels", "4", "--layers", "3", "--epochs", "3", "--candidates",
        "2", "--dataset", "tensors:\(Self.golden)", "--seed", "3", "--out", scratch.file(name),
      ])
      #expect(search.status == 0, "\(search.errors)")
    }
    let out = scratch.file("out")
    let result = try CommandLineRunner.run([
      "landscape", "--run", scratch.file("one"), "--directions", "pca1,pca2", "--trajectory", scratch.file("one"),
      "--trajectory", scratch.file("two"), "--objectives", "first", "--grid", "3", "--out", out,
    ])
    #expect(result.status == 0, "\(result.errors)")
    let table = try CSVTable(readingFrom: out + "/trajectory.csv")
    #expect(try table.column("run") == ["one", "one", "one", "two", "two", "two"])
    #expect(try table.integers("epoch") == [1, 2, 3, 1, 2, 3])
    let found = try settings(out)
    #expect(found["normalisation"] == "none" && found["center"] == "mean")
    let shares = try ["explained_variance_1", "explained_variance_2"].map { try #require(found[$0].flatMap(Double.init)) }
    #expect(shares[0] >= shares[1] && shares[1] > 0 && shares[0] + shares[1] <= 1 + 1e-12)
    let range = try #require(found["range"].flatMap(Double.init))
    let farthest = try (table.doubles("x") + table.doubles("y")).map(abs).max() ?? 0
    #expect(abs(range / farthest - 1.1) < 1e-12)
    // The run's own path is taken where no other is named; towards the other run, at coordinate 1, lies its α.
    let own = try CommandLineRunner.run([
      "landscape", "--run", scratch.file("one"), "--directions", "pca1,to:\(scratch.file("two"))", "--objectives", "first",
      "--kind", "line", "--points", "3", "--out", scratch.file("own"),
    ])
    #expect(own.status == 0, "\(own.errors)")
    #expect(try CSVTable(readingFrom: scratch.file("own/lines.csv")).rows.count == 6)
    #expect(!FileManager.default.fileExists(atPath: scratch.file("own/trajectory.csv")))
    // α of another space has no place in this plane.
    let other = try CommandLineRunner.run(
      ["landscape", "--run", scratch.file("one"), "--trajectory", scratch.file("other"), "--grid", "1", "--out", out])
    #expect(other.status != 0 && other.errors.contains(scratch.file("other")))
  }

  @Test("a landscape made side by side is the one made alone") func parallel() throws {
    let scratch = try ScratchFolder()
    let flags =
      good + ["--grid", "3", "--objectives", "first,second,true:2", "--directions", "zarts,random", "--refine", "1"]
    let widths = [
      ("a", ["--threads", "1"]), ("b", ["--threads", "4", "--parallel", "3"]), ("c", []),
      ("d", ["--threads", "4", "--parallel", "2", "--pin"]),
    ]
    for (name, width) in widths {
      let result = try CommandLineRunner.run(flags + width + ["--out", scratch.file(name)])
      #expect(result.status == 0, "\(result.errors)")
    }
    for name in try FileManager.default.contentsOfDirectory(atPath: scratch.file("a")) where !name.hasSuffix(".png") {
      let whole = try FileBytes.read(scratch.file("a/\(name)"))
      #expect(try FileBytes.read(scratch.file("b/\(name)")) == whole, "\(name)")
      #expect(try FileBytes.read(scratch.file("c/\(name)")) == whole, "\(name)")
      #expect(try FileBytes.read(scratch.file("d/\(name)")) == whole, "\(name)")
    }
  }
}
