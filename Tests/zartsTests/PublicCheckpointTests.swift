import Formats
import Foundation
import TestSupport
import Testing

@Suite("--weights that PyTorch wrote") struct PublicCheckpointTests {
  private let scratch: ScratchFolder
  private let name = "s5_c8_l3_b4"

  init() throws { scratch = try ScratchFolder() }

  /// The parameters, running statistics and α of the golden network.
  private func weights() throws -> [NamedTensor] {
    let others = ["expect.", "train.", "valid."]
    return try TensorFile(readingFrom: GoldenFile.path(name)).tensors.values.filter { tensor in
      !others.contains(where: tensor.name.hasPrefix) && tensor.values.typeName == "float32"
    }.sorted { $0.name < $1.name }
  }

  private func run(_ command: String, _ weights: String, _ more: [String] = []) throws -> CommandLineRunner.Result {
    let out = scratch.file("\(UUID().uuidString).safetensors")
    return try CommandLineRunner.run(
      [command, "--weights", weights, "--dataset", "tensors:\(GoldenFile.path(name))", "--threads", "1"] + more
        + ["--out", out])
  }

  private func gradients(_ weights: String, _ more: [String] = []) throws -> [String: NamedTensor] {
    let result = try run("gradients", weights, ["--estimators", "first"] + more)
    #expect(result.status == 0, "\(result.errors)")
    return try TensorFile(readingFrom: result.output.trimmingCharacters(in: .newlines)).tensors
  }

  /// The same tensors as a stage that keeps some operations of every edge, by their columns.
  private func stage(_ columns: [Int], names: (edges: String, operations: String)) throws -> [NamedTensor] {
    try weights().compactMap { tensor -> NamedTensor? in
      if tensor.name.hasPrefix("alphas_") {
        guard case .float32(let values) = tensor.values else { return nil }
        let kept = (0..<14).flatMap { row in columns.map { values[row * 8 + $0] } }
        return NamedTensor(name: tensor.name, shape: [14, columns.count], values: .float32(kept))
      }
      var parts = tensor.name.split(separator: ".").map(String.init)
      if parts.count > 5, parts[2] == "_ops" {
        guard let column = Int(parts[5]).flatMap(columns.firstIndex) else { return nil }
        (parts[2], parts[4], parts[5]) = (names.edges, names.operations, "\(column)")
      }
      return NamedTensor(name: parts.joined(separator: "."), shape: tensor.shape, values: tensor.values)
    }
  }

