import Formats
import Foundation
import TestSupport
import Testing

@Suite("zarts landscape and zarts gradients") struct LandscapeCommandTests {
  private func good(_ name: String = "s3_c8_l5_b4") -> [String] {
    ["--weights", GoldenFile.path(name), "--dataset", "tensors:\(GoldenFile.path(name))"]
  }

  /// Ten steps on four images amplify rounding by 10⁴ wherever a ReLU or a maximum falls to the other side: PyTorch in
  /// float32 is 4e-4 (s2) and 2.7e-3 (s6) away from its own float64 values. The kernels' bits are the same on every
  /// processor, so what holds here holds everywhere.
  @Test(
    "the losses of the golden files are reproduced",
    arguments: ["s1_c16_l3_b4", "s2_c16_l3_b4", "s3_c8_l5_b4", "s5_c8_l3_b4", "s6_c16_l3_b8"])
  func goldenLosses(name: String) throws {
    let scratch = try ScratchFolder()
    let file = try TensorFile(readingFrom: GoldenFile.path(name))
    let result = try CommandLineRunner.run(
      ["landscape"] + good(name)
        + ["--objectives", "first,second,true:1,true:5,true:10", "--grid", "1", "--out", scratch.file("out")])
    #expect(result.status == 0, "\(result.errors)")
    let table = try CSVTable(readingFrom: scratch.file("out/landscape.csv"))
    #expect(
      table.columns == ["i", "j", "x", "y", "objective", "inner_steps", "loss", "accuracy", "loss_error", "accuracy_error"])
    #expect(try table.integers("inner_steps") == [0, 1, 1, 5, 10])
    let expected =
      try file.doubles("expect.valid_loss") + file.doubles("expect.unrolled_valid_loss")
      + file.doubles("expect.valid_loss_after")
    let tolerances = [1e-6, 1e-6, 1e-6, 1e-3, 1e-3]
    for (index, loss) in try table.doubles("loss").enumerated() {
      #expect(abs(loss / expected[index] - 1) < tolerances[index], "\(name), row \(index): \(loss), \(expected[index])")
    }
    let png = try FileBytes.read(scratch.file("out/landscape.png"))
    #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
  }

  /// On s6 one maximum of the training batch is decided by less than float32 resolves, and the central difference
  /// multiplies what hangs on it: PyTorch in float32 misses its own float64 second-order gradient by the same 4.0e-2.
  @Test(
    "the gradients of the golden files are reproduced",
    arguments: [
      ("s1_c16_l3_b4", 1e-4, 1e-4), ("s2_c16_l3_b4", 1e-4, 1e-4), ("s3_c8_l5_b4", 1e-4, 1e-4),
      ("s5_c8_l3_b4", 1e-4, 1e-4), ("s6_c16_l3_b8", 1e-4, 5e-2),
    ])
  func goldenGradients(name: String, first: Double, second: Double) throws {
    let scratch = try ScratchFolder()
    let file = try TensorFile(readingFrom: GoldenFile.path(name))
    let result = try CommandLineRunner.run(["gradients"] + good(name) + ["--out", scratch.file("g.safetensors")])
    #expect(result.status == 0, "\(result.errors)")
    let found = try TensorFile(readingFrom: scratch.file("g.safetensors"))
    #expect(found.tensors.keys.sorted() == ["first.normal", "first.reduce", "second.normal", "second.reduce"])
    for (order, tolerance) in [("first", first), ("second", second)] {
      for cell in ["normal", "reduce"] {
        let exact = try file.tensor("expect.alpha_grad_\(order).\(cell)")
        let values = try file.doubles(exact.name)
        let difference = zip(try found.doubles("\(order).\(cell)", shape: exact.shape), values).map { $0 - $1 }
        let error = norm(difference) / norm(values)
        #expect(error < tolerance, "\(name), \(order).\(cell): \(error)")
      }
    }
  }

  @Test("a grid has its rows, its directions and its figures, on any number of threads and after --resume")
  func grid() throws {
    let scratch = try ScratchFolder()
    let arguments =
      ["landscape"] + good() + ["--grid", "2", "--objectives", "first,true:2", "--directions-seed", "5", "--svg", "--pdf"]
    let one = try CommandLineRunner.run(arguments + ["--threads", "1", "--out", scratch.file("a")])
    #expect(one.status == 0, "\(one.errors)")
    let three = try CommandLineRunner.run(arguments + ["--threads", "3", "--out", scratch.file("b")])
    #expect(three.status == 0, "\(three.errors)")
    for name in ["landscape.csv", "landscape.npy", "comparison.csv", "directions.safetensors", "landscape.yaml"] {
      #expect(try FileBytes.read(scratch.file("a/\(name)")) == FileBytes.read(scratch.file("b/\(name)")), "\(name)")
    }
    #expect(try CSVTable(readingFrom: scratch.file("a/landscape.csv")).rows.count == 8)
    for name in ["landscape.png", "landscape.svg", "landscape.pdf"] {
      #expect(FileManager.default.fileExists(atPath: scratch.file("a/\(name)")))
      #expect(one.output.contains(scratch.file("a/\(name)")))
    }
    let again = try CommandLineRunner.run(arguments + ["--out", scratch.file("a")])
    #expect(again.status != 0)
    #expect(again.errors.contains("holds results already"))
    let resumed = try CommandLineRunner.run(arguments + ["--resume", "--out", scratch.file("a")])
    #expect(resumed.status == 0, "\(resumed.errors)")
    let other = try CommandLineRunner.run(arguments + ["--range", "2", "--resume", "--out", scratch.file("a")])
    #expect(other.status != 0)
    #expect(other.errors.contains("range: 1.0"))
  }

  @Test("a checkpoint of a run brings its settings, its learning rate and its momentum") func ownRun() throws {
    let scratch = try ScratchFolder()
    let search = try CommandLineRunner.run([
      "search", "--method", "darts1", "--space", "s3", "--channels", "8", "--layers", "3", "--epochs", "2", "--dataset",
      "tensors:\(GoldenFile.path("s3_c8_l5_b4"))", "--seed", "3", "--out", scratch.file("run"),
    ])
    #expect(search.status == 0, "\(search.errors)")
    let source = ["landscape", "--run", scratch.file("run"), "--objectives", "first,second", "--grid", "1"]
    let result = try CommandLineRunner.run(source + ["--epoch", "1", "--out", scratch.file("one")])
    #expect(result.status == 0, "\(result.errors)")
    let checkpoint = try TensorFile(readingFrom: scratch.file("run/checkpoints/epoch-001.safetensors"))
    let rate = try #require(checkpoint.metadata["learning_rate"].flatMap(Double.init))
    let settings = try String(contentsOfFile: scratch.file("one/landscape.yaml"), encoding: .utf8)
    #expect(settings.contains("space: s3\nchannels: 8\nlayers: 3\nseed: 3\n"))
    #expect(settings.contains("inner_learning_rate: \(Float(rate))\n"))
    #expect(settings.contains("batch_epoch: 1\n"))
    // Without the momentum the unrolled step, and so the second loss, is another; the first is not.
    let still = checkpoint.tensors.values.filter { !$0.name.hasPrefix("momentum.") }
    try TensorFile.write(Array(still), metadata: checkpoint.metadata, to: scratch.file("still.safetensors"))
    let bare = try CommandLineRunner.run([
      "landscape", "--weights", scratch.file("still.safetensors"), "--space", "s3", "--channels", "8", "--layers", "3",
      "--dataset", "tensors:\(GoldenFile.path("s3_c8_l5_b4"))", "--seed", "3", "--objectives", "first,second", "--grid", "1",
      "--out", scratch.file("still"),
    ])
    #expect(bare.status == 0, "\(bare.errors)")
    let (with, without) = (
      try CSVTable(readingFrom: scratch.file("one/landscape.csv")).doubles("loss"),
      try CSVTable(readingFrom: scratch.file("still/landscape.csv")).doubles("loss")
    )
    #expect(with[0] == without[0])
    #expect(with[1] != without[1])
    let latest = try CommandLineRunner.run(source + ["--out", scratch.file("latest")])
    #expect(latest.status == 0, "\(latest.errors)")
    #expect(try String(contentsOfFile: scratch.file("latest/landscape.yaml"), encoding: .utf8).contains("batch_epoch: 2\n"))
    let absent = try CommandLineRunner.run(source + ["--epoch", "7", "--out", scratch.file("absent")])
    #expect(absent.status != 0)
    #expect(absent.errors.contains("epoch-007.safetensors"))
    #expect(!FileManager.default.fileExists(atPath: scratch.file("absent")))
  }

  @Test(
    "flags that cannot be meant are named",
    arguments: [
      (["--objectives", "third"], "third"), (["--objectives", "true:0"], "true:0"), (["--objectives", ""], "--objectives"),
      (["--grid", "0"], "--grid"), (["--grid", "many"], "many"), (["--range", "0"], "--range"),
      (["--range", "nan"], "--range"),
      (["--inner-lr", "0"], "--inner-lr"), (["--inner-lr", "1e99"], "--inner-lr"),
      (["--directions-seed", "-1"], "--directions-seed"),
      (["--normalisation", "filter"], "filter"), (["--validation-batches", "0"], "--validation-batches"),
      (["--epoch", "1"], "--epoch"), (["--run", "/nonexistent"], "--run and --weights"), (["--space", "s7"], "s7"),
      (["--space", "s2"], "space s3"), (["--channels", "16"], "8 channels"), (["--layers", "3"], "5 cells"),
      (["--layers", "6"], "5 cells"), (["--out", "/proc/none"], "/proc/none"),
      (["--resume"], "cannot be opened"),
    ])
  func badFlags(arguments: [String], mention: String) throws {
    let scratch = try ScratchFolder()
    let out = arguments.contains("--out") ? [] : ["--out", scratch.file("out")]
    let result = try CommandLineRunner.run(["landscape"] + good() + arguments + out)
    #expect(result.status != 0)
    #expect(result.errors.contains(mention), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("out")))
  }

  @Test("a source that is not named, or not there, is an error") func badSources() throws {
    let scratch = try ScratchFolder()
    let out = ["--out", scratch.file("out")]
    let weights = ["--weights", GoldenFile.path("s3_c8_l5_b4")]
    let bad: [([String], String)] = [
      ([], "none of --run, --retraining, --weights"), (weights, "--dataset"),
      (["--weights", "/nonexistent", "--dataset", "fashion-mnist"], "/nonexistent"),
      (weights + ["--dataset", "tensors:/nonexistent"], "/nonexistent"), (["--run", "/nonexistent"], "/nonexistent"),
      (["--run", scratch.path], "config.yaml"), (["--run", scratch.path, "--space", "s2"], "--space"),
    ]
    for (arguments, mention) in bad {
      for command in ["landscape", "gradients"] {
        let result = try CommandLineRunner.run([command] + arguments + out)
        #expect(result.status != 0)
        #expect(result.errors.contains(mention), "\(command): \(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: scratch.file("out")))
      }
    }
    let estimators = try CommandLineRunner.run(["gradients"] + good() + ["--estimators", "first,third"] + out)
    #expect(estimators.status != 0 && estimators.errors.contains("third"))
  }

  @Test("a damaged file of weights is refused, and the entry at fault named") func damagedWeights() throws {
    let scratch = try ScratchFolder()
    let whole = try TensorFile(readingFrom: GoldenFile.path("s3_c8_l5_b4"))
    func refused(_ mention: String, _ change: (inout [String: NamedTensor]) -> Void) throws {
      var tensors = whole.tensors
      change(&tensors)
      try TensorFile.write(Array(tensors.values), metadata: whole.metadata, to: scratch.file("w.safetensors"))
      try refusedFile(mention)
    }
    func refusedFile(_ mention: String) throws {
      let result = try CommandLineRunner.run([
        "landscape", "--weights", scratch.file("w.safetensors"), "--dataset", "tensors:\(GoldenFile.path("s3_c8_l5_b4"))",
        "--grid", "1", "--out", scratch.file("out"),
      ])
      #expect(result.status != 0)
      #expect(result.errors.contains(mention), "\(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: scratch.file("out")))
    }
    let name = "classifier.bias"
    try refused("\(name): there is no such tensor") { $0[name] = nil }
    try refused("\(name): wrong shape") {
      $0[name] = .init(name: name, shape: [9], values: .float32(.init(repeating: 0, count: 9)))
    }
    try refused("\(name): wrong type") {
      $0[name] = .init(name: name, shape: [10], values: .int64(.init(repeating: 0, count: 10)))
    }
    try refused("\(name): a value that float32 cannot hold") {
      $0[name] = .init(name: name, shape: [10], values: .float64(.init(repeating: 1e39, count: 10)))
    }
    try refused("classifier.scale: unexpected tensor") {
      $0["classifier.scale"] = .init(name: "classifier.scale", shape: [1], values: .float32([1]))
    }
    try refused("alphas_reduce: there is no such tensor") { $0["alphas_reduce"] = nil }
    try refused("alphas_normal: wrong shape") {
      $0["alphas_normal"] = .init(name: "alphas_normal", shape: [14, 2], values: .float32(.init(repeating: 0, count: 28)))
    }
    let bytes = try FileBytes.read(GoldenFile.path("s3_c8_l5_b4"))
    try AtomicFile.write(Array(bytes[..<(bytes.count - 8)]), to: scratch.file("w.safetensors"))
    try refusedFile("truncated")
  }

  @Test("weights without α are looked at around uniform mixing") func withoutAlphas() throws {
    let scratch = try ScratchFolder()
    let whole = try TensorFile(readingFrom: GoldenFile.path("s3_c8_l5_b4"))
    try TensorFile.write(
      whole.tensors.values.filter { !$0.name.hasPrefix("alphas_") }, metadata: [:], to: scratch.file("w.safetensors"))
    let result = try CommandLineRunner.run([
      "landscape", "--weights", scratch.file("w.safetensors"), "--dataset", "tensors:\(GoldenFile.path("s3_c8_l5_b4"))",
      "--space", "s3", "--channels", "8", "--layers", "5", "--objectives", "first", "--grid", "1", "--out",
      scratch.file("out"),
    ])
    #expect(result.status == 0, "\(result.errors)")
    let directions = try TensorFile(readingFrom: scratch.file("out/directions.safetensors"))
    #expect(try directions.floats("alphas_normal", shape: [14, 3]).allSatisfy { $0 == 0 })
    #expect(abs(norm(try directions.doubles("direction1.normal", shape: [14, 3])) - 1) < 1e-12)
  }
}
