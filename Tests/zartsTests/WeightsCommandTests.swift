import Formats
import Foundation
import TestSupport
import Testing

@Suite("--weights of anyone's") struct WeightsCommandTests {
  /// The parameters and α of a golden file.
  private func weights(_ name: String) throws -> [NamedTensor] {
    let others = ["expect.", "train.", "valid."]
    return try TensorFile(readingFrom: GoldenFile.path(name)).tensors.values.filter { tensor in
      !others.contains(where: tensor.name.hasPrefix)
    }
  }

  private func gradients(_ path: String, of name: String, _ more: [String], in scratch: ScratchFolder) throws
    -> CommandLineRunner.Result
  {
    try CommandLineRunner.run(
      ["gradients", "--weights", path, "--dataset", "tensors:\(GoldenFile.path(name))", "--threads", "1"] + more
        + ["--out", scratch.file("\(UUID().uuidString).safetensors")])
  }

  @Test(
    "need no flags and no metadata: names and shapes of the tensors say what the network is",
    arguments: [
      ("s1_c16_l3_b4", "space s1, 16 channels, 3 cells"), ("s2_c16_l3_b4", "space s2, 16 channels, 3 cells"),
      ("s3_c8_l5_b4", "space s3, 8 channels, 5 cells"), ("s5_c8_l3_b4", "space s5, 8 channels, 3 cells"),
      ("s6_c16_l3_b8", "space s6, 16 channels, 3 cells"),
      ("variants/s1_c4_l4_k2", "space s1, 4 channels, 4 cells, operations on 1/2 of the channels, edge normalisation"),
      ("variants/s3_c8_l3_k4", "space s3, 8 channels, 3 cells, operations on 1/4 of the channels"),
      ("variants/s5_c8_l3_k4", "space s5, 8 channels, 3 cells, operations on 1/4 of the channels, edge normalisation"),
      ("variants/s6_c4_l3_merged", "space s6, 4 channels, 3 cells, merged convolutions"),
      ("variants/s1_c8_l4_merged", "space s1, 8 channels, 4 cells, merged convolutions"),
      ("variants/s1_c8_l3_auxiliary", "space s1, 8 channels, 3 cells, auxiliary skip connections at β = 0.7"),
    ])
  func inference(name: String, network: String) throws {
    let scratch = try ScratchFolder()
    try TensorFile.write(weights(name), metadata: [:], to: scratch.file("bare.safetensors"))
    let arguments = ["--estimators", "first"]
    let told = try gradients(GoldenFile.path(name), of: name, arguments, in: scratch)
    let bare = try gradients(scratch.file("bare.safetensors"), of: name, arguments, in: scratch)
    #expect(told.status == 0 && bare.status == 0, "\(told.errors) \(bare.errors)")
    #expect(bare.errors.contains("\(network) by the names and shapes of its tensors"), "\(bare.errors)")
    let results = try [told, bare].map { result in
      try TensorFile(readingFrom: result.output.trimmingCharacters(in: .newlines)).tensors
    }
    #expect(results[0] == results[1])
  }

  @Test("of a network with auxiliary skip connections need β, which a state_dict does not say") func auxiliarySkips() throws
  {
    let scratch = try ScratchFolder()
    let name = "variants/s1_c8_l3_auxiliary"
    let path = scratch.file("w.safetensors")
    try TensorFile.write(weights(name).filter { $0.name != "auxiliary_skip" }, metadata: [:], to: path)
    func first(_ path: String, _ flags: [String]) throws -> CommandLineRunner.Result {
      try gradients(path, of: name, ["--estimators", "first"] + flags, in: scratch)
    }
    let silent = try first(path, [])
    #expect(silent.status == 64 && silent.errors.contains("--auxiliary-skip"), "\(silent.errors)")
    let results =
      try [first(GoldenFile.path(name), []), first(path, ["--auxiliary-skip", "0.7"])] + [
        first(path, ["--auxiliary-skip", "0"])
      ]
    #expect(results.allSatisfy { $0.status == 0 }, "\(results.map(\.errors))")
    let tensors = try results.map { try TensorFile(readingFrom: $0.output.trimmingCharacters(in: .newlines)).tensors }
    #expect(tensors[0] == tensors[1] && tensors[0] != tensors[2])
    // The network of the file has none.
    let plain = try gradients(
      GoldenFile.path("s3_c8_l5_b4"), of: "s3_c8_l5_b4", ["--auxiliary-skip", "0.7"], in: scratch)
    #expect(plain.status == 64 && plain.errors.contains("--auxiliary-skip: not the network of"), "\(plain.errors)")
  }