  @Test("give the results of the same tensors in safetensors, out of a checkpoint of a DataParallel model too")
  func same() throws {
    try TensorFile.write(weights(), metadata: [:], to: scratch.file("w.safetensors"))
    let expected = try gradients(scratch.file("w.safetensors"))
    let plain = try scratch.write(TorchBytes.file(of: weights()), to: "weights.pt")
    #expect(try gradients(plain) == expected)
    let prefixed = try weights().map { NamedTensor(name: "module.\($0.name)", shape: $0.shape, values: $0.values) }
    let checkpoint = TorchBytes.file(of: prefixed) { state in
      TorchBytes.dictionary([("epoch", TorchBytes.integer(49)), ("state_dict", state)])
    }
    let path = try scratch.write(checkpoint, to: "checkpoint.pth.tar")
    #expect(try gradients(path) == expected)
    let result = try run("gradients", path, ["--estimators", "first"])
    #expect(
      result.errors.contains("weights from 'state_dict', without epoch") && result.errors.contains("'module.' taken off"))
    let genotypes = try [path, scratch.file("w.safetensors")].map { source in
      try CommandLineRunner.run(["genotype", source, "--space", "s5"])
    }
    #expect(genotypes[0].status == 0 && genotypes[0].output == genotypes[1].output, "\(genotypes[0].errors)")
  }

  @Test("that hold objects are refused by their class") func objects() throws {
    for (file, mention) in [("genotype.pt", ".Genotype"), ("module.pt", "torch.nn.modules.container.Sequential")] {
      let result = try run("gradients", "\(GoldenFile.folder)/torch/\(file)")
      #expect(result.status != 0 && result.errors.contains("it is not executed"), "\(result.errors)")
      #expect(result.errors.contains(mention), "\(result.errors)")
    }
  }

  @Test("of a stage of P-DARTS are read under its names; what the tensors leave open, its log says") func stages() throws {
    let ours = ("_ops", "_ops")
    let theirs = ("cell_ops", "m_ops")
    // sep_conv_3x3, sep_conv_5x5, dil_conv_3x3: all of them show what they are.
    try TensorFile.write(stage([4, 5, 6], names: ours), metadata: [:], to: scratch.file("stage.safetensors"))
    let path = try scratch.write(TorchBytes.file(of: stage([4, 5, 6], names: theirs)), to: "weights.pt")
    let result = try run("gradients", path, ["--estimators", "first"])
    #expect(result.status == 0 && result.errors.contains("3 operations an edge"), "\(result.errors)")
    #expect(result.errors.contains("names of P-DARTS"), "\(result.errors)")
    let found = try gradients(path)
    #expect(try found["first.normal"]?.shape == [14, 3] && found == gradients(scratch.file("stage.safetensors")))
    // max_pool_3x3 or avg_pool_3x3?
    let open = try scratch.write(TorchBytes.file(of: stage([1, 4, 6], names: theirs)), to: "open.pt")
    let refused = try run("gradients", open, ["--estimators", "first"])
    #expect(refused.status != 0 && refused.errors.contains("max_pool_3x3 sep_conv_3x3 dil_conv_3x3"), "\(refused.errors)")
    #expect(refused.errors.contains("--operations"), "\(refused.errors)")
    func log(_ columns: [Int]) -> String {
      let row = "[" + (0..<8).map { columns.contains($0) ? "True" : "False" }.joined(separator: ", ") + "]"
      let rows = Array(repeating: row, count: 14).joined(separator: ", ")
      return "x switches_normal = [\(rows)]\nx switches_reduce = [\(rows)]\n"
    }
    try scratch.write(log([0, 1, 3, 4, 6]) + log([1, 4, 6]), to: "log.txt")
    let told = try gradients(open, ["--operations", scratch.file("log.txt")])
    try scratch.write(log([2, 4, 6]), to: "other.txt")
    let other = try gradients(open, ["--operations", scratch.file("other.txt")])
    #expect(told["first.normal"]?.shape == [14, 3] && told["first.normal"] != other["first.normal"])
    try scratch.write(log([1, 4, 7]), to: "wrong.txt")
    let wrong = try run("gradients", open, ["--operations", scratch.file("wrong.txt")])
    #expect(wrong.status != 0 && wrong.errors.contains("no stage of this network"), "\(wrong.errors)")
  }

  /// The stem of PC-DARTS' search on ImageNet, as PyTorch saves it, with images of 64 pixels.
  @Test("of a supernet with the stem of ImageNet are known by their tensors, evaluated and drawn") func imageNet() throws {
    let golden = GoldenFile.path("variants/s2_c8_l3_imagenet")
    let file = try TensorFile(readingFrom: golden)
    let others = ["expect.", "train.", "valid."]
    let tensors = file.tensors.values.filter { tensor in
      !others.contains(where: tensor.name.hasPrefix) && tensor.values.typeName == "float32"
    }.sorted { $0.name < $1.name }
    let path = try scratch.write(TorchBytes.file(of: tensors), to: "weights.pt")
    let subject = ["--weights", path, "--dataset", "tensors:\(golden)", "--threads", "1"]
    let expected = Double(try file.floats("expect.valid_loss")[0])
    let evaluated = try CommandLineRunner.run(
      ["evaluate"] + subject + ["--on", "validation", "--batch-norm", "batch", "--json"])
    #expect(evaluated.status == 0 && evaluated.errors.contains("the stem of ImageNet"), "\(evaluated.errors)")
    let json = try JSONSerialization.jsonObject(with: Data(evaluated.output.utf8)) as? [String: Any]
    let loss = (json?["splits"] as? [[String: Any]])?.first?["loss"] as? Double
    #expect(abs((loss ?? 0) / expected - 1) < 1e-6, "\(evaluated.output)")
    let drawn = try CommandLineRunner.run(
      ["landscape"] + subject + ["--over", "weights", "--grid", "1", "--out", scratch.file("plane")])
    #expect(drawn.status == 0, "\(drawn.errors)")
    let losses = try CSVTable(readingFrom: scratch.file("plane/landscape.csv")).doubles("loss")
    #expect(losses.count == 1 && abs(losses[0] / expected - 1) < 1e-6)
    let settings = try String(contentsOfFile: scratch.file("plane/landscape.yaml"), encoding: .utf8)
    #expect(settings.contains("\nscale: imagenet\n") && settings.contains("\npartial_channels: 2\n"), "\(settings)")
    let spectrum = try CommandLineRunner.run(
      ["spectrum"] + subject + [
        "--over", "weights", "--eigenvalues", "1", "--probes", "0", "--density-starts", "0", "--batches", "1", "--tolerance",
        "0.1", "--out", scratch.file("spectrum"),
      ])
    #expect(spectrum.status == 0, "\(spectrum.errors)")
    #expect(try CSVTable(readingFrom: scratch.file("spectrum/spectrum.csv")).doubles("value").allSatisfy(\.isFinite))
    // Metadata that say something else contradict the tensors.
    try TensorFile.write(tensors, metadata: ["scale": "cifar"], to: scratch.file("w.safetensors"))
    let refused = try CommandLineRunner.run(
      ["landscape", "--weights", scratch.file("w.safetensors")] + subject.dropFirst(2) + ["--out", scratch.file("none")])
    #expect(refused.status != 0 && refused.errors.contains("metadata scale: not what the tensors show"), "\(refused.errors)")
  }

  @Test("a search of a network for ImageNet is made, evaluated and drawn, and asks for images of its size")
  func imageNetSearch() throws {
    let golden = GoldenFile.path("variants/s2_c8_l3_imagenet")
    func search(_ dataset: String, _ out: String) throws -> CommandLineRunner.Result {
      try CommandLineRunner.run([
        "search", "--method", "darts1", "--space", "s2", "--dataset", "tensors:\(dataset)", "--scale", "imagenet",
        "--channels", "8", "--layers", "3", "--epochs", "1", "--threads", "1", "--out", scratch.file(out),
      ])
    }
    let made = try search(golden, "run")
    #expect(made.status == 0, "\(made.errors)")
    let checkpoint = scratch.file("run/checkpoints/epoch-001.safetensors")
    let file = try TensorFile(readingFrom: checkpoint)
    #expect(file.contains("stem0.3.weight") && !file.contains("stem.0.weight") && file.metadata["scale"] == "imagenet")
    #expect(file.contains("cells.0.preprocess0.conv_1.weight"))
    let drawn = try CommandLineRunner.run([
      "landscape", "--run", scratch.file("run"), "--objectives", "first", "--grid", "1", "--threads", "1", "--out",
      scratch.file("plane"),
    ])
    #expect(drawn.status == 0, "\(drawn.errors)")
    // The checkpoint by itself says what it is.
    let alone = try CommandLineRunner.run([
      "evaluate", "--weights", checkpoint, "--dataset", "tensors:\(golden)", "--threads", "1", "--on", "validation",
    ])
    #expect(alone.status == 0, "\(alone.errors)")
    let small = try search(GoldenFile.path(name), "small")
    #expect(
      small.status != 0 && small.errors.contains("found 32") && small.errors.contains("a multiple of 32, 64 to 2048"),
      "\(small.errors)")
  }

  @Test("take α of a file beside them, softmaxed in JSON as the released search of ZARTS writes it, and results say so")
  func alphas() throws {
    let (alphas, others) = try (
      weights().filter { $0.name.hasPrefix("alphas_") }, weights().filter { !$0.name.hasPrefix("alphas_") }
    )
    let lists = alphas.map { tensor -> String in
      guard case .float32(let values) = tensor.values else { return "" }
      let rows = (0..<14).map { row -> String in
        let exponentials = (0..<8).map { exp(Double(values[row * 8 + $0])) }
        let sum = exponentials.reduce(0, +)
        return "[" + exponentials.map { "\($0 / sum)" }.joined(separator: ", ") + "]"
      }
      return "\"\(tensor.name)\": [\(rows.joined(separator: ", "))]"
    }
    let json = try scratch.write("{\(lists.joined(separator: ", "))}", to: "49.txt")
    try TensorFile.write(weights(), metadata: [:], to: scratch.file("whole.safetensors"))
    try TensorFile.write(others, metadata: [:], to: scratch.file("w.safetensors"))
    let expected = try gradients(scratch.file("whole.safetensors"))
    let found = try gradients(scratch.file("w.safetensors"), ["--alphas", json])
    guard case .float32(let a)? = expected["first.normal"]?.values, case .float32(let b)? = found["first.normal"]?.values
    else {
      throw TestFailure("no gradients of float32")
    }
    // α moves by a constant a row, mixing weights by rounding: some ulps of values of this size.
    let scale = try #require(a.map(abs).max())
    #expect(a.count == 112 && zip(a, b).allSatisfy { abs($0 - $1) < 1e-4 * scale })
    let folder = scratch.file("plane")
    let landscape = try CommandLineRunner.run([
      "landscape", "--weights", scratch.file("w.safetensors"), "--alphas", json, "--dataset",
      "tensors:\(GoldenFile.path(name))", "--objectives", "first", "--grid", "1", "--threads", "1", "--out", folder,
    ])
    #expect(
      landscape.status == 0 && landscape.errors.contains("its rows are softmaxed; α = log p about its mean"),
      "\(landscape.errors)")
    let settings = String(decoding: try FileBytes.read("\(folder)/landscape.yaml"), as: UTF8.self)
    #expect(settings.contains("checkpoint_alphas: \"\(json)\""), "\(settings)")
    let genotypes = try [json, scratch.file("whole.safetensors")].map {
      try CommandLineRunner.run(["genotype", $0, "--space", "s5"])
    }
    #expect(genotypes[0].status == 0 && genotypes[0].output == genotypes[1].output, "\(genotypes[0].errors)")
  }
}
