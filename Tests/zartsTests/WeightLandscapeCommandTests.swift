import Formats
import Foundation
import TestSupport
import Testing

@Suite("zarts landscape --over weights and both") struct WeightLandscapeCommandTests {
  private static let golden = GoldenFile.path("s3_c8_l5_b4")
  private let good = ["landscape", "--weights", golden, "--dataset", "tensors:\(golden)", "--threads", "1"]

  private func settings(_ folder: String) throws -> [String: String] {
    let text = try String(contentsOfFile: folder + "/landscape.yaml", encoding: .utf8)
    return Dictionary(
      uniqueKeysWithValues: text.split(separator: "\n").map { line in
        let parts = line.split(separator: ":", maxSplits: 1)
        return (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces))
      })
  }

  @Test("a plane of weights: filters of the directions have the norms of the network's, biases and batch norm stay")
  func plane() throws {
    let scratch = try ScratchFolder()
    let folder = scratch.file("out")
    let command = good + ["--over", "weights", "--grid", "3", "--range", "0.1"]
    let made = try CommandLineRunner.run(command + ["--svg", "--svg-text", "--out", folder])
    #expect(made.status == 0, "\(made.errors)")
    let found = try settings(folder)
    for (key, value) in [
      ("over", "weights"), ("objectives", "\"first\""), ("weight_normalisation", "filter,filter"),
      ("ignore", "biasbn,biasbn"),
      ("orthogonalise", "false"), ("directions", "\"random,random\""), ("center", "checkpoint"),
    ] { #expect(found[key] == value, "\(key): \(found[key] ?? "none")") }
    #expect(found["normalisation"] == nil && found["data"] == nil)
    // Two random directions in so many dimensions are all but orthogonal.
    #expect(abs(Double(found["direction_cosine"] ?? "") ?? 1) < 0.1)
    let (weights, file) = (
      try TensorFile(readingFrom: Self.golden), try TensorFile(readingFrom: folder + "/directions.safetensors")
    )
    var filters = 0
    for direction in 1...2 {
      let prefix = "direction\(direction)."
      let names = file.tensors.keys.filter { $0.hasPrefix(prefix) }.sorted()
      #expect(names.count > 20 && names.contains(prefix + "stem.0.weight") && names.contains(prefix + "classifier.bias"))
      for name in names {
        let tensor = try file.tensor(name)
        let values = try file.doubles(name)
        guard tensor.shape.count > 1 else {
          #expect(values.allSatisfy { $0 == 0 }, "\(name)")
          continue
        }
        let own = try weights.doubles(String(name.dropFirst(prefix.count)), shape: tensor.shape)
        let size = values.count / tensor.shape[0]
        let away = (0..<tensor.shape[0]).map { output in
          let range = output * size..<(output + 1) * size
          return abs(norm(Array(values[range])) / norm(Array(own[range])) - 1)
        }
        #expect(away.allSatisfy { $0 <= 1e-6 }, "\(name): \(away)")
        filters += away.count
      }
    }
    #expect(filters > 200)
    let table = try CSVTable(readingFrom: folder + "/landscape.csv")
    let losses = try table.doubles("loss")
    let expected = try weights.doubles("expect.valid_loss")[0]
    #expect(losses.count == 9 && abs(losses[4] / expected - 1) < 1e-6, "the centre is the checkpoint")
    #expect(Set(losses).count == 9)
    let svg = try String(contentsOfFile: folder + "/landscape.svg", encoding: .utf8)
    #expect(svg.contains("direction 1 (filter-normalised)") && svg.contains("direction 2 (filter-normalised)"))
    // A finished one is read back; another normalisation is refused by name, and so is another ω.
    let again = try CommandLineRunner.run(command + ["--resume", "--out", folder])
    #expect(again.status == 0, "\(again.errors)")
    let other = try CommandLineRunner.run(command + ["--weight-normalisation", "layer", "--resume", "--out", folder])
    #expect(other.status != 0 && other.errors.contains("'weight_normalisation: filter,filter'"), "\(other.errors)")
    let whole = try CommandLineRunner.run(command + ["--ignore", "none", "--resume", "--out", folder])
    #expect(whole.status != 0 && whole.errors.contains("'ignore: biasbn,biasbn'"), "\(whole.errors)")
    let seed = try CommandLineRunner.run(command + ["--directions-seed", "1", "--resume", "--out", folder])
    #expect(seed.status != 0 && seed.errors.contains("'directions_seed: 0'"), "\(seed.errors)")
  }

  @Test("checkpoints whose content is not that of their checksum are refused as directions and on paths") func damaged()
    throws
  {
    let scratch = try ScratchFolder()
    let others = ["expect.", "train.", "valid."]
    let weights = try TensorFile(readingFrom: Self.golden).tensors.values.filter { tensor in
      !others.contains(where: tensor.name.hasPrefix)
    }
    try TensorFile.writeChecked(Array(weights), metadata: [:], to: scratch.file("a.safetensors"))
    let damaged = scratch.file("b.safetensors")
    try TensorFile.write(Array(weights), metadata: [TensorFile.checksumKey: "00000000"], to: damaged)
    for flags in [
      ["--directions", "to:\(damaged),random"],
      ["--directions", "random,random", "--trajectory", scratch.file("a.safetensors"), "--trajectory", damaged],
    ] {
      let refused = try CommandLineRunner.run(
        good + ["--over", "weights", "--grid", "1", "--out", scratch.file("none")] + flags)
      #expect(refused.status != 0 && refused.errors.contains("the content is damaged or was changed"), "\(refused.errors)")
      #expect(refused.errors.contains("b.safetensors"), "\(refused.errors)")
    }
  }

  @Test("points of weights are the same side by side and on any number of threads") func parallel() throws {
    let scratch = try ScratchFolder()
    let command = good.dropLast(2) + ["--over", "weights", "--grid", "2", "--range", "0.2", "--objectives", "first,true:2"]
    let alone = try CommandLineRunner.run(command + ["--threads", "1", "--parallel", "1", "--out", scratch.file("a")])
    let together = try CommandLineRunner.run(command + ["--threads", "3", "--parallel", "2", "--out", scratch.file("b")])
    #expect(alone.status == 0 && together.status == 0, "\(alone.errors) \(together.errors)")
    for name in ["landscape.csv", "landscape.npz", "directions.safetensors", "landscape.yaml"] {
      #expect(try FileBytes.read(scratch.file("a/\(name)")) == FileBytes.read(scratch.file("b/\(name)")), "\(name)")
    }
  }

  @Test("a mixed plane has an axis of α and one of ω, in the files and the figure") func mixed() throws {
    let scratch = try ScratchFolder()
    let folder = scratch.file("out")
    let made = try CommandLineRunner.run(
      good + [
        "--over", "both", "--directions", "alpha:first,weights:random", "--grid", "3", "--range", "0.1", "--objectives",
        "first,true:1", "--svg", "--svg-text", "--out", folder,
      ])
    #expect(made.status == 0, "\(made.errors)")
    let found = try settings(folder)
    #expect(found["over"] == "both" && found["directions"] == "\"alpha:first,weights:random\"")
    #expect(found["weight_normalisation"] == "filter" && found["normalisation"] == "cell")
    let file = try TensorFile(readingFrom: folder + "/directions.safetensors")
    #expect(file.contains("direction1.normal") && file.contains("direction2.stem.0.weight"))
    let svg = try String(contentsOfFile: folder + "/landscape.svg", encoding: .utf8)
    #expect(svg.contains("per cell)") && svg.contains("direction 2 (filter-normalised)"))
    let lines = try CommandLineRunner.run(
      good + [
        "--over", "both", "--directions", "weights:random*2,alpha:random", "--kind", "line", "--points", "3",
        "--objectives", "first", "--out", scratch.file("lines"),
      ])
    #expect(lines.status == 0, "\(lines.errors)")
    let table = try CSVTable(readingFrom: scratch.file("lines/lines.csv"))
    #expect(try table.integers("direction") == [1, 1, 1, 2, 2, 2, 3, 3, 3])
    let losses = try table.doubles("loss")
    #expect(losses[1] == losses[4] && losses[4] == losses[7], "all lines meet in the checkpoint")
  }

  @Test("towards another network: 0 is the one, 1 the other") func interpolation() throws {
    let scratch = try ScratchFolder()
    let weights = try TensorFile(readingFrom: Self.golden)
    // The other has a classifier of zeros, so its loss is the logarithm of the number of classes.
    let other = weights.tensors.values.map { tensor in
      tensor.name.hasPrefix("classifier.")
        ? NamedTensor(
          name: tensor.name, shape: tensor.shape, values: .float32([Float](repeating: 0, count: tensor.values.count)))
        : tensor
    }
    try TensorFile.write(other, metadata: weights.metadata, to: scratch.file("other.safetensors"))
    let made = try CommandLineRunner.run(
      good + [
        "--over", "weights", "--directions", "to:\(scratch.file("other.safetensors"))", "--kind", "line", "--points", "3",
        "--out", scratch.file("out"),
      ])
    #expect(made.status == 0, "\(made.errors)")
    let losses = try CSVTable(readingFrom: scratch.file("out/lines.csv")).doubles("loss")
    let classes = try weights.tensor("classifier.bias").shape[0]
    #expect(close(losses[1], try weights.doubles("expect.valid_loss")[0], .relative(1e-6)))
    #expect(close(losses[2], Foundation.log(Double(classes)), .relative(1e-6)))
    #expect(try settings(scratch.file("out"))["weight_normalisation"] == "none")
  }

  @Test("the path of a search is drawn in the plane of its principal components") func path() throws {
    let scratch = try ScratchFolder()
    let search = try CommandLineRunner.run([
      "search", "--method", "darts1", "--space", "s3", "--channels", "4", "--layers", "3", "--epochs", "4", "--dataset",
      "tensors:\(Self.golden)", "--seed", "3", "--out", scratch.file("run"),
    ])
    #expect(search.status == 0, "\(search.errors)")
    let folder = scratch.file("out")
    let made = try CommandLineRunner.run([
      "landscape", "--run", scratch.file("run"), "--over", "weights", "--directions", "pca1,pca2", "--grid", "3",
      "--threads",
      "1", "--out", folder,
    ])
    #expect(made.status == 0, "\(made.errors)")
    let trajectory = try CSVTable(readingFrom: folder + "/trajectory.csv")
    let (x, y) = (try trajectory.doubles("x"), try trajectory.doubles("y"))
    #expect(x.count >= 4)
    // The last checkpoint is the centre.
    #expect(abs(x[x.count - 1]) < 1e-5 && abs(y[y.count - 1]) < 1e-5)
    let found = try settings(folder)
    let range = try #require(found["range"].flatMap(Double.init))
    #expect(range >= (x + y).map(abs).max() ?? .infinity, "the plane holds the path")
    let shares = ["explained_variance_1", "explained_variance_2"].map { found[$0].flatMap(Double.init) ?? 0 }
    #expect(shares[0] >= shares[1] && shares[1] > 0 && shares[0] + shares[1] <= 1.000001, "\(shares)")
  }

  @Test(
    "flags that cannot be meant are named",
    arguments: [
      (["--weight-normalisation", "filter"], "--weight-normalisation"), (["--ignore", "none"], "--ignore"),
      (["--orthogonalise"], "--orthogonalise"), (["--eigenvectors", "x"], "--eigenvectors"), (["--over", "all"], "all"),
      (["--data", "train"], "train"), (["--over", "weights", "--normalisation", "cell"], "--normalisation"),
      (["--over", "weights", "--weight-normalisation", "row"], "'row'"),
      (["--over", "weights", "--ignore", "bias"], "'bias'"),
      (["--over", "weights", "--directions", "first,random"], "'first'"),
      (["--over", "weights", "--directions", "random"], "kind line"),
      (["--over", "both", "--directions", "random,random"], "'random'"),
      (["--over", "weights", "--directions", "pca1,pca2", "--range", "1"], "path of ω"),
      (["--over", "weights", "--directions", "hessian1,random"], "no eigenvectors given"),
      (["--over", "weights", "--directions", "hessian1,random", "--eigenvectors", "/nonexistent"], "/nonexistent"),
      (["--over", "weights", "--directions", "to:/nonexistent,random"], "/nonexistent"),
      (["--over", "weights", "--weight-normalisation", "filter,layer,model"], "--weight-normalisation"),
      (["--over", "weights", "--center", "mean"], "--center"),
      (["--over", "both", "--trajectory", "x"], "--trajectory: goes with"),
      (["--over", "weights", "--eigenvectors", "x"], "--eigenvectors: goes with"),
    ])
  func badFlags(arguments: [String], mention: String) throws {
    let scratch = try ScratchFolder()
    let result = try CommandLineRunner.run(good + arguments + ["--grid", "1", "--out", scratch.file("out")])
    #expect(result.status != 0)
    #expect(result.errors.contains(mention), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("out")))
  }

  @Test("the preset of loss-landscape is listed, and says what it sets") func preset() throws {
    let one = try CommandLineRunner.run(["presets", "loss-landscape", "--landscapes"])
    #expect(one.status == 0, "\(one.errors)")
    for line in [
      "over: weights", "data: training", "objectives: \"first\"", "grid: 51", "batch_norm: running",
      "validation_batches: all",
    ] {
      #expect(one.output.contains("\n\(line)\n"), "\(line)")
    }
  }
}