  @Test("that contradict their metadata or the flags are refused, with what the tensors show") func contradictions() throws {
    let scratch = try ScratchFolder()
    let name = "s3_c8_l5_b4"
    let path = scratch.file("w.safetensors")
    let cases: [(metadata: [String: String], flags: [String], mentions: [String])] = [
      (["space": "s2"], [], ["metadata space", "'s2'", "space s3"]),
      (["space": "nasbench"], [], ["metadata space", "'nasbench'", "space s3"]),
      (["space": "darts"], [], ["metadata space", "'darts'", "space s3"]),
      (["channels": "16"], [], ["metadata channels", "8 channels"]),
      (["channels": "many"], [], ["metadata channels", "'many'"]), (["layers": "8"], [], ["metadata layers", "5 cells"]),
      (["partial_channels": "4"], [], ["metadata partial_channels"]),
      (["edge_normalisation": "true"], [], ["metadata edge_normalisation"]),
      (["merged_convolutions": "yes"], [], ["metadata merged_convolutions", "'yes'"]),
      ([:], ["--space", "s5"], ["--space", "space s3"]), ([:], ["--layers", "8"], ["--layers", "5 cells"]),
      ([:], ["--channels", "16"], ["--channels", "8 channels"]),
    ]
    for (metadata, flags, mentions) in cases {
      try TensorFile.write(weights(name), metadata: metadata, to: path)
      let result = try gradients(path, of: name, flags, in: scratch)
      #expect(result.status != 0, "\(metadata) \(flags)")
      for mention in mentions { #expect(result.errors.contains(mention), "\(metadata) \(flags): \(result.errors)") }
    }
    try TensorFile.write(weights(name), metadata: ["space": "S3"], to: path)
    let spelled = try gradients(path, of: name, ["--estimators", "first"], in: scratch)
    #expect(spelled.status == 0 && spelled.errors.contains("'S3' is read as space s3"), "\(spelled.errors)")
    // A classifier of other data is no contradiction within the file.
    try TensorFile.write(
      weights(name).filter { !$0.name.hasPrefix("classifier.") } + [
        .init(name: "classifier.weight", shape: [7, 128], values: .float32(.init(repeating: 0, count: 896))),
        .init(name: "classifier.bias", shape: [7], values: .float32(.init(repeating: 0, count: 7))),
      ], metadata: [:], to: path)
    let classes = try gradients(path, of: name, [], in: scratch)
    #expect(classes.errors.contains("space s3 (its tensors), 8 channels (its tensors)"), "\(classes.errors)")
  }

  @Test("are read past the prefix of DataParallel, and damaged files of PyTorch and those of numpy are named")
  func otherForms() throws {
    let scratch = try ScratchFolder()
    let name = "s3_c8_l5_b4"
    let path = scratch.file("w.safetensors")
    try TensorFile.write(
      weights(name).map { .init(name: "module.\($0.name)", shape: $0.shape, values: $0.values) }, metadata: [:], to: path)
    let parallel = try gradients(path, of: name, ["--estimators", "first"], in: scratch)
    #expect(parallel.status == 0 && parallel.errors.contains("'module.' taken off"), "\(parallel.errors)")
    let zip: [UInt8] = [0x50, 0x4B, 3, 4, 20, 0, 8, 8, 0, 0]
    let pickle: [UInt8] = [0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20]
    for (file, bytes, mention) in [
      ("a.pt", zip, "the archive is damaged"), ("b.pth", pickle, "a pickle without PyTorch's magic number"),
      ("c.npz", zip, "a zip archive of numpy arrays"), ("d.npy", [0x93] + Array("NUMPY\u{1}\0v".utf8), "a numpy array"),
    ] {
      try AtomicFile.write(bytes, to: scratch.file(file))
      let result = try gradients(scratch.file(file), of: name, [], in: scratch)
      #expect(result.status != 0 && result.errors.contains(file) && result.errors.contains(mention), "\(result.errors)")
    }
  }

  @Test("without α or momentum are taken as they are, which is said on standard error and in the results") func lacking()
    throws
  {
    let scratch = try ScratchFolder()
    let name = "s3_c8_l5_b4"
    let path = scratch.file("w.safetensors")
    try TensorFile.write(weights(name).filter { !$0.name.hasPrefix("alphas_") }, metadata: [:], to: path)
    let arguments = ["--weights", path, "--dataset", "tensors:\(GoldenFile.path(name))", "--threads", "1"]
    let first = try CommandLineRunner.run(
      ["landscape", "--objectives", "first", "--grid", "1", "--out", scratch.file("first")] + arguments)
    #expect(first.status == 0 && first.errors.contains("α = 0") && !first.errors.contains("momentum"), "\(first.errors)")
    let second = try CommandLineRunner.run(
      ["landscape", "--objectives", "first,second", "--grid", "1", "--out", scratch.file("second")] + arguments)
    #expect(second.status == 0 && second.errors.contains("optimiser at rest"), "\(second.errors)")
    let settings = String(decoding: try FileBytes.read(scratch.file("second/landscape.yaml")), as: UTF8.self)
    #expect(settings.contains("checkpoint_alphas: none") && settings.contains("checkpoint_momentum: none"), "\(settings)")
    let keys = settings.split(separator: "\n").compactMap { $0.split(separator: ":").first }
    #expect(Set(keys).count == keys.count, "a key twice: \(settings)")
    let page = try CommandLineRunner.run(["report", scratch.file("second"), "--out", scratch.file("page.html")])
    #expect(page.status == 0, "\(page.errors)")
    let written = try gradients(path, of: name, [], in: scratch)
    let file = try TensorFile(readingFrom: written.output.trimmingCharacters(in: .newlines))
    #expect(file.metadata["alphas"]?.hasPrefix("none") == true && file.metadata["momentum"]?.hasPrefix("none") == true)
    // Momentum under its documented names changes the second-order gradient and nothing is noted.
    let moving = try weights(name).filter { !$0.name.contains("alphas_") && !$0.name.contains("running_") }.map { tensor in
      NamedTensor(
        name: "momentum.\(tensor.name)", shape: tensor.shape,
        values: .float32(.init(repeating: 0.5, count: tensor.values.count)))
    }
    let (still, moved) = (scratch.file("still.safetensors"), scratch.file("moved.safetensors"))
    try TensorFile.write(weights(name), metadata: [:], to: still)
    try TensorFile.write(weights(name) + moving, metadata: [:], to: moved)
    let results = try [still, moved].map { try gradients($0, of: name, [], in: scratch) }
    #expect(results[0].errors.contains("momentum.NAME") && !results[1].errors.contains("momentum"), "\(results[1].errors)")
    let tensors = try results.map { try TensorFile(readingFrom: $0.output.trimmingCharacters(in: .newlines)).tensors }
    #expect(tensors[0]["first.normal"] == tensors[1]["first.normal"])
    #expect(tensors[0]["second.normal"] != tensors[1]["second.normal"])
  }
}
